/**
 * Comparing a run with its repetition, level by level: record, inputs, prepared data, programs, steps, metrics,
 * predictions, weights.
 *
 * @module
 */
import { NotFoundError } from "../../core/errors.ts";
import type { Flag } from "../../core/flags.ts";
import { environmentDiff, type EnvironmentDifference } from "../provenance/environment_diff.ts";
import type { RunDirectory } from "../store/run_directory.ts";
import { compareData } from "./data.ts";
import { comparePredictions, comparePrograms } from "./files.ts";
import { compareInputs } from "./inputs.ts";
import { compareMetrics } from "./metrics.ts";
import { reasonOf } from "./reasons.ts";
import { compareRecord } from "./record.ts";
import { different, skipped } from "./results.ts";
import { compareSteps } from "./steps.ts";
import { AFTER_TRAINING, type Comparison, type Level, type LevelResult } from "./types.ts";
import type { Pair, Result, Verification } from "./types.ts";
import { compareWeights } from "./weights.ts";

/** Differences in the environment for which only agreement within a tolerance is promised. */
const LOOSENING: readonly EnvironmentDifference["what"][] = ["engine", "threads", "processor"];

/** The comparison of each level, in the order of the levels. */
const COMPARISONS: { readonly [level in Exclude<Level, "record">]: Comparison } = {
  inputs: compareInputs,
  data: compareData,
  programs: comparePrograms,
  steps: compareSteps,
  metrics: compareMetrics,
  predictions: comparePredictions,
  weights: compareWeights,
};

/** Options of {@linkcode compareRuns}. */
export interface CompareRunsOptions {
  /** Flags of the plugin; they say which values are input paths. */
  readonly flags: readonly Flag[];
  /** Only this many steps of the training were repeated. @default all */
  readonly steps?: number | undefined;
  /** Why the repetition did not finish. */
  readonly failure?: Error | undefined;
}

/** Compares a run with its repetition. */
export async function compareRuns(
  before: RunDirectory,
  now: RunDirectory,
  { flags, steps, failure }: CompareRunsOptions,
): Promise<Verification> {
  const record = await compareRecord(before, flags);
  const circumstances = [...record.circumstances, ...await environmentDiff(before, now)];
  const promise = circumstances.some(({ what }) => LOOSENING.includes(what)) ? "tolerance" : "bits";
  const pair: Pair = { before, now, isLoose: promise === "tolerance", steps };
  const levels: LevelResult[] = [{ level: "record", ...record.result }];
  for (const [level, compare] of Object.entries(COMPARISONS) as [Level, Comparison][]) {
    levels.push({ level, ...await resultOf(level, compare, pair, failure) });
  }
  const first = levels.find(({ state }) => state === "different");
  return {
    holds: first === undefined,
    equal: levels.every(({ state }) => state === "equal" || state === "skipped"),
    promise,
    levels,
    circumstances,
    reason: first ? reasonOf({ first, levels, circumstances, failure }) : null,
  };
}

/** One level, unless the repetition trained only the first steps and the level comes after them. */
async function resultOf(
  level: Level,
  compare: Comparison,
  pair: Pair,
  failure: Error | undefined,
): Promise<Result> {
  return pair.steps !== undefined && AFTER_TRAINING.includes(level)
    ? skipped(`only the first ${pair.steps} steps were done again`)
    : await orMissing(compare(pair), failure);
}

/** A file that is missing in the repetition is a difference, too; where it failed, that is why. */
async function orMissing(compared: Promise<Result>, failure: Error | undefined): Promise<Result> {
  try {
    const result = await compared;
    return result.state === "different" && failure ? { ...result, detail: stoppedBy(failure) } : result;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof NotFoundError) {
      return different(failure ? stoppedBy(failure) : "a file is missing in the record or its repetition");
    }
    return different((error as Error).message);
  }
}

function stoppedBy(failure: Error): string {
  return `the repetition stopped before: ${failure.message}`;
}
