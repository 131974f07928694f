/**
 * Which epoch is the best, and when there is no point in going on: counters in, counters out.
 *
 * @module
 */
import type { TrainingCounters } from "./counters.ts";

/** The counters that say which epoch was the best, and how long ago. */
export type BestCounters = Pick<
  TrainingCounters,
  "step" | "epoch" | "bestLoss" | "bestEpoch" | "bestStep" | "epochsSinceBest"
>;

/**
 * Whether a monitored value is better than the best one so far: lower, or the first one. The one place that knows in
 * which direction "better" lies; an equal value is not better.
 *
 * @param best Null before the first epoch's end.
 */
export function isBetter(value: number, best: number | null): boolean {
  return best === null || value < best;
}

/**
 * The counters after an epoch with this monitored value; `step` and `epoch` count that epoch already.
 *
 * @example
 * ```ts ignore
 * countBest({ ...INITIAL_COUNTERS, step: 10, epoch: 1 }, 0.5); // bestLoss 0.5, bestEpoch 1, bestStep 10
 * ```
 */
export function countBest<C extends BestCounters>(counters: C, value: number): C {
  if (!isBetter(value, counters.bestLoss)) {
    return { ...counters, epochsSinceBest: counters.epochsSinceBest + 1 };
  }
  const { step, epoch } = counters;
  return { ...counters, bestLoss: value, bestEpoch: epoch, bestStep: step, epochsSinceBest: 0 };
}

/**
 * Whether a training stops early: no better value for `patience` epochs.
 *
 * @param patience Epochs; 0 for never.
 */
export function isOutOfPatience(
  { epochsSinceBest }: Pick<TrainingCounters, "epochsSinceBest">,
  patience: number,
): boolean {
  return patience > 0 && epochsSinceBest >= patience;
}
