/**
 * `kill -9` at three hundred seeded moments of every command that writes, on three plugins, with space on the disk and
 * without: nothing is lost, nothing half written, and the same command afterwards gives the bytes of one that was let alone.
 */
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { randomFor } from "beamline";
import { fill, KIB, withSmallDisk } from "../support/disks.ts";
import { sha256Hex } from "../../core/hash.ts";
import { listRuns } from "../../run/store/run_directory.ts";
import { killCommandAt, outcomeOf, type Victim } from "../support/killing.ts";
import { withTempDir } from "../support/plugins.ts";
import { ROOT, writeTrial } from "../support/trial.ts";

const SEED = 20_261_201;
const VICTIMS: readonly Victim[] = ["host", "tree", "sandbox"];
/** Moments of each command of each plugin. */
const MOMENTS = 11;

/** Moments of each plugin on a disk that is nearly full. */
const FULL_MOMENTS = 20;

/** Plugins and the flags that make a run of them tiny. */
const PLUGINS: { readonly [plugin: string]: readonly string[] } = {
  ecal: ["--events", "3000", "--epochs", "2"],
  hcal: ["--rows", "200", "--epochs", "1"],
  "examples/peak": ["--events", "2000", "--epochs", "2"],
};

/** Where the commands of one plugin work. */
interface Place {
  readonly directory: string;
  readonly plugin: string;
  readonly flags: readonly string[];
  readonly cache: string;
  /** A finished run, and what it left. */
  readonly run: string;
  readonly expected: { readonly [name: string]: string };
  /** Simulated data in the format of the plugin. */
  readonly data: string;
  /** A plugin that is not built in. */
  readonly stranger: string;
}

async function whole(args: readonly string[], cwd: string): Promise<string> {
  const grants = ["read", "write", "run", "env", "sys", "ffi"].map((grant) => `--allow-${grant}`);
  const [name, ...rest] = args;
  const script = join(ROOT, `tasks/${name}.ts`);
  const options = [
    "--v8-flags=--no-maglev-osr",
    "--no-prompt",
    "--config",
    join(ROOT, "deno.json"),
    ...grants,
  ];
  const output = await new Deno.Command(Deno.execPath(), { args: ["run", ...options, script, ...rest], cwd })
    .output();
  const decoder = new TextDecoder();
  assert.equal(output.code, 0, `${args.join(" ")}: ${decoder.decode(output.stderr)}`);
  return decoder.decode(output.stdout);
}

/** Whether a plugin can simulate files and read them; the example only learns. */
function hasFiles(name: string): boolean {
  return name !== "examples/peak";
}

async function makePlace(directory: string, name: string): Promise<Place> {
  const plugin = name.includes("/") ? join(ROOT, name) : name;
  const cache = join(directory, "cache");
  const flags = [...PLUGINS[name]!, "--checkpoint-seconds", "0", "--seed", "3", "--cache", cache];
  const out = join(directory, "runs");
  const { run } = JSON.parse(
    await whole(["run", plugin, ...flags, "--out", out, "--json", "--quiet"], directory),
  );
  const simulate = ["data", "simulate", plugin, ...PLUGINS[name]!.slice(0, 2), "--cache", cache];
  const data = join(directory, "data");
  const { files } = !hasFiles(name)
    ? { files: [] }
    : JSON.parse(await whole([...simulate, "--out", data, "--json", "--quiet"], directory));
  return {
    ...{ directory, plugin, flags, cache, run, expected: outcomeOf(run) },
    data: name === "hcal" ? data : files[0],
    stranger: await writeTrial(directory),
  };
}

/** Bytes of all files below a folder, or of a file, by name; none where nothing is. */
function bytesOf(path: string): { readonly [name: string]: string } {
  const found: { [name: string]: string } = {};
  const look = (at: string): void => {
    const info = statOf(at);
    if (info?.isFile) found[at.slice(path.length)] = sha256Hex(Deno.readFileSync(at));
    if (info?.isDirectory) { for (const { name } of Deno.readDirSync(at)) look(join(at, name)); }
  };
  look(path);
  return found;
}

function statOf(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch {
    return undefined;
  }
}

/** A file that was being written aside. */
const ASIDE = /\.[0-9a-f]{8}\.tmp$/;

/** A command that writes the same bytes each time, in a folder of its own. */
interface Writing {
  args(place: Place, folder: string): string[];
  /** What it writes. */
  target(place: Place, folder: string): string;
  /** It does not replace what is there: the folder is emptied before it is done again. */
  readonly isOnce?: true;
}

const WRITINGS: { readonly [command: string]: Writing } = {
  predict: {
    args: (
      { run, data, cache },
      folder,
    ) => ["predict", run, "--data", data, "--out", folder, "--cache", cache, "--quiet"],
    target: (_place, folder) => folder,
  },
  export: {
    args: (
      { run, cache },
      folder,
    ) => ["export", run, "--onnx", "--out", join(folder, "model.onnx"), "--cache", cache, "--quiet"],
    target: (_place, folder) => folder,
  },
  "data simulate": {
    args: ({ plugin, flags, cache }, folder) => [
      ...["data", "simulate", plugin, ...flags.slice(0, 2), "--cache", cache, "--out", folder, "--quiet"],
    ],
    target: (_place, folder) => folder,
    isOnce: true,
  },
  report: { args: ({ run }) => ["report", run, "--quiet"], target: ({ run }) => join(run, "report.html") },
  trust: {
    args: ({ stranger }) => ["trust", stranger],
    target: ({ directory }) => join(directory, "beamline.lock"),
  },
};

/** Commands for plugins that can simulate files. */
const NEED_FILES: ReadonlySet<string> = new Set(["predict", "data simulate"]);

type Random = ReturnType<typeof randomFor>;

/** Kills a command that writes, then does it again. */
async function killWriting(place: Place, name: string, random: Random): Promise<number> {
  const writing = WRITINGS[name]!;
  const folder = join(place.directory, "written");
  const target = writing.target(place, folder);
  const again = async (): Promise<void> => {
    await Deno.mkdir(folder, { recursive: true });
    await whole(writing.args(place, folder), place.directory);
  };
  const empty = () => Deno.remove(folder, { recursive: true });
  await again();
  const expected = bytesOf(target);
  assert.ok(Object.keys(expected).length > 0, `${name} writes something`);
  if (writing.isOnce) await empty();
  const begun = performance.now();
  await again();
  const duration = performance.now() - begun;
  let late = 0;
  for (let i = 0; i < MOMENTS; i++) {
    if (i % 2 === 0) await empty(); // with and without what it wrote before
    await Deno.mkdir(folder, { recursive: true });
    if (writing.isOnce) await empty();
    const delayMs = random.uniform() * duration;
    const args = writing.args(place, folder);
    if (await killCommandAt(args, delayMs, VICTIMS[i % VICTIMS.length]!, place.directory)) late++;
    const moment = `${name} of ${place.plugin} ended after ${delayMs.toFixed(0)} ms`;
    for (const [file, digest] of Object.entries(bytesOf(target))) {
      if (!ASIDE.test(file)) assert.equal(digest, expected[file], `${moment}: "${file}" is half written`);
    }
    if (writing.isOnce && statOf(folder)) await empty();
    await again();
    assert.deepEqual(bytesOf(target), expected, moment);
  }
  if (statOf(folder)) await empty();
  return late;
}

/** Kills a run, or its resumption, or the cleaning of the cache; then what was begun is brought to its end. */
async function killRun(place: Place, name: "run" | "resume" | "cache", random: Random): Promise<number> {
  const out = join(place.directory, "killed");
  const run = ["run", place.plugin, ...place.flags, "--out", out, "--quiet"];
  const begun = performance.now();
  await whole(run, place.directory);
  const duration = performance.now() - begun;
  await Deno.remove(out, { recursive: true });
  let late = 0;
  for (let i = 0; i < MOMENTS; i++) {
    const victim = VICTIMS[i % VICTIMS.length]!;
    const delayMs = random.uniform() * duration;
    const moment = `${name} of ${place.plugin}: ${victim} ended after ${delayMs.toFixed(0)} ms`;
    if (name === "cache") {
      const delay = random.uniform() * 300;
      if (await killCommandAt(["cache", "--clean", "--cache", place.cache], delay, victim, place.directory)) {
        late++;
      }
      await whole(["cache", "--cache", place.cache], place.directory);
    } else if (await killCommandAt(run, delayMs, victim, place.directory)) late++;
    if (name === "resume") {
      for (const { path } of await listRuns(out)) {
        const again = ["resume", path, "--cache", place.cache, "--quiet"];
        if (await killCommandAt(again, random.uniform() * duration, victim, place.directory)) late++;
      }
    }
    if (name === "cache") await whole(run, place.directory);
    await finish(place, out, moment);
  }
  return late;
}

/** Every run of a store is listed and shown, and ends with the bytes of the run that was let alone. */
async function finish(place: Place, out: string, moment: string): Promise<void> {
  const broken: string[] = [];
  for (const { path, record } of await listRuns(out, ({ message }) => broken.push(message))) {
    await whole(["report", path, "--quiet"], place.directory);
    if (record.status !== "finished") {
      await whole(["resume", path, "--cache", place.cache, "--quiet"], place.directory);
    }
    assert.deepEqual(outcomeOf(path), place.expected, moment);
    const asides = Object.keys(bytesOf(path)).filter((file) => ASIDE.test(file));
    assert.deepEqual(asides, [], moment);
  }
  assert.deepEqual(broken, [], moment);
  if (statOf(out)) await Deno.remove(out, { recursive: true });
}

for (const name of Object.keys(PLUGINS)) {
  Deno.test(`kill -9 of any command of ${name} loses nothing and leaves nothing half written`, async () => {
    await withTempDir(async (directory) => {
      const place = await makePlace(directory, name);
      const random = randomFor({ seed: SEED, purpose: `kill/${name}` });
      const late: { [command: string]: number } = {};
      const writings = Object.keys(WRITINGS).filter((command) => hasFiles(name) || !NEED_FILES.has(command));
      for (const command of writings) late[command] = await killWriting(place, command, random);
      for (const command of ["run", "resume", "cache"] as const) {
        late[command] = await killRun(place, command, random);
      }
      console.log(`${name}: of ${MOMENTS} each, ended before they were killed: ${JSON.stringify(late)}`);
    });
  });

  Deno.test(`kill -9 of ${name} on a full disk loses nothing`, async () => {
    await withSmallDisk(24 * 1024 * KIB, async (disk, directory) => {
      const place = await makePlace(directory, name);
      const random = randomFor({ seed: SEED, purpose: `full/${name}` });
      const out = join(disk, "runs");
      const run = ["run", place.plugin, ...place.flags, "--out", out, "--quiet"];
      for (let i = 0; i < FULL_MOMENTS; i++) {
        await fill(disk, Math.round(random.uniform() * 600) * KIB);
        await killCommandAt(run, random.uniform() * 4000, VICTIMS[i % VICTIMS.length]!, directory);
        const moment = `moment ${i} of ${name} on a full disk`;
        for (const { path } of await listRuns(out)) {
          await whole(["runs", "--out", dirname(dirname(path))], directory);
        }
        await Deno.remove(join(disk, "filler"));
        await finish(place, out, moment);
      }
    });
  });
}
