/**
 * How far an interrupted run got: its last good checkpoints, and its logs truncated to them.
 *
 * @module
 */
import { type LINE_SHAPES, MAX_RECORD_BYTES, parseLine } from "../../core/record_shapes.ts";
import { decodeRecord } from "../../core/not_finite.ts";
import type { TrainingRecord, Warning } from "../../core/types.ts";
import type { Tensors } from "../../engine/runtimes/types.ts";
import { checkpointFolder, type CheckpointManifest, CheckpointStore } from "../../train/checkpoint.ts";
import { exists, writeAtomic } from "../../files/atomic.ts";
import { readPlainText } from "../../files/plain_file.ts";
import type { Fingerprint } from "../../train/fingerprint.ts";
import type { RunDirectory } from "../store/run_directory.ts";
import type { BestState } from "../../train/counters.ts";
import type { ResumePoint } from "../../train/types.ts";

/** How far a model's training has got. */
export interface ModelProgress extends ResumePoint {
  readonly state: Tensors;
  /** Steps of the models before, as this one was trained last. */
  readonly stepOffset: number;
}

/** How far a run got. */
export interface RunProgress {
  readonly models: { readonly [model: string]: ModelProgress };
  /** The lines of `metrics.jsonl` that are kept. */
  readonly history: readonly TrainingRecord[];
}

/** A run that has not begun. */
export const NO_PROGRESS: RunProgress = { models: {}, history: [] };

/**
 * Reads the last good checkpoint of each model and cuts `metrics.jsonl` and `fingerprints.jsonl` back to it.
 * A damaged checkpoint is skipped in favor of the one before, with a warning.
 */
export async function readProgress(
  run: RunDirectory,
  models: readonly string[],
  warnings: Warning[],
): Promise<RunProgress> {
  const store = new CheckpointStore(run.file("checkpoints"));
  const found: { [model: string]: ModelProgress } = {};
  for (const model of models) {
    const progress = await lastGood(store, model, warnings);
    if (progress) found[model] = progress;
  }
  const isOnly = models.length === 1;
  const history = await cutBack<TrainingRecord>(run, "metrics.jsonl", (line) => {
    const counters = found[isOnly ? models[0]! : String(line.model)]?.counters;
    return counters !== undefined && line.epoch <= counters.epoch;
  });
  await cutBack<Fingerprint>(run, "fingerprints.jsonl", (line) => {
    const counters = found[line.model]?.counters;
    return counters !== undefined && line.step <= counters.step;
  });
  return { models: found, history: history.map(decodeRecord) };
}

/**
 * The newest checkpoint of a model that can be read, and the best one it knew of. Newer ones that cannot be used are
 * removed, so that training writes them again.
 */
async function lastGood(
  store: CheckpointStore,
  model: string,
  warnings: Warning[],
): Promise<ModelProgress | undefined> {
  for (const directory of await store.newestFirst()) {
    try {
      const { manifest, state } = await store.read(directory);
      if (manifest.model !== model) continue;
      const { counters } = manifest;
      const best = await bestOf(store, directory, manifest);
      const pair = { best: bestFolder(directory, manifest), last: directory };
      return { counters, state, best, pair, stepOffset: manifest.globalStep - counters.step };
    } catch (error) {
      warnings.push({
        code: "damaged-checkpoint",
        message: `${(error as Error).message}; training continues from the one before`,
      });
      await store.remove(directory);
    }
  }
  return undefined;
}

/** The best state that a checkpoint's counters name; the checkpoint is not usable without it. */
async function bestOf(
  store: CheckpointStore,
  directory: string,
  manifest: CheckpointManifest,
): Promise<BestState | undefined> {
  if (manifest.counters.bestStep === null) return undefined;
  const best = await store.read(bestFolder(directory, manifest));
  return { state: best.state, counters: best.manifest.counters };
}

/** The folder of the best state, which is written with the last one, under a name of the same kind. */
function bestFolder(directory: string, { model, globalStep, counters }: CheckpointManifest): string {
  const { step, bestStep } = counters;
  if (bestStep === null || bestStep === step) return directory;
  const isBehind = step > 0 && isBehindFolder(directory);
  return checkpointFolder(model, globalStep - step + bestStep, bestStep, isBehind);
}

/** Whether a folder's name holds the model. */
export function isBehindFolder(directory: string): boolean {
  return directory.includes("-");
}

/** Keeps the lines of a log that fulfil a condition; a last line that was cut off is dropped. */
async function cutBack<T>(
  run: RunDirectory,
  log: keyof typeof LINE_SHAPES,
  isKept: (line: T) => boolean,
): Promise<T[]> {
  const path = run.file(log);
  if (!await exists(path)) return [];
  const kept: T[] = [];
  for (const [i, text] of readPlainText(path, MAX_RECORD_BYTES).split("\n").entries()) {
    try {
      const line = parseLine(log, text, path, i + 1) as T;
      if (isKept(line)) kept.push(line);
    } catch {
      // an empty line, one that was being written when the run was killed, or none of ours
    }
  }
  await writeAtomic(path, kept.map((line) => JSON.stringify(line) + "\n").join(""));
  return kept;
}
