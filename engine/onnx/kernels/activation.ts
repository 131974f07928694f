/**
 * Lowering of activations, alone and fused into matrix products and convolutions.
 *
 * @module
 */
import type { FusedActivation } from "../../program/kernels.ts";
import type { Builder, Value } from "../builder.ts";
import { operator, type RulesFor } from "./rule.ts";

type ActivationKernel =
  | "ClipByValue"
  | "Elu"
  | "EluGrad"
  | "LeakyRelu"
  | "Prelu"
  | "Relu"
  | "Relu6"
  | "Selu"
  | "Sigmoid"
  | "Softplus"
  | "Step"
  | "Tanh";

function relu(x: Value, graph: Builder): Value {
  return x.dtype === "int32" ? graph.node("Max", [x, graph.scalar(0, "int32")]) : graph.node("Relu", [x]);
}

function clip(x: Value, low: number, high: number, graph: Builder): Value {
  const bound = (n: number) => (x.dtype === "int32" ? integerBound(n) : n);
  return graph.node(
    "Clip",
    [x, graph.scalar(bound(low), x.dtype), graph.scalar(bound(high), x.dtype)],
    {},
    x,
  );
}

/** A bound for integers: fractions are cut as tfjs does when it stores them, infinities become the ends of int32. */
function integerBound(n: number): number {
  return Math.trunc(Math.min(Math.max(n, -(2 ** 31)), 2 ** 31 - 1));
}

/** x where x >= 0, slope x elsewhere; the slope of other numbers does not count, be it infinite. */
function prelu(x: Value, slope: Value, graph: Builder): Value {
  const isBelow = graph.node("Less", [x, graph.scalar(0)], {}, { dtype: "bool" });
  return graph.node("Where", [isBelow, graph.node("Mul", [slope, x]), x], {}, { dtype: "float32" });
}

/** The activation of a fused kernel. */
export function activate(
  x: Value,
  activation: FusedActivation,
  leakyreluAlpha: number,
  slopes: Value | null,
  graph: Builder,
): Value {
  switch (activation) {
    case "linear":
      return x;
    case "relu":
      return relu(x, graph);
    case "relu6":
      return clip(x, 0, 6, graph);
    case "elu":
      return graph.node("Elu", [x]);
    case "prelu":
      return prelu(x, slopes!, graph);
    case "leakyrelu":
      return graph.node("LeakyRelu", [x], { alpha: { float: leakyreluAlpha } });
    case "sigmoid":
      return graph.node("Sigmoid", [x]);
  }
}

/** Takes the smallest normal number above 1 and the largest finite one to infinity. */
const STRETCH = 3e38;

function stepByChoice(x: Value, alpha: number, graph: Builder): Value {
  const zero = graph.scalar(0, x.dtype);
  const isPositive = graph.node("Greater", [x, zero], {}, { dtype: "bool" });
  if (x.dtype === "int32" && alpha === 0) return graph.cast(isPositive, x.dtype);
  // NaN is neither.
  const isOther = graph.node("LessOrEqual", [x, zero], {}, { dtype: "bool" });
  const rest = graph.node("Where", [isOther, graph.scalar(alpha, x.dtype), x], {}, x);
  return graph.node("Where", [isPositive, graph.scalar(1, x.dtype), rest], {}, x);
}

/** Rules of activations. */
export const activations: RulesFor<ActivationKernel> = {
  // min(max(x, low), high)
  ClipByValue: ([x], { clipValueMin, clipValueMax }, graph) => [clip(x, clipValueMin, clipValueMax, graph)],
  // x where x >= 0, e^x - 1 elsewhere
  Elu: operator("Elu"),
  // dy where y >= 0, dy (y + 1) elsewhere, y being elu(x)
  EluGrad: ([dy, y], _attrs, graph) => {
    const slope = graph.node("Add", [graph.node("Min", [y, graph.scalar(0)]), graph.scalar(1)]);
    return [graph.node("Mul", [dy, slope])];
  },
  // x where x >= 0, alpha x elsewhere
  LeakyRelu: ([x], { alpha }, graph) => [graph.node("LeakyRelu", [x], { alpha: { float: alpha } })],
  // x where x >= 0, slope x elsewhere
  Prelu: ([x, slope], _attrs, graph) => [prelu(x, slope, graph)],
  // max(x, 0)
  Relu: ([x], _attrs, graph) => [relu(x, graph)],
  // min(max(x, 0), 6)
  Relu6: ([x], _attrs, graph) => [clip(x, 0, 6, graph)],
  // 1.0507 x where x >= 0, 1.0507 * 1.6733 (e^x - 1) elsewhere; the same constants in both
  Selu: operator("Selu"),
  // 1 / (1 + e^-x)
  Sigmoid: operator("Sigmoid"),
  // ln(1 + e^x)
  Softplus: operator("Softplus"),
  // 1 where x > 0, alpha elsewhere; of NaN it is NaN. A comparison, a choice and a cast are three
  // slow passes, so x is stretched by 3e38 and cut at the two values; numbers below 3e-39 count as 0
  Step: ([x], { alpha }, graph) => {
    const isSlope = alpha === -1 || (alpha >= 0 && alpha <= 1);
    if (x.dtype === "int32" || !isSlope) return [stepByChoice(x, alpha, graph)];
    const unit = () => graph.node("HardSigmoid", [x], { alpha: { float: STRETCH }, beta: { float: 0 } });
    if (alpha === 0) return [unit()];
    // The slope of |x|, which at 0 is -1: 2 step(x) - 1. With the step of relu it makes that of sigmoidCrossEntropy right.
    if (alpha === -1) {
      return [graph.node("Sub", [graph.node("Mul", [unit(), graph.scalar(2)]), graph.scalar(1)])];
    }
    return [clip(graph.node("Mul", [x, graph.scalar(STRETCH)]), alpha, 1, graph)];
  },
  // tanh x
  Tanh: operator("Tanh"),
};
