/**
 * Heavy products on the engine: the handle that the metrics take. Its programs are in `algebra_programs.ts`.
 *
 * @module
 */
import type { EvaluateContext, NdArray, ProgramInputs } from "beamline";
import { type Algebra, type Matrix, Moments, SymmetricBlocks } from "beamline/metrics";
import { blockPairs, momentEdges, type Strip, stripsOf } from "./algebra_sizes.ts";
import { float32, ones } from "./engine_arrays.ts";
import { type EngineNeighbors, engineNeighbors } from "./neighbor_algebra.ts";
import type { Metadata } from "./metadata.ts";

/** Moments of energies and of hits. */
export interface VoxelMoments {
  readonly energy: Moments;
  readonly hits: Moments;
}

/** Moments of voxels that are summed on the engine. */
export interface VoxelMomentSum {
  /** Adds rows, [row, voxel]. */
  add(x: Float32Array<ArrayBuffer>, rows: number): Promise<void>;
  /** The moments of all rows, once. */
  total(): Promise<VoxelMoments>;
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
export interface EngineAlgebra extends Algebra, EngineNeighbors {
  /** Sums moments of voxels, whose energies are shifted and scaled: z = (x - shift) / scale, [voxel] each. */
  voxelMoments(shift: Float64Array, scale: Float64Array): VoxelMomentSum;
  /** Brackets of the errors of Frobenius distances, [row] and [row, layer]; see `frobeniusInfluences`. */
  influences(
    inputs: InfluenceInputs,
  ): Promise<{ readonly whole: Float64Array; readonly layers: Float64Array }>;
}

/** The metrics' algebra, by programs on the engine. */
export function engineAlgebra(context: EvaluateContext<Metadata>): EngineAlgebra {
  const { voxels } = context.metadata;
  const call = (program: string, inputs: ProgramInputs) => context.call("algebra", program, inputs);
  const matrix = ({ rows, columns, data }: Matrix): NdArray => float32([rows, columns], data);
  return {
    ...engineNeighbors(context),
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
    voxelMoments: (shift, scale) => sumOfMoments(context, shift, scale),
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

/** Moments of voxels, by the program `moments`. */
function sumOfMoments(
  context: EvaluateContext<Metadata>,
  shift: Float64Array,
  scale: Float64Array,
): VoxelMomentSum {
  const voxels = shift.length;
  const accumulator = context.accumulate("algebra", "moments");
  let count = 0;
  return {
    async add(x, rows) {
      count += rows;
      await accumulator.add({
        x: float32([rows, voxels], x.subarray(0, rows * voxels)),
        weight: ones(rows),
        shift: float32([voxels], shift),
        scale: float32([voxels], scale),
      });
    },
    async total() {
      const edges = momentEdges(voxels);
      const found = count === 0 ? undefined : await accumulator.total();
      const moments = (shift: Float64Array, scale: Float64Array, prefix: string, sums: string): Moments => {
        if (!found) return new Moments(shift, scale, edges);
        const blocks = blockPairs(edges.length - 1).map(([i, j]) =>
          found[`${prefix}_${i}_${j}`]!.data as Float64Array
        );
        const made = new Moments(shift, scale, edges, new SymmetricBlocks(edges, blocks));
        made.rows = count;
        made.sums.set(found[sums]!.data as Float64Array);
        return made;
      };
      return {
        energy: moments(shift, scale, "energy", "sum"),
        hits: moments(new Float64Array(voxels), new Float64Array(voxels).fill(1), "hits", "hits"),
      };
    },
  };
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
