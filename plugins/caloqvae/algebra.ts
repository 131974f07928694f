/**
 * Heavy products on the engine: the handle that the metrics take. Its programs are in `algebra_programs.ts`.
 *
 * @module
 */
import type { EvaluateContext, NdArray } from "beamline";
import { type Algebra, type Matrix, type Moments, type NeighborCounts } from "beamline/metrics";
import { blockPairs, type Strip, stripsOf, tileRows } from "./algebra_programs.ts";
import type { Facts } from "./facts.ts";

/** Numbers as the engine takes them. */
function float32(shape: readonly number[], data: Float64Array | Float32Array<ArrayBuffer>): NdArray {
  return { dtype: "float32", shape, data: data instanceof Float32Array ? data : new Float32Array(data) };
}

function ones(rows: number): NdArray {
  return float32([rows, 1], new Float32Array(rows).fill(1));
}

/** Moments of energies and of hits. */
export interface VoxelMoments {
  readonly energy: Moments;
  readonly hits: Moments;
}

/** What the brackets of one comparison are made of. */
export interface InfluenceInputs {
  /** Standardized rows of both samples, [row, voxel]. */
  readonly z: Matrix;
  /** (1, 0) or (0, 1) for each row. */
  readonly side: Matrix;
  /** Correlations of the first sample less those of the second, [voxel, voxel]. */
  readonly difference: Float32Array<ArrayBuffer>;
  /** Sum over j of D_ij C_ij, [sample, voxel]: over all voxels, and over those of the layer of i. */
  readonly whole: Float64Array;
  readonly within: Float64Array;
}

/** The engine's side of the metrics. */
export interface EngineAlgebra extends Algebra {
  /** Adds the moments of rows, [row, voxel], to `target`, whose energies are shifted and scaled alike. */
  addVoxelMoments(x: Float32Array<ArrayBuffer>, rows: number, target: VoxelMoments): Promise<void>;
  /** Brackets of the errors of Frobenius distances, [row] and [row, layer]; see `frobeniusInfluences`. */
  influences(
    inputs: InfluenceInputs,
  ): Promise<{ readonly whole: Float64Array; readonly layers: Float64Array }>;
}

/** The metrics' algebra, by programs on the engine. */
export function engineAlgebra(context: EvaluateContext<Facts>): EngineAlgebra {
  const { voxels } = context.facts;
  const radii = new WeakMap<Matrix, Promise<Float64Array>>();
  const call = (
    program: string,
    inputs: { readonly [name: string]: NdArray },
  ) => context.call("algebra", program, inputs);
  const matrix = ({ rows, columns, data }: Matrix): NdArray => float32([rows, columns], data);
  return {
    async weightedMoments(values, weights) {
      const strips = stripsOf(values.columns);
      const center = centerOf(values, strips);
      const found = await call("weighted", {
        y: matrix(values),
        weights: matrix(weights),
        center: float32([center.length], center),
      });
      const blocks = strips.map((_, i) => found[`products_${i}`]!.data as Float64Array);
      return {
        sums: found.sums!.data as Float64Array,
        products: wholeProducts(blocks, strips, center, totalsOf(weights), values.columns),
      };
    },
    async kernelRowSums(x, y) {
      const { sum } = await call("kernel", {
        x: withOnes(x, 1 / x.columns),
        y: withOnes(y, 1),
      });
      return new Float64Array(sum!.data as Float32Array);
    },
    neighborRadii(x, neighbors) {
      const known = radii.get(x);
      if (known) return known;
      const found = radiiOf(x, neighbors, call);
      radii.set(x, found);
      return found;
    },
    neighborCounts: (x, xRadii, y, yRadii) => countsOf(x, xRadii, y, yRadii, call),
    async addVoxelMoments(x, rows, { energy, hits }) {
      const found = await call("moments", {
        x: float32([rows, voxels], x.subarray(0, rows * voxels)),
        weight: ones(rows),
        shift: float32([voxels], energy.shift),
        scale: float32([voxels], energy.scale),
      });
      const add = (target: Moments, prefix: string, name: string): void => {
        target.rows += rows;
        addTo(target.sums, found[name]!.data as Float64Array);
        for (const [i, j] of blockPairs(target.products.count)) {
          addTo(target.products.block(i, j), found[`${prefix}_${i}_${j}`]!.data as Float64Array);
        }
      };
      add(energy, "energy", "sum");
      add(hits, "hits", "hits");
    },
    async influences({ z, side, difference, whole, within }) {
      const found = await call("influence", {
        z: matrix(z),
        side: matrix(side),
        difference: float32([voxels, voxels], difference),
        whole: float32([2, voxels], whole),
        within: float32([2, voxels], within),
      });
      const numbers = (name: string): Float64Array => new Float64Array(found[name]!.data as Float32Array);
      return { whole: numbers("whole"), layers: numbers("layers") };
    },
  };
}

type Call = (
  program: string,
  inputs: { readonly [name: string]: NdArray },
) => Promise<{ readonly [name: string]: NdArray }>;

/** Some rows of a sample, as programs over pairs of rows take them. */
interface Tile {
  readonly from: number;
  readonly rows: number;
  /** The rows themselves. */
  readonly x: NdArray;
  /** The rows and, in a last tile that is shorter, zeros. */
  readonly y: NdArray;
  /** Squared norms; where there is no row, so large that it is nobody's neighbor. */
  readonly squares: NdArray;
}

const FAR = 1e30;

function tilesOf(m: Matrix): Tile[] {
  const { rows, columns } = m;
  const size = tileRows(rows);
  const data = m.data instanceof Float32Array ? m.data : new Float32Array(m.data);
  const norms = squaredNorms(m);
  return Array.from({ length: Math.ceil(rows / size) }, (_, i): Tile => {
    const from = i * size;
    const count = Math.min(size, rows - from);
    const own = data.subarray(from * columns, (from + count) * columns);
    const x = float32([count, columns], own);
    const squares = new Float32Array(size).fill(FAR);
    squares.set(norms.subarray(from, from + count));
    return { from, rows: count, x, y: padded([size, columns], own), squares: float32([size], squares) };
  });
}

/** Numbers followed by zeros. */
function padded(shape: readonly number[], data: Float32Array<ArrayBuffer>): NdArray {
  const length = shape.reduce((product, size) => product * size, 1);
  if (data.length === length) return float32(shape, data);
  const longer = new Float32Array(length);
  longer.set(data);
  return float32(shape, longer);
}

/** Every pair of tiles, one call ahead: its arrays are laid out while the engine works. */
async function forPairs<T>(
  pairs: readonly (readonly [x: Tile, y: Tile])[],
  begin: (x: Tile, y: Tile) => Promise<T>,
  use: (x: Tile, y: Tile, found: T) => void,
): Promise<void> {
  let next = begin(...pairs[0]!);
  for (const [i, [x, y]] of pairs.entries()) {
    const present = next;
    if (i + 1 < pairs.length) {
      next = begin(...pairs[i + 1]!);
      next.catch(() => {}); // told when it is waited for
    }
    use(x, y, await present);
  }
}

/** Distances are the same both ways: a pair of tiles is looked at once. */
async function radiiOf(x: Matrix, neighbors: number, call: Call): Promise<Float64Array> {
  const tiles = tilesOf(x);
  const count = neighbors + 1; // with the row itself
  const best = new Float32Array(x.rows * count).fill(-Infinity);
  const keep = ({ from, rows }: Tile, { data }: NdArray): void => {
    for (let row = 0; row < rows; row++) {
      const own = best.subarray((from + row) * count, (from + row + 1) * count);
      insert(own, data as Float32Array, row * count);
    }
  };
  await forPairs(
    tiles.flatMap((own, i) => tiles.slice(0, i + 1).map((other) => [own, other] as const)),
    (own, other) => {
      const { data, shape: [size] } = own.squares;
      const norms = float32([size!, 1], data as Float32Array<ArrayBuffer>);
      return call("radii", { x: own.y, own: norms, y: other.y, squares: other.squares });
    },
    (own, other, { ofX, ofY }) => {
      keep(own, ofX!);
      if (own !== other) keep(other, ofY!);
    },
  );
  return squaredNorms(x).map((norm, row) => Math.sqrt(Math.max(0, norm - best[row * count + neighbors]!)));
}

/** Keeps the largest of two falling lists of equal length. */
function insert(best: Float32Array, found: Float32Array, from: number): void {
  const old = best.slice();
  for (let at = 0, i = 0, j = from; at < best.length; at++) {
    best[at] = old[i]! >= found[j]! ? old[i++]! : found[j++]!;
  }
}

async function countsOf(
  x: Matrix,
  xRadii: Float64Array,
  y: Matrix,
  yRadii: Float64Array,
  call: Call,
): Promise<NeighborCounts> {
  const [ballsOfY, ballsOfX, inside] = [x, y, y].map(({ rows }) => new Float64Array(rows)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const squared = (radii: Float64Array, { from, rows }: Tile): Float32Array<ArrayBuffer> =>
    new Float32Array(radii.subarray(from, from + rows).map((radius) => radius * radius));
  const add = (target: Float64Array, { from, rows }: Tile, found: NdArray): void => {
    for (let i = 0; i < rows; i++) target[from + i]! += Number(found.data[i]);
  };
  const others = tilesOf(y);
  await forPairs(
    tilesOf(x).flatMap((own) => others.map((other) => [own, other] as const)),
    (own, other) =>
      call("counts", {
        x: own.x,
        radius: float32([own.rows, 1], squared(xRadii, own)),
        weight: ones(own.rows),
        y: other.y,
        squares: other.squares,
        radii: padded(other.squares.shape, squared(yRadii, other)),
      }),
    (own, other, found) => {
      add(ballsOfY, own, found.ballsOfY!);
      add(ballsOfX, other, found.ballsOfX!);
      add(inside, other, found.inside!);
    },
  );
  return { ballsOfY, ballsOfX, inside };
}

function addTo(sums: Float64Array, more: Float64Array): void {
  for (let i = 0; i < sums.length; i++) sums[i]! += more[i]!;
}

/** Means of y_i y_j over about a thousand of the rows, strip after strip. */
function centerOf({ rows, columns, data }: Matrix, strips: readonly Strip[]): Float32Array<ArrayBuffer> {
  const { from: last, to: end, at: start } = strips.at(-1)!;
  const means = new Float64Array(start + (end - last) * end);
  const step = Math.max(1, Math.floor(rows / 1000));
  const count = Math.ceil(rows / step);
  for (let n = 0; n < rows; n += step) {
    const base = n * columns;
    for (const { from, to, at: begin } of strips) {
      for (let i = from, at = begin; i < to; i++) {
        const left = data[base + i]! / count;
        for (let j = 0; j < to; j++, at++) means[at]! += left * data[base + j]!;
      }
    }
  }
  return new Float32Array(means);
}

/** Sum of each column of weights. */
function totalsOf({ rows, columns, data }: Matrix): Float64Array {
  const totals = new Float64Array(columns);
  for (let n = 0, at = 0; n < rows; n++) for (let k = 0; k < columns; k++, at++) totals[k]! += data[at]!;
  return totals;
}

/** The matrices of products, [weight column, column, column], from strips about the center. */
function wholeProducts(
  blocks: readonly Float64Array[],
  strips: readonly Strip[],
  center: Float32Array,
  totals: Float64Array,
  columns: number,
): Float64Array {
  const whole = new Float64Array(totals.length * columns * columns);
  strips.forEach(({ from, to, at: begin }, strip) => {
    const block = blocks[strip]!;
    for (let k = 0, source = 0; k < totals.length; k++) {
      const target = k * columns * columns;
      for (let i = from, at = begin; i < to; i++) {
        for (let j = 0; j < to; j++, at++, source++) {
          const product = block[source]! + totals[k]! * center[at]!;
          whole[target + i * columns + j] = product;
          whole[target + j * columns + i] = product;
        }
      }
    }
  });
  return whole;
}

/** Rows times a factor, and a last column of ones. */
function withOnes({ rows, columns, data }: Matrix, factor: number): NdArray {
  const wide = new Float32Array(rows * (columns + 1)).fill(1);
  for (let n = 0, from = 0, to = 0; n < rows; n++, to++) {
    for (let i = 0; i < columns; i++) wide[to++] = data[from++]! * factor;
  }
  return { dtype: "float32", shape: [rows, columns + 1], data: wide };
}

function squaredNorms({ rows, columns, data }: Matrix): Float64Array {
  const norms = new Float64Array(rows);
  for (let n = 0, at = 0; n < rows; n++) {
    let sum = 0;
    for (let i = 0; i < columns; i++, at++) sum += data[at]! * data[at]!;
    norms[n] = sum;
  }
  return norms;
}
