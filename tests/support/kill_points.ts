/**
 * Commands that write, ended by force at any moment: what each needs before, and what must hold afterwards.
 *
 * @module
 */
import assert from "node:assert/strict";
import { cpSync } from "node:fs";
import { dirname, join } from "node:path";
import { exists, removeFolder } from "../../files/atomic.ts";
import { unknownOf } from "../../run/origin/known_runs.ts";
import { listRuns, type RunDirectory } from "../../run/store/run_directory.ts";
import { EXIT } from "../../tasks/terminal/exit_codes.ts";
import { killCommandAt, outcomeOf, taskArguments } from "./killing.ts";
import { age, type Bytes, bytesOf, filesBelow, INTERRUPTED, leftBelow } from "./leftovers.ts";
import { ROOT, writeTrial } from "./trial.ts";

/** Where the commands of one plugin work, and what is there. */
export interface Place {
  /** Working directory of all commands; all that they write is in it. */
  readonly home: string;
  /** Name or path of the plugin. */
  readonly plugin: string;
  /** Flags of a tiny run. */
  readonly flags: readonly string[];
  /** What Beamline remembers of its user. */
  readonly state: string;
  readonly cache: string;
  /** A finished run, in a store of its own, and what it left. */
  readonly run: string;
  readonly bytes: Bytes;
  readonly outcome: Bytes;
  /** Runs that were made on a full disk may not be remembered: these are accepted. */
  readonly accept: readonly string[];
}

/** A command that is killed. */
export interface KilledCommand {
  readonly args: readonly string[];
  /** Makes what there is before each attempt. */
  prepare(attempt: number): Promise<void>;
  /**
   * Checks what the killed process left, then does the command again.
   *
   * @param isWhole It had ended before.
   * @returns How long that took, in milliseconds.
   */
  check(moment: string, isWhole: boolean): Promise<number>;
  /** How often each thing was met that must be met at least once. */
  readonly met?: { readonly [thing: string]: number };
}

/**
 * Runs a command to its end; returns what it printed, and how long it took in milliseconds.
 *
 * @param code How it must end.
 */
export async function whole(
  { home, state }: Pick<Place, "home" | "state">,
  args: readonly string[],
  code: number = EXIT.ok,
): Promise<{ readonly stdout: string; readonly ms: number }> {
  const begun = performance.now();
  const env = { BEAMLINE_STATE: state, NO_COLOR: "1" };
  const output = await new Deno.Command(Deno.execPath(), { args: taskArguments(args), cwd: home, env })
    .output();
  const decoder = new TextDecoder();
  assert.equal(output.code, code, `${args.join(" ")}: ${decoder.decode(output.stderr)}`);
  return { stdout: decoder.decode(output.stdout), ms: performance.now() - begun };
}

/** Makes a finished run of a plugin. */
export async function makePlace(
  home: string,
  plugin: string,
  flags: readonly string[],
  isFull: boolean,
): Promise<Place> {
  const [state, cache] = [join(home, "state"), join(home, "cache")];
  const all = [...flags, "--checkpoint-seconds", "0", "--seed", "3", "--cache", cache, "--quiet"];
  const args = ["run", plugin, ...all, "--out", join(home, "runs"), "--json"];
  const { run } = JSON.parse((await whole({ home, state }, args)).stdout);
  return {
    ...{ home, plugin, flags: all, state, cache, run, bytes: bytesOf(run), outcome: outcomeOf(run) },
    accept: isFull ? ["--accept"] : [],
  };
}

/** What holds after every command, whichever it was. */
async function checkPlace(place: Place, store: string, moment: string): Promise<void> {
  assert.deepEqual(bytesOf(place.run), place.bytes, `${moment}: the finished run is as it was`);
  for (const path of filesBelow(place.state)) {
    assert.match(JSON.parse(Deno.readTextFileSync(path)).schema, /^beamline-known-/, `${moment}: ${path}`);
  }
  const broken: string[] = [];
  const runs = await listRuns(store, ({ message }) => broken.push(message));
  assert.deepEqual(broken, [], moment);
  const code = runs.length > 0 ? EXIT.ok : EXIT.nothingMatched;
  const listed = JSON.parse((await whole(place, ["runs", "--out", store, "--json"], code)).stdout);
  assert.equal(listed.runs.length, runs.length, `${moment}: runs lists all`);
  if (place.accept.length > 0) return; // on a full disk no run may be remembered
  for (const run of runs) assert.ok(await isKnown(run, place.state), `${moment}: the run is known`);
}

/** Whether a run is remembered as made here: what its plugin asks to read is then no question. */
async function isKnown(run: RunDirectory, state: string): Promise<boolean> {
  const grant = { kind: "grant", field: "any", path: "/any", real: "/any", isInside: false } as const;
  return (await unknownOf(run, [grant], state)).length === 0;
}

/** Nothing is left of killed processes once the command was done again. */
function checkNothingLeft({ home }: Place, moment: string): void {
  assert.deepEqual(leftBelow(home), [], `${moment}: nothing is left`);
}

/** Every run of a store ends with the bytes of the run that was let alone. */
async function finishRuns(
  place: Place,
  store: string,
  moment: string,
): Promise<{ readonly count: number; readonly ms: number }> {
  const runs = await listRuns(store);
  let resuming = 0;
  for (const { path, record } of runs) {
    await whole(place, ["report", path, "--quiet"]);
    if (record.status !== "finished") {
      const { ms } = await whole(place, ["resume", path, "--cache", place.cache, "--quiet", ...place.accept]);
      resuming += ms;
    }
    assert.deepEqual(outcomeOf(path), place.outcome, moment);
    age(path);
    await whole(place, ["report", path, "--quiet"]);
  }
  return { count: runs.length, ms: resuming };
}

function runCommand(place: Place): KilledCommand {
  const store = join(place.home, "killed");
  const args = ["run", place.plugin, ...place.flags, "--out", store];
  const met = { "before run.json": 0, "after it": 0 };
  return {
    args,
    met,
    prepare: () => removeFolder(store),
    async check(moment) {
      await checkPlace(place, store, moment);
      const { count } = await finishRuns(place, store, moment);
      met[count === 0 ? "before run.json" : "after it"]++;
      age(place.home);
      const { ms } = await whole(place, args);
      const runs = await listRuns(store);
      assert.equal(runs.length, count + 1, moment);
      for (const { path } of runs) assert.deepEqual(outcomeOf(path), place.outcome, moment);
      checkNothingLeft(place, moment);
      await removeFolder(store);
      return ms;
    },
  };
}

/** A store with one run that was killed in the middle, and its path below the store. */
async function killedRun(place: Place): Promise<{ readonly store: string; readonly way: string }> {
  const store = join(place.home, INTERRUPTED);
  const args = ["run", place.plugin, ...place.flags, "--out", store];
  const env = { BEAMLINE_STATE: place.state };
  const { ms } = await whole(place, args);
  for (let i = 0; i < 20; i++) {
    await removeFolder(store);
    await killCommandAt({ args, cwd: place.home, env }, (0.6 + 0.02 * (i % 10)) * ms, "tree");
    const [run] = await listRuns(store);
    const isHalf = run?.record.status === "running" && await exists(run.file("checkpoints", "last.json"));
    if (isHalf) return { store, way: run.path.slice(store.length + 1) };
  }
  throw new Error(`A run of ${place.plugin} cannot be killed in the middle`);
}

async function resumeCommand(place: Place): Promise<KilledCommand> {
  const template = await killedRun(place);
  const store = join(place.home, "resumed");
  const path = join(store, template.way);
  const args = ["resume", path, "--cache", place.cache, "--quiet", ...place.accept];
  return {
    args,
    async prepare() {
      await removeFolder(store);
      cpSync(template.store, store, { recursive: true }); // a copy of a run that is known is known
    },
    async check(moment) {
      await checkPlace(place, store, moment);
      const { ms } = await finishRuns(place, store, moment);
      age(place.home);
      // it is finished now; another run of the plugin tidies what it left in the cache
      await whole(place, ["run", place.plugin, ...place.flags, "--out", store]);
      checkNothingLeft(place, moment);
      await removeFolder(store);
      return ms;
    },
  };
}

function cleanCommand(place: Place): KilledCommand {
  const cache = join(place.home, "cleaned", "cache");
  const args = ["cache", "--clean", "--cache", cache];
  const store = join(place.home, "cleaned", "runs");
  const run = place.flags.with(place.flags.indexOf("--cache") + 1, cache);
  return {
    args,
    async prepare() {
      await removeFolder(dirname(cache));
      cpSync(place.cache, cache, { recursive: true });
    },
    async check(moment) {
      await checkPlace(place, store, moment);
      await whole(place, ["cache", "--cache", cache]);
      // what is left of it can be used
      await whole(place, ["run", place.plugin, ...run, "--out", store]);
      for (const { path } of await listRuns(store)) assert.deepEqual(outcomeOf(path), place.outcome, moment);
      const { ms } = await whole(place, args);
      assert.equal(await exists(cache), false, moment);
      await removeFolder(dirname(cache));
      return ms;
    },
  };
}

/** What a command writes, and the same bytes each time. */
interface Writing {
  readonly args: readonly string[];
  /** The file or folder. */
  readonly target: string;
}

/** A command whose files are whole or not there, and are all there once it was done again. */
async function writingCommand(place: Place, { args, target }: Writing): Promise<KilledCommand> {
  const remove = (): Promise<void> => Deno.remove(target, { recursive: true }).catch(() => {});
  await remove();
  await whole(place, args);
  const expected = bytesOf(target);
  assert.ok(Object.keys(expected).length > 0, `${args[0]} writes something`);
  return {
    args,
    prepare: (attempt) => attempt % 2 === 0 ? remove() : Promise.resolve(), // with what it wrote before, or not
    async check(moment, isWhole) {
      const found = bytesOf(target);
      for (const [file, digest] of Object.entries(found)) {
        assert.equal(digest, expected[file], `${moment}: "${file}" is whole`);
      }
      if (isWhole) assert.deepEqual(found, expected, moment);
      age(place.home);
      const { ms } = await whole(place, args);
      assert.deepEqual(bytesOf(target), expected, moment);
      await checkPlace(place, join(place.home, "runs"), moment);
      checkNothingLeft(place, moment);
      return ms;
    },
  };
}

/** Commands that need simulated files; a plugin that only learns has none. */
async function fileCommands(place: Place): Promise<{ [command: string]: KilledCommand }> {
  const { home, plugin, cache, run } = place;
  const rest = ["--cache", cache, "--quiet"];
  const simulate = ["data", "simulate", plugin, ...place.flags.slice(0, 2), ...rest];
  const data = join(home, "data");
  const { files } = JSON.parse((await whole(place, [...simulate, "--out", data, "--json"])).stdout);
  const input = files.length > 1 ? data : files[0];
  const folders = { predict: join(home, "predicted"), simulate: join(home, "simulated") };
  return {
    predict: await writingCommand(place, {
      args: ["predict", run, "--data", input, "--out", folders.predict, ...rest],
      target: folders.predict,
    }),
    "data simulate": await writingCommand(place, {
      args: [...simulate, "--out", folders.simulate],
      target: folders.simulate,
    }),
  };
}

/** All commands of a plugin that write. */
export async function commandsOf(
  place: Place,
  hasFiles: boolean,
): Promise<{ readonly [command: string]: KilledCommand }> {
  const { home, run, cache } = place;
  const stranger = await writeTrial(home);
  const model = join(home, "exported", "model.onnx");
  return {
    run: runCommand(place),
    resume: await resumeCommand(place),
    "cache --clean": cleanCommand(place),
    report: await writingCommand(place, {
      args: ["report", run, "--quiet"],
      target: join(run, "report.html"),
    }),
    export: await writingCommand(place, {
      args: ["export", run, "--onnx", "--out", model, "--cache", cache, "--quiet"],
      target: dirname(model),
    }),
    trust: await writingCommand(place, { args: ["trust", stranger], target: join(home, "beamline.lock") }),
    ...hasFiles ? await fileCommands(place) : {},
  };
}

/** The repository's path of a plugin that is not built in, else its name. */
export function pluginAt(name: string): string {
  return name.includes("/") ? join(ROOT, name) : name;
}
