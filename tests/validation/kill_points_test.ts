/**
 * `kill -9` at three hundred seeded moments of every command that writes, on three plugins, with space on the disk and
 * without: nothing is lost, nothing half written, and the same command afterwards gives the bytes of one that was let alone.
 */
import assert from "node:assert/strict";
import { basename, dirname, join } from "node:path";
import { randomFor } from "beamline";
import { fill, KIB, withSmallDisk } from "../support/disks.ts";
import { sha256Hex } from "../../core/hash.ts";
import { listRuns } from "../../run/store/run_directory.ts";
import { killCommandAt, outcomeOf, taskArguments, type Victim } from "../support/killing.ts";
import { withTempDir } from "../support/plugins.ts";
import { ROOT, writeTrial } from "../support/trial.ts";

const SEED = 20_261_201;
const VICTIMS: readonly Victim[] = ["host", "tree", "sandbox"];
/** Moments of each command of each plugin. */
const MOMENTS = 10;

/** Moments of each on a disk that is nearly full. */
const FULL_MOMENTS = 8;

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
  const output = await new Deno.Command(Deno.execPath(), { args: taskArguments(args), cwd }).output();
  const decoder = new TextDecoder();
  assert.equal(output.code, 0, `${args.join(" ")}: ${decoder.decode(output.stderr)}`);
  return decoder.decode(output.stdout);
}

/** Milliseconds that a command takes. */
async function duration(args: readonly string[], cwd: string): Promise<number> {
  const begun = performance.now();
  await whole(args, cwd);
  return performance.now() - begun;
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
    directory,
    plugin,
    flags,
    cache,
    run,
    expected: outcomeOf(run),
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

/** Commands that write where they are told to. */
const ON_DISK: ReadonlySet<string> = new Set(["predict", "export", "data simulate"]);

/** Commands for plugins that can simulate files. */
const NEED_FILES: ReadonlySet<string> = new Set(["predict", "data simulate"]);

type Random = ReturnType<typeof randomFor>;

/** Makes what a killed process left look as old as it is when somebody comes back. */
function age(folder: string): void {
  const then = new Date(Date.now() - 7_200_000);
  for (const name of Object.keys(bytesOf(folder))) {
    if (ASIDE.test(name)) Deno.utimeSync(folder + name, then, then);
  }
}

/** Kills a command that writes, then does it again; counts the moments at which it was running. */
async function killWriting(place: Place, name: string, killing: Killing): Promise<number> {
  const { random, times, room } = killing;
  const writing = WRITINGS[name]!;
  const folder = join(room, "written");
  const target = writing.target(place, folder);
  const args = writing.args(place, folder);
  const empty = async (): Promise<void> => {
    if (statOf(folder)) await Deno.remove(folder, { recursive: true });
  };
  await whole(args, place.directory);
  const expected = bytesOf(target);
  assert.ok(Object.keys(expected).length > 0, `${name} writes something`);
  if (writing.isOnce) await empty();
  const lasts = await duration(args, place.directory);
  let killed = 0;
  for (let i = 0; i < times; i++) {
    if (writing.isOnce || i % 2 === 0) await empty(); // with and without what it wrote before
    const delayMs = random.uniform() * lasts;
    const empties = await filled(killing);
    if (await killCommandAt(args, delayMs, VICTIMS[i % VICTIMS.length]!, place.directory)) killed++;
    await empties();
    const moment = `${name} of ${place.plugin} ended after ${delayMs.toFixed(0)} ms`;
    for (const [file, digest] of Object.entries(bytesOf(target))) {
      if (!ASIDE.test(file)) assert.equal(digest, expected[file], `${moment}: "${file}" is half written`);
    }
    age(dirname(target));
    age(target);
    if (writing.isOnce) await empty();
    await whole(args, place.directory);
    assert.deepEqual(bytesOf(target), expected, moment);
    const left = Object.keys(bytesOf(dirname(target))).filter((file) => ASIDE.test(file));
    assert.deepEqual(left.filter((file) => file.startsWith(`/${basename(target)}`)), [], moment);
  }
  await empty();
  return killed;
}

/** How a command is killed. */
interface Killing {
  readonly random: Random;
  /** At how many moments. */
  readonly times: number;
  /** Where it writes: a folder, or a disk that is filled before. */
  readonly room: string;
  readonly isFull: boolean;
}

/** Fills a disk nearly; gives what makes room again. */
async function filled({ room, isFull, random }: Killing): Promise<() => Promise<void>> {
  if (!isFull) return () => Promise.resolve();
  await fill(room, Math.round(random.uniform() * 600) * KIB);
  return () => Deno.remove(join(room, "filler"));
}

/** Kills a run, or its resumption, or the cleaning of the cache; then what was begun is brought to its end. */
async function killRun(place: Place, name: "run" | "resume" | "cache", killing: Killing): Promise<number> {
  const { random, times, room } = killing;
  const out = join(room, "killed");
  const run = ["run", place.plugin, ...place.flags, "--out", out, "--quiet"];
  const clean = ["cache", "--clean", "--cache", place.cache];
  const lasts = await duration(run, place.directory);
  await Deno.remove(out, { recursive: true });
  let killed = 0;
  for (let i = 0; i < times; i++) {
    const victim = VICTIMS[i % VICTIMS.length]!;
    const share = random.uniform();
    const moment = `${name} of ${place.plugin}: ${victim} ended after ${share.toFixed(2)} of its time`;
    if (name === "cache") {
      const cleans = await duration(clean, place.directory);
      await whole(run, place.directory); // there is something to clean again
      if (await killCommandAt(clean, share * cleans, victim, place.directory)) killed++;
      await whole(["cache", "--cache", place.cache], place.directory);
      await whole(run, place.directory);
    } else {
      const empty = await filled(killing);
      const isKilled = await killCommandAt(
        run,
        (name === "run" ? share : 0.6) * lasts,
        victim,
        place.directory,
      );
      await empty();
      if (name === "run" && isKilled) killed++;
    }
    if (name === "resume") {
      for (const { path, record } of await listRuns(out)) {
        if (record.status === "finished") continue;
        const again = ["resume", path, "--cache", place.cache, "--quiet"];
        if (await killCommandAt(again, share * lasts * 0.6, victim, place.directory)) killed++;
      }
    }
    await finish(place, out, moment);
  }
  return killed;
}

/** Every run of a store is listed and shown, and ends with the bytes of the run that was let alone. */
async function finish(place: Place, out: string, moment: string): Promise<void> {
  const broken: string[] = [];
  const runs = await listRuns(out, ({ message }) => broken.push(message));
  for (const { path, record } of runs) {
    await whole(["report", path, "--quiet"], place.directory);
    if (record.status !== "finished") {
      await whole(["resume", path, "--cache", place.cache, "--quiet"], place.directory);
    }
    assert.deepEqual(outcomeOf(path), place.expected, moment);
    age(path);
    await whole(["report", path, "--quiet"], place.directory);
    assert.deepEqual(Object.keys(bytesOf(path)).filter((file) => ASIDE.test(file)), [], moment);
  }
  assert.deepEqual(broken, [], moment);
  // a folder without run.json is of a run that was ended before its first write: it holds no results
  const strays = Object.keys(bytesOf(out)).filter((file) =>
    runs.every(({ path }) => !(out + file).startsWith(path))
  );
  assert.deepEqual(strays.filter((file) => /metrics|checkpoints|results/.test(file)), [], moment);
  if (statOf(out)) await Deno.remove(out, { recursive: true });
}

/** Most commands must have been running when they were killed, else the moments say nothing. */
function checkKilled(plugin: string, killed: { readonly [command: string]: number }, times: number): void {
  console.log(`${plugin}: of ${times} each, killed while they ran: ${JSON.stringify(killed)}`);
  for (const [command, count] of Object.entries(killed)) {
    assert.ok(count >= times / 3, `${command} of ${plugin} was killed ${count} times of ${times}`);
  }
}

function writingsOf(name: string): string[] {
  return Object.keys(WRITINGS).filter((command) => hasFiles(name) || !NEED_FILES.has(command));
}

/** Kills every command of a plugin that writes. */
async function killCommands(name: string): Promise<void> {
  await withTempDir(async (directory) => {
    const place = await makePlace(directory, name);
    const random = randomFor({ seed: SEED, purpose: `kill/${name}` });
    const killing = { random, times: MOMENTS, room: directory, isFull: false };
    const killed: { [command: string]: number } = {};
    for (const command of writingsOf(name)) killed[command] = await killWriting(place, command, killing);
    for (const command of ["run", "resume", "cache"] as const) {
      killed[command] = await killRun(place, command, killing);
    }
    checkKilled(name, killed, MOMENTS);
  });
}

/** Kills those that write where they are told to, on a disk that is nearly full. */
async function killOnFullDisk(name: string): Promise<void> {
  await withSmallDisk(24 * 1024 * KIB, async (disk, directory) => {
    const place = await makePlace(directory, name);
    const random = randomFor({ seed: SEED, purpose: `full/${name}` });
    const killing = { random, times: FULL_MOMENTS, room: disk, isFull: true };
    await killRun(place, "run", killing);
    for (const command of writingsOf(name).filter((one) => ON_DISK.has(one))) {
      await killWriting(place, command, killing);
    }
  });
}

for (const name of Object.keys(PLUGINS)) {
  Deno.test(`kill -9 of any command of ${name} loses nothing, with space on the disk and without`, async () => {
    await Promise.all([killCommands(name), killOnFullDisk(name)]);
  });
}
