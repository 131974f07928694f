/**
 * Why a repetition differs, as far as the record shows.
 *
 * @module
 */
import type { EnvironmentDifference } from "../provenance/environment_diff.ts";
import { AFTER_TRAINING, type Level, type LevelResult } from "./types.ts";

/** What can explain a difference of a level, most likely first. */
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

/** What is known when a level differs. */
export interface ReasonRequest {
  /** The first level that differs. */
  readonly first: LevelResult;
  readonly levels: readonly LevelResult[];
  readonly circumstances: readonly EnvironmentDifference[];
  /** Why the repetition did not finish. */
  readonly failure?: Error | undefined;
}

/** The likely reason of the first difference, in one sentence. */
export function reasonOf({ first, levels, circumstances, failure }: ReasonRequest): string {
  const { level, detail } = first;
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
