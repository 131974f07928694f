/**
 * Lowering of reductions, positions and scans along axes.
 *
 * @module
 */
import type { ValueType } from "../../program/types.ts";
import type { Builder, Value } from "../builder.ts";
import { lastBits } from "./logic.ts";
import type { RulesFor } from "./rule.ts";

type ReduceKernel =
  | "All"
  | "Any"
  | "ArgMax"
  | "ArgMin"
  | "Cumprod"
  | "Cumsum"
  | "Max"
  | "Mean"
  | "Min"
  | "Prod"
  | "Sum"
  | "TopK";

/** Reduces over sorted axes; over none, ONNX would reduce over all, and tfjs over none. */
function reduce(op: string, x: Value, axes: readonly number[], keepDims: boolean, graph: Builder): Value {
  const rest = x.shape.map((length, i) => (axes.includes(i) ? 1 : length));
  const shape = keepDims ? rest : x.shape.filter((_, i) => !axes.includes(i));
  if (axes.every((axis) => x.shape[axis] === 1)) return graph.reshape(x, shape);
  return graph.node(op, [x, graph.ints(axes)], { keepdims: Number(keepDims) }, { shape });
}

/** Reduces booleans as 0 and 1: the minimum is "all", the maximum "any". Of none, all are true and not any is. */
function reduceLogical(
  op: "ReduceMin" | "ReduceMax",
  x: Value,
  axes: readonly number[],
  keepDims: boolean,
  graph: Builder,
): Value {
  const result = reduce(op, graph.cast(x, "int32"), axes, keepDims, graph);
  if (axes.every((axis) => x.shape[axis] !== 0)) return graph.cast(result, "bool");
  const ofNone = graph.scalar(Number(op === "ReduceMin"), "bool");
  return graph.node("Expand", [ofNone, graph.ints(result.shape)], {}, { dtype: "bool", shape: result.shape });
}

/** The largest or smallest along axes. ONNX Runtime passes over NaN: a sum of magnitudes, which is NaN with one, tells. */
function extreme(op: string, x: Value, axes: readonly number[], keepDims: boolean, graph: Builder): Value {
  const found = reduce(op, x, axes, keepDims, graph);
  if (x.dtype !== "float32" || axes.every((axis) => x.shape[axis] === 1)) return found;
  const sum = reduce("ReduceSum", graph.node("Abs", [x]), axes, keepDims, graph);
  return graph.node("Where", [graph.node("IsNaN", [sum], {}, { dtype: "bool" }), sum, found], {}, found);
}

/** Sum over axes. ONNX Runtime adds int32 as float64 and cuts what does not fit at the ends; int32 here wraps. */
function sum(x: Value, axes: readonly number[], keepDims: boolean, graph: Builder): Value {
  if (x.dtype !== "int32") return reduce("ReduceSum", x, axes, keepDims, graph);
  return lastBits(reduce("ReduceSum", graph.cast(x, "int64"), axes, keepDims, graph), graph);
}

/** Product over axes. Of int32 the last 32 bits, which only products of two keep: halves are multiplied. */
function product(x: Value, axes: readonly number[], keepDims: boolean, graph: Builder): Value {
  if (x.dtype !== "int32") return reduce("ReduceProd", x, axes, keepDims, graph);
  const kept = x.shape.flatMap((_, i) => (axes.includes(i) ? [] : [i]));
  const sizes = kept.map((axis) => x.shape[axis]!);
  let count = axes.reduce((size, axis) => size * x.shape[axis]!, 1);
  const shape = keepDims ? x.shape.map((length, i) => (axes.includes(i) ? 1 : length)) : sizes;
  if (count === 0) {
    return graph.node("Expand", [graph.scalar(1, "int32"), graph.ints(shape)], {}, { dtype: "int32", shape });
  }
  const rows = sizes.reduce((size, length) => size * length, 1);
  let rest = graph.reshape(graph.transpose(x, [...kept, ...axes]), [rows, count]);
  const part = (from: number, to: number) =>
    graph.node("Slice", [rest, graph.ints([from]), graph.ints([to]), graph.ints([1])], {}, {
      dtype: "int32",
      shape: [rows, to - from],
    });
  while (count > 1) {
    const half = Math.floor(count / 2);
    const pairs = graph.node("Mul", [part(0, half), part(half, 2 * half)]);
    const shape = [rows, count - half];
    rest = count % 2 === 0
      ? pairs
      : graph.node("Concat", [pairs, part(2 * half, count)], { axis: 1 }, { dtype: "int32", shape });
    count -= half;
  }
  return graph.reshape(rest, shape);
}

function position(op: string, x: Value, axis: number, graph: Builder): Value {
  const shape = x.shape.toSpliced(axis, 1);
  return graph.cast(graph.node(op, [x], { axis, keepdims: 0 }, { dtype: "int64", shape }), "int32");
}

/** The first place of the extreme; of the first NaN, where there is one. */
function positionOf(op: "ArgMax" | "ArgMin", x: Value, axis: number, graph: Builder): Value {
  if (x.dtype !== "float32") return position(op, x, axis, graph);
  const isNan = graph.cast(graph.node("IsNaN", [x], {}, { dtype: "bool" }), "float32");
  const hasNan = graph.cast(reduce("ReduceMax", isNan, [axis], false, graph), "bool");
  const places = [position("ArgMax", isNan, axis, graph), position(op, x, axis, graph)];
  return graph.node("Where", [hasNan, ...places], {}, { dtype: "int32" });
}

/** The k largest of the last axis, where NaN counts as infinite, and their places: of equals the first comes first. */
function largest(x: Value, k: number, types: readonly ValueType[], graph: Builder): readonly Value[] {
  const axis = x.shape.length - 1;
  const attrs = { axis, largest: 1, sorted: 1 };
  const isNan = x.dtype === "float32" ? graph.node("IsNaN", [x], {}, { dtype: "bool" }) : undefined;
  const ranked = isNan ? graph.node("Where", [isNan, graph.scalar(Infinity), x], {}, x) : x;
  const found = [types[0]!, { dtype: "int64" as const, shape: types[1]!.shape }];
  const [values, indices] = graph.nodes("TopK", [ranked, graph.ints([k])], attrs, found) as [Value, Value];
  const own = isNan ? graph.node("GatherElements", [x, indices], { axis }, values) : values;
  return [own, graph.cast(indices, "int32")];
}

/** Rules of reductions and scans. */
export const reductions: RulesFor<ReduceKernel> = {
  // x1 and x2 and ...
  All: ([x], { axis, keepDims }, graph) => [reduceLogical("ReduceMin", x, axis, keepDims, graph)],
  // x1 or x2 or ...
  Any: ([x], { axis, keepDims }, graph) => [reduceLogical("ReduceMax", x, axis, keepDims, graph)],
  // the first position of the maximum
  ArgMax: ([x], { axis }, graph) => [positionOf("ArgMax", x, axis, graph)],
  // the first position of the minimum
  ArgMin: ([x], { axis }, graph) => [positionOf("ArgMin", x, axis, graph)],
  // prod_{j <= i} x_j (j < i when exclusive; from the end when reversed). ONNX has no such operator: row i of an
  // n x n table holds the factors of output i, and ones
  Cumprod: ([x], { axis, exclusive, reverse }, graph) => {
    const count = x.shape[axis]!;
    const isFactor = (i: number, j: number) => {
      const distance = reverse ? j - i : i - j;
      return exclusive ? distance > 0 : distance >= 0;
    };
    const trailing = x.shape.slice(axis + 1);
    const ones = trailing.map(() => 1);
    const mask = Array.from(
      { length: count * count },
      (_, k) => Number(isFactor(Math.floor(k / count), k % count)),
    );
    const table = graph.node(
      "Where",
      [
        graph.constant(mask, { dtype: "bool", shape: [count, count, ...ones] }),
        graph.reshape(x, x.shape.toSpliced(axis, 0, 1)),
        graph.scalar(1, x.dtype),
      ],
      {},
      { dtype: x.dtype },
    );
    return [product(table, [axis + 1], false, graph)];
  },
  // sum_{j <= i} x_j (j < i when exclusive; from the end when reversed)
  Cumsum: ([x], { axis, exclusive, reverse }, graph) => {
    const attrs = { exclusive: Number(exclusive), reverse: Number(reverse) };
    return [graph.node("CumSum", [x, graph.scalar(axis, "int64")], attrs, x)];
  },
  // max over axes
  Max: ([x], { reductionIndices, keepDims }, graph) => [
    extreme("ReduceMax", x, reductionIndices, keepDims, graph),
  ],
  // mean over axes
  Mean: ([x], { axis, keepDims }, graph) => [reduce("ReduceMean", x, axis, keepDims, graph)],
  // min over axes
  Min: ([x], { axis, keepDims }, graph) => [extreme("ReduceMin", x, axis, keepDims, graph)],
  // product over axes
  Prod: ([x], { axis, keepDims }, graph) => [product(x, axis, keepDims, graph)],
  // sum over axes
  Sum: ([x], { axis, keepDims }, graph) => [sum(x, axis, keepDims, graph)],
  // the k largest of the last axis and their positions, largest first whether `sorted` asks for it or not
  TopK: ([x], { k }, graph, outputs) => largest(x, k, outputs, graph),
};
