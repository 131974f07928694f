/**
 * Location and width of a sample.
 *
 * @module
 */

/** A sample of numbers, one per row. */
export type NumberArray = Float64Array | Float32Array | readonly number[];

/**
 * The arithmetic mean.
 *
 * @param values Shape [row]; any unit; finite.
 * @returns In the unit of the values; error of a few units in the last place of the largest value, by a second pass
 * that adds the mean of what is left over. O(n).
 * @throws {RangeError} If there are no values or one is not finite.
 */
export function mean(values: NumberArray): number {
  requireSample(values, "compute a mean");
  return meanOf(values);
}

/**
 * The root mean square about zero: sqrt(Σ x² / n).
 *
 * @param values Shape [row]; any unit; finite.
 * @returns In the unit of the values.
 * @throws {RangeError} If there are no values or one is not finite.
 */
export function rms(values: NumberArray): number {
  requireSample(values, "compute a root mean square");
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! * values[i]!;
  return Math.sqrt(sum / values.length);
}

/**
 * The standard deviation about the mean: sqrt(Σ (x - mean)² / (n - c)).
 *
 * @param values Shape [row]; any unit; finite.
 * @param options `correction` is c: 0 for the population (the default, as numpy), 1 for the sample estimate.
 * @returns In the unit of the values.
 * @throws {RangeError} If there are not more values than the correction, or one is not finite.
 */
export function standardDeviation(
  values: NumberArray,
  { correction = 0 }: { readonly correction?: 0 | 1 } = {},
): number {
  requireSample(values, "compute a standard deviation");
  if (values.length <= correction) {
    throw new RangeError(
      `Cannot compute a standard deviation as there must be more than ${correction} values: found ${values.length}`,
    );
  }
  const center = meanOf(values);
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += (values[i]! - center) ** 2;
  return Math.sqrt(sum / (values.length - correction));
}

/**
 * The quantile at probability p, with linear interpolation between order statistics: the value at position p (n - 1) of
 * the sorted sample (definition 7 of Hyndman and Fan, the default of numpy).
 *
 * @param values Shape [row]; any unit; finite. Not changed.
 * @param p In [0, 1].
 * @returns In the unit of the values. O(n) time on average, by selection; O(n) memory.
 * @throws {RangeError} If there are no values, one is not finite, or p is outside [0, 1].
 */
export function quantile(values: NumberArray, p: number): number {
  return quantiles(values, [p])[0]!;
}

/** Several {@linkcode quantile | quantiles} of one sample, for the price of one copy. */
export function quantiles(values: NumberArray, probabilities: readonly number[]): number[] {
  requireSample(values, "compute a quantile");
  const scratch = new Float64Array(values);
  return probabilities.map((p) => {
    if (!(p >= 0 && p <= 1)) {
      throw new RangeError(`Cannot compute a quantile as its probability must be in [0, 1]: found ${p}`);
    }
    return selectQuantile(scratch, p);
  });
}

/**
 * The median: the {@linkcode quantile} at 1/2.
 *
 * @throws {RangeError} If there are no values or one is not finite.
 */
export function median(values: NumberArray): number {
  return quantile(values, 0.5);
}

/**
 * Half the length of the central interval that contains a fraction `share` of the sample: (q((1 + share)/2) -
 * q((1 - share)/2)) / 2. For a Gaussian and a fraction of 0.68 it is 0.994 standard deviations.
 *
 * @param residuals Shape [row]; any unit; finite.
 * @param share In (0, 1). @default 0.68
 * @returns In the unit of the residuals.
 * @throws {RangeError} If there are no residuals, one is not finite, or the share is outside (0, 1).
 *
 * @example
 * ```ts
 * import { halfWidth } from "./summary.ts";
 * if (halfWidth([0, 1, 2, 3, 4], 0.5) !== 1) throw new Error("unreachable");
 * ```
 */
export function halfWidth(residuals: NumberArray, share = 0.68): number {
  if (!(share > 0 && share < 1)) {
    throw new RangeError(`Cannot compute a half-width as the share must be in (0, 1): found ${share}`);
  }
  const [low, high] = quantiles(residuals, [(1 - share) / 2, (1 + share) / 2]) as [number, number];
  return (high - low) / 2;
}

/** Throws when a sample is empty or holds a value that is not finite. `action` completes "Cannot ...". */
export function requireSample(values: NumberArray, action: string): void {
  if (values.length === 0) throw new RangeError(`Cannot ${action} as there must be values: found none`);
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) {
      throw new RangeError(
        `Cannot ${action} as every value must be finite: found ${
          values[i]
        } at index ${i} of ${values.length}`,
      );
    }
  }
}

/** Throws when two columns have different numbers of rows. */
export function requireSameLength(a: ArrayLike<number>, b: ArrayLike<number>, action: string): void {
  if (a.length !== b.length) {
    throw new TypeError(`Cannot ${action} as rows must correspond: found ${a.length} and ${b.length}`);
  }
}

function meanOf(values: NumberArray): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  const first = sum / values.length;
  let rest = 0;
  for (let i = 0; i < values.length; i++) rest += values[i]! - first;
  return first + rest / values.length;
}

/** The quantile of an array whose order it may change. */
function selectQuantile(scratch: Float64Array, p: number): number {
  const position = p * (scratch.length - 1);
  const k = Math.floor(position);
  const low = select(scratch, k);
  if (position === k) return low;
  let high = Infinity;
  for (let i = k + 1; i < scratch.length; i++) if (scratch[i]! < high) high = scratch[i]!;
  return low + (high - low) * (position - k);
}

/**
 * Reorders so that `values[k]` is the k-th smallest with nothing larger before and nothing smaller after it;
 * returns it. Hoare's quickselect; the pivot is the median of the first, middle and last element.
 */
function select(values: Float64Array, k: number): number {
  let left = 0;
  let right = values.length - 1;
  while (left < right) {
    const pivot = middleOf(values[left]!, values[(left + right) >>> 1]!, values[right]!);
    let i = left;
    let j = right;
    while (i <= j) {
      while (values[i]! < pivot) i++;
      while (values[j]! > pivot) j--;
      if (i > j) break;
      const held = values[i]!;
      values[i++] = values[j]!;
      values[j--] = held;
    }
    if (k <= j) right = j;
    else if (k >= i) left = i;
    else break;
  }
  return values[k]!;
}

function middleOf(a: number, b: number, c: number): number {
  return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
}
