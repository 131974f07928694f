/**
 * Counts in equal bins.
 *
 * @module
 */
import { type NumberArray, requireSameLength, requireSample } from "./summary.ts";

/** Range and number of bins of an axis. */
export interface Binning {
  /** Lower and upper edge, in the unit of the values. */
  readonly range: readonly [number, number];
  readonly bins: number;
}

/** Counts in equal bins. */
export interface Histogram {
  /** Shape [bins + 1]. A bin holds its lower edge; the last bin holds both of its edges. */
  readonly edges: Float64Array<ArrayBuffer>;
  /** Shape [bins]. */
  readonly counts: Float64Array<ArrayBuffer>;
  /** Values below the range. */
  readonly underflow: number;
  /** Values above the range. */
  readonly overflow: number;
}

/** Counts in equal bins of two quantities. */
export interface Histogram2d {
  readonly edgesX: Float64Array<ArrayBuffer>;
  readonly edgesY: Float64Array<ArrayBuffer>;
  /** Shape [y bin, x bin], row-major. */
  readonly counts: Float64Array<ArrayBuffer>;
  /** Rows with one of the two values outside its range. */
  readonly outside: number;
}

/**
 * Counts values in equal bins. Same bins and counts as `numpy.histogram`, plus the counts outside the range.
 *
 * @param values Shape [row]; finite.
 * @param binning The range, in the unit of the values, and the number of bins (1..1e7).
 * @throws {RangeError} If there are no values, one is not finite, or the binning is not a range.
 *
 * @example
 * ```ts
 * import { histogram } from "./histogram.ts";
 * const { counts, overflow } = histogram([0, 0.5, 1, 2, 9], { range: [0, 2], bins: 2 });
 * if (counts.join() !== "2,2" || overflow !== 1) throw new Error("unreachable");
 * ```
 */
export function histogram(values: NumberArray, { range, bins }: Binning): Histogram {
  requireSample(values, "fill a histogram");
  const edges = binEdges({ range, bins });
  const counts = new Float64Array(bins);
  let underflow = 0;
  let overflow = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    const bin = findBin(edges, value);
    if (bin >= 0) counts[bin]!++;
    else if (value < edges[0]!) underflow++;
    else overflow++;
  }
  return { edges, counts, underflow, overflow };
}

/**
 * Counts pairs of values in equal bins of both.
 *
 * @param x Shape [row]; finite.
 * @param y Shape [row]; finite.
 * @throws {TypeError} If the lengths differ.
 * @throws {RangeError} If there are no rows, a value is not finite, or a binning is not a range.
 */
export function histogram2d(
  x: NumberArray,
  y: NumberArray,
  binning: { readonly x: Binning; readonly y: Binning },
): Histogram2d {
  requireSameLength(x, y, "fill a histogram");
  requireSample(x, "fill a histogram");
  requireSample(y, "fill a histogram");
  const edgesX = binEdges(binning.x);
  const edgesY = binEdges(binning.y);
  const counts = new Float64Array(binning.x.bins * binning.y.bins);
  let outside = 0;
  for (let i = 0; i < x.length; i++) {
    const column = findBin(edgesX, x[i]!);
    const row = findBin(edgesY, y[i]!);
    if (column < 0 || row < 0) outside++;
    else counts[row * binning.x.bins + column]!++;
  }
  return { edgesX, edgesY, counts, outside };
}

/**
 * The edges of equal bins: `bins + 1` numbers from the lower to the upper end of the range.
 *
 * @throws {RangeError} If the number of bins is not an integer in 1..1e7, or the range is not increasing and finite.
 */
export function binEdges({ range, bins }: Binning): Float64Array<ArrayBuffer> {
  const [low, high] = range;
  if (!Number.isInteger(bins) || bins < 1 || bins > 1e7) {
    throw new RangeError(
      `Cannot fill a histogram as the bins must be an integer from 1 to 1e7: found ${bins}`,
    );
  }
  if (!Number.isFinite(low) || !Number.isFinite(high) || !(low < high)) {
    throw new RangeError(
      `Cannot fill a histogram as its range must be increasing and finite: found [${low}, ${high}]`,
    );
  }
  const edges = new Float64Array(bins + 1);
  const step = (high - low) / bins;
  for (let i = 0; i < bins; i++) edges[i] = low + i * step;
  edges[bins] = high;
  return edges;
}

/** The bin of equal bins that holds a value, or -1. The edges decide where rounding of the division would not. */
function findBin(edges: Float64Array, value: number): number {
  const bins = edges.length - 1;
  const low = edges[0]!;
  const high = edges[bins]!;
  if (!(value >= low && value <= high)) return -1;
  let bin = Math.min(Math.floor((value - low) / (high - low) * bins), bins - 1);
  if (value < edges[bin]!) bin--;
  else if (bin < bins - 1 && value >= edges[bin + 1]!) bin++;
  return bin;
}
