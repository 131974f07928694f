/**
 * Lowering of comparisons, choices and casts.
 *
 * @module
 */
import type { Builder, Value } from "../builder.ts";
import type { Kernel } from "../../program/kernels.ts";
import { operator, type Rule, type RulesFor } from "./rule.ts";

type LogicKernel =
  | "Cast"
  | "Equal"
  | "Greater"
  | "GreaterEqual"
  | "IsFinite"
  | "IsInf"
  | "IsNan"
  | "Less"
  | "LessEqual"
  | "LogicalAnd"
  | "LogicalNot"
  | "LogicalOr"
  | "NotEqual"
  | "Select";

/** A comparison; booleans are ordered as 0 and 1, which ONNX does not. */
function comparison(op: string): Rule<Kernel> {
  return ([a, b], _attrs, graph, [type]) => {
    const number = (x: Value) => (x.dtype === "bool" ? graph.cast(x, "int32") : x);
    return [graph.node(op, [number(a), number(b)], {}, type)];
  };
}

function not(x: Value, graph: Builder): Value {
  return graph.node("Not", [x]);
}

/** A predicate of floats; for other types its answer is always the same. */
function predicate(op: string): Rule<Kernel> {
  return ([x], _attrs, graph, [type]) => [
    x.dtype === "float32" ? graph.node(op, [x], {}, type) : constantly(false, x, graph),
  ];
}

function constantly(answer: boolean, x: Value, graph: Builder): Value {
  return graph.node("Expand", [graph.scalar(Number(answer), "bool"), graph.ints(x.shape)], {}, {
    dtype: "bool",
    shape: x.shape,
  });
}

/** Beyond this, all floats are multiples of 2^32, whose last 32 bits are 0; int64 holds all up to it. */
const FAR = 2 ** 62;

/**
 * Floats cut towards zero, their last 32 bits: the conversion of JavaScript, where NaN and infinities are 0. Alone, ONNX
 * Runtime's conversion of what does not fit is whatever the processor makes of it.
 */
export function toInt32(x: Value, graph: Builder): Value {
  const bounded = graph.node("Clip", [x, graph.scalar(-FAR, x.dtype), graph.scalar(FAR, x.dtype)], {}, x);
  return lastBits(graph.cast(bounded, "int64"), graph);
}

/**
 * The last 32 bits of int64. The sum leaves them as they are: without it, ONNX Runtime would join the casts before and after
 * to one.
 */
export function lastBits(x: Value, graph: Builder): Value {
  return graph.cast(graph.node("Add", [x, graph.scalar(2 ** 32, "int64")]), "int32");
}

/** condition ? t : e; booleans are chosen as numbers, as ONNX Runtime has no choice of booleans. */
function select(condition: Value, t: Value, e: Value, graph: Builder): Value {
  if (t.dtype !== "bool") return graph.node("Where", [condition, t, e], {}, { dtype: t.dtype });
  const number = (x: Value) => graph.cast(x, "int32");
  return graph.cast(graph.node("Where", [condition, number(t), number(e)], {}, { dtype: "int32" }), "bool");
}

/** Rules of comparisons, choices and casts. */
export const logic: RulesFor<LogicKernel> = {
  // x in another dtype; floats are cut towards zero
  Cast: ([x], { dtype }, graph) => [
    x.dtype === "float32" && dtype === "int32" ? toInt32(x, graph) : graph.cast(x, dtype),
  ],
  // a = b
  Equal: operator("Equal"),
  // a > b
  Greater: comparison("Greater"),
  // a >= b
  GreaterEqual: comparison("GreaterOrEqual"),
  // neither NaN nor infinite
  IsFinite: ([x], _attrs, graph, [type]) => [
    x.dtype === "float32"
      ? not(
        graph.node("Or", [graph.node("IsNaN", [x], {}, type), graph.node("IsInf", [x], {}, type)]),
        graph,
      )
      : constantly(true, x, graph),
  ],
  // infinite, of either sign
  IsInf: predicate("IsInf"),
  // not a number
  IsNan: predicate("IsNaN"),
  // a < b
  Less: comparison("Less"),
  // a <= b
  LessEqual: comparison("LessOrEqual"),
  // a and b
  LogicalAnd: operator("And"),
  // not x
  LogicalNot: operator("Not"),
  // a or b
  LogicalOr: operator("Or"),
  // a != b; true for NaN in both
  NotEqual: ([a, b], _attrs, graph, [type]) => [not(graph.node("Equal", [a, b], {}, type), graph)],
  // condition ? t : e
  Select: ([condition, t, e], _attrs, graph) => [select(condition, t, e, graph)],
};
