/**
 * What a verification compares, and its results.
 *
 * @module
 */
import type { EnvironmentDifference } from "../provenance/environment_diff.ts";
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

/** Levels that a repetition of the first steps does not reach. */
export const AFTER_TRAINING: readonly Level[] = ["metrics", "predictions", "weights"];

/** The result of one level. */
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

/** A run and its repetition. */
export interface Pair {
  readonly before: RunDirectory;
  readonly now: RunDirectory;
  /** Equal bits are not promised. */
  readonly isLoose: boolean;
  /** Only this many steps of the training were repeated; undefined for all. */
  readonly steps: number | undefined;
}

/** The result of one level, without its name. */
export type Result = Omit<LevelResult, "level">;

/** Compares one level of a run with its repetition; a missing file is left to the caller. */
export type Comparison = (pair: Pair) => Promise<Result>;
