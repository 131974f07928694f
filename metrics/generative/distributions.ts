/**
 * How far apart two histograms are.
 *
 * @module
 */
import type { Random } from "../../core/random.ts";
import type { Estimate } from "../../core/types.ts";
import { type NumberArray, requireSameLength, standardDeviation } from "../summary/summary.ts";

/**
 * The chi2 distance of two histograms of **raw counts**: sum over bins of (P - Q)² / (P + Q); a bin empty in both
 * adds nothing. It grows with the number of entries and is comparable only at equal numbers.
 *
 * @param p Shape [bin]; counts.
 * @param q Shape [bin]; counts in the same bins.
 * @returns At least 0; for two samples of one distribution about the number of filled bins.
 *
 * @example
 * ```ts
 * import { chi2Distance } from "./distributions.ts";
 * if (chi2Distance([3, 0], [1, 0]) !== 1) throw new Error("unreachable");
 * ```
 *
 * @see QaloSim/CaloQuVAE, `utils/HighLevelFeatures`: 30 equal bins over the pooled range.
 */
export function chi2Distance(p: NumberArray, q: NumberArray): number {
  requireSameLength(p, q, "compare histograms");
  let sum = 0;
  for (let i = 0; i < p.length; i++) {
    const total = p[i]! + q[i]!;
    if (total > 0) sum += (p[i]! - q[i]!) ** 2 / total;
  }
  return sum;
}

/**
 * The separation power of two histograms, the triangular discrimination: 1/2 sum over bins of (h1 - h2)² /
 * (h1 + h2 + 1e-16), with h normalized to a sum of 1. A histogram without entries counts as zero in all bins.
 *
 * @returns In [0, 1]; 0 for equal shapes, 1 for disjoint ones.
 *
 * @see CaloChallenge, arXiv:2410.21611, equation for the separation power; `CaloChallenge/homepage`, evaluate.py.
 */
export function separationPower(p: NumberArray, q: NumberArray): number {
  requireSameLength(p, q, "compare histograms");
  const [totalP, totalQ] = [totalOf(p), totalOf(q)];
  let sum = 0;
  for (let i = 0; i < p.length; i++) {
    const [h1, h2] = [totalP > 0 ? p[i]! / totalP : 0, totalQ > 0 ? q[i]! / totalQ : 0];
    sum += (h1 - h2) ** 2 / (h1 + h2 + 1e-16);
  }
  return sum / 2;
}

function totalOf(counts: NumberArray): number {
  let sum = 0;
  for (let i = 0; i < counts.length; i++) sum += counts[i]!;
  return sum;
}

/** Two histograms compared, with errors. */
export interface HistogramComparison {
  readonly chi2: Estimate;
  readonly separation: Estimate;
}

/**
 * Both distances with bootstrap errors: every count is redrawn from a Poisson distribution around itself,
 * which for one entry per event is the bootstrap over events, with a total that fluctuates.
 *
 * @param options `random` is the stream; `replicas` are drawn. @default 100 replicas
 */
export function compareCounts(
  p: NumberArray,
  q: NumberArray,
  { random, replicas = 100 }: { readonly random: Random; readonly replicas?: number },
): HistogramComparison {
  requireSameLength(p, q, "compare histograms");
  const draw = (counts: NumberArray, target: Float64Array): Float64Array => {
    for (let i = 0; i < target.length; i++) {
      const count = counts[i]!;
      target[i] = count > 1e6
        ? Math.max(0, Math.round(random.normal(count, Math.sqrt(count))))
        : random.poisson(count);
    }
    return target;
  };
  const [drawnP, drawnQ] = [new Float64Array(p.length), new Float64Array(q.length)];
  const [chi2, separation] = [new Float64Array(replicas), new Float64Array(replicas)];
  for (let replica = 0; replica < replicas; replica++) {
    draw(p, drawnP);
    draw(q, drawnQ);
    chi2[replica] = chi2Distance(drawnP, drawnQ);
    separation[replica] = separationPower(drawnP, drawnQ);
  }
  return comparison(p, q, chi2, separation);
}

/**
 * {@linkcode compareCounts} where an event adds many entries, as a shower adds its voxels: groups of events are drawn
 * with replacement.
 *
 * @param p One histogram per group of events, in the same bins; at least two groups.
 * @param q Likewise.
 * @throws {RangeError} If there are fewer than two groups.
 */
export function compareGroupedCounts(
  p: readonly Float64Array[],
  q: readonly Float64Array[],
  { random, replicas = 100 }: { readonly random: Random; readonly replicas?: number },
): HistogramComparison {
  if (p.length < 2 || q.length < 2) {
    throw new RangeError(
      `Cannot compare grouped histograms as there must be at least 2 groups each: found ${p.length} and ${q.length}`,
    );
  }
  const bins = p[0]!.length;
  const draw = (groups: readonly Float64Array[]): Float64Array => {
    const sum = new Float64Array(bins);
    for (let i = 0; i < groups.length; i++) addTo(sum, groups[random.integer(groups.length)]!);
    return sum;
  };
  const [chi2, separation] = [new Float64Array(replicas), new Float64Array(replicas)];
  for (let replica = 0; replica < replicas; replica++) {
    const [drawnP, drawnQ] = [draw(p), draw(q)];
    chi2[replica] = chi2Distance(drawnP, drawnQ);
    separation[replica] = separationPower(drawnP, drawnQ);
  }
  const total = (groups: readonly Float64Array[]): Float64Array => {
    const sum = new Float64Array(bins);
    for (const group of groups) addTo(sum, group);
    return sum;
  };
  return comparison(total(p), total(q), chi2, separation);
}

function addTo(sum: Float64Array, values: Float64Array): void {
  for (let i = 0; i < sum.length; i++) sum[i]! += values[i]!;
}

function comparison(
  p: NumberArray,
  q: NumberArray,
  chi2: Float64Array,
  separation: Float64Array,
): HistogramComparison {
  const estimate = (value: number, drawn: Float64Array): Estimate => ({
    value,
    error: standardDeviation(drawn, { correction: 1 }),
    errorKind: "bootstrap",
  });
  return {
    chi2: estimate(chi2Distance(p, q), chi2),
    separation: estimate(separationPower(p, q), separation),
  };
}

/**
 * Edges of bins that are equal in the logarithm, as `numpy.logspace` gives them.
 *
 * @throws {RangeError} If the range is not positive and increasing, or there is no bin.
 */
export function logEdges([low, high]: readonly [number, number], bins: number): Float64Array<ArrayBuffer> {
  if (!(low > 0 && high > low && Number.isFinite(high)) || !(Number.isInteger(bins) && bins >= 1)) {
    throw new RangeError(
      `Cannot make logarithmic bins as there must be some in a positive range: found ${bins} in [${low}, ${high}]`,
    );
  }
  const [from, to] = [Math.log10(low), Math.log10(high)];
  return Float64Array.from(
    { length: bins + 1 },
    (_, i) => i === 0 ? low : i === bins ? high : 10 ** (from + i * (to - from) / bins),
  );
}

/**
 * Counts values between any increasing edges, as `numpy.histogram` does: a bin holds its lower edge, the last both.
 * Values outside and NaN are not counted.
 */
export function countsBetween(values: NumberArray, edges: NumberArray): Float64Array<ArrayBuffer> {
  const counter = binFinder(edges);
  const counts = new Float64Array(edges.length - 1);
  for (let i = 0; i < values.length; i++) {
    const bin = counter(values[i]!);
    if (bin >= 0) counts[bin]!++;
  }
  return counts;
}

/** A function from value to bin, -1 outside, for any increasing edges. */
export function binFinder(edges: NumberArray): (value: number) => number {
  const last = edges.length - 1;
  for (let i = 0; i < last; i++) {
    if (!(edges[i]! < edges[i + 1]!)) {
      throw new RangeError(
        `Cannot use the edges of a histogram as they must increase: found ${edges[i]} before ${edges[i + 1]}`,
      );
    }
  }
  return (value) => {
    if (!(value >= edges[0]! && value <= edges[last]!)) return -1;
    let [low, high] = [0, last];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (value >= edges[middle]!) low = middle;
      else high = middle;
    }
    return low;
  };
}
