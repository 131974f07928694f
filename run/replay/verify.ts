/**
 * Doing a run again from its record and comparing: record, inputs, prepared data, programs, steps, metrics, predictions,
 * weights.
 *
 * @module
 */
import { sha256Hex } from "../../core/hash.ts";
import type { ConfigRecord, DataRecord, InputsRecord } from "../../core/records.ts";
import type { Metric, Metrics } from "../../core/types.ts";
import { ENGINE_NAMES } from "../../engine/mod.ts";
import { CheckpointStore } from "../../train/checkpoint.ts";
import {
  changedKeys,
  digestOf,
  environmentDiff,
  type EnvironmentDifference,
} from "../provenance/environment_diff.ts";
import { exists } from "../../files/atomic.ts";
import type { Fingerprint } from "../../train/fingerprint.ts";
import type { Flag } from "../config/flags.ts";
import { configHash } from "../config/identity.ts";
import { readRunJson } from "./replay.ts";
import type { RunDirectory } from "../store/run_directory.ts";

/** What is compared, in this order. */
export const LEVELS = [
  "record",
  "inputs",
  "data",
  "programs",
  "steps",
  "metrics",
  "predictions",
  "weights",
] as const;
/** What is compared. */
export type Level = typeof LEVELS[number];

/** How one level came out. */
export interface LevelResult {
  readonly level: Level;
  /**
   * `agrees`: other bits, within the tolerance. `other bits`: not equal where equal bits are not promised.
   * `different`: not what is promised.
   */
  readonly state: "equal" | "agrees" | "other bits" | "different" | "skipped";
  /** What was compared, or the first thing that differs. */
  readonly detail: string;
}

/** The outcome of a verification. */
export interface Verification {
  /** Whether the run repeats itself as promised. */
  readonly holds: boolean;
  /** Whether it repeats itself bit by bit. */
  readonly equal: boolean;
  /** Which promise applies: equal bits, or agreement within the tolerance. */
  readonly promise: "bits" | "tolerance";
  readonly levels: readonly LevelResult[];
  readonly circumstances: readonly EnvironmentDifference[];
  /** The likely reason of the first difference. */
  readonly reason: string | null;
}

/** Circumstances under which only agreement within a tolerance is promised. */
const LOOSENING: readonly EnvironmentDifference["what"][] = ["engine", "threads", "processor"];

/** Metrics agree when they are not further apart than this many combined standard errors, ... */
export const TOLERANCE_ERRORS = 3;
/** ... or than this share of the larger one; the losses of the first steps likewise. */
export const TOLERANCE_SHARE = 0.01;

/** Options of {@linkcode compareRuns}. */
export interface CompareRunsOptions {
  /** Flags of the plugin; they say which values are input paths. */
  readonly flags: readonly Flag[];
  /** Only so many steps of the training were done again. @default all */
  readonly steps?: number | undefined;
  /** Why the repetition came to no end. */
  readonly failure?: Error | undefined;
}

/** Compares a run with its repetition. */
export async function compareRuns(
  before: RunDirectory,
  now: RunDirectory,
  { flags, steps, failure }: CompareRunsOptions,
): Promise<Verification> {
  const edited = await editedRecord(before, flags);
  const circumstances = [...edited.circumstances, ...await environmentDiff(before, now)];
  const promise = circumstances.some(({ what }) => LOOSENING.includes(what)) ? "tolerance" : "bits";
  const pair: Pair = { before, now, isLoose: promise === "tolerance", steps };
  const prefix = steps === undefined ? undefined : `only the first ${steps} steps were done again`;
  const levels: LevelResult[] = [edited.result];
  for (const [level, compare] of Object.entries(COMPARISONS) as [Level, Comparison][]) {
    const isLeftOut = prefix !== undefined && AFTER_TRAINING.includes(level);
    levels.push({ level, ...isLeftOut ? skipped(prefix) : await orMissing(compare(pair), failure) });
  }
  const first = levels.find(({ state }) => state === "different");
  return {
    holds: first === undefined,
    equal: levels.every(({ state }) => state === "equal" || state === "skipped"),
    promise,
    levels,
    circumstances,
    reason: first ? reasonOf(first, levels, circumstances, failure) : null,
  };
}

interface Pair {
  readonly before: RunDirectory;
  readonly now: RunDirectory;
  /** Equal bits are not promised. */
  readonly isLoose: boolean;
  readonly steps: number | undefined;
}

type Result = Omit<LevelResult, "level">;
type Comparison = (pair: Pair) => Promise<Result>;

const COMPARISONS: { readonly [level in Exclude<Level, "record">]: Comparison } = {
  inputs: compareInputs,
  data: compareData,
  programs: comparePrograms,
  steps: compareSteps,
  metrics: compareMetrics,
  predictions: comparePredictions,
  weights: compareWeights,
};

const AFTER_TRAINING: readonly Level[] = ["metrics", "predictions", "weights"];

/** A file that is missing in the repetition is a difference, too; where it failed, that is why. */
async function orMissing(compared: Promise<Result>, failure: Error | undefined): Promise<Result> {
  try {
    const result = await compared;
    return result.state === "different" && failure ? { ...result, detail: stoppedBy(failure) } : result;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      return different(failure ? stoppedBy(failure) : "a file is missing in the record or its repetition");
    }
    return different((error as Error).message);
  }
}

function stoppedBy(failure: Error): string {
  return `the repetition stopped before: ${failure.message}`;
}

function skipped(detail: string): Result {
  return { state: "skipped", detail };
}

function equal(detail: string): Result {
  return { state: "equal", detail };
}

function different(detail: string): Result {
  return { state: "different", detail };
}

/** A difference in bits, which counts only where equal bits are promised. */
function otherBits({ isLoose }: Pair, detail: string): Result {
  return { state: isLoose ? "other bits" : "different", detail };
}

function count(n: number, thing: string): string {
  return `${n} ${thing}${n === 1 ? "" : "s"}`;
}

/** What can explain a difference of a level, most telling first. */
const REASONS: { readonly [level in Level]: readonly EnvironmentDifference["what"][] } = {
  record: [],
  inputs: [],
  data: ["seed", "plugin code", "framework code", "packages", "deno", "V8 flags"],
  programs: ["seed", "plugin code", "framework code", "packages"],
  steps: ["seed", "plugin code", "framework code", "engine", "threads", "processor", "packages", "deno"],
  metrics: ["seed", "plugin code", "framework code", "engine", "threads", "processor", "packages", "deno"],
  predictions: ["seed", "plugin code", "framework code", "engine", "threads", "processor", "packages"],
  weights: ["seed", "plugin code", "framework code", "engine", "threads", "processor", "packages"],
};

function reasonOf(
  { level, detail }: LevelResult,
  levels: readonly LevelResult[],
  circumstances: readonly EnvironmentDifference[],
  failure: Error | undefined,
): string {
  if (level === "record") return `the record was edited: ${detail}`;
  if (level === "inputs") return "the input data are not the ones of the run";
  for (const what of REASONS[level]) {
    const found = circumstances.find((circumstance) => circumstance.what === what);
    if (found) return `other ${what}: ${found.before} then, ${found.now} now`;
  }
  if (failure) return `the repetition stopped: ${failure.message}`;
  const isSamePath = levels.some((other) => other.level === "steps" && other.state === "equal");
  const changed =
    "the training repeated itself step by step, so the files of the run were changed afterwards";
  if (isSamePath && level === "weights") return changed;
  if (isSamePath && AFTER_TRAINING.includes(level)) {
    return `${changed}, or its evaluation does not repeat itself`;
  }
  return "nothing recorded differs: the files of the run were changed, or the plugin does not repeat itself";
}

/** Seeds that are tried when the record does not belong to its hash. */
const TRIED_SEEDS = 1000;

/** Whether `run.json` and `config.json` still belong to the configuration hash of the run. */
async function editedRecord(
  run: RunDirectory,
  flags: readonly Flag[],
): Promise<{ readonly result: LevelResult; readonly circumstances: readonly EnvironmentDifference[] }> {
  const { record } = run;
  const { values } = await readRunJson<ConfigRecord>(run, "config.json");
  const inputs = await readRunJson<InputsRecord>(run, "provenance/inputs.json");
  const engines = record.engine ? [record.engine.name] : ENGINE_NAMES;
  const { plugin: { name: plugin }, action } = record;
  const belongs = (seed: number): boolean =>
    engines.some((engine) =>
      configHash({ plugin, action, values, flags, inputs, seed, engine }) === record.configHash
    );
  const short = record.configHash.slice(0, 8);
  if (belongs(record.seed)) {
    return {
      result: { level: "record", ...equal(`belongs to configuration hash ${short}`) },
      circumstances: [],
    };
  }
  const seed = [typedSeed(record.command), ...Array(TRIED_SEEDS).keys()].find((seed) =>
    seed !== undefined && belongs(seed)
  );
  if (seed === undefined) {
    const detail = `run.json, config.json or inputs.json do not belong to configuration hash ${short}`;
    return { result: { level: "record", ...different(detail) }, circumstances: [] };
  }
  return {
    result: {
      level: "record",
      ...different(`run.json says seed ${record.seed}, configuration hash ${short} belongs to seed ${seed}`),
    },
    circumstances: [{ what: "seed", before: String(seed), now: String(record.seed) }],
  };
}

function typedSeed(command: readonly string[]): number | undefined {
  const at = command.findIndex((word) => word === "--seed" || word.startsWith("--seed="));
  const text = at < 0 ? undefined : command[at]!.split("=")[1] ?? command[at + 1];
  const seed = Number(text);
  return text !== undefined && Number.isSafeInteger(seed) && seed >= 0 ? seed : undefined;
}

async function compareInputs({ before, now }: Pair): Promise<Result> {
  const [then, today] = await both<InputsRecord>(before, now, "provenance/inputs.json");
  if (then.length === 0 && today.length === 0) return skipped("the run reads no files");
  const digests = (record: InputsRecord): { [name: string]: string } =>
    Object.fromEntries(record.map(({ name, sha256 }, i) => [`${i + 1}. ${name}`, sha256]));
  for (const [i, { name, sha256, bytes }] of then.entries()) {
    const other = today[i];
    if (other?.sha256 === sha256) continue;
    const size = other && other.bytes !== bytes ? ` (${bytes} bytes then, ${other.bytes} now)` : "";
    return different(
      `input "${name}" had sha256 ${short(sha256)} and has ${short(other?.sha256)}${size}`,
    );
  }
  const [added] = changedKeys(digests(then), digests(today.slice(0, then.length)));
  return today.length > then.length || (added !== undefined && then.length !== today.length)
    ? different(
      `there ${today.length === 1 ? "is" : "are"} ${
        count(today.length, "input file")
      } now, not ${then.length}`,
    )
    : equal(count(then.length, "input file"));
}

function short(digest: string | undefined): string {
  return digest === undefined ? "none" : digest.slice(0, 12);
}

async function both<T>(before: RunDirectory, now: RunDirectory, name: string): Promise<[T, T]> {
  return [await readRunJson<T>(before, name), await readRunJson<T>(now, name)];
}

async function compareData({ before, now }: Pair): Promise<Result> {
  if (!await exists(before.file("data.json"))) return skipped("nothing was prepared");
  const describe = (record: DataRecord): { [column: string]: unknown } => {
    const columns = Object.entries(record.tables).flatMap(([split, table]) =>
      Object.entries(table.columns).map(([name, column]) =>
        [`column "${name}" of "${split}"`, column] as const
      )
    );
    return { ...Object.fromEntries(columns), facts: record.facts };
  };
  const records = await both<DataRecord>(before, now, "data.json");
  const [then, today] = [describe(records[0]), describe(records[1])];
  const [name] = changedKeys(then, today);
  if (name !== undefined) return different(`${name} differs`);
  return equal(count(Object.keys(then).length - 1, "column"));
}

async function comparePrograms({ before, now }: Pair): Promise<Result> {
  const [then, today] = [
    await digestsIn(before, "programs", ".json"),
    await digestsIn(now, "programs", ".json"),
  ];
  const [name] = changedKeys(then, today);
  if (name !== undefined) return different(`programs/${name} differs`);
  const programs = Object.keys(then).length;
  return programs === 0 ? skipped("the run has no models") : equal(count(programs, "program"));
}

/** Digests of the files directly in a folder of the run, by name. */
async function digestsIn(
  run: RunDirectory,
  folder: string,
  ending: string,
): Promise<{ [name: string]: string }> {
  const found: { [name: string]: string } = {};
  if (!await exists(run.file(folder))) return found;
  for await (const { name, isFile } of Deno.readDir(run.file(folder))) {
    if (isFile && name.endsWith(ending)) found[name] = sha256Hex(await Deno.readFile(run.file(folder, name)));
  }
  return found;
}

async function compareSteps(pair: Pair): Promise<Result> {
  const limit = pair.steps ?? Infinity;
  const all = await fingerprintsOf(pair.before);
  const then = all.filter(({ step }) => step <= limit);
  const today = (await fingerprintsOf(pair.now)).filter(({ step }) => step <= limit);
  if (all.length === 0 && today.length === 0) return skipped("nothing was trained");
  if (then.length === 0) return different(`no fingerprint was taken up to step ${limit}`);
  const at = then.findIndex((line, i) => JSON.stringify(line) !== JSON.stringify(today[i]));
  const compared = `${count(then.length, "fingerprint")} up to step ${then.at(-1)!.step}`;
  if (at < 0) {
    return today.length === then.length
      ? equal(compared)
      : different(`the record ends at step ${then.at(-1)!.step}, the repetition has further fingerprints`);
  }
  const [line, other] = [then[at]!, today[at]];
  const since = at === 0 ? "from the start" : `equal up to step ${then[at - 1]!.step}`;
  const where = `step ${line.step} (epoch ${line.epoch}) of "${line.model}"`;
  if (!other) return different(`${where} is missing; ${since}`);
  const what = line.loss === other.loss
    ? "has other parameters"
    : `has another loss: ${lossOf(line)} then, ${lossOf(other)} now`;
  const apart = Math.max(...then.map((line, i) => today[i] ? shareApart(lossOf(line), lossOf(today[i])) : 1));
  if (!pair.isLoose || pair.steps === undefined) return otherBits(pair, `${where} ${what}; ${since}`);
  return apart <= TOLERANCE_SHARE
    ? { state: "agrees", detail: `${compared}: losses within ${percent(apart)}, the tolerance is 1 %` }
    : different(`${where} ${what}; losses are up to ${percent(apart)} apart, the tolerance is 1 %`);
}

async function fingerprintsOf(run: RunDirectory): Promise<Fingerprint[]> {
  const path = run.file("fingerprints.jsonl");
  if (!await exists(path)) return [];
  const lines = (await Deno.readTextFile(path)).split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line) as Fingerprint);
}

/** The loss of a fingerprint as a number. */
function lossOf({ loss }: Fingerprint): number {
  const value = new Float32Array(Uint32Array.of(Number.parseInt(loss, 16)).buffer)[0]!;
  return Number(value.toPrecision(9)); // nine digits tell float32 numbers apart
}

function shareApart(a: number, b: number): number {
  return a === b ? 0 : Math.abs(a - b) / Math.max(Math.abs(a), Math.abs(b));
}

function percent(share: number): string {
  return `${(100 * share).toPrecision(2)} %`;
}

async function compareMetrics(pair: Pair): Promise<Result> {
  if (!await exists(pair.before.file("metrics.json"))) return skipped("the run has none");
  const [then, today] = await both<Metrics>(pair.before, pair.now, "metrics.json");
  const changed = changedKeys(then, today);
  const total = count(Object.keys(then).length, "metric");
  if (changed.length === 0) return equal(total);
  if (!pair.isLoose) return different(metricDifference(changed[0]!, then[changed[0]!], today[changed[0]!]));
  const rules = { errors: 0, share: 0 };
  const outside: string[] = [];
  for (const key of changed) {
    const rule = agreement(then[key], today[key]);
    if (rule === undefined) outside.push(key);
    else rules[rule]++;
  }
  const within = `${Object.keys(then).length - changed.length} equal, ${rules.errors} within ` +
    `${TOLERANCE_ERRORS} combined errors, ${rules.share} within ${100 * TOLERANCE_SHARE} %`;
  const [first] = outside;
  return first === undefined ? { state: "agrees", detail: `${total}: ${within}` } : different(
    `${total}: ${within}, ${outside.length} outside; ${metricDifference(first, then[first], today[first])}`,
  );
}

/** The rule by which two metrics agree, if any. */
function agreement(a: Metric | undefined, b: Metric | undefined): "errors" | "share" | undefined {
  if (!a || !b || a.rows !== b.rows || a.unit !== b.unit) return undefined;
  const apart = Math.abs(a.value - b.value);
  if (apart <= TOLERANCE_ERRORS * Math.hypot(a.error ?? 0, b.error ?? 0)) return "errors";
  return shareApart(a.value, b.value) <= TOLERANCE_SHARE ? "share" : undefined;
}

function metricDifference(key: string, a: Metric | undefined, b: Metric | undefined): string {
  if (!a || !b) return `"${key}" ${a ? "is missing in the repetition" : "is not in the record"}`;
  const field = changedKeys({ ...a }, { ...b })[0] as keyof Metric;
  if (a.value === b.value) return `"${key}" differs in ${field}: ${a[field]} then, ${b[field]} now`;
  const combined = Math.hypot(a.error ?? 0, b.error ?? 0);
  const errors = combined === 0
    ? "no error is known, "
    : `${(Math.abs(a.value - b.value) / combined).toPrecision(2)} combined errors, `;
  return `"${key}" was ${a.value} and is ${b.value}: ${errors}${percent(shareApart(a.value, b.value))} apart`;
}

async function comparePredictions(pair: Pair): Promise<Result> {
  const then = await digestsIn(pair.before, "predictions", ".npy");
  const today = await digestsIn(pair.now, "predictions", ".npy");
  const [name] = changedKeys(then, today);
  if (name !== undefined) return otherBits(pair, `predictions/${name} differs`);
  const files = Object.keys(then).length;
  return files === 0 ? skipped("the run has none") : equal(count(files, "file"));
}

async function compareWeights(pair: Pair): Promise<Result> {
  const [then, today] = [await weightsOf(pair.before), await weightsOf(pair.now)];
  if (Object.keys(then).length === 0 && Object.keys(today).length === 0) {
    return skipped("nothing was trained");
  }
  const changed = changedKeys(then, today);
  const name = changed.find((key) => key.includes(" weights of ")) ?? changed[0];
  if (name === undefined) return equal(count(Object.keys(then).length, "file"));
  const damage = await damagedCheckpoint(pair.before);
  return damage === undefined ? otherBits(pair, `${name} differ`) : different(`${name} differ; ${damage}`);
}

/** Digests of the files of the best and the last checkpoint of each model. */
async function weightsOf(run: RunDirectory): Promise<{ [file: string]: string }> {
  const store = new CheckpointStore(run.file("checkpoints"));
  const found: { [file: string]: string } = {};
  for (const which of ["best", "last"] as const) {
    for (const [model, directory] of Object.entries((await store.pointer(which))?.models ?? {})) {
      for (const [what, file] of [["weights", "state.safetensors"], ["counters", "manifest.json"]]) {
        const path = `checkpoints/${directory}/${file}`;
        found[`${which} ${what} of "${model}" (${path})`] = await digestOf(run.file(path));
      }
    }
  }
  return found;
}

/** A checkpoint of the record that does not match its own checksum was changed after it was written. */
async function damagedCheckpoint(run: RunDirectory): Promise<string | undefined> {
  const store = new CheckpointStore(run.file("checkpoints"));
  for (const directory of await store.newestFirst()) {
    try {
      await store.read(directory);
    } catch {
      return `checkpoint ${directory} does not match its own checksum`;
    }
  }
  return undefined;
}
