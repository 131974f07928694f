/**
 * Lowering of reductions, positions and scans along axes.
 *
 * @module
 */
import type { Builder, Value } from "../builder.ts";
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

/** Reduces booleans as 0 and 1: the minimum is "all", the maximum "any". */
function reduceLogical(
  op: string,
  x: Value,
  axes: readonly number[],
  keepDims: boolean,
  graph: Builder,
): Value {
  return graph.cast(reduce(op, graph.cast(x, "int32"), axes, keepDims, graph), "bool");
}

function position(op: string, x: Value, axis: number, graph: Builder): Value {
  const shape = x.shape.toSpliced(axis, 1);
  return graph.cast(graph.node(op, [x], { axis, keepdims: 0 }, { dtype: "int64", shape }), "int32");
}

/** Rules of reductions and scans. */
export const reductions: RulesFor<ReduceKernel> = {
  // x1 and x2 and ...
  All: ([x], { axis, keepDims }, graph) => [reduceLogical("ReduceMin", x, axis, keepDims, graph)],
  // x1 or x2 or ...
  Any: ([x], { axis, keepDims }, graph) => [reduceLogical("ReduceMax", x, axis, keepDims, graph)],
  // the first position of the maximum
  ArgMax: ([x], { axis }, graph) => [position("ArgMax", x, axis, graph)],
  // the first position of the minimum
  ArgMin: ([x], { axis }, graph) => [position("ArgMin", x, axis, graph)],
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
    return [reduce("ReduceProd", table, [axis + 1], false, graph)];
  },
  // sum_{j <= i} x_j (j < i when exclusive; from the end when reversed)
  Cumsum: ([x], { axis, exclusive, reverse }, graph) => {
    const attrs = { exclusive: Number(exclusive), reverse: Number(reverse) };
    return [graph.node("CumSum", [x, graph.scalar(axis, "int64")], attrs, x)];
  },
  // max over axes
  Max: ([x], { reductionIndices, keepDims }, graph) => [
    reduce("ReduceMax", x, reductionIndices, keepDims, graph),
  ],
  // mean over axes
  Mean: ([x], { axis, keepDims }, graph) => [reduce("ReduceMean", x, axis, keepDims, graph)],
  // min over axes
  Min: ([x], { axis, keepDims }, graph) => [reduce("ReduceMin", x, axis, keepDims, graph)],
  // product over axes
  Prod: ([x], { axis, keepDims }, graph) => [reduce("ReduceProd", x, axis, keepDims, graph)],
  // sum over axes
  Sum: ([x], { axis, keepDims }, graph) => [reduce("ReduceSum", x, axis, keepDims, graph)],
  // the k largest of the last axis and their positions; the first of equals comes first in both
  TopK: ([x], { k, sorted }, graph, outputs) => {
    const attrs = { axis: x.shape.length - 1, largest: 1, sorted: Number(sorted) };
    const types = [outputs[0], { dtype: "int64" as const, shape: outputs[1]!.shape }];
    const [values, indices] = graph.nodes("TopK", [x, graph.ints([k])], attrs, types);
    return [values!, graph.cast(indices!, "int32")];
  },
};
