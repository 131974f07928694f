/**
 * Lowering of kernels that move, join or make elements.
 *
 * @module
 */
import { stridedCount } from "../../program/kernels.ts";
import type { ValueType } from "../../program/types.ts";
import type { Builder, Value } from "../builder.ts";
import type { RulesFor } from "./rule.ts";

type ShapeKernel =
  | "BatchToSpaceND"
  | "BroadcastTo"
  | "Concat"
  | "DepthToSpace"
  | "ExpandDims"
  | "Fill"
  | "LinSpace"
  | "MirrorPad"
  | "OneHot"
  | "OnesLike"
  | "Pack"
  | "PadV2"
  | "Range"
  | "Reshape"
  | "Reverse"
  | "Slice"
  | "SpaceToBatchND"
  | "SplitV"
  | "StridedSlice"
  | "Tile"
  | "Transpose"
  | "Unpack"
  | "ZerosLike";

type Pairs = readonly (readonly [number, number])[];

/** A tensor full of one number. */
export function filled(number: number, type: ValueType, graph: Builder): Value {
  return graph.node("Expand", [graph.scalar(number, type.dtype), graph.ints(type.shape)], {}, type);
}

/** Elements `begin`, `begin + step`, ... of every axis, `shape` of them. */
export function slice(
  x: Value,
  begin: readonly number[],
  shape: readonly number[],
  graph: Builder,
  steps: readonly number[] = begin.map(() => 1),
): Value {
  const touched = [...x.shape.keys()].filter((i) =>
    begin[i] !== 0 || shape[i] !== x.shape[i] || steps[i] !== 1
  );
  if (touched.length === 0) return x;
  const ends = touched.map((i) => {
    const end = begin[i]! + shape[i]! * steps[i]!;
    // An end before the first element counts from the back, unless it is far out.
    return end < 0 ? -(2 ** 31) : end;
  });
  const list = (numbers: readonly number[]) => graph.ints(touched.map((i) => numbers[i]!));
  return graph.node("Slice", [x, list(begin), graph.ints(ends), graph.ints(touched), list(steps)], {}, {
    shape,
  });
}

/** Numbers around `x`; negative paddings cut. */
export function pad(x: Value, paddings: Pairs, number: number, graph: Builder): Value {
  if (paddings.every(([before, after]) => before === 0 && after === 0)) return x;
  const amounts = [...paddings.map(([before]) => before), ...paddings.map(([, after]) => after)];
  const shape = x.shape.map((length, i) => length + paddings[i]![0] + paddings[i]![1]);
  return graph.node("Pad", [x, graph.ints(amounts), graph.scalar(number, x.dtype)], { mode: "constant" }, {
    shape,
  });
}

/** The positions that mirror padding reads: ... 2 1 | 0 1 2 ... for "reflect", 1 0 | 0 1 for "symmetric". */
function mirrored(length: number, [before, after]: readonly [number, number], skip: number): number[] {
  const inside = Array.from({ length }, (_, i) => i);
  const left = inside.slice(skip, skip + before).reverse();
  const right = inside.slice(length - skip - after, length - skip).reverse();
  return [...left, ...inside, ...right];
}

/** Parts of a joined axis. */
function split(x: Value, sizes: readonly number[], axis: number, graph: Builder): readonly Value[] {
  if (sizes.length === 1) return [x];
  const types = sizes.map((size) => ({ dtype: x.dtype, shape: x.shape.with(axis, size) }));
  return graph.nodes("Split", [x, graph.ints(sizes)], { axis }, types);
}

function concat(inputs: readonly Value[], axis: number, shape: readonly number[], graph: Builder): Value {
  return inputs.length === 1 ? inputs[0]! : graph.node("Concat", inputs, { axis }, { shape });
}

/** Rules of layout. */
export const shapes: RulesFor<ShapeKernel> = {
  // Blocks of the batch axis become neighbors in space; then the borders are cropped
  BatchToSpaceND: ([x], { blockShape, crops }, graph, [{ shape }]) => {
    const [batch, ...rest] = x.shape as [number, ...number[]];
    const rank = blockShape.length;
    const blocks = batch / blockShape.reduce((a, b) => a * b, 1);
    const apart = graph.reshape(x, [...blockShape, blocks, ...rest]);
    const order = blockShape.flatMap((_, i) => [rank + 1 + i, i]);
    const tail = rest.slice(rank).map((_, i) => 2 * rank + 1 + i);
    const woven = graph.transpose(apart, [rank, ...order, ...tail]);
    const full = rest.map((length, i) => length * (blockShape[i] ?? 1));
    const begin = [0, ...full.map((_, i) => crops[i]?.[0] ?? 0)];
    return [slice(graph.reshape(woven, [blocks, ...full]), begin, shape, graph)];
  },
  // x repeated along axes of length 1
  BroadcastTo: ([x], { shape }, graph) => [graph.node("Expand", [x, graph.ints(shape)], {}, { shape })],
  // x1, x2, ... one after the other
  Concat: (inputs, { axis }, graph, [{ shape }]) => [concat(inputs, axis, shape, graph)],
  // out[n, h b + i, w b + j, c] = x[n, h, w, (i b + j) C + c]; ONNX has channels first
  DepthToSpace: ([x], { blockSize: b }, graph, [{ shape }]) => {
    const [n, h, w] = x.shape as [number, number, number];
    const apart = graph.reshape(x, [n, h, w, b, b, shape[3]!]);
    return [graph.reshape(graph.transpose(apart, [0, 1, 3, 2, 4, 5]), shape)];
  },
  // a new axis of length 1
  ExpandDims: ([x], _attrs, graph, [{ shape }]) => [graph.reshape(x, shape)],
  // one number everywhere
  Fill: (_inputs, { value }, graph, [type]) => [filled(value, type, graph)],
  // num numbers from start to stop, both included
  LinSpace: (_inputs, { start, stop, num }, graph, [type]) => {
    const step = num > 1 ? (stop - start) / (num - 1) : 0;
    return [graph.constant(Array.from({ length: num }, (_, i) => start + i * step), type)];
  },
  // x mirrored at its ends, with ("symmetric") or without ("reflect") the end itself; ONNX has only the latter
  MirrorPad: ([x], { paddings, mode }, graph) => {
    const gather = (value: Value, axis: number) => {
      if (paddings[axis]!.every((n) => n === 0)) return value;
      const positions = mirrored(value.shape[axis]!, paddings[axis]!, mode === "reflect" ? 1 : 0);
      const shape = value.shape.with(axis, positions.length);
      return graph.node("Gather", [value, graph.ints(positions)], { axis }, { shape });
    };
    return [x.shape.reduce((value, _, axis) => gather(value, axis), x as Value)];
  },
  // onValue where position = index, offValue elsewhere; indices outside give no onValue, where ONNX wraps negative ones
  OneHot: ([indices], { depth, onValue, offValue }, graph, [type]) => {
    const range = graph.constant(Array.from({ length: depth }, (_, i) => i), {
      dtype: "int32",
      shape: [depth],
    });
    const column = graph.reshape(indices, [...indices.shape, 1]);
    const isHit = graph.node("Equal", [column, range], {}, { dtype: "bool" });
    if (onValue === 1 && offValue === 0) return [graph.cast(isHit, type.dtype)];
    const values = [graph.scalar(onValue, type.dtype), graph.scalar(offValue, type.dtype)];
    return [graph.node("Where", [isHit, ...values], {}, type)];
  },
  // 1 everywhere
  OnesLike: (_inputs, _attrs, graph, [type]) => [filled(1, type, graph)],
  // x1, x2, ... along a new axis
  Pack: (inputs, { axis }, graph, [{ shape }]) => [
    concat(inputs.map((x) => graph.reshape(x, x.shape.toSpliced(axis, 0, 1))), axis, shape, graph),
  ],
  // one number around x
  PadV2: ([x], { paddings, constantValue }, graph) => [pad(x, paddings, constantValue, graph)],
  // start, start + step, ... before stop
  Range: (_inputs, { start, step }, graph, [type]) => [
    graph.constant(Array.from({ length: type.shape[0]! }, (_, i) => start + i * step), type),
  ],
  // the same elements in order, in another shape
  Reshape: ([x], { shape }, graph) => [graph.reshape(x, shape)],
  // axes from their end
  Reverse: ([x], { dims }, graph) => {
    const isReversed = (_: number, i: number) => dims.includes(i);
    const begin = x.shape.map((length, i) => (isReversed(length, i) ? Math.max(length - 1, 0) : 0));
    const steps = x.shape.map((length, i) => (isReversed(length, i) ? -1 : 1));
    return [slice(x, begin, x.shape, graph, steps)];
  },
  // size elements from begin
  Slice: ([x], { begin, size }, graph) => [slice(x, begin, size, graph)],
  // neighbors in padded space become blocks of the batch axis
  SpaceToBatchND: ([x], { blockShape, paddings }, graph, [{ shape }]) => {
    const padded = pad(x, x.shape.map((_, i) => paddings[i - 1] ?? [0, 0] as const), 0, graph);
    const rank = blockShape.length;
    const [batch, ...rest] = padded.shape as [number, ...number[]];
    const sizes = rest.flatMap((length, i) => {
      const block = blockShape[i];
      return block === undefined ? [length] : [length / block, block];
    });
    const apart = graph.reshape(padded, [batch, ...sizes]);
    const inner = blockShape.map((_, i) => 2 + 2 * i);
    const outer = blockShape.map((_, i) => 1 + 2 * i);
    const tail = rest.slice(rank).map((_, i) => 2 * rank + 1 + i);
    return [graph.reshape(graph.transpose(apart, [...inner, 0, ...outer, ...tail]), shape)];
  },
  // parts of the given sizes
  SplitV: ([x], { numOrSizeSplits, axis }, graph) => split(x, numOrSizeSplits, axis, graph),
  // begin, begin + stride, ... before end
  StridedSlice: ([x], { begin, end, strides, endMask }, graph) => {
    const shape = x.shape.map((length, i) =>
      stridedCount(length, begin[i]!, end[i]!, strides[i]!, (endMask >> i & 1) === 1)
    );
    return [slice(x, begin, shape, graph, strides)];
  },
  // x repeated whole
  Tile: ([x], { reps }, graph, [{ shape }]) => [
    reps.every((n) => n === 1) ? x : graph.node("Tile", [x, graph.ints(reps)], {}, { shape }),
  ],
  // axes in another order
  Transpose: ([x], { perm }, graph) => [graph.transpose(x, perm)],
  // the entries of one axis
  Unpack: ([x], { axis }, graph) => {
    const shape = x.shape.toSpliced(axis, 1);
    const parts = split(x, Array.from({ length: x.shape[axis]! }, () => 1), axis, graph);
    return parts.map((part) => graph.reshape(part, shape));
  },
  // 0 everywhere
  ZerosLike: (_inputs, _attrs, graph, [type]) => [filled(0, type, graph)],
};
