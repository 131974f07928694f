/**
 * Training, validation and test part of a table: by shares, or by folds of a cross-validation.
 *
 * @module
 */
import type { Fold } from "../core/types.ts";

/** Shares of the parts; what is left is the test part. */
export interface SplitShares {
  /** Share of training rows (0..1). */
  readonly train: number;
  /** Share of validation rows (0..1); together with `train` below 1. */
  readonly validation: number;
}

/** Row numbers of each part, in the order in which they were drawn. */
export interface SplitRows {
  readonly train: Uint32Array;
  readonly validation: Uint32Array;
  readonly test: Uint32Array;
}

/**
 * Divides rows that were drawn in a random order. Without a fold the parts follow each other: the first share is for
 * training, the next for validation, the rest for the test. With one, the fold's rows are the test part and the others are
 * divided between training and validation; over all folds each row is tested once.
 *
 * @param order Row numbers in random order, such as `context.random("split").permutation(rows)`.
 * @param shares Of all rows. With a fold the test part has one in `fold.count`, and the others keep the proportion of
 * training to validation.
 * @param fold `context.fold` of `prepare`.
 * @throws {RangeError} If the shares leave no test part, or there are fewer rows than folds.
 *
 * @example
 * ```ts
 * import { splitRows } from "beamline/data";
 * const order = Uint32Array.of(4, 2, 0, 1, 3, 5, 7, 6, 9, 8);
 * splitRows(order, { train: 0.8, validation: 0.1 }).test; // 8
 * splitRows(order, { train: 0.8, validation: 0.1 }, { index: 0, count: 5 }).test; // 4, 2
 * ```
 */
export function splitRows(order: Uint32Array, { train, validation }: SplitShares, fold?: Fold): SplitRows {
  if (!(train > 0 && validation >= 0 && train + validation < 1)) {
    throw new RangeError(
      `Cannot split rows as the shares of training and validation must leave some for the test: found ${train} and ${validation}`,
    );
  }
  if (fold) {
    const { test, rest } = foldRows(order, fold);
    const validated = Math.round(rest.length * validation / (train + validation));
    return { train: rest.subarray(validated), validation: rest.subarray(0, validated), test };
  }
  const [first, second] = [Math.floor(train * order.length), Math.floor((train + validation) * order.length)];
  return {
    train: order.subarray(0, first),
    validation: order.subarray(first, second),
    test: order.subarray(second),
  };
}

/** The test part of a fold, and all else. */
export interface FoldRows {
  readonly test: Uint32Array;
  /** Begins with what follows the test part, so that validation rows taken from its start differ from fold to fold. */
  readonly rest: Uint32Array;
}

/**
 * The part of an order that a fold tests: `count` parts whose sizes differ by at most one. For what is divided otherwise
 * than by rows: blocks of time, events with several rows, detectors.
 *
 * @param order Numbers of rows, blocks or events in random order.
 * @throws {RangeError} If there are fewer than folds.
 */
export function foldRows(order: Uint32Array, { index, count }: Fold): FoldRows {
  if (order.length < count) {
    throw new RangeError(
      `Cannot make ${count} folds as each must have something to test: found ${order.length} in all`,
    );
  }
  const at = (fold: number): number => Math.floor(fold * order.length / count);
  const rest = new Uint32Array(order.length - (at(index + 1) - at(index)));
  rest.set(order.subarray(at(index + 1)));
  rest.set(order.subarray(0, at(index)), order.length - at(index + 1));
  return { test: order.subarray(at(index), at(index + 1)), rest };
}
