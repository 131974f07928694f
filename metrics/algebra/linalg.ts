/**
 * Small dense symmetric matrices: linear systems, inverses and eigenvalues. The one place that uses ml-matrix 6.15.1
 * (Cholesky decomposition; Householder tridiagonalization and implicit QL, from EISPACK by way of JAMA). LAPACK in
 * WebAssembly would replace it.
 *
 * @module
 */
import { CholeskyDecomposition, EigenvalueDecomposition, Matrix } from "ml-matrix";

/**
 * The trace of the square root of the product of two covariance matrices,
 * Tr (A B)^(1/2) = sum over i of sqrt(lambda_i), with lambda the eigenvalues of the symmetric Rᵀ B R where A = R Rᵀ.
 * Eigenvalues that rounding made negative count as 0.
 *
 * @param a Shape [size, size], symmetric, not negative.
 * @param b Likewise.
 * @returns Relative accuracy about 1e-8 of the largest eigenvalue's root where a matrix is singular, 1e-12 elsewhere.
 * O(size³) time.
 */
export function traceOfRootProduct(a: Float64Array, b: Float64Array, size: number): number {
  const root = factorOf(matrixOf(a, size));
  const inner = root.transpose().mmul(matrixOf(b, size)).mmul(root);
  const { realEigenvalues } = new EigenvalueDecomposition(symmetric(inner), { assumeSymmetric: true });
  return realEigenvalues.reduce((sum, value) => sum + Math.sqrt(Math.max(0, value)), 0);
}

/** Eigenvalues of a symmetric matrix, increasing. */
export function symmetricEigenvalues(a: Float64Array, size: number): Float64Array {
  const { realEigenvalues } = new EigenvalueDecomposition(matrixOf(a, size), { assumeSymmetric: true });
  return Float64Array.from(realEigenvalues).sort();
}

/** Rows of a matrix. */
type Rows = readonly ArrayLike<number>[];

/** A pivot below this fraction of its diagonal element is rounding error: the matrix counts as singular. */
const LEAST_PIVOT = 1e-13;

/**
 * The solution x of A x = b, by Cholesky decomposition.
 *
 * @param a Shape [size, size], symmetric and positive-definite; only the lower triangle is read.
 * @param b Shape [size].
 * @returns Shape [size]; `undefined` when the matrix is singular or not positive-definite to within 1e-13 of its
 * diagonal, or not finite. The residual is about 1e-16 of |A||x|, the error that times the condition of A. O(size³) time.
 *
 * @example
 * ```ts
 * import { solveSymmetric } from "beamline/metrics";
 * const x = solveSymmetric([[4], [2, 5]], [8, 12]);
 * if (x?.join() !== "1,2") throw new Error("unreachable");
 * ```
 */
export function solveSymmetric(a: Rows, b: ArrayLike<number>): Float64Array<ArrayBuffer> | undefined {
  const solution = choleskyOf(a)?.solve(Matrix.columnVector(Array.from(b)));
  return solution && Float64Array.from(solution.to1DArray());
}

/**
 * The inverse of a symmetric positive-definite matrix, by Cholesky decomposition.
 *
 * @param a Shape [size, size]; only the lower triangle is read.
 * @returns Shape [size, size], exactly symmetric; `undefined` as for {@linkcode solveSymmetric}.
 */
export function invertSymmetric(a: Rows): number[][] | undefined {
  const inverse = choleskyOf(a)?.solve(Matrix.eye(a.length));
  return inverse && symmetric(inverse).to2DArray();
}

/** The decomposition of a matrix given by its lower triangle; `undefined` when it has none. */
function choleskyOf(a: Rows): CholeskyDecomposition | undefined {
  const matrix = Matrix.zeros(a.length, a.length);
  for (let i = 0; i < a.length; i++) {
    for (let j = 0; j <= i; j++) matrix.set(i, j, a[i]![j]!).set(j, i, a[i]![j]!);
  }
  // A matrix that holds NaN does not equal its transpose, which the package refuses.
  if (!matrix.isSymmetric()) return undefined;
  const cholesky = new CholeskyDecomposition(matrix);
  const pivots = cholesky.lowerTriangularMatrix.diagonal().map((root) => root * root);
  const isRegular = pivots.every((pivot, i) => pivot > LEAST_PIVOT * Math.abs(matrix.get(i, i)));
  return isRegular ? cholesky : undefined;
}

/** R with A = R Rᵀ: Cholesky's factor, or eigenvectors times roots where A is singular. */
function factorOf(a: Matrix): Matrix {
  const cholesky = new CholeskyDecomposition(a);
  if (cholesky.isPositiveDefinite()) return cholesky.lowerTriangularMatrix;
  const { eigenvectorMatrix, realEigenvalues } = new EigenvalueDecomposition(a, { assumeSymmetric: true });
  return eigenvectorMatrix.mulRowVector(realEigenvalues.map((value) => Math.sqrt(Math.max(0, value))));
}

function matrixOf(data: Float64Array, size: number): Matrix {
  return Matrix.from1DArray(size, size, data);
}

function symmetric(matrix: Matrix): Matrix {
  return Matrix.add(matrix, matrix.transpose()).mul(0.5);
}
