/**
 * One quantity as a function of another.
 *
 * @module
 */
import type { Random } from "../../core/random.ts";
import type { Estimate } from "../../core/types.ts";
import { bootstrapOf } from "./bootstrap.ts";
import { exactly } from "./estimate.ts";
import { type NumberArray, requireSameLength, requireSample } from "./summary.ts";

/** How a profile is made. */
export interface ProfileOptions {
  /** Increasing bin edges of x. A bin holds its lower edge; the last bin holds both of its edges. */
  readonly edges: NumberArray;
  /** The number for each bin, such as `mean` or `halfWidth`. The array must not be kept. */
  readonly statistic: (values: Float64Array) => number;
  /** For bootstrap errors; without it the values have none. */
  readonly random?: Random;
  /** Replicas of the bootstrap. @default 200 */
  readonly replicas?: number;
  /** Bins with fewer rows are left out. @default 10 */
  readonly minimumRows?: number;
}

/** A statistic in bins; all arrays have the same length, one entry per bin that has enough rows. */
export interface Profile {
  /** Middle of each bin, in the unit of x. */
  readonly centers: number[];
  readonly low: number[];
  readonly high: number[];
  /** Rows in each bin. */
  readonly counts: number[];
  /** In the unit of the statistic of y. */
  readonly values: Estimate[];
}

/**
 * A statistic of y in bins of x.
 *
 * @param x Shape [row]; finite. Rows outside the edges are left out.
 * @param y Shape [row]; finite.
 * @throws {TypeError} If the lengths differ.
 * @throws {RangeError} If there are no rows, a value is not finite, or the edges do not increase.
 */
export function profile(
  x: NumberArray,
  y: NumberArray,
  { edges, statistic, random, replicas = 200, minimumRows = 10 }: ProfileOptions,
): Profile {
  requireSameLength(x, y, "compute a profile");
  requireSample(x, "compute a profile");
  requireSample(y, "compute a profile");
  const rowsOfBin = groupRows(x, edges);
  const result: Profile = { centers: [], low: [], high: [], counts: [], values: [] };
  rowsOfBin.forEach((rows, bin) => {
    if (rows.length < Math.max(1, minimumRows)) return;
    const sample = Float64Array.from(rows, (row) => y[row]!);
    result.low.push(edges[bin]!);
    result.high.push(edges[bin + 1]!);
    result.centers.push((edges[bin]! + edges[bin + 1]!) / 2);
    result.counts.push(rows.length);
    result.values.push(
      random ? bootstrapOf(sample, statistic, { random, replicas }) : exactly(statistic(sample)),
    );
  });
  return result;
}

/** Row numbers per bin, for edges of any spacing. */
function groupRows(x: NumberArray, edges: NumberArray): number[][] {
  const bins = edges.length - 1;
  const isIncreasing = Array.from(edges).every((edge, i) =>
    Number.isFinite(edge) && (i === 0 || edges[i - 1]! < edge)
  );
  if (bins < 1 || !isIncreasing) {
    throw new RangeError(
      `Cannot compute a profile as at least two edges must increase: found [${Array.from(edges).join(", ")}]`,
    );
  }
  const groups = Array.from({ length: bins }, (): number[] => []);
  for (let row = 0; row < x.length; row++) {
    const value = x[row]!;
    if (!(value >= edges[0]! && value <= edges[bins]!)) continue;
    let low = 0;
    let high = bins;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (value >= edges[middle]!) low = middle;
      else high = middle;
    }
    groups[low]!.push(row);
  }
  return groups;
}
