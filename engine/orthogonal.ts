/**
 * The orthogonal initializer of recurrent layers, in plain loops: TensorFlow.js makes it of a kernel call per column
 * and row, 8 s for an LSTM of 64 units where this takes milliseconds.
 *
 * @module
 */
import type { Tensor } from "../core/tensor.ts";

/** What is needed of the initializer of TensorFlow.js. */
export interface OrthogonalInitializer {
  readonly gain: number;
  readonly seed?: number;
  apply(shape: readonly number[], dtype?: string): Tensor;
}

/** The operations that it is made of. */
export interface OrthogonalOperations {
  randomNormal(shape: number[], mean: number, deviation: number, dtype: "float32", seed?: number): Tensor;
  tensor(values: Float32Array, shape: number[]): Tensor;
}

/** Exchanges the computation of an initializer; the numbers drawn and the convention of signs stay. */
export function speedUpOrthogonal(prototype: OrthogonalInitializer, ops: OrthogonalOperations): void {
  const { apply } = prototype;
  prototype.apply = function (this: OrthogonalInitializer, shape, dtype = "float32") {
    if (shape.length < 2 || dtype !== "float32") return apply.call(this, shape, dtype);
    const columns = shape.at(-1)!;
    const rows = shape.slice(0, -1).reduce((product, length) => product * length, 1);
    const [long, short] = [Math.max(rows, columns), Math.min(rows, columns)];
    const drawn = ops.randomNormal([long, short], 0, 1, "float32", this.seed);
    const q = orthonormalColumns(drawn.dataSync(), long, short);
    drawn.dispose();
    const values = new Float32Array(rows * columns);
    for (let i = 0; i < long; i++) {
      for (let j = 0; j < short; j++) {
        values[rows < columns ? j * long + i : i * short + j] = this.gain * q[i * short + j]!;
      }
    }
    return ops.tensor(values, [...shape]);
  };
}

/**
 * The factor Q of A = QR with orthonormal columns, where the diagonal of R is not negative, which makes Q unique for a
 * matrix of full rank.
 *
 * Householder reflections H_k = I - 2vvᵀ/(vᵀv) bring A to R; Q is their product applied to the first columns of I.
 *
 * @param matrix Shape [rows, columns], row-major.
 * @param rows At least `columns`.
 * @returns Shape [rows, columns]; columns are orthonormal up to some 1e-15.
 *
 * @example The columns of a triangular matrix
 * ```ts
 * orthonormalColumns([3, 1, 0, -2], 2, 2); // [1, 0, 0, -1]
 * ```
 */
export function orthonormalColumns(
  matrix: ArrayLike<number>,
  rows: number,
  columns: number,
): Float64Array<ArrayBuffer> {
  const a = Float64Array.from(matrix);
  const signs = new Float64Array(columns);
  const lengths = new Float64Array(columns);
  for (let k = 0; k < columns; k++) {
    let square = 0;
    for (let i = k; i < rows; i++) square += a[i * columns + k]! ** 2;
    const norm = Math.sqrt(square);
    const head = a[k * columns + k]!;
    // Reflected to the other side of the head, so that nothing cancels: R_kk = -sign(head) norm.
    const target = head < 0 ? norm : -norm;
    signs[k] = target < 0 ? -1 : 1;
    a[k * columns + k] = head - target;
    lengths[k] = square - target * head; // vᵀv / 2
    reflect(a, a, k, lengths[k]!, { rows, columns, from: k + 1 });
  }
  const q = new Float64Array(rows * columns);
  for (let k = 0; k < columns; k++) q[k * columns + k] = signs[k]!;
  for (let k = columns - 1; k >= 0; k--) reflect(q, a, k, lengths[k]!, { rows, columns, from: k });
  return q;
}

/** Applies the reflection whose vector stands below the diagonal of column `k` to the columns of a matrix. */
function reflect(
  target: Float64Array,
  vectors: Float64Array,
  k: number,
  halfSquare: number,
  { rows, columns, from }: { readonly rows: number; readonly columns: number; readonly from: number },
): void {
  if (halfSquare === 0) return; // a column of zeros stays
  for (let j = from; j < columns; j++) {
    let product = 0;
    for (let i = k; i < rows; i++) product += vectors[i * columns + k]! * target[i * columns + j]!;
    const factor = product / halfSquare;
    for (let i = k; i < rows; i++) target[i * columns + j]! -= factor * vectors[i * columns + k]!;
  }
}
