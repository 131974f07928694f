/**
 * The heavy products behind the generative metrics. An {@linkcode Algebra} says what is computed; {@linkcode plainAlgebra}
 * does it here in float64 with plain loops, right for thousands of rows; a caller with an engine passes its own.
 *
 * @module
 */

/** Numbers in rows and columns, row-major. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  /** Length rows times columns. */
  readonly data: Float64Array<ArrayBuffer> | Float32Array<ArrayBuffer>;
}

/** Weighted sums over rows, one set per column of weights. */
export interface WeightedMoments {
  /** Shape [weight column, column]: sum over rows n of w_nk y_ni. */
  readonly sums: Float64Array;
  /** Shape [weight column, column, column]: sum over rows n of w_nk y_ni y_nj. */
  readonly products: Float64Array;
}

/** How many rows and columns something has, wherever its numbers lie. */
export type Sized = Pick<Matrix, "rows" | "columns">;

/** Counts of rows in each other's neighborhoods; see {@linkcode NeighborAlgebra.neighborCounts}. */
export interface NeighborCounts {
  /** Shape [row of x]: balls around rows of y, with the radii of y, that hold the row. */
  readonly ballsOfY: Float64Array;
  /** Shape [row of y]: balls around rows of x, with the radii of x, that hold the row. */
  readonly ballsOfX: Float64Array;
  /** Shape [row of y]: rows of x inside the ball of this row. */
  readonly inside: Float64Array;
}

/** Distances between all rows of samples, which may lie elsewhere than here. Results may be promises. */
export interface NeighborAlgebra<S extends Sized = Matrix> {
  /** Shape [row]: distance to the `neighbors`-th nearest row, itself not counted. */
  neighborRadii(x: S, neighbors: number): Promise<Float64Array> | Float64Array;
  /** Counts pairs of rows closer than a radius (strictly). */
  neighborCounts(
    x: S,
    xRadii: Float64Array,
    y: S,
    yRadii: Float64Array,
  ): Promise<NeighborCounts> | NeighborCounts;
}

/** Products that grow with the square of something. Results may be promises. */
export interface Algebra {
  /** First and second moments of the rows of `values` under each column of `weights`, which has as many rows. */
  weightedMoments(values: Matrix, weights: Matrix): Promise<WeightedMoments> | WeightedMoments;
  /** Shape [row of x]: sum over rows j of y of (x_i · y_j / columns + 1)^degree. */
  kernelRowSums(x: Matrix, y: Matrix, degree: number): Promise<Float64Array> | Float64Array;
}

/** Plain loops in float64. */
export const plainAlgebra: Algebra & NeighborAlgebra = {
  weightedMoments(values, weights) {
    requireSameRows(values, weights, "weigh rows");
    const { rows, columns: size, data } = values;
    const count = weights.columns;
    const sums = new Float64Array(count * size);
    const products = new Float64Array(count * size * size);
    for (let k = 0; k < count; k++) {
      const product = products.subarray(k * size * size, (k + 1) * size * size);
      for (let n = 0; n < rows; n++) {
        const weight = weights.data[n * count + k]!;
        if (weight === 0) continue;
        const row = data.subarray(n * size, (n + 1) * size);
        for (let i = 0; i < size; i++) {
          const left = weight * row[i]!;
          sums[k * size + i]! += left;
          if (left === 0) continue;
          for (let j = 0; j <= i; j++) product[i * size + j]! += left * row[j]!;
        }
      }
      mirrorLower(product, size);
    }
    return { sums, products };
  },

  kernelRowSums(x, y, degree) {
    requireSameColumns(x, y, "compare rows");
    const size = x.columns;
    const found = new Float64Array(x.rows);
    for (let i = 0; i < x.rows; i++) {
      for (let j = 0; j < y.rows; j++) {
        let dot = 0;
        for (let c = 0; c < size; c++) dot += x.data[i * size + c]! * y.data[j * size + c]!;
        const base = dot / size + 1;
        found[i]! += degree === 4 ? base * base * base * base : base ** degree;
      }
    }
    return found;
  },

  neighborRadii(x, neighbors) {
    const radii = new Float64Array(x.rows);
    const distances = new Float64Array(x.rows);
    for (let i = 0; i < x.rows; i++) {
      for (let j = 0; j < x.rows; j++) distances[j] = squaredDistance(x, i, x, j);
      radii[i] = Math.sqrt(smallest(distances, neighbors));
    }
    return radii;
  },

  neighborCounts(x, xRadii, y, yRadii) {
    requireSameColumns(x, y, "compare rows");
    const ballsOfY = new Float64Array(x.rows);
    const ballsOfX = new Float64Array(y.rows);
    const inside = new Float64Array(y.rows);
    for (let i = 0; i < x.rows; i++) {
      for (let j = 0; j < y.rows; j++) {
        const distance = Math.sqrt(squaredDistance(x, i, y, j));
        if (distance < yRadii[j]!) {
          ballsOfY[i]!++;
          inside[j]!++;
        }
        if (distance < xRadii[i]!) ballsOfX[j]!++;
      }
    }
    return { ballsOfY, ballsOfX, inside };
  },
};

/** Copies the lower triangle of a square matrix to the upper one. */
export function mirrorLower(matrix: Float64Array, size: number): void {
  for (let i = 0; i < size; i++) for (let j = 0; j < i; j++) matrix[j * size + i] = matrix[i * size + j]!;
}

function squaredDistance(x: Matrix, i: number, y: Matrix, j: number): number {
  const size = x.columns;
  let sum = 0;
  for (let c = 0; c < size; c++) {
    const difference = x.data[i * size + c]! - y.data[j * size + c]!;
    sum += difference * difference;
  }
  return sum;
}

/** The value of rank `rank` from below, 0 the smallest. */
function smallest(values: Float64Array, rank: number): number {
  return values.toSorted()[rank]!;
}

function requireSameRows(x: Matrix, y: Matrix, action: string): void {
  if (x.rows === y.rows) return;
  throw new TypeError(
    `Cannot ${action} as there must be as many on both sides: found ${x.rows} and ${y.rows} rows`,
  );
}

/** @throws {TypeError} If the numbers of columns differ. */
export function requireSameColumns(x: Sized, y: Sized, action: string): void {
  if (x.columns === y.columns) return;
  throw new TypeError(
    `Cannot ${action} as both must have the same columns: found ${x.columns} and ${y.columns}`,
  );
}
