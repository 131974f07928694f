/**
 * Small dense linear algebra.
 *
 * @module
 */

/**
 * The inverse of a symmetric positive-definite matrix, by Cholesky decomposition.
 *
 * @param matrix Shape [n, n]; only the lower triangle is read.
 * @returns Shape [n, n], symmetric; `undefined` when the matrix is singular or not positive-definite to within 1e-13 of
 * its diagonal.
 */
export function invertSymmetric(matrix: readonly (readonly number[])[]): number[][] | undefined {
  const size = matrix.length;
  const lower = matrix.map(() => new Array<number>(size).fill(0));
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = matrix[i]![j]!;
      for (let k = 0; k < j; k++) sum -= lower[i]![k]! * lower[j]![k]!;
      if (i > j) {
        lower[i]![j] = sum / lower[j]![j]!;
        continue;
      }
      if (!(sum > 1e-13 * Math.abs(matrix[i]![i]!))) return undefined;
      lower[i]![i] = Math.sqrt(sum);
    }
  }
  const columns = matrix.map((_, column) => solve(lower, column));
  return columns.map((row, i) => row.map((value, j) => (value + columns[j]![i]!) / 2));
}

/** Solves L Lᵀ x = e for a unit vector. */
function solve(lower: readonly (readonly number[])[], unit: number): number[] {
  const size = lower.length;
  const x = new Array<number>(size).fill(0);
  for (let i = 0; i < size; i++) {
    let sum = i === unit ? 1 : 0;
    for (let k = 0; k < i; k++) sum -= lower[i]![k]! * x[k]!;
    x[i] = sum / lower[i]![i]!;
  }
  for (let i = size - 1; i >= 0; i--) {
    let sum = x[i]!;
    for (let k = i + 1; k < size; k++) sum -= lower[k]![i]! * x[k]!;
    x[i] = sum / lower[i]![i]!;
  }
  return x;
}
