/**
 * Doing a run again from its record and comparing: inputs, prepared data, programs, first steps, metrics, weights.
 *
 * @module
 */
import { sha256Hex } from "../core/hash.ts";
import type { DataRecord, InputsRecord } from "../core/records.ts";
import type { Metrics } from "../core/types.ts";
import { CheckpointStore } from "./checkpoint.ts";
import { exists } from "./files.ts";
import type { Fingerprint } from "./fingerprint.ts";
import { readRunJson } from "./replay.ts";
import type { RunDirectory } from "./store.ts";

/** What is compared, in this order. */
export const LEVELS = ["inputs", "data", "programs", "steps", "metrics", "weights"] as const;
/** What is compared. */
export type Level = typeof LEVELS[number];

/** How one level came out. */
export interface LevelResult {
  readonly level: Level;
  readonly state: "equal" | "different" | "skipped";
  /** What was compared, or the first thing that differs. */
  readonly detail: string;
}

/** Something that is not as it was, and can explain a difference. */
export interface Circumstance {
  readonly what:
    | "engine"
    | "threads"
    | "processor"
    | "packages"
    | "plugin code"
    | "framework code"
    | "deno"
    | "seed";
  readonly before: string;
  readonly now: string;
}

/** The outcome of a verification. */
export interface Verification {
  readonly equal: boolean;
  /** Which promise applies: equal bits, or agreement within a tolerance. */
  readonly promise: "bits" | "tolerance";
  readonly levels: readonly LevelResult[];
  readonly circumstances: readonly Circumstance[];
  /** The likely reason of the first difference. */
  readonly reason: string | null;
}

/** Circumstances under which only agreement within a tolerance is promised. */
const LOOSENING: readonly Circumstance["what"][] = ["engine", "threads", "processor"];

/** Compares a run with its repetition. `steps` limits the comparison to a prefix of the training. */
export async function compareRuns(
  before: RunDirectory,
  now: RunDirectory,
  steps?: number,
): Promise<Verification> {
  const circumstances = await circumstancesOf(before, now);
  const isPrefix = steps !== undefined;
  const levels: LevelResult[] = [
    await compareInputs(before, now),
    await compareData(before, now),
    await comparePrograms(before, now),
    await compareSteps(before, now, steps),
    isPrefix ? skipped("metrics") : await compareMetrics(before, now),
    isPrefix ? skipped("weights") : await compareWeights(before, now),
  ];
  const first = levels.find(({ state }) => state === "different");
  return {
    equal: first === undefined,
    promise: circumstances.some(({ what }) => LOOSENING.includes(what)) ? "tolerance" : "bits",
    levels,
    circumstances,
    reason: first ? reasonOf(first, circumstances) : null,
  };
}

function skipped(level: Level, detail = "only a prefix was run"): LevelResult {
  return { level, state: "skipped", detail };
}

function result(level: Level, difference: string | undefined, what: string): LevelResult {
  return difference === undefined
    ? { level, state: "equal", detail: what }
    : { level, state: "different", detail: difference };
}

/** What can explain a difference of a level, most telling first. */
const REASONS: { readonly [level in Level]: readonly Circumstance["what"][] } = {
  inputs: [],
  data: ["seed", "plugin code", "framework code", "packages", "deno"],
  programs: ["seed", "plugin code", "framework code", "packages"],
  steps: ["seed", "engine", "threads", "processor", "plugin code", "framework code", "packages", "deno"],
  metrics: ["seed", "plugin code", "framework code", "engine", "threads", "processor", "packages", "deno"],
  weights: ["engine", "threads", "processor", "plugin code", "framework code", "packages", "deno"],
};

function reasonOf({ level }: LevelResult, circumstances: readonly Circumstance[]): string {
  if (level === "inputs") return "the input data are not the ones of the run";
  for (const what of REASONS[level]) {
    const found = circumstances.find((circumstance) => circumstance.what === what);
    if (found) return `other ${what}: ${found.before} then, ${found.now} now`;
  }
  return "nothing recorded differs: the files of the run were changed, or the run does not repeat itself";
}

async function circumstancesOf(before: RunDirectory, now: RunDirectory): Promise<Circumstance[]> {
  const found: Circumstance[] = [];
  const add = (what: Circumstance["what"], then: unknown, today: unknown): void => {
    if (String(then) !== String(today)) found.push({ what, before: String(then), now: String(today) });
  };
  add("seed", before.record.seed, now.record.seed);
  add("engine", before.record.engine?.name, now.record.engine?.name);
  add("threads", before.record.engine?.threads, now.record.engine?.threads);
  add("deno", before.record.versions.deno, now.record.versions.deno);
  const environments = await both<{ cpu: { model: string; flags: string[] } | null }>(
    before,
    now,
    "environment.json",
  );
  if (environments) {
    const name = ({ cpu }: { cpu: { model: string; flags: string[] } | null }): string =>
      cpu ? `${cpu.model} [${cpu.flags}]` : "?";
    add("processor", name(environments[0]), name(environments[1]));
  }
  type Modules = { plugin: { [path: string]: string }; framework: { [path: string]: string } };
  const modules = await both<Modules>(before, now, "modules.json");
  if (modules) {
    for (const [what, key] of [["plugin code", "plugin"], ["framework code", "framework"]] as const) {
      const changed = changedKeys(modules[0][key], modules[1][key]);
      if (changed.length > 0) {
        const names = `${changed[0]}${changed.length > 1 ? ` and ${changed.length - 1} more` : ""}`;
        found.push({ what, before: names, now: "changed" });
      }
    }
  }
  add(
    "packages",
    await digestOf(before, "provenance/deno.lock"),
    await digestOf(now, "provenance/deno.lock"),
  );
  return found;
}

async function both<T>(before: RunDirectory, now: RunDirectory, name: string): Promise<[T, T] | undefined> {
  const path = `provenance/${name}`;
  if (!await exists(before.file(path)) || !await exists(now.file(path))) return undefined;
  return [await readRunJson<T>(before, path), await readRunJson<T>(now, path)];
}

async function digestOf(run: RunDirectory, name: string): Promise<string> {
  return await exists(run.file(name)) ? sha256Hex(await Deno.readFile(run.file(name))).slice(0, 12) : "none";
}

function changedKeys(
  a: { readonly [key: string]: unknown },
  b: { readonly [key: string]: unknown },
): string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].filter((key) =>
    JSON.stringify(a[key]) !== JSON.stringify(b[key])
  ).sort();
}

async function compareInputs(before: RunDirectory, now: RunDirectory): Promise<LevelResult> {
  const inputs = await both<InputsRecord>(before, now, "inputs.json");
  if (!inputs) return skipped("inputs", "not recorded");
  const digests = (record: InputsRecord): { [name: string]: string } =>
    Object.fromEntries(record.map(({ name, sha256 }) => [name, sha256]));
  const [then, today] = [digests(inputs[0]), digests(inputs[1])];
  const [name] = changedKeys(then, today);
  const difference = name === undefined
    ? undefined
    : `input "${name}" has sha256 ${short(then[name])} in the record and ${short(today[name])} now`;
  return result("inputs", difference, `${inputs[0].length} input files`);
}

function short(digest: string | undefined): string {
  return digest === undefined ? "none" : digest.slice(0, 12);
}

async function compareData(before: RunDirectory, now: RunDirectory): Promise<LevelResult> {
  if (!await exists(before.file("data.json"))) return skipped("data", "nothing was prepared");
  const describe = async (run: RunDirectory): Promise<{ [column: string]: unknown }> => {
    const record = await readRunJson<DataRecord>(run, "data.json");
    const columns = Object.entries(record.tables).flatMap(([split, table]) =>
      Object.entries(table.columns).map(([name, column]) =>
        [`column "${name}" of "${split}"`, column] as const
      )
    );
    return { ...Object.fromEntries(columns), facts: record.facts };
  };
  const [then, today] = [await describe(before), await describe(now)];
  const [name] = changedKeys(then, today);
  return result(
    "data",
    name === undefined ? undefined : `${name} differs`,
    `${Object.keys(then).length - 1} columns`,
  );
}

async function comparePrograms(before: RunDirectory, now: RunDirectory): Promise<LevelResult> {
  const hashes = async (run: RunDirectory): Promise<{ [name: string]: string }> => {
    const found: { [name: string]: string } = {};
    for await (const { name } of Deno.readDir(run.file("programs"))) {
      if (name.endsWith(".json")) found[name] = sha256Hex(await Deno.readFile(run.file("programs", name)));
    }
    return found;
  };
  const [then, today] = [await hashes(before), await hashes(now)];
  const [name] = changedKeys(then, today);
  return result(
    "programs",
    name === undefined ? undefined : `programs/${name} differs`,
    `${Object.keys(then).length} programs`,
  );
}

async function compareSteps(before: RunDirectory, now: RunDirectory, steps = Infinity): Promise<LevelResult> {
  const lines = async (run: RunDirectory): Promise<Fingerprint[]> => {
    const path = run.file("fingerprints.jsonl");
    if (!await exists(path)) return [];
    const text = await Deno.readTextFile(path);
    return text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line) as Fingerprint)
      .filter(({ step }) => step <= steps);
  };
  const [then, today] = [await lines(before), await lines(now)];
  if (then.length === 0) return skipped("steps", "nothing was trained");
  const last = then.at(-1)!;
  for (const [i, line] of then.entries()) {
    const other = today[i];
    if (JSON.stringify(line) === JSON.stringify(other)) continue;
    const what = !other
      ? "is missing"
      : line.loss !== other.loss
      ? "has another loss"
      : "has other parameters";
    const since = i === 0 ? "the start" : `step ${then[i - 1]!.step}`;
    return result(
      "steps",
      `step ${line.step} (epoch ${line.epoch}) of "${line.model}" ${what}; equal up to ${since}`,
      "",
    );
  }
  return result("steps", undefined, `${then.length} fingerprints up to step ${last.step}`);
}

async function compareMetrics(before: RunDirectory, now: RunDirectory): Promise<LevelResult> {
  if (!await exists(before.file("metrics.json"))) return skipped("metrics", "the run has none");
  const [then, today] = [
    await readRunJson<Metrics>(before, "metrics.json"),
    await readRunJson<Metrics>(now, "metrics.json"),
  ];
  const [key] = changedKeys(then, today);
  const difference = key === undefined
    ? undefined
    : `"${key}" was ${then[key]?.value ?? "absent"} and is ${today[key]?.value ?? "absent"}`;
  return result("metrics", difference, `${Object.keys(then).length} metrics`);
}

async function compareWeights(before: RunDirectory, now: RunDirectory): Promise<LevelResult> {
  const digests = async (run: RunDirectory): Promise<{ [which: string]: string }> => {
    const store = new CheckpointStore(run.file("checkpoints"));
    const found: { [which: string]: string } = {};
    for (const which of ["best", "last"] as const) {
      for (const [model, directory] of Object.entries((await store.pointer(which))?.models ?? {})) {
        found[`${which} weights of "${model}" (checkpoints/${directory}/state.safetensors)`] = await digestOf(
          run,
          `checkpoints/${directory}/state.safetensors`,
        );
      }
    }
    return found;
  };
  const [then, today] = [await digests(before), await digests(now)];
  if (Object.keys(then).length === 0) return skipped("weights", "nothing was trained");
  const [name] = changedKeys(then, today);
  return result(
    "weights",
    name === undefined ? undefined : `${name} differ`,
    `${Object.keys(then).length} checkpoints`,
  );
}
