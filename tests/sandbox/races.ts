/** Between check and use: files that are swapped while the host looks at them, behind every set of walls. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { DataRecord } from "../../core/records.ts";
import { column, readTables, writeTables } from "../../data/tables.ts";
import { writeNpyInPlace } from "../../formats/npy.ts";
import { type PluginLocation, readManifest } from "../../registry/manifest.ts";
import { describePlugin, type PluginSource, sandboxedSource } from "../../run/hooks/plugin_source.ts";
import { predictNew } from "../../run/replay/predict.ts";
import { execute } from "../../run/stages/execute.ts";
import { NEVER_STOP, type RunRequest } from "../../run/stages/request.ts";
import { Cache, digestTables } from "../../run/store/cache.ts";
import { openRun } from "../../run/store/run_directory.ts";
import { openSandbox } from "../../sandbox/host/host.ts";
import type { HookListener, PluginHost } from "../../sandbox/protocol/plugin_host.ts";
import { placeFiles } from "../../tasks/data/simulate.ts";
import { withTempDir } from "../support/plugins.ts";
import { limitsOf, type Mode, modes } from "./harness.ts";
import { type Race, RACER, RACES, SWAPPER } from "./race_plugin.ts";

const { present } = await modes();
/** Where no link can be made. */
const linkless = present.filter(({ name }) => name !== "bubblewrap without Landlock");
/** bubblewrap as on a kernel without Landlock: there links can be made, and the host alone keeps them out. */
const unlocked = present.filter(({ walls }) => walls.bubblewrap).map(({ walls }): Mode => ({
  name: "bubblewrap without Landlock",
  walls: { ...walls, landlock: false },
}));

/** The value that the user's array is full of, and a text of the user. */
const PRIVATE = 42.125;
const SECRET = "secret-of-the-user";
const BYTES_OF_PRIVATE = new TextDecoder("latin1").decode(Float32Array.of(PRIVATE, PRIVATE));

/** Milliseconds after the last file at which the swaps begin: the sandbox has answered, and the host has looked. */
const BEGIN_MS = 20;
/** Milliseconds for which the host is held up between its look and its reading. */
const HELD_MS = 60;

type Races = { readonly [hook: string]: Race };

interface Ended {
  readonly path: string;
  readonly text: string;
}

interface Arena {
  readonly root: string;
  readonly source: PluginSource;
  /** Runs the experiment, or its action, with races by hook; gives the summary or the error. */
  run(races: Races, action?: string): Promise<Ended>;
  /** Lets it simulate, and places the files in a folder. */
  simulate(races: Races, out: string): Promise<readonly string[]>;
  /** Fails if something of the user is found in what is below these folders. */
  checkNothingStolen(...folders: string[]): void;
}

/** The plugin beside files of the user, behind walls. */
async function withArena(mode: Mode, use: (arena: Arena) => Promise<void>): Promise<void> {
  await withTempDir(async (root) => {
    const outside = join(root, "outside");
    await makeFilesOfUser(outside);
    const location = await makePlugin(join(root, "racer"));
    const source: PluginSource = {
      ...sandboxedSource(location),
      open: async (grants) => heldUp(await openSandbox(location, grants, limitsOf(20), mode.walls)),
    };
    const before = listing(outside);
    await use({
      root,
      source,
      run: (races, action) => runRaces(root, source, { outside, races: textOf(races) }, action),
      simulate: (races, out) => simulateIn(root, source, { outside, races: textOf(races) }, out),
      checkNothingStolen(...folders) {
        const found = [join(root, "runs"), join(root, "cache"), ...folders].flatMap(filesOfUser);
        assert.deepEqual(found, [], "something of the user came back");
      },
    });
    assert.deepEqual(listing(outside), before, "something of the user was moved or changed");
  });
}

function textOf(races: Races): string {
  return JSON.stringify(
    Object.fromEntries(Object.entries(races).map(([hook, race]) => [hook, { ...race, waitMs: BEGIN_MS }])),
  );
}

/** What a link would lead to: files and folders that could be taken for those of the plugin. */
async function makeFilesOfUser(outside: string): Promise<void> {
  const array = { dtype: "float32", shape: [64, 2], data: new Float32Array(128).fill(PRIVATE) } as const;
  const x = column(array.data, { unit: "1", shape: array.shape });
  await writeTables(outside, { train: { x, y: x }, new: { x } });
  await Deno.mkdir(join(outside, "m"));
  for (const name of ["private.npy", "train/0.npy", "p.npy"]) writeNpyInPlace(join(outside, name), array);
  const texts = [
    "id_rsa",
    "a.svg",
    "a.json",
    "out.txt",
    "m/predict.json",
    "m/step.json",
    "m/state.safetensors",
  ];
  for (const name of texts) await Deno.writeTextFile(join(outside, name), SECRET);
}

async function makePlugin(directory: string): Promise<PluginLocation> {
  await Deno.mkdir(directory);
  const manifest = { beamline: { name: "racer", title: "A trial" } };
  const files = { "deno.json": JSON.stringify(manifest), "mod.ts": RACER, "swapper.ts": SWAPPER };
  for (const [name, text] of Object.entries(files)) await Deno.writeTextFile(join(directory, name), text);
  return await readManifest(directory, "path");
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** The hook point: the host is held up after it has looked at what the sandbox left, and before it reads it. */
function heldUp(host: PluginHost): PluginHost {
  return {
    permissions: host.permissions,
    get asked() {
      return host.asked;
    },
    async call(hook, args, listener: HookListener = {}) {
      const { onCall } = listener;
      const value = await host.call(hook, args, {
        ...listener,
        ...(onCall && {
          onCall: async (method, args) => {
            if (method === "call" || method === "upload") await pause(HELD_MS);
            return await onCall(method, args);
          },
        }),
      });
      if (!["describe", "parse"].includes(hook)) await pause(HELD_MS);
      return value;
    },
    close: () => host.close(),
  };
}

async function runRaces(
  root: string,
  source: PluginSource,
  flags: { readonly [name: string]: string },
  action?: string,
): Promise<Ended> {
  let path = "";
  const request: RunRequest = {
    source,
    ...(action === undefined ? {} : { action }),
    config: { flags, workingDirectory: root },
    seed: 0,
    engine: "reference",
    out: join(root, "runs"),
    cache: join(root, "cache"),
    command: [],
    listener: { onRun: (run) => void (path = run.path) },
    stop: NEVER_STOP,
  };
  try {
    const { run } = await execute(request);
    return { path, text: String(run.record.summary ?? "") };
  } catch (error) {
    assert.match((error as Error).name, /^(PluginError|DataError)$/, Deno.inspect(error));
    return { path, text: (error as Error).message };
  }
}

/** What `deno task data simulate` does between its sandbox and the folder of the user. */
async function simulateIn(
  root: string,
  source: PluginSource,
  config: { readonly [name: string]: string },
  out: string,
): Promise<readonly string[]> {
  const shared = await new Cache(join(root, "cache")).scratchShared();
  const host = await source.open({ read: [], sharedDirectory: shared.path });
  try {
    const names = await host.call("simulate", { config, seed: 0 }) as string[];
    await host.close();
    return await placeFiles(shared.take("files", { plugin: "racer", hook: "simulate" }), names, out);
  } finally {
    await host.close();
    await shared.remove();
  }
}

/** What `deno task predict` does with a run of the plugin. */
async function predictIn({ root, source }: Arena, path: string, directory: string): Promise<number> {
  const cache = join(root, "cache");
  const { rows } = await predictNew({
    run: await openRun(path),
    source,
    description: await describePlugin(source, cache),
    data: join(root, "racer", "deno.json"),
    directory,
    cache,
    engine: "reference",
  });
  return rows;
}

/** Every file with its size and number of names. */
function listing(folder: string): string[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) => {
    const path = join(folder, name);
    const { size, nlink } = Deno.lstatSync(path);
    return isDirectory ? listing(path) : [`${path} ${size} ${nlink}`];
  }).sort();
}

/** Links below a folder, and files with the user's text or numbers. */
function filesOfUser(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory, isSymlink }) => {
    const path = join(folder, name);
    if (isDirectory) return filesOfUser(path);
    if (isSymlink) return [path];
    const text = new TextDecoder("latin1").decode(Deno.readFileSync(path));
    return [SECRET, BYTES_OF_PRIVATE, String(PRIVATE)].some((mark) => text.includes(mark)) ? [path] : [];
  });
}

/** Tests that no link can be made for a race, and that prepared tables are those that were recorded. */
export function testRaces(): void {
  for (const mode of linkless) {
    Deno.test(`no link can be made for a race behind ${mode.name}, and nothing of the user comes back`, async () => {
      await withArena(mode, async (arena) => {
        const { root, run, simulate, checkNothingStolen } = arena;
        const [out, predictions] = [join(root, "out"), join(root, "predictions")];
        const whole = await run(RACES);
        assert.match(whole.text, /^links by no way$/);
        assert.match((await run(RACES, "act")).text, /^links by no way$/);
        assert.equal((await simulate(RACES, out)).length, 1);
        assert.equal(await predictIn(arena, whole.path, predictions), 64);
        checkNothingStolen(out, predictions);
      });
    });
  }

  for (const mode of present) {
    Deno.test(`prepared tables are kept as they were read and recorded, behind ${mode.name}`, async () => {
      await withArena(mode, async ({ root, run }) => {
        const { path } = await run({
          prepare: { after: "tables/tables.json", swaps: { "tables/train/y.npy": "none" } },
        });
        const { cacheKey, tables } = JSON.parse(
          await Deno.readTextFile(join(path, "data.json")),
        ) as DataRecord;
        const cache = new Cache(join(root, "cache"));
        const taken = await cache.take(cacheKey!);
        assert.ok(taken && "entry" in taken, Deno.inspect(taken));
        const digests = digestTables(await readTables(cache.tables(cacheKey!)));
        assert.deepEqual(digests, taken.entry.digests);
        assert.equal(digests["train/y"], tables.train!.columns.y!.sha256);
        const zeros = digestTables({ train: { y: column(new Float32Array(256), { unit: "1" }) } });
        assert.notEqual(
          digests["train/y"],
          zeros["train/y"],
          "the sandbox had changed the file before it ended",
        );
      });
    });
  }
}

/** How often a swap is tried that comes too late. */
const TRIES = 5;

/** What comes of one swap in one hook. */
async function swapped(arena: Arena, hook: string, race: Race): Promise<string> {
  const { root, run, simulate } = arena;
  const races = { [hook]: race };
  if (hook === "simulate") return await simulate(races, join(root, "out")).then(String, String);
  const { path, text } = await run(races, hook === "action" ? "act" : undefined);
  if (hook !== "readForPrediction") return text;
  return await predictIn(arena, path, join(root, "predictions")).then(String, String);
}

/**
 * Tests that the host follows no link where one can be made: a run for each place of each hook.
 *
 * @param isWhole All places; else the deepest of each hook.
 */
export function testSwaps(isWhole: boolean): void {
  for (const mode of unlocked) {
    Deno.test(`the host follows no link in the place of a file or folder, behind ${mode.name}`, async (t) => {
      await withArena(mode, async (arena) => {
        for (const [hook, { after, swaps }] of Object.entries(RACES)) {
          for (const [name, target] of Object.entries(swaps).slice(isWhole ? 0 : -1)) {
            await t.step(`${hook}: ${name}`, async () => {
              // seen when it is taken, or before by the survey of the whole directory
              const rule = /Cannot take "[^"]+" as it must be a [a-z ]+: found|Cannot continue as .*" is/;
              const seen = new RegExp(`(${rule.source}) a symbolic link`);
              let text = "";
              // on a busy machine a swap can come when the sandbox has been stopped: then nothing was to be seen
              for (let i = 0; i < TRIES && !seen.test(text); i++) {
                text = await swapped(arena, hook, { after, swaps: { [name]: target } });
                assert.doesNotMatch(text, /stolen|secret-of/);
                arena.checkNothingStolen(...["out", "predictions"].map((folder) => join(arena.root, folder)));
              }
              assert.match(text, seen);
            });
          }
        }
      });
    });
  }
}
