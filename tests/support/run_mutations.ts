/**
 * Damage to run folders, as a disk, a crash or somebody with bad intentions may do it, and the functions behind the
 * commands that read runs. What must hold: each ends with a result or with one of our errors, and nothing outside of the
 * run folder is read or written.
 *
 * @module
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import { dirname, join } from "node:path";
import { flagsOf } from "../../core/flags.ts";
import type { ConfigRecord } from "../../core/records.ts";
import type { Json, Warning } from "../../core/types.ts";
import type { ConfigLayer } from "../../core/merge.ts";
import { mutations, seededIntegers } from "../../formats/fuzz_test_helpers.ts";
import { compareDirectories, renderComparison } from "../../report/comparison.ts";
import { renderReport } from "../../report/mod.ts";
import { readManifest } from "../../registry/manifest.ts";
import { describePlugin, sandboxedSource } from "../../run/hooks/plugin_source.ts";
import { namedBy } from "../../run/origin/named.ts";
import { requirePlainRun } from "../../run/origin/plain_run.ts";
import { lastConfig, partsOf, scheduleStartOf, withPatience } from "../../run/replay/changes.ts";
import { readProgress } from "../../run/replay/progress.ts";
import { readRunJson, readRunPrograms, recordedLayers } from "../../run/replay/replay.ts";
import { checkSameInputs, stepsOf } from "../../run/replay/resume.ts";
import { listRuns, openRun, type RunDirectory } from "../../run/store/run_directory.ts";
import { compareRuns } from "../../run/verify/verify.ts";
import type { Description } from "../../sandbox/protocol/description.ts";
import { makePlace, type Place, SECRET, snapshot } from "./sent_runs.ts";
import { task, writeTrial } from "./trial.ts";

type Integers = (bound: number) => number;

/** A store with a run that is damaged again and again, one that stays whole, and a home that must stay as it is. */
export interface MutationPlace extends Place {
  /** The folder of all. */
  readonly directory: string;
  readonly store: string;
  readonly cache: string;
  /** The run that is damaged. */
  readonly run: string;
  /** The run that stays whole. */
  readonly good: string;
  readonly description: Description;
  /** The files of the run when it was whole. */
  readonly files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
}

/** Makes two runs of a small plugin, and a home beside them. */
export async function makeMutationPlace(directory: string): Promise<MutationPlace> {
  const plugin = await writeTrial(directory);
  const [store, cache] = [join(directory, "runs"), join(directory, "cache")];
  const runs: string[] = [];
  for (const _ of [0, 1]) {
    const flags = ["--epochs", "2", "--out", store, "--cache", cache, "--json"];
    const { code, stdout, stderr } = await task("run", plugin, ...flags);
    assert.equal(code, 0, stderr);
    runs.push(JSON.parse(stdout).run);
  }
  const [run, good] = runs as [string, string];
  const extended = await task("resume", run, "--extend", "3", "--warm-restart", "--cache", cache);
  assert.equal(extended.code, 0, extended.stderr);
  const source = sandboxedSource(await readManifest(plugin, "path"));
  const description = await describePlugin(source, cache);
  return {
    ...await makePlace(directory),
    directory,
    store,
    cache,
    run,
    good,
    description,
    files: filesBelow(run),
  };
}

function filesBelow(root: string, prefix = ""): Map<string, Uint8Array<ArrayBuffer>> {
  const found = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const { name, isDirectory } of Deno.readDirSync(join(root, prefix))) {
    const path = `${prefix}${name}`;
    if (isDirectory) { for (const [inner, bytes] of filesBelow(root, `${path}/`)) found.set(inner, bytes); }
    else found.set(path, Deno.readFileSync(join(root, path)));
  }
  return found;
}

/** Makes the run whole again. */
export function restore({ run, files }: MutationPlace): void {
  fs.rmSync(run, { recursive: true, force: true });
  for (const [name, bytes] of files) {
    fs.mkdirSync(dirname(join(run, name)), { recursive: true });
    fs.writeFileSync(join(run, name), bytes);
  }
}

/** Values that a field may have been given, by where the home is. */
function nastyValues(home: string): readonly Json[] {
  let nested: Json = 1;
  for (let depth = 0; depth < 150; depth++) nested = [nested];
  return [
    ...[null, true, -1, 0.5, 1e308, 9007199254740993, "", "7", [], {}, [[]], { a: {} }, nested],
    ...["x".repeat(100_000), "\u001b[8mhidden", "a\nb", "a\u0000b", "\u202e", "constructor", ".", ".."],
    ...[
      "../../home/.ssh/id_rsa",
      join(home, ".ssh/id_rsa"),
      "../../../home/.ssh/authorized_keys",
      "/dev/zero",
    ],
    ...["../../home/photos", "a/../../../home", "/proc/self/environ", `${home}/project/report.html`],
  ];
}

/** Changes one place of a JSON value: another value, nothing, a further key, or the elements in another order. */
function damagedJson(value: Json, nasty: readonly Json[], integer: Integers): Json {
  const copy = structuredClone(value) as Json;
  const places: [holder: { [key: string]: Json }, key: string][] = [];
  const open: Json[] = [copy];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (typeof next !== "object" || next === null) continue;
    for (const [key, inner] of Object.entries(next)) {
      places.push([next as { [key: string]: Json }, key]);
      open.push(inner as Json);
    }
  }
  if (places.length === 0 || integer(20) === 0) return nasty[integer(nasty.length)]!;
  // the fields on top decide most: they are chosen more often than their number
  const [holder, key] = integer(2) === 0
    ? places[integer(Math.min(places.length, 20))]!
    : places[integer(places.length)]!;
  const kind = integer(8);
  if (kind === 0) delete holder[key];
  else if (kind === 1) holder[`${key}${integer(10)}`] = holder[key]!;
  else holder[key] = nasty[integer(nasty.length)]!;
  return copy;
}

/** Targets of links that are put into the run; relative ones lead to the home as well. */
function linkTarget({ home, good }: MutationPlace, integer: Integers): string {
  const targets = [
    ...[".ssh/id_rsa", ".ssh/authorized_keys", ".ssh", "photos", "project", "project/report.html"]
      .map((name) => join(home, name)),
    ...["nowhere", "..", "run.json", "/dev/zero", "/etc", good, join(good, "checkpoints")],
  ];
  return targets[integer(targets.length)]!;
}

type Damage = (place: MutationPlace, name: string, integer: Integers) => void;

/** Puts something in the place of a file, or of a folder on the way to it. */
function replaceBy(make: (path: string, place: MutationPlace, integer: Integers) => void): Damage {
  return (place, name, integer) => {
    const parts = name.split("/");
    const path = join(place.run, ...parts.slice(0, 1 + integer(parts.length)));
    fs.rmSync(path, { recursive: true, force: true });
    fs.mkdirSync(dirname(path), { recursive: true });
    make(path, place, integer);
  };
}

const damageJson: Damage = (place, name, integer) => {
  const bytes = place.files.get(name)!;
  const nasty = nastyValues(place.home);
  const text = new TextDecoder().decode(bytes);
  const isLines = name.endsWith(".jsonl");
  const lines = isLines ? text.trim().split("\n") : [text];
  const at = integer(lines.length);
  lines[at] = JSON.stringify(damagedJson(JSON.parse(lines[at]!), nasty, integer), null, isLines ? 0 : 2);
  if (integer(40) === 0) lines[at] = lines[at]!.replace("{", '{"__proto__": {"polluted": true}, ');
  fs.writeFileSync(join(place.run, name), lines.join("\n") + "\n");
};

const damageBytes: Damage = ({ run, files }, name, integer) => {
  const [damaged] = mutations(files.get(name)!, { count: 1, seed: integer(2 ** 30) });
  fs.writeFileSync(join(run, name), damaged!);
};

const swapFiles: Damage = ({ run, files }, name, integer) => {
  const others = [...files.keys()];
  const other = others[integer(others.length)]!;
  if (!isFile(join(run, other))) return; // damaged before
  fs.writeFileSync(join(run, name), files.get(other)!);
  fs.writeFileSync(join(run, other), files.get(name)!);
};

const removeSome = replaceBy(() => {});
const linkInstead = replaceBy((path, place, integer) => fs.symlinkSync(linkTarget(place, integer), path));
const folderInstead = replaceBy((path) => fs.mkdirSync(path));
const pipeInstead = replaceBy((path) => {
  new Deno.Command("mkfifo", { args: [path] }).outputSync();
});
const addLink: Damage = (place, name, integer) =>
  fs.symlinkSync(linkTarget(place, integer), join(place.run, `${name}.${integer(1000)}.tmp`));

/** Whether a file of the run is there, on no way over a link. */
function isFile(path: string): boolean {
  try {
    return fs.lstatSync(path).isFile() && fs.realpathSync(dirname(path)) === dirname(path);
  } catch {
    return false;
  }
}

/** Kinds of damage, and how often each is done. */
const DAMAGES: readonly (readonly [weight: number, damage: Damage])[] = [
  [50, damageJson],
  [18, damageBytes],
  [7, swapFiles],
  [8, removeSome],
  [10, linkInstead],
  [3, folderInstead],
  [1, pipeInstead],
  [3, addLink],
];

function chosenDamage(integer: Integers): Damage {
  let at = integer(DAMAGES.reduce((sum, [weight]) => sum + weight, 0));
  return DAMAGES.find(([weight]) => (at -= weight) < 0)![1];
}

/** Files on which more depends, which are damaged as often as all others together. */
const CENTRAL =
  /^(run|config|data|metrics|results)\.json$|\.jsonl$|manifest\.json$|(best|last|index|inputs)\.json$/;

/** Damages the run in one to three places. */
export function damageRun(place: MutationPlace, seed: number): void {
  const integer = seededIntegers(seed);
  const names = [...place.files.keys()];
  const central = names.filter((name) => CENTRAL.test(name));
  for (let n = 1 + Math.max(0, integer(5) - 2); n > 0; n--) {
    const from = integer(2) === 0 ? central : names;
    const name = from[integer(from.length)]!;
    const damage = chosenDamage(integer);
    if (!isFile(join(place.run, name))) continue; // damaged before
    if (damage === damageJson && !/\.jsonl?$/.test(name)) damageBytes(place, name, integer);
    else damage(place, name, integer);
  }
}

/** The functions behind a command; the result is what a person would see. */
type Command = (place: MutationPlace) => Promise<string>;

async function opened({ run }: MutationPlace, action: string): Promise<RunDirectory> {
  const found = await openRun(run);
  await requirePlainRun(found, action);
  return found;
}

/** What a repetition begins with: what the record names, and the configuration. */
async function replayed(run: RunDirectory, { description }: MutationPlace): Promise<ConfigLayer[]> {
  const config = lastConfig(run.record, await readRunJson<ConfigRecord>(run, "config.json"));
  await namedBy(run, { plugin: undefined, values: config.values });
  return recordedLayers(run, description, config);
}

/** Commands that read runs, up to where the plugin would be started. */
export const COMMANDS: { readonly [command: string]: Command } = {
  async runs({ store }) {
    const lines: string[] = [];
    const runs = await listRuns(store, ({ message }) => lines.push(message));
    for (const run of runs) {
      lines.push(`${run.record.plugin.name} ${run.record.id} ${await run.state()} ${run.record.action}`);
    }
    assert.ok(runs.length >= 1, "the run that is whole must be listed");
    return lines.join("\n");
  },
  async report(place) {
    return await renderReport((await opened(place, "report")).path);
  },
  async compare(place) {
    return await renderComparison(
      await compareDirectories([place.good, (await opened(place, "compare")).path]),
    );
  },
  async verify(place) {
    const before = await opened(place, "verify");
    await replayed(before, place);
    const parts = partsOf(before.record);
    const flags = flagsOf(place.description.schema);
    const found = await compareRuns(before, await openRun(place.good), { flags, steps: 5 });
    for (const { detail } of found.levels) assertPlain(detail);
    return JSON.stringify([found, parts]);
  },
  async resume(place) {
    const run = await opened(place, "resume");
    const layers = await replayed(run, place);
    await run.lock();
    try {
      await run.refresh();
      await checkSameInputs(run, []);
      const warnings: Warning[] = [];
      const progress = withPatience(await readProgress(run, ["slope"], warnings), run.record);
      const { resumed = [] } = run.record;
      await run.update({ resumed: resumed.map((entry) => ({ ...entry, steps: stepsOf(progress) })) });
      const programs = readRunPrograms(run, "slope", ["step", "validate", "predict"]);
      const start = scheduleStartOf(run.record, "slope");
      return JSON.stringify([layers, warnings, Object.keys(programs), progress.history, start]);
    } finally {
      await run.unlock();
    }
  },
};

/** What JavaScript says of a fault of ours. */
const OF_JAVASCRIPT =
  /of (undefined|null)|is not (a function|iterable|defined|an object)|undefined is|\[object/;

function assertPlain(message: string): void {
  assert.doesNotMatch(message, OF_JAVASCRIPT);
}

/** Runs a command on the damaged run; returns whether it was refused. */
export async function survivesCommand(
  place: MutationPlace,
  command: string,
  where: string,
): Promise<boolean> {
  let shown: string;
  let isRefused = false;
  try {
    shown = await COMMANDS[command]!(place);
  } catch (error) {
    isRefused = true;
    shown = (error as Error).message;
    const isOurs = shown.startsWith("Cannot ") && !OF_JAVASCRIPT.test(shown);
    assert.ok(isOurs, `${where}, ${command}: ${(error as Error).stack}`);
  }
  assert.ok(!shown.includes(SECRET), `${where}, ${command}: a file of the user was read`);
  return isRefused;
}

/** Damages the run `count` times and tries every command on each; counts what was refused, by command. */
export async function survivesMutations(
  place: MutationPlace,
  count: number,
  seed: number,
): Promise<{ readonly [command: string]: number }> {
  const refused = Object.fromEntries(Object.keys(COMMANDS).map((command) => [command, 0]));
  const home = await snapshot(place.home);
  const good = await snapshot(place.good);
  for (let i = 0; i < count; i++) {
    damageRun(place, seed + i);
    for (const command of Object.keys(COMMANDS)) {
      if (await survivesCommand(place, command, `mutation ${seed + i}`)) refused[command]!++;
    }
    assert.deepEqual(await snapshot(place.home), home, `mutation ${seed + i}: the home was changed`);
    restore(place);
  }
  assert.deepEqual(await snapshot(place.good), good);
  assert.equal(({} as { polluted?: unknown }).polluted, undefined);
  return refused;
}
