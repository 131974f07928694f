/**
 * When checkpoints are written while training goes on, and which are kept.
 *
 * @module
 */
import type { Tensors } from "../engine/runtimes/types.ts";
import type { CheckpointStore } from "./checkpoint.ts";
import type { BestState, TrainingCounters } from "./counters.ts";

/** Seconds between checkpoints that are written while training goes on. */
export const CHECKPOINT_SECONDS = 10;
/** Writing checkpoints takes at most this share of the time, where nothing else is asked for. */
export const CHECKPOINT_SHARE = 0.05;

/**
 * Milliseconds from the end of one checkpoint to the next.
 *
 * @param seconds What is asked for; undefined for a pause after which writing takes at most
 * {@linkcode CHECKPOINT_SHARE} of the time.
 * @param writingMs What the last checkpoint took; 0 before the first.
 */
export function pauseMs(seconds: number | undefined, writingMs: number): number {
  return seconds === undefined
    ? Math.max(CHECKPOINT_SECONDS * 1000, writingMs / CHECKPOINT_SHARE)
    : seconds * 1000;
}

/** Folders of the best and the last state that were written together. */
export interface CheckpointPair {
  readonly best: string;
  readonly last: string;
}

/** The newest pair and the one before, to fall back on; a pair that was written already changes nothing. */
export function keptPairs(
  kept: readonly CheckpointPair[],
  newest: CheckpointPair,
): readonly CheckpointPair[] {
  return kept[0]?.last === newest.last ? kept : [newest, ...kept.slice(0, 1)];
}

/** Where and how often one model's checkpoints are written. */
export interface CheckpointStrategyOptions {
  readonly store: CheckpointStore;
  readonly model: string;
  /** Steps of the models trained before in this run. */
  readonly stepOffset: number;
  /** Seconds between checkpoints; see {@linkcode pauseMs}. */
  readonly seconds?: number | undefined;
  /** The clock, in milliseconds. */
  readonly now: () => number;
  /** The checkpoints that training resumes from; they are kept as any other. */
  readonly resumeFrom?: CheckpointPair | undefined;
  /** Whether a later model has begun: then the names of folders hold the model. @default false */
  readonly isBehind?: boolean | undefined;
}

/** Writes one model's checkpoints and lets go of older ones. */
export class CheckpointStrategy {
  readonly #options: CheckpointStrategyOptions;
  #written: number;
  #writingMs = 0;
  #pairs: readonly CheckpointPair[] = [];

  constructor(options: CheckpointStrategyOptions) {
    this.#options = options;
    this.#written = options.now();
    if (options.resumeFrom) this.#pairs = [options.resumeFrom];
  }

  /** Whether the next checkpoint is due. */
  get isDue(): boolean {
    const { now, seconds } = this.#options;
    return now() - this.#written >= pauseMs(seconds, this.#writingMs);
  }

  /**
   * Writes the best and then the last state, and lets go of older ones. In this order a checkpoint that is there always
   * finds the best state that its counters name.
   *
   * @param best Undefined before the first epoch's end; then the last state counts as the best.
   * @param readState A copy of the state that belongs to `counters`.
   */
  async write(
    best: BestState | undefined,
    counters: TrainingCounters,
    readState: () => Promise<Tensors>,
  ): Promise<void> {
    const { store, model, stepOffset, isBehind, now } = this.#options;
    const started = now();
    const write = (at: TrainingCounters, state: Tensors): Promise<string> =>
      store.write(model, stepOffset + at.step, at, state, isBehind);
    const bestFolder = best && await write(best.counters, best.state);
    const last = await write(counters, await readState());
    const pair = { best: bestFolder ?? last, last };
    await store.point("best", model, pair.best);
    await store.point("last", model, pair.last);
    this.#pairs = keptPairs(this.#pairs, pair);
    await store.prune(this.#pairs.flatMap(({ best, last }) => [best, last]));
    this.#written = now();
    this.#writingMs = this.#written - started;
  }
}
