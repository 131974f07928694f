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

/** Rules of comparisons, choices and casts. */
export const logic: RulesFor<LogicKernel> = {
  // x in another dtype; floats are cut towards zero in both, NaN to int32 is 0 in tfjs and undefined in ONNX
  Cast: ([x], { dtype }, graph) => [graph.cast(x, dtype)],
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
  Select: ([condition, t, e], _attrs, graph, [type]) => [graph.node("Where", [condition, t, e], {}, type)],
};
