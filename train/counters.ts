/**
 * Where a training stands, as plain values.
 *
 * @module
 */
import type { Tensors } from "../engine/runtimes/types.ts";

/** Counters of the training loop; with the state tensors and the seed they say everything. */
export interface TrainingCounters {
  /** Steps done in this model's training. */
  readonly step: number;
  /** Whole epochs done. */
  readonly epoch: number;
  /** Steps done in the epoch that was begun. */
  readonly stepInEpoch: number;
  /** Best monitored value so far, the loss or another one; null before the first epoch whose value is finite. */
  readonly bestLoss: number | null;
  readonly bestEpoch: number | null;
  readonly bestStep: number | null;
  readonly epochsSinceBest: number;
  readonly plateauDrops: number;
  readonly epochsSinceDrop: number;
  /** Sums of the recorded values over the epoch that was begun. */
  readonly sums: { readonly [name: string]: number };
}

/** Counters of a training that has not begun; the order is that of `manifest.json`. */
export const INITIAL_COUNTERS: TrainingCounters = {
  step: 0,
  epoch: 0,
  stepInEpoch: 0,
  bestLoss: null,
  bestEpoch: null,
  bestStep: null,
  epochsSinceBest: 0,
  plateauDrops: 0,
  epochsSinceDrop: 0,
  sums: {},
};

/** The state with the lowest monitored loss, and where training stood. */
export interface BestState {
  readonly state: Tensors;
  readonly counters: TrainingCounters;
}
