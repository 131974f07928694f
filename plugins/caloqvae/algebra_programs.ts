/**
 * Heavy products as programs of tfjs.
 *
 * @module
 */
import type { ModelDefinition, ModelProgram } from "beamline";
import * as tf from "beamline/tf";
import {
  blockPairs,
  FPD_POINTS,
  GRAM_COLUMNS,
  GRAM_ROWS,
  MOMENT_ROWS,
  momentEdges,
  stripsOf,
  tileRows,
} from "./algebra_sizes.ts";
import type { Config } from "./config.ts";
import type { Metadata } from "./metadata.ts";

/** Rows of a batch of the brackets of Frobenius distances. */
const INFLUENCE_ROWS = 512;
/** Rows of a batch of the kernel, whose block of values should stay in the cache. */
const KERNEL_ROWS = 128;

/** The model without training that holds the programs: of a judgement, whose sizes are known, and of any file. */
export const algebraModel: ModelDefinition<Config, Metadata> = {
  title: "products of large matrices",
  inputs: () => [],
  build: (config, { metadata }) => ({
    programs: "voxels" in metadata ? judgingPrograms(config, metadata) : { gram: gramProgram() },
  }),
};

function judgingPrograms(config: Config, metadata: Metadata): { readonly [name: string]: ModelProgram } {
  return {
    moments: momentsProgram(metadata.voxels),
    weighted: weightedProgram(metadata.features, FPD_POINTS * metadata.fpdDraws),
    kernel: kernelProgram(metadata.features, metadata.kernelRows),
    radii: radiiProgram(metadata.voxels, tileRows(metadata.neighborRows), config.neighbors),
    counts: countsProgram(metadata.voxels, tileRows(metadata.neighborRows)),
    influence: influenceProgram(metadata.layerVoxels),
  };
}

/** Sums of aᵀ b. */
function gramProgram(): ModelProgram {
  return {
    rows: GRAM_ROWS,
    inputs: { a: { shape: [GRAM_COLUMNS] }, b: { shape: [GRAM_COLUMNS] } },
    sums: ["product"],
    run: ({ a, b }) => ({ product: tf.matMul(a as tf.Tensor2D, b as tf.Tensor2D, true, false) }),
  };
}

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
      const hit = tf.step(x!);
      const products = (prefix: string, matrix: tf.Tensor) => {
        // Turned once: the engine would turn a factor again in every product.
        const turned = tf.transpose(matrix) as tf.Tensor2D;
        const columns = edges.slice(1).map((to, i) =>
          tf.slice2d(matrix as tf.Tensor2D, [0, edges[i]!], [-1, to - edges[i]!])
        );
        return pairs.map(([i, j]) => {
          const rows = tf.slice2d(turned, [edges[i]!, 0], [edges[i + 1]! - edges[i]!, -1]);
          return [`${prefix}_${i}_${j}`, tf.matMul(rows, columns[j]!)] as const;
        });
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

/**
 * First and second moments under several sets of weights, the second about `center`: sums in float32 then add up small
 * differences instead of large numbers of one sign.
 */
function weightedProgram(features: number, draws: number): ModelProgram {
  const strips = stripsOf(features);
  const { from, to, at } = strips.at(-1)!;
  return {
    rows: Math.max(16, Math.min(1024, Math.floor(4e6 / features ** 2))),
    inputs: {
      y: { shape: [features] },
      weights: { shape: [draws] },
      center: { shape: [at + (to - from) * to], shared: true },
    },
    sums: ["sums", ...strips.map((_, i) => `products_${i}`)],
    run({ y, weights, center }) {
      const weigh = (values: tf.Tensor) =>
        tf.matMul(weights as tf.Tensor2D, values as tf.Tensor2D, true, false);
      const columns = (from: number, to: number) => tf.slice2d(y as tf.Tensor2D, [0, from], [-1, to - from]);
      const products = strips.map(({ from, to, at }, i) => {
        const size = (to - from) * to;
        const outer = tf.mul(tf.expandDims(columns(from, to), 2), tf.expandDims(columns(0, to), 1));
        const own = tf.slice1d(center as tf.Tensor1D, at, size);
        return [`products_${i}`, weigh(tf.sub(tf.reshape(outer, [-1, size]), own))] as const;
      });
      return { sums: weigh(y!), ...Object.fromEntries(products) };
    },
  };
}

/** Sums of (x · y / D + 1)^4 over the rows of y; x comes divided by D, and both with a last column of ones. */
function kernelProgram(features: number, rows: number): ModelProgram {
  return {
    rows: KERNEL_ROWS,
    inputs: {
      x: { shape: [features + 1] },
      y: { shape: [rows, features + 1], shared: true },
    },
    run({ x, y }) {
      const base = tf.matMul(x as tf.Tensor2D, y as tf.Tensor2D, false, true);
      return { sum: tf.sum(tf.square(tf.square(base)), 1) };
    },
  };
}

/** Squared distances of rows of x to all rows of y, negative and without the squares of x. */
function closeness(x: tf.Tensor, y: tf.Tensor, squares: tf.Tensor): tf.Tensor {
  return tf.sub(tf.matMul(tf.mul(x, 2) as tf.Tensor2D, y as tf.Tensor2D, false, true), squares);
}

/**
 * The nearest k + 1 rows of a tile for each row of another, both ways: for x the largest of 2 x · y - |y|² over y, for y
 * those of 2 x · y - |x|² over x. Both tiles are given whole.
 */
function radiiProgram(voxels: number, rows: number, neighbors: number): ModelProgram {
  return {
    rows,
    inputs: {
      x: { shape: [voxels] },
      own: { shape: [1] },
      y: { shape: [rows, voxels], shared: true },
      squares: { shape: [rows], shared: true },
    },
    run({ x, own, y, squares }) {
      const products = tf.matMul(tf.mul(x!, 2) as tf.Tensor2D, y as tf.Tensor2D, false, true);
      const nearest = (closeness: tf.Tensor) => tf.topk(closeness, neighbors + 1).values;
      return {
        ofX: nearest(tf.sub(products, squares!)),
        ofY: nearest(tf.transpose(tf.sub(products, own!))),
      };
    },
  };
}

/** Pairs of rows of x and y closer than the radii of either, which come squared. */
function countsProgram(voxels: number, rows: number): ModelProgram {
  return {
    rows: Math.ceil(rows / 2), // all batches of a tile are full
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
      const close = tf.sub(closeness(x!, y!, squares!), tf.sum(tf.square(x!), 1, true));
      const inY = tf.step(tf.add(close, radii!));
      const inX = tf.step(tf.add(close, radius!));
      const count = (inside: tf.Tensor) =>
        tf.squeeze(tf.matMul(weight as tf.Tensor2D, inside as tf.Tensor2D, true, false), [0]);
      return { ballsOfY: tf.sum(inY, 1), ballsOfX: count(inX), inside: count(inY) };
    },
  };
}

/**
 * The brackets of the errors of Frobenius distances: of the whole matrices, and of the block of each layer. `side` is
 * (1, 0) for rows of the first sample and (0, 1) for the second, which have diagonals of their own.
 */
function influenceProgram(layerVoxels: readonly number[]): ModelProgram {
  const voxels = layerVoxels.reduce((sum, size) => sum + size, 0);
  const begins = layerVoxels.map((_, at) => layerVoxels.slice(0, at).reduce((sum, size) => sum + size, 0));
  return {
    rows: INFLUENCE_ROWS,
    inputs: {
      z: { shape: [voxels] },
      side: { shape: [2] },
      difference: { shape: [voxels, voxels], shared: true },
      whole: { shape: [2, voxels], shared: true },
      within: { shape: [2, voxels], shared: true },
    },
    run({ z, side, difference, whole, within }) {
      const times = (a: tf.Tensor, b: tf.Tensor) => tf.matMul(a as tf.Tensor2D, b as tf.Tensor2D);
      const bracket = (rows: tf.Tensor, inner: tf.Tensor, diagonal: tf.Tensor) =>
        tf.sum(tf.mul(rows, tf.sub(inner, tf.mul(rows, diagonal))), 1, true);
      const ownWithin = times(side!, within!);
      const layers = layerVoxels.map((size, at) => {
        const from = begins[at]!;
        const columns = (matrix: tf.Tensor) => tf.slice2d(matrix as tf.Tensor2D, [0, from], [-1, size]);
        const block = tf.slice2d(difference as tf.Tensor2D, [from, from], [size, size]);
        return bracket(columns(z!), times(columns(z!), block), columns(ownWithin));
      });
      return {
        whole: bracket(z!, times(z!, difference!), times(side!, whole!)),
        layers: layers.length === 1 ? layers[0]! : tf.concat(layers, 1),
      };
    },
  };
}
