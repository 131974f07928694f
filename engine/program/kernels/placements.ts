/**
 * Placements of values in a program that several shards of a batch run at the same time, and how they pass through
 * kernels. The words are those of PyTorch's DTensor: a value is replicated, sharded along an axis, or partial.
 *
 * @module
 */
import { sizeOf } from "../../../core/types.ts";
import type { ValueType } from "../types.ts";

/** Each shard has its part of an axis. */
export interface Shard {
  /** The axis. */
  readonly shard: number;
}

/**
 * What a shard has of a value:
 * - `"replicate"`: all of it; it does not depend on rows;
 * - {@linkcode Shard}: its part of an axis;
 * - `"partial"`: a term of it; the terms of all shards add up to it;
 * - `"after"`: nothing: it is computed after the all-reduce, from finished sums.
 */
export type Placement = "replicate" | "partial" | "after" | Shard;

/** Types around a node. */
export interface NodeTypes {
  readonly inputs: readonly (ValueType | null)[];
  readonly outputs: readonly ValueType[];
}

/** What a node makes of sharded operands. */
export interface Sharded {
  /** Of all outputs. */
  readonly placement: Shard | "partial";
  /** Replicated operands of which each shard needs its part of an axis: index of the input, axis. */
  readonly slices?: readonly (readonly [input: number, axis: number])[];
}

/** The axis along which each operand is sharded; undefined for replicated ones. */
export type ShardAxes = readonly (number | undefined)[];

/** How a kernel treats sharded operands. */
export interface Sharding<A> {
  /** In words, for the table of kernels. */
  readonly says: string;
  /** The attribute that holds the shape of the result, if any: it is shortened with it. */
  readonly shapeAttr?: string;
  /**
   * What it makes of sharded operands; undefined where rows of one shard would meet those of another. Null where they
   * always do; then {@linkcode says} is the reason.
   */
  readonly propagate:
    | ((axes: ShardAxes, attrs: A, types: NodeTypes) => Sharded | undefined)
    | null;
}

/** Not sharded, with the reason. */
export function notSharded(reason: string): Sharding<unknown> {
  return { says: `not: ${reason}`, propagate: null };
}

const on = (axis: number): Sharded => ({ placement: { shard: axis } });
const PARTIAL: Sharded = { placement: "partial" };
const shapeOf = (types: NodeTypes, input: number): readonly number[] => types.inputs[input]!.shape;

/** Element by element: shards of all operands lie over each other; an operand without them repeats along them. */
export const elementwiseSharding: Sharding<unknown> = {
  says: "its axis",
  propagate(axes, _attrs, { inputs, outputs }) {
    const rank = outputs[0]!.shape.length;
    const over = axes.flatMap((
      axis,
      i,
    ) => (axis === undefined ? [] : [axis + rank - inputs[i]!.shape.length]));
    const shard = over[0]!;
    if (over.some((axis) => axis !== shard)) return undefined;
    const slices = axes.flatMap((axis, i): [number, number][] => {
      const at = shard - (rank - (inputs[i]?.shape.length ?? 0));
      const isFull = axis === undefined && inputs[i] && at >= 0 && inputs[i].shape[at] !== 1;
      return isFull ? [[i, at]] : [];
    });
    return { ...on(shard), slices };
  },
};

/** Where an axis lies when those of `axes` are taken out or left with length 1. */
function afterReduction(axis: number, axes: readonly number[], keepDims: boolean): number {
  return keepDims ? axis : axis - axes.filter((other) => other < axis).length;
}

/** A reduction over axes; over the sharded one it is a partial sum where `isSum`. */
export function reductionSharding<A>(
  axesOf: (attrs: A) => readonly number[],
  isKept: (attrs: A) => boolean,
  isSum: boolean,
): Sharding<A> {
  return {
    says: isSum ? "axes that stay; over the sharded axis, a partial sum" : "axes that stay",
    propagate([axis], attrs) {
      const axes = axesOf(attrs);
      if (axes.includes(axis!)) return isSum ? PARTIAL : undefined;
      return on(afterReduction(axis!, axes, isKept(attrs)));
    },
  };
}

/** The axis of the result that begins where the sharded one begins; axes of length 1 are passed over. */
export const reshapeSharding: Sharding<unknown> = {
  says: "the axis that begins where it began",
  shapeAttr: "shape",
  propagate([axis], _attrs, types) {
    const before = sizeOf(shapeOf(types, 0).slice(0, axis));
    const { shape } = types.outputs[0]!;
    const at = shape.findIndex((length, i) => sizeOf(shape.slice(0, i)) === before && length !== 1);
    return at < 0 ? undefined : on(at);
  },
};

/** Products of matrices; the inner axis of both makes a partial sum, unless a bias or an activation comes after it. */
export function matMulSharding(
  isPlain: boolean,
): Sharding<{ readonly transposeA: boolean; readonly transposeB: boolean }> {
  return {
    says: isPlain ? "stacks, rows, columns; over both inner axes, a partial sum" : "stacks, rows",
    propagate(axes, { transposeA, transposeB }, types) {
      const rank = types.outputs[0]!.shape.length;
      const [a, b] = [0, 1].map((i) => {
        const axis = axes[i];
        return axis === undefined ? undefined : axis + rank - shapeOf(types, i).length;
      });
      const [rowOfA, columnOfB] = [transposeA ? rank - 1 : rank - 2, transposeB ? rank - 2 : rank - 1];
      const [innerOfA, innerOfB] = [2 * rank - 3 - rowOfA, 2 * rank - 3 - columnOfB];
      if (a !== undefined && a < rank - 2) {
        return b === a || (b === undefined && repeatsAlong(1, a, types)) ? on(a) : undefined;
      }
      if (b !== undefined && b < rank - 2) {
        return a === undefined && repeatsAlong(0, b, types) ? on(b) : undefined;
      }
      if (a === rowOfA && b === undefined) return on(rank - 2);
      if (b === columnOfB && a === undefined && isPlain) return on(rank - 1);
      return isPlain && a === innerOfA && b === innerOfB ? PARTIAL : undefined;
    },
  };
}

/** Whether a replicated operand repeats along an axis of the result. */
function repeatsAlong(input: number, axis: number, types: NodeTypes): boolean {
  const shape = shapeOf(types, input);
  const at = axis - (types.outputs[0]!.shape.length - shape.length);
  return at < 0 || shape[at] === 1;
}

/** The first axis of these operands, and of no other; the result has it there too. */
export function batchSharding(inputs: readonly number[], shapeAttr?: string): Sharding<unknown> {
  return {
    says: inputs.length === 1 ? "the batch axis" : `the batch axis of inputs ${inputs.join(", ")} together`,
    ...(shapeAttr === undefined ? {} : { shapeAttr }),
    propagate: (axes) =>
      axes.every((axis, i) => axis === (inputs.includes(i) ? 0 : undefined)) ? on(0) : undefined,
  };
}

/** Gradients of filters: the rows of x and dy are added up. */
export const filterGradientSharding: Sharding<unknown> = {
  says: "over both batch axes, a partial sum",
  propagate: ([x, dy]) => (x === 0 && dy === 0 ? PARTIAL : undefined),
};

/** The axis stays where it is, unless the kernel works along it. */
export function outsideSharding<A>(axesOf: (attrs: A, rank: number) => readonly number[]): Sharding<A> {
  return {
    says: "axes that it does not work along",
    propagate: ([axis], attrs, types) =>
      axesOf(attrs, shapeOf(types, 0).length).includes(axis!) ? undefined : on(axis!),
  };
}

/** All sharded operands are so on one axis, which is not the one that they are joined along. */
export function joinedSharding(isNew: boolean): Sharding<{ readonly axis: number }> {
  return {
    says: isNew ? "any axis" : "axes that it does not join along",
    propagate(axes, { axis }) {
      const at = axes.find((other) => other !== undefined)!;
      if (axes.some((other) => other !== undefined && other !== at) || (!isNew && at === axis)) {
        return undefined;
      }
      const slices = axes.flatMap((other, i): [number, number][] => (other === undefined ? [[i, at]] : []));
      return { ...on(isNew && at >= axis ? at + 1 : at), slices };
    },
  };
}

/** A rule of the first operand's axis: where it lies afterwards, or undefined where rows meet. */
export function axisSharding<A>(
  says: string,
  axisOf: (axis: number, attrs: A, types: NodeTypes) => number | undefined,
  shapeAttr?: string,
): Sharding<A> {
  return {
    says,
    ...(shapeAttr === undefined ? {} : { shapeAttr }),
    propagate([axis], attrs, types) {
      const at = axisOf(axis!, attrs, types);
      return at === undefined ? undefined : on(at);
    },
  };
}

/** Places of a replicated first operand that are read by sharded indices. */
export function readingSharding<A>(
  axisOf: (indices: number, attrs: A, types: NodeTypes) => number | undefined,
): Sharding<A> {
  return {
    says: "the axis of the indices",
    propagate([x, indices], attrs, types) {
      const at = x === undefined ? axisOf(indices!, attrs, types) : undefined;
      return at === undefined ? undefined : on(at);
    },
  };
}

/** Rows that are added into places: those of all operands together make a partial sum. */
export function scatteredSharding(inputs: readonly number[]): Sharding<unknown> {
  return {
    says: `over the first axis of inputs ${inputs.join(", ")} together, a partial sum`,
    propagate: (axes) => (inputs.every((input) => axes[input] === 0) ? PARTIAL : undefined),
  };
}
