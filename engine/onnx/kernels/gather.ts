/**
 * Lowering of kernels that read or write at indices. Indices outside stop the program: ONNX, which counts negative ones
 * from the end, sees them as too large.
 *
 * @module
 */
import { sizeOf } from "../../../core/types.ts";
import type { Builder, Value } from "../builder.ts";
import type { RulesFor } from "./rule.ts";
import { filled } from "./shape.ts";

type GatherKernel =
  | "GatherNd"
  | "GatherV2"
  | "ScatterNd"
  | "SparseToDense"
  | "TensorScatterUpdate"
  | "UnsortedSegmentSum";

/** An index that ONNX Runtime refuses for an axis of any length; small enough that no offset overflows. */
const OUTSIDE = 2 ** 31 - 1;

/** Indices of which the negative ones are too large. */
function refusingNegative(indices: Value, graph: Builder): Value {
  const isNegative = graph.node("Less", [indices, graph.scalar(0, indices.dtype)], {}, { dtype: "bool" });
  return graph.node("Where", [isNegative, graph.scalar(OUTSIDE, indices.dtype), indices], {}, indices);
}

/** The same as int64, which tuples of indices must be. */
function tuplesOf(indices: Value, graph: Builder): Value {
  return graph.cast(refusingNegative(indices, graph), "int64");
}

/** Adds rows of `updates` into `target` where `indices` (last axis: a position) say. */
function scatterAdd(target: Value, indices: Value, updates: Value, graph: Builder): Value {
  return graph.node(
    "ScatterND",
    [target, tuplesOf(indices, graph), updates],
    { reduction: "add" },
    target,
  );
}

/** Gather along `axis` where the first `batch` axes of x and indices run together. */
function gatherBatched(x: Value, indices: Value, axis: number, batch: number, graph: Builder): Value {
  // [batch..., axis, between..., after...]: GatherND indexes the first axis after the batch.
  const between = axis - batch;
  const order = x.shape.map((_, i) => i).toSpliced(axis, 1).toSpliced(batch, 0, axis);
  const front = graph.transpose(x, order);
  const tuple = graph.reshape(tuplesOf(indices, graph), [...indices.shape, 1]);
  const shape = [...indices.shape, ...front.shape.slice(batch + 1)];
  const found = graph.node("GatherND", [front, tuple], { batch_dims: batch }, { dtype: x.dtype, shape });
  // [batch..., index..., between..., after...] back to [batch..., between..., index..., after...].
  const indexRank = indices.shape.length - batch;
  const at = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i);
  const after = shape.length - batch - indexRank - between;
  return graph.transpose(found, [
    ...at(0, batch),
    ...at(batch + indexRank, between),
    ...at(batch, indexRank),
    ...at(batch + indexRank + between, after),
  ]);
}

/** Rules of gathering and scattering. */
export const gathers: RulesFor<GatherKernel> = {
  // out[i, ...] = params[indices[i], ...] with tuples of indices
  GatherNd: ([params, indices], _attrs, graph, [type]) => [
    indices.shape.at(-1) === 0
      ? graph.node("Expand", [params, graph.ints(type.shape)], {}, type)
      : graph.node("GatherND", [params, tuplesOf(indices, graph)], {}, type),
  ],
  // out[..., i, ...] = x[..., indices[i], ...]
  GatherV2: ([x, indices], { axis, batchDims }, graph, [type]) => [
    batchDims > 0
      ? gatherBatched(x, indices, axis, batchDims, graph)
      : graph.node("Gather", [x, refusingNegative(indices, graph)], { axis }, type),
  ],
  // zeros with updates added at indices; repeated indices add up in both
  ScatterNd: ([indices, updates], _attrs, graph, [type]) => {
    const tuples = indices.shape.length === 1 ? graph.reshape(indices, [...indices.shape, 1]) : indices;
    return [scatterAdd(filled(0, type, graph), tuples, updates, graph)];
  },
  // the default with values written at indices, which of repeated ones stays is the last in tfjs, undefined in ONNX
  SparseToDense: ([indices, values, rest], { outputShape }, graph, [type]) => {
    const count = sizeOf(indices.shape.slice(0, 1));
    const tuples = tuplesOf(graph.reshape(indices, [count, outputShape.length]), graph);
    const repeated = (x: Value, shape: readonly number[]) =>
      graph.node("Expand", [x, graph.ints(shape)], {}, { dtype: x.dtype, shape });
    const updates = values.shape.length === 0 ? repeated(values, [count]) : values;
    return [graph.node("ScatterND", [repeated(rest, outputShape), tuples, updates], {}, type)];
  },
  // x with updates written at indices; which of repeated ones stays is the last in tfjs, undefined in ONNX
  TensorScatterUpdate: ([x, indices, updates], _attrs, graph, [type]) => [
    graph.node("ScatterND", [x, tuplesOf(indices, graph), updates], {}, type),
  ],
  // out[s] = sum of x[i] over segmentIds[i] = s; ids outside are dropped by tfjs, so they go to a row that is cut off
  UnsortedSegmentSum: ([x, ids], { numSegments }, graph, [type]) => {
    const [first, count] = [graph.scalar(0, "int32"), graph.scalar(numSegments, "int32")];
    const isBelow = graph.node("Less", [ids, first], {}, { dtype: "bool" });
    const bounded = graph.node("Min", [graph.node("Where", [isBelow, count, ids], {}, ids), count]);
    const extended = { dtype: type.dtype, shape: [numSegments + 1, ...type.shape.slice(1)] };
    const rows = graph.reshape(bounded, [...ids.shape, 1]);
    const sums = scatterAdd(filled(0, extended, graph), rows, x, graph);
    const kept = [graph.ints([0]), graph.ints([numSegments]), graph.ints([0])];
    return [
      sizeOf(type.shape) === 0 ? filled(0, type, graph) : graph.node("Slice", [sums, ...kept], {}, type),
    ];
  },
};
