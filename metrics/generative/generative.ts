/**
 * How close a generated sample is to a reference, as one number each: Fréchet and kernel distance of features,
 * precision, recall, density and coverage of neighborhoods.
 *
 * Definitions and defaults follow JetNet 0.2 (`jetnet/evaluation/gen_metrics.py`) and `prdc`; where the CaloChallenge
 * differs, an option says so.
 *
 * @module
 */
import type { Random } from "../../core/random.ts";
import type { Estimate } from "../../core/types.ts";
import {
  type Algebra,
  type Matrix,
  type NeighborAlgebra,
  plainAlgebra,
  requireSameColumns,
  type Sized,
  type WeightedMoments,
} from "../algebra/algebra.ts";
import { traceOfRootProduct } from "../algebra/linalg.ts";
import { quantile } from "../summary/summary.ts";

/** Mean and covariance (with n - 1) of a sample. */
export interface MeanCovariance {
  readonly mean: Float64Array;
  /** Shape [column, column]. */
  readonly covariance: Float64Array;
}

/**
 * The squared Fréchet distance of two Gaussians: |m1 - m2|² + Tr(S1 + S2 - 2 (S1 S2)^(1/2)).
 *
 * @returns In the squared unit of the features.
 *
 * @see Heusel et al. (2017), arXiv:1706.08500, equation 6.
 */
export function frechetDistance(a: MeanCovariance, b: MeanCovariance): number {
  const size = a.mean.length;
  let sum = 0;
  for (let i = 0; i < size; i++) {
    sum += (a.mean[i]! - b.mean[i]!) ** 2;
    sum += a.covariance[i * size + i]! + b.covariance[i * size + i]!;
  }
  return sum - 2 * traceOfRootProduct(a.covariance, b.covariance, size);
}

/** Features divided by the largest absolute value of each column of the reference; a column of zeros by 1. */
export function normalizedFeatures(
  reference: Matrix,
  generated: Matrix,
): readonly [reference: Matrix, generated: Matrix] {
  requireSameColumns(reference, generated, "normalize features");
  const { rows, columns, data } = reference;
  const largest = new Float64Array(columns);
  for (let n = 0, at = 0; n < rows; n++) {
    for (let i = 0; i < columns; i++, at++) largest[i] = Math.max(largest[i]!, Math.abs(data[at]!));
  }
  for (let i = 0; i < columns; i++) if (largest[i] === 0) largest[i] = 1;
  return [divided(reference, largest), divided(generated, largest)];
}

function divided({ rows, columns, data }: Matrix, divisors: Float64Array): Matrix {
  const quotients = new Float64Array(data.length);
  for (let n = 0, at = 0; n < rows; n++) {
    for (let i = 0; i < columns; i++, at++) quotients[at] = data[at]! / divisors[i]!;
  }
  return { rows, columns, data: quotients };
}

/** Draws rows with replacement: `size` of `rows`, for sample 0 (reference) or 1 (generated) of a draw. */
export type DrawRows = (
  draw: { readonly sample: 0 | 1; readonly size: number; readonly index: number },
) => ArrayLike<number>;

/** How {@linkcode frechetPhysicsDistance} is done. */
export interface FpdOptions {
  readonly random: Random;
  /** Smallest sample that is drawn. @default 20,000 as JetNet; the CaloChallenge takes 10,000 */
  readonly smallest?: number;
  /** Largest sample that is drawn. @default 50,000 */
  readonly largest?: number;
  /** Sizes between them, equally spaced in 1/N. @default 10 */
  readonly points?: number;
  /** Draws per size. @default 20 */
  readonly draws?: number;
  /** Divide features by the largest absolute value in the reference. @default true */
  readonly normalize?: boolean;
  readonly algebra?: Algebra;
  /** In place of random rows, for comparisons with other programs. */
  readonly drawRows?: DrawRows;
  /** Told after each size. */
  readonly onPoint?: (done: number, total: number) => void;
}

/** A Fréchet physics distance and how it was found. */
export interface FpdEstimate extends Estimate {
  /** Sizes of the samples that were drawn. */
  readonly sizes: readonly number[];
  /** Mean distance at each size. */
  readonly means: readonly number[];
  /** Slope b of a + b / N. */
  readonly slope: number;
  /** Whether the sizes were reduced as there are fewer rows than `largest`. */
  readonly isReduced: boolean;
}

/**
 * The Fréchet physics distance, extrapolated to infinite samples: the mean squared Fréchet distance of bootstrap samples
 * of N rows is fitted by a + b / N with a, b >= 0; the value is a, its error that of the fit.
 *
 * With fewer rows than `largest` in one of the samples, sizes go from n / 2.5 to n, with n the smaller number of rows.
 *
 * @param reference Shape [row, feature].
 * @param generated Likewise.
 * @returns In squared units of normalized features. Its error covers the scatter about the line, not the sample itself.
 *
 * @see Kansal et al. (2023), "Evaluating generative models in high energy physics", arXiv:2211.10295, section III;
 * JetNet 0.2.5, `fpd`.
 */
export async function frechetPhysicsDistance(
  reference: Matrix,
  generated: Matrix,
  options: FpdOptions,
): Promise<FpdEstimate> {
  const { smallest = 20_000, largest = 50_000, points = 10, draws = 20, normalize = true } = options;
  const { algebra = plainAlgebra, random } = options;
  const [x, y] = normalize ? normalizedFeatures(reference, generated) : [reference, generated];
  const rows = Math.min(x.rows, y.rows);
  const isReduced = rows < largest;
  const sizes = isReduced
    ? sampleSizes(Math.ceil(rows / 2.5), rows, points)
    : sampleSizes(smallest, largest, points);
  const drawRows = options.drawRows ??
    (({ sample, size }) => drawIndices(random, sample === 0 ? x.rows : y.rows, size));
  const pairs = sizes.flatMap((size, point) =>
    Array.from({ length: draws }, (_, i) => {
      const index = point * draws + i;
      return [
        timesDrawn(x.rows, drawRows({ sample: 0, size, index })),
        timesDrawn(y.rows, drawRows({ sample: 1, size, index })),
      ] as const;
    })
  );
  const ofX = await drawnMoments(x, pairs.map(([drawn]) => drawn), algebra);
  const ofY = await drawnMoments(y, pairs.map(([, drawn]) => drawn), algebra);
  const means = sizes.map((_, point) => {
    let sum = 0;
    for (let i = point * draws; i < (point + 1) * draws; i++) sum += frechetDistance(ofX[i]!, ofY[i]!);
    options.onPoint?.(point + 1, points);
    return sum / draws;
  });
  const line = interceptFit(sizes.map((size) => 1 / size), means);
  return { ...line, errorKind: "fit", sizes, means, isReduced };
}

/** `points` whole numbers between two sizes, equally spaced in 1/N, rounded down. */
function sampleSizes(smallest: number, largest: number, points: number): number[] {
  return Array.from({ length: points }, (_, i) => {
    const inverse = 1 / smallest + (1 / largest - 1 / smallest) * (points === 1 ? 0 : i / (points - 1));
    return Math.max(2, Math.floor(1 / inverse + 1e-9));
  });
}

function drawIndices(random: Random, rows: number, size: number): Uint32Array {
  const indices = new Uint32Array(size);
  for (let i = 0; i < size; i++) indices[i] = random.integer(rows);
  return indices;
}

/** Weights that are handed to the algebra at once: 4 MB. */
const WEIGHTS = 2 ** 20;

/** Mean and covariance of drawn rows, for all draws at once. */
async function drawnMoments(
  values: Matrix,
  draws: readonly TimesDrawn[],
  algebra: Algebra,
): Promise<MeanCovariance[]> {
  const { rows, columns } = values;
  const weighedRows = Math.max(256, Math.floor(WEIGHTS / draws.length));
  const centers = columnMeans(values);
  const sums = new Float64Array(draws.length * columns);
  const products = new Float64Array(draws.length * columns * columns);
  const weigh = async (from: number): Promise<WeightedMoments> => {
    const count = Math.min(weighedRows, rows - from);
    return await algebra.weightedMoments(
      centeredRows(values, centers, from, count),
      weightsOf(draws, from, count),
    );
  };
  // One ahead: the next rows are prepared while the algebra works on these.
  let next = weigh(0);
  for (let from = weighedRows; from < rows + weighedRows; from += weighedRows) {
    const present = next;
    if (from < rows) {
      next = weigh(from);
      next.catch(() => {}); // reported when it is awaited
    }
    const moments = await present;
    addTo(sums, moments.sums);
    addTo(products, moments.products);
  }
  return draws.map(({ size: count }, k) => {
    const sum = sums.subarray(k * columns, (k + 1) * columns);
    const product = products.subarray(k * columns * columns, (k + 1) * columns * columns);
    const covariance = new Float64Array(columns * columns);
    for (let i = 0, at = 0; i < columns; i++) {
      for (let j = 0; j < columns; j++, at++) {
        covariance[at] = (product[at]! - sum[i]! * sum[j]! / count) / (count - 1);
      }
    }
    return { mean: centers.map((center, i) => center + sum[i]! / count), covariance };
  });
}

/** How often each row was drawn. */
interface TimesDrawn {
  /** All rows of the draw. */
  readonly size: number;
  /** Shape [row]. */
  readonly times: Uint8Array | Uint32Array;
}

function timesDrawn(rows: number, indices: ArrayLike<number>): TimesDrawn {
  const size = indices.length;
  const times = new Uint8Array(rows);
  let most = 0;
  for (let i = 0; i < size; i++) most = Math.max(most, ++times[indices[i]!]!);
  if (most < 255) return { size, times };
  const more = new Uint32Array(rows);
  for (let i = 0; i < size; i++) more[indices[i]!]!++;
  return { size, times: more };
}

function centeredRows({ columns, data }: Matrix, centers: Float64Array, from: number, rows: number): Matrix {
  const centered = new Float64Array(rows * columns);
  for (let n = 0, at = 0, source = from * columns; n < rows; n++) {
    for (let i = 0; i < columns; i++, at++, source++) centered[at] = data[source]! - centers[i]!;
  }
  return { rows, columns, data: centered };
}

/** Weights of some rows, [row, draw]. */
function weightsOf(draws: readonly TimesDrawn[], from: number, rows: number): Matrix {
  const columns = draws.length;
  const data = new Float32Array(rows * columns);
  for (let k = 0; k < columns; k++) {
    const { times } = draws[k]!;
    for (let n = 0, at = k; n < rows; n++, at += columns) data[at] = times[from + n]!;
  }
  return { rows, columns, data };
}

function addTo(sums: Float64Array, more: Float64Array): void {
  for (let i = 0; i < sums.length; i++) sums[i]! += more[i]!;
}

/** Shape [column]. */
export function columnMeans({ rows, columns, data }: Matrix): Float64Array {
  const sums = new Float64Array(columns);
  for (let n = 0; n < rows; n++) for (let i = 0; i < columns; i++) sums[i]! += data[n * columns + i]!;
  return sums.map((sum) => sum / rows);
}

/**
 * Fits a + b x by least squares with a, b >= 0; the error of a is sqrt(s² (JᵀJ)⁻¹) with s² the squared residuals over
 * n - 2, at a bound as if there were none.
 */
function interceptFit(
  x: readonly number[],
  y: readonly number[],
): { readonly value: number; readonly error: number; readonly slope: number } {
  const n = x.length;
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  const [sx, sy, sxx] = [sum(x), sum(y), sum(x.map((value) => value * value))];
  const sxy = sum(x.map((value, i) => value * y[i]!));
  const determinant = n * sxx - sx * sx;
  let [value, slope] = [(sxx * sy - sx * sxy) / determinant, (n * sxy - sx * sy) / determinant];
  if (value < 0) [value, slope] = [0, Math.max(0, sxy / sxx)];
  else if (slope < 0) [value, slope] = [Math.max(0, sy / n), 0];
  const residuals = sum(x.map((at, i) => (y[i]! - value - slope * at) ** 2));
  return { value, error: Math.sqrt(residuals / Math.max(1, n - 2) * sxx / determinant), slope };
}

/**
 * The unbiased squared maximum mean discrepancy with the kernel k(x, y) = (x · y / D + 1)^4, D the number of features:
 * pairs of a row with itself are left out. It may be slightly negative.
 *
 * @see Kansal et al. (2023), arXiv:2211.10295, equation 5.
 */
export async function kernelDistance(
  x: Matrix,
  y: Matrix,
  { algebra = plainAlgebra, degree = 4 }: { readonly algebra?: Algebra; readonly degree?: number } = {},
): Promise<number> {
  requireSameColumns(x, y, "compare features");
  const [xx, yy, xy] = await Promise.all([
    algebra.kernelRowSums(x, x, degree),
    algebra.kernelRowSums(y, y, degree),
    algebra.kernelRowSums(x, y, degree),
  ]);
  const total = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0);
  const own = (m: Matrix, sums: Float64Array): number =>
    (total(sums) - selfKernel(m, degree)) / (m.rows * (m.rows - 1));
  return own(x, xx) + own(y, yy) - 2 * total(xy) / (x.rows * y.rows);
}

/** Sum over rows of k(x, x). */
function selfKernel({ rows, columns, data }: Matrix, degree: number): number {
  let sum = 0;
  for (let n = 0; n < rows; n++) {
    let dot = 0;
    for (let i = 0; i < columns; i++) dot += data[n * columns + i]! ** 2;
    sum += (dot / columns + 1) ** degree;
  }
  return sum;
}

/** How {@linkcode kernelPhysicsDistance} is done. */
export interface KpdOptions {
  readonly random: Random;
  /** Batches that are drawn. @default 10 */
  readonly batches?: number;
  /** Rows per batch; fewer where there are fewer. @default 5,000 as JetNet; the CaloChallenge takes 10,000 */
  readonly batchRows?: number;
  /** @default true */
  readonly normalize?: boolean;
  readonly algebra?: Algebra;
  readonly drawRows?: DrawRows;
}

/** A kernel physics distance and how it was found. */
export interface KpdEstimate extends Estimate {
  readonly batchRows: number;
  readonly batches: readonly number[];
}

/**
 * The kernel physics distance: the median of {@linkcode kernelDistance} over batches drawn with replacement; the error is
 * half the distance of the 16.275 % and 83.725 % quantiles.
 *
 * @see JetNet 0.2.5, `kpd`.
 */
export async function kernelPhysicsDistance(
  reference: Matrix,
  generated: Matrix,
  options: KpdOptions,
): Promise<KpdEstimate> {
  const { batches: count = 10, normalize = true, algebra = plainAlgebra, random } = options;
  const [x, y] = normalize ? normalizedFeatures(reference, generated) : [reference, generated];
  const batchRows = Math.min(options.batchRows ?? 5_000, x.rows, y.rows);
  const drawRows = options.drawRows ??
    (({ sample, size }) => drawIndices(random, sample === 0 ? x.rows : y.rows, size));
  const batches: number[] = [];
  for (let index = 0; index < count; index++) {
    const rowsOfX = drawRows({ sample: 0, size: batchRows, index });
    const rowsOfY = drawRows({ sample: 1, size: batchRows, index });
    batches.push(await kernelDistance(takeRows(x, rowsOfX), takeRows(y, rowsOfY), { algebra }));
  }
  const error = (quantile(batches, 0.83725) - quantile(batches, 0.16275)) / 2;
  return { value: quantile(batches, 0.5), error, errorKind: "spread", batchRows, batches };
}

/** Some rows, in their order. */
export function takeRows({ columns, data }: Matrix, indices: ArrayLike<number>): Matrix {
  const taken = data instanceof Float32Array
    ? new Float32Array(indices.length * columns)
    : new Float64Array(indices.length * columns);
  for (let i = 0; i < indices.length; i++) {
    taken.set(data.subarray(indices[i]! * columns, (indices[i]! + 1) * columns), i * columns);
  }
  return { rows: indices.length, columns, data: taken };
}

/** Four fractions that separate fidelity from diversity. */
export interface Neighborhoods {
  /** Share of generated rows inside the neighborhood of some reference row. */
  readonly precision: Estimate;
  /** Share of reference rows inside the neighborhood of some generated row. */
  readonly recall: Estimate;
  /** Mean number of reference neighborhoods that hold a generated row, over k; 1 for equal distributions. */
  readonly density: Estimate;
  /** Share of reference neighborhoods that hold some generated row. */
  readonly coverage: Estimate;
}

/**
 * Precision, recall, density and coverage. The neighborhood of a row is the open ball that reaches to its k-th nearest
 * row of the same sample.
 *
 * @param reference Shape [row, column].
 * @param generated Likewise.
 * @param options `neighbors` is k; `algebra` knows samples that are no matrices. @default 5, plain loops
 * @returns With errors for given neighborhoods: the standard deviation over rows divided by the root of their
 *   number.
 *
 * @see Kynkäänniemi et al. (2019), arXiv:1904.06991; Naeem et al. (2020), arXiv:2002.09797, equations 5 and 6;
 * `clovaai/generative-evaluation-prdc`.
 */
export function neighborhoods(
  reference: Matrix,
  generated: Matrix,
  options?: { readonly neighbors?: number },
): Promise<Neighborhoods>;
export function neighborhoods<S extends Sized>(
  reference: S,
  generated: S,
  options: { readonly neighbors?: number; readonly algebra: NeighborAlgebra<S> },
): Promise<Neighborhoods>;
export async function neighborhoods<S extends Sized>(
  reference: S,
  generated: S,
  { neighbors = 5, algebra = plainAlgebra as NeighborAlgebra<Sized> }: {
    readonly neighbors?: number;
    readonly algebra?: NeighborAlgebra<S>;
  } = {},
): Promise<Neighborhoods> {
  requireSameColumns(reference, generated, "compare neighborhoods");
  for (const { rows } of [reference, generated]) {
    if (rows > neighbors) continue;
    throw new RangeError(
      `Cannot compare neighborhoods as there must be more rows than the ${neighbors} neighbors: found ${rows}`,
    );
  }
  const [ofReference, ofGenerated] = await Promise.all([
    algebra.neighborRadii(reference, neighbors),
    algebra.neighborRadii(generated, neighbors),
  ]);
  const counts = await algebra.neighborCounts(generated, ofGenerated, reference, ofReference);
  const isSome = (count: number): number => count > 0 ? 1 : 0;
  return {
    precision: meanEstimate(counts.ballsOfY.map(isSome)),
    recall: meanEstimate(counts.ballsOfX.map(isSome)),
    density: meanEstimate(counts.ballsOfY.map((count) => count / neighbors)),
    coverage: meanEstimate(counts.inside.map(isSome)),
  };
}

/** Mean with the standard error s / sqrt(n). */
function meanEstimate(values: Float64Array): Estimate {
  const count = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { value: mean, error: Math.sqrt(squares / Math.max(1, count - 1) / count), errorKind: "analytic" };
}
