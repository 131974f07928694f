/**
 * Correlation matrices and the Frobenius distance between two of them.
 *
 * @module
 */
import type { Estimate } from "../../core/types.ts";
import { type Moments, SymmetricBlocks } from "./streaming.ts";
import type { Matrix } from "../algebra/algebra.ts";

/** Added to every standard deviation, so that a constant column gives zeros. */
export const DEVIATION_FLOOR = 1e-8;

/** Standard deviations this small against the column's scale are rounding: the column is constant. */
const ROUNDING = 1e-9;

/**
 * The correlation matrix of columns: with z = (x - mean) / (s + 1e-8) and s the standard deviation with n - 1,
 * C = zᵀ z / (n - 1). **A constant column gives a zero row, the diagonal included.**
 *
 * @param moments Of at least two rows.
 * @param options With `reuse`, the matrix takes the place of the moments' products, which are lost.
 * `constant` are columns known to be so, which sums made in float32 cannot show. @default false, none
 * @throws {RangeError} If there are fewer than two rows.
 *
 * @see QaloSim/CaloQuVAE: the definition behind its Frobenius metrics.
 */
export function correlationMatrix(
  moments: Moments,
  { reuse = false, constant = [] }: {
    readonly reuse?: boolean;
    readonly constant?: readonly number[];
  } = {},
): SymmetricBlocks {
  const { rows, sums, scale } = moments;
  if (rows < 2) {
    throw new RangeError(`Cannot correlate columns as there must be at least 2 rows: found ${rows}`);
  }
  const deviations = Float64Array.from(moments.variances(), Math.sqrt);
  const factors = deviations.map((s, i) => s <= ROUNDING * scale[i]! ? 0 : scale[i]! / (s + DEVIATION_FLOOR));
  for (const column of constant) factors[column] = 0;
  const matrix = reuse ? moments.products : moments.products.clone();
  matrix.update((product, i, j) =>
    (product - sums[i]! * sums[j]! / rows) / (rows - 1) * factors[i]! * factors[j]!
  );
  return matrix;
}

/** {@linkcode correlationMatrix} of rows in memory, by loops in float64. */
export function correlationOf({ rows, columns, data }: Matrix): Float64Array {
  if (rows < 2) {
    throw new RangeError(`Cannot correlate columns as there must be at least 2 rows: found ${rows}`);
  }
  const z = standardized({ rows, columns, data });
  const matrix = new Float64Array(columns * columns);
  for (let n = 0; n < rows; n++) {
    const row = z.subarray(n * columns, (n + 1) * columns);
    for (let i = 0; i < columns; i++) {
      const left = row[i]!;
      if (left === 0) continue;
      for (let j = 0; j < columns; j++) matrix[i * columns + j]! += left * row[j]!;
    }
  }
  return matrix.map((sum) => sum / (rows - 1));
}

/** z = (x - mean) / (s + 1e-8) of every column, [row, column]; zeros for a constant one. */
export function standardized({ rows, columns, data }: Matrix): Float64Array {
  const [means, factors] = [new Float64Array(columns), new Float64Array(columns)];
  for (let n = 0, at = 0; n < rows; n++) {
    for (let i = 0; i < columns; i++, at++) means[i]! += data[at]! / rows;
  }
  for (let n = 0, at = 0; n < rows; n++) {
    for (let i = 0; i < columns; i++, at++) factors[i]! += (data[at]! - means[i]!) ** 2;
  }
  for (let i = 0; i < columns; i++) {
    const deviation = Math.sqrt(factors[i]! / (rows - 1));
    factors[i] = deviation <= ROUNDING * Math.abs(means[i]!) ? 0 : 1 / (deviation + DEVIATION_FLOOR);
  }
  const z = new Float64Array(data.length);
  for (let n = 0, at = 0; n < rows; n++) {
    for (let i = 0; i < columns; i++, at++) z[at] = (data[at]! - means[i]!) * factors[i]!;
  }
  return z;
}

/**
 * The Frobenius distance of two matrices, sqrt(sum over all elements of (a - b)²). It is not divided by the size: only
 * distances of equal dimension compare.
 *
 * @throws {TypeError} If the sizes differ.
 */
export function frobeniusDistance(
  a: Float64Array | SymmetricBlocks,
  b: Float64Array | SymmetricBlocks,
): number {
  if (a instanceof SymmetricBlocks && b instanceof SymmetricBlocks) return blockDistance(a, b);
  const [x, y] = [a as Float64Array, b as Float64Array];
  if (x.length !== y.length) {
    throw new TypeError(
      `Cannot compare matrices as both must have the same size: found ${x.length} and ${y.length} elements`,
    );
  }
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += (x[i]! - y[i]!) ** 2;
  return Math.sqrt(sum);
}

function blockDistance(a: SymmetricBlocks, b: SymmetricBlocks): number {
  if (a.edges.join() !== b.edges.join()) {
    throw new TypeError(
      `Cannot compare matrices as both must have the same blocks: found ${a.edges} and ${b.edges}`,
    );
  }
  let sum = 0;
  for (let i = 0; i < a.count; i++) {
    for (let j = 0; j <= i; j++) {
      const [x, y] = [a.block(i, j), b.block(i, j)];
      // Blocks below the diagonal stand for those above it, too; blocks on it are whole.
      const weight = i === j ? 1 : 2;
      for (let at = 0; at < x.length; at++) sum += weight * (x[at]! - y[at]!) ** 2;
    }
  }
  return Math.sqrt(sum);
}

/**
 * The standard error of a {@linkcode frobeniusDistance} of two samples, from the influence of single rows: to first
 * order a row with standardized values z moves the distance d by
 * (zᵀ D z - sum over i of z_i² sum over j of D_ij C_ij) / (d n), with D = C1 - C2 and C the matrix of its own sample.
 *
 * It holds where the distance is well above that of two halves of one sample, which is all noise.
 *
 * @param influences The bracket for some rows of each sample.
 * @param rows All rows of each sample.
 * @returns One standard deviation.
 */
export function frobeniusError(
  distance: number,
  influences: readonly [ArrayLike<number>, ArrayLike<number>],
  rows: readonly [number, number],
): number {
  if (distance === 0) return 0;
  let variance = 0;
  influences.forEach((values, sample) => {
    let [sum, squares] = [0, 0];
    for (let i = 0; i < values.length; i++) {
      sum += values[i]!;
      squares += values[i]! ** 2;
    }
    const count = values.length;
    if (count < 2) return;
    variance += Math.max(0, squares - sum * sum / count) / (count - 1) / rows[sample]!;
  });
  return Math.sqrt(variance) / distance;
}

/**
 * The bracket of {@linkcode frobeniusError} for rows in memory, by loops.
 *
 * @param z Standardized rows, [row, column].
 * @param difference D, shape [column, column].
 * @param own C of this sample, shape [column, column].
 */
export function frobeniusInfluences(
  z: Float64Array,
  rows: number,
  difference: Float64Array,
  own: Float64Array,
): Float64Array {
  const size = Math.round(Math.sqrt(difference.length));
  const diagonal = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) diagonal[i]! += difference[i * size + j]! * own[i * size + j]!;
  }
  const found = new Float64Array(rows);
  for (let n = 0; n < rows; n++) {
    const row = z.subarray(n * size, (n + 1) * size);
    let sum = 0;
    for (let i = 0; i < size; i++) {
      if (row[i] === 0) continue;
      let inner = 0;
      for (let j = 0; j < size; j++) inner += difference[i * size + j]! * row[j]!;
      sum += row[i]! * (inner - diagonal[i]! * row[i]!);
    }
    found[n] = sum;
  }
  return found;
}

/** The Frobenius distance of the correlations of two samples in memory, with its error. */
export function correlationDistance(a: Matrix, b: Matrix): Estimate {
  const [ca, cb] = [correlationOf(a), correlationOf(b)];
  const difference = ca.map((value, i) => value - cb[i]!);
  const value = frobeniusDistance(ca, cb);
  const influences = [
    frobeniusInfluences(standardized(a), a.rows, difference, ca),
    frobeniusInfluences(standardized(b), b.rows, difference, cb),
  ] as const;
  return { value, error: frobeniusError(value, influences, [a.rows, b.rows]), errorKind: "analytic" };
}
