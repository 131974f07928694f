/**
 * Heavy products on the engine: programs of tfjs, and the handle that the metrics take.
 *
 * @module
 */
import type { EvaluateContext, ModelDefinition, ModelProgram, NdArray } from "beamline";
import {
  type Algebra,
  blockEdges,
  type Matrix,
  type MomentSums,
  type NeighborCounts,
  SymmetricBlocks,
} from "beamline/metrics";
import * as tf from "beamline/tf";
import type { Config } from "./config.ts";
import type { Facts } from "./facts.ts";

/** Columns of a block of the matrix of products. */
const BLOCK_COLUMNS = 448;
/** Rows of a batch of the moments. */
export const MOMENT_ROWS = 1024;
/** Rows of a batch of programs over pairs of rows. */
const PAIR_ROWS = 512;

/** Begins of the blocks of columns. */
export function momentEdges(voxels: number): number[] {
  return blockEdges(
    voxels,
    voxels <= 3360 ? BLOCK_COLUMNS : Math.ceil(voxels / 5),
  );
}

/** Pairs (i, j) of blocks with j <= i. */
function blockPairs(count: number): (readonly [number, number])[] {
  return Array.from(
    { length: count },
    (_, i) => Array.from({ length: i + 1 }, (_, j) => [i, j] as const),
  ).flat();
}

/** The model without training that holds the programs. */
export const algebraModel: ModelDefinition<Config, Facts> = {
  title: "products of large matrices",
  inputs: () => [],
  build: (config, { facts }) => ({
    programs: {
      moments: momentsProgram(facts.voxels),
      weighted: weightedProgram(facts.features, facts.fpdDraws),
      kernel: kernelProgram(facts.features, facts.kernelRows),
      radii: radiiProgram(facts.voxels, facts.neighborRows, config.neighbors),
      counts: countsProgram(facts.voxels, facts.neighborRows),
      influence: influenceProgram(facts.voxels, facts.layers.length),
    },
  }),
};

/** Sums of z zᵀ for energies and hits, z = (x - shift) / scale, in blocks of columns. */
function momentsProgram(voxels: number): ModelProgram {
  const edges = momentEdges(voxels);
  const pairs = blockPairs(edges.length - 1);
  const names = pairs.map(([i, j]) => `${i}_${j}`);
  return {
    rows: MOMENT_ROWS,
    inputs: {
      x: { shape: [voxels] },
      weight: { shape: [1] },
      shift: { shape: [voxels], shared: true },
      scale: { shape: [voxels], shared: true },
    },
    sums: [
      "sum",
      "hits",
      ...names.map((name) => `energy_${name}`),
      ...names.map((name) => `hits_${name}`),
    ],
    run({ x, weight, shift, scale }) {
      const z = tf.mul(tf.div(tf.sub(x!, shift!), scale!), weight!);
      const hit = tf.cast(tf.greater(x!, 0), "float32");
      const slices = (matrix: tf.Tensor) =>
        edges.slice(0, -1).map((from, i) =>
          tf.slice2d(matrix as tf.Tensor2D, [0, from], [
            -1,
            edges[i + 1]! - from,
          ])
        );
      const products = (prefix: string, matrix: tf.Tensor) => {
        const blocks = slices(matrix);
        return pairs.map(([i, j]) =>
          [
            `${prefix}_${i}_${j}`,
            tf.matMul(blocks[i]!, blocks[j]!, true, false),
          ] as const
        );
      };
      return {
        sum: tf.sum(z, 0),
        hits: tf.sum(hit, 0),
        ...Object.fromEntries([
          ...products("energy", z),
          ...products("hits", hit),
        ]),
      };
    },
  };
}

/** First and second moments under several sets of weights. */
function weightedProgram(features: number, draws: number): ModelProgram {
  const squares = features * features;
  return {
    rows: Math.max(16, Math.min(1024, Math.floor(4e6 / squares))),
    inputs: { y: { shape: [features] }, weights: { shape: [draws] } },
    sums: ["sums", "products"],
    run({ y, weights }) {
      const outer = tf.mul(tf.expandDims(y!, 2), tf.expandDims(y!, 1));
      return {
        sums: tf.matMul(weights as tf.Tensor2D, y as tf.Tensor2D, true, false),
        products: tf.matMul(
          weights as tf.Tensor2D,
          tf.reshape(outer, [-1, squares]),
          true,
          false,
        ),
      };
    },
  };
}

/** Sums of (x · y / D + 1)^4 over the rows of y. */
function kernelProgram(features: number, rows: number): ModelProgram {
  return {
    rows: PAIR_ROWS,
    inputs: {
      x: { shape: [features] },
      y: { shape: [rows, features], shared: true },
    },
    run({ x, y }) {
      const base = tf.add(
        tf.div(
          tf.matMul(x as tf.Tensor2D, y as tf.Tensor2D, false, true),
          features,
        ),
        1,
      );
      return { sum: tf.sum(tf.square(tf.square(base)), 1) };
    },
  };
}

/** Squared distances of rows of x to all rows of y, with y centered for the sake of float32. */
function squaredDistances(
  x: tf.Tensor,
  y: tf.Tensor,
  squares: tf.Tensor,
): tf.Tensor {
  const products = tf.matMul(x as tf.Tensor2D, y as tf.Tensor2D, false, true);
  const own = tf.sum(tf.square(x), 1, true);
  return tf.maximum(tf.add(tf.sub(own, tf.mul(products, 2)), squares), 0);
}

/** Squared distance to the k-th nearest other row. */
function radiiProgram(
  voxels: number,
  rows: number,
  neighbors: number,
): ModelProgram {
  return {
    rows: PAIR_ROWS,
    inputs: {
      x: { shape: [voxels] },
      y: { shape: [rows, voxels], shared: true },
      squares: { shape: [rows], shared: true },
    },
    run({ x, y, squares }) {
      const { values } = tf.topk(
        tf.neg(squaredDistances(x!, y!, squares!)),
        neighbors + 1,
      );
      return {
        radius: tf.neg(
          tf.slice2d(values as tf.Tensor2D, [0, neighbors], [-1, 1]),
        ),
      };
    },
  };
}

/** Pairs of rows of x and y closer than the radii of either. */
function countsProgram(voxels: number, rows: number): ModelProgram {
  return {
    rows: PAIR_ROWS,
    inputs: {
      x: { shape: [voxels] },
      radius: { shape: [1] },
      weight: { shape: [1] },
      y: { shape: [rows, voxels], shared: true },
      squares: { shape: [rows], shared: true },
      radii: { shape: [rows], shared: true },
    },
    sums: ["ballsOfX", "inside"],
    run({ x, radius, weight, y, squares, radii }) {
      const distances = squaredDistances(x!, y!, squares!);
      const inY = tf.mul(
        tf.cast(tf.less(distances, radii!), "float32"),
        weight!,
      );
      const inX = tf.mul(
        tf.cast(tf.less(distances, radius!), "float32"),
        weight!,
      );
      return {
        ballsOfY: tf.sum(inY, 1),
        ballsOfX: tf.sum(inX, 0),
        inside: tf.sum(inY, 0),
      };
    },
  };
}

/** The bracket of the error of a Frobenius distance, for several groups of columns. */
function influenceProgram(voxels: number, groups: number): ModelProgram {
  return {
    rows: PAIR_ROWS,
    inputs: {
      z: { shape: [voxels] },
      difference: { shape: [voxels, voxels], shared: true },
      diagonal: { shape: [voxels], shared: true },
      group: { shape: [voxels, groups], shared: true },
    },
    run({ z, difference, diagonal, group }) {
      const inner = tf.sub(
        tf.matMul(z as tf.Tensor2D, difference as tf.Tensor2D),
        tf.mul(z!, diagonal!),
      );
      return { bracket: tf.matMul(tf.mul(z!, inner), group as tf.Tensor2D) };
    },
  };
}

/** Numbers as the engine takes them. */
function float32(shape: readonly number[], data: ArrayLike<number>): NdArray {
  const numbers = data instanceof Float32Array ? data as Float32Array<ArrayBuffer> : Float32Array.from(data);
  return { dtype: "float32", shape, data: numbers };
}

function ones(rows: number): NdArray {
  return float32([rows, 1], new Float32Array(rows).fill(1));
}

/** Moments of energies and of hits. */
export interface VoxelMoments {
  readonly energy: MomentSums;
  readonly hits: MomentSums;
}

/** The engine's side of the metrics. */
export interface EngineAlgebra extends Algebra {
  /** Moments of rows, [row, voxel]. */
  voxelMoments(
    x: Float32Array<ArrayBuffer>,
    rows: number,
    shift: Float64Array,
    scale: Float64Array,
  ): Promise<VoxelMoments>;
  /** Brackets of the error of a Frobenius distance, [row, group]; see `frobeniusInfluences`. */
  influences(
    z: Matrix,
    difference: Float32Array<ArrayBuffer>,
    diagonal: Float64Array,
    group: Float32Array<ArrayBuffer>,
  ): Promise<Float64Array>;
}

/** The metrics' algebra, by programs on the engine. */
export function engineAlgebra(context: EvaluateContext<Facts>): EngineAlgebra {
  const { voxels, layers } = context.facts;
  const radii = new WeakMap<Matrix, Promise<Float64Array>>();
  const call = (
    program: string,
    inputs: { readonly [name: string]: NdArray },
  ) => context.call("algebra", program, inputs);
  const matrix = ({ rows, columns, data }: Matrix): NdArray => float32([rows, columns], data);
  return {
    async weightedMoments(values, weights) {
      const found = await call("weighted", {
        y: matrix(values),
        weights: matrix(weights),
      });
      return {
        sums: found.sums!.data as Float64Array,
        products: found.products!.data as Float64Array,
      };
    },
    async kernelRowSums(x, y) {
      const { sum } = await call("kernel", { x: matrix(x), y: matrix(y) });
      return Float64Array.from(sum!.data as Float32Array);
    },
    neighborRadii(x) {
      const known = radii.get(x);
      if (known) return known;
      const found = (async () => {
        const squares = float32([x.rows], squaredNorms(x));
        const { radius } = await call("radii", {
          x: matrix(x),
          y: matrix(x),
          squares,
        });
        return Float64Array.from(radius!.data as Float32Array, Math.sqrt);
      })();
      radii.set(x, found);
      return found;
    },
    async neighborCounts(x, xRadii, y, yRadii): Promise<NeighborCounts> {
      const found = await call("counts", {
        x: matrix(x),
        radius: float32([x.rows, 1], xRadii.map((radius) => radius * radius)),
        weight: ones(x.rows),
        y: matrix(y),
        squares: float32([y.rows], squaredNorms(y)),
        radii: float32([y.rows], yRadii.map((radius) => radius * radius)),
      });
      const numbers = (name: string): Float64Array => Float64Array.from(found[name]!.data as Float64Array);
      return {
        ballsOfY: numbers("ballsOfY"),
        ballsOfX: numbers("ballsOfX"),
        inside: numbers("inside"),
      };
    },
    async voxelMoments(x, rows, shift, scale) {
      const edges = momentEdges(voxels);
      const found = await call("moments", {
        x: float32([rows, voxels], x.subarray(0, rows * voxels)),
        weight: ones(rows),
        shift: float32([voxels], shift),
        scale: float32([voxels], scale),
      });
      const sums = (prefix: string, name: string): MomentSums => {
        const products = new SymmetricBlocks(edges);
        for (const [i, j] of blockPairs(edges.length - 1)) {
          products.block(i, j).set(
            found[`${prefix}_${i}_${j}`]!.data as Float64Array,
          );
        }
        return { rows, sums: found[name]!.data as Float64Array, products };
      };
      return { energy: sums("energy", "sum"), hits: sums("hits", "hits") };
    },
    async influences(z, difference, diagonal, group) {
      const { bracket } = await call("influence", {
        z: matrix(z),
        difference: float32([voxels, voxels], difference),
        diagonal: float32([voxels], diagonal),
        group: float32([voxels, layers.length], group),
      });
      return Float64Array.from(bracket!.data as Float32Array);
    },
  };
}

function squaredNorms({ rows, columns, data }: Matrix): Float64Array {
  const norms = new Float64Array(rows);
  for (let n = 0; n < rows; n++) {
    for (let i = 0; i < columns; i++) norms[n]! += data[n * columns + i]! ** 2;
  }
  return norms;
}
