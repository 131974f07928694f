/**
 * Eigenvalues of symmetric matrices: the one place that uses ml-matrix 6.15.1 (Householder tridiagonalization and
 * implicit QL, from EISPACK by way of JAMA). LAPACK in WebAssembly would replace it.
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
