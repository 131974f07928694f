/**
 * Lowering of arithmetic, element by element.
 *
 * Differences between tfjs and ONNX Runtime that hold for all rules here: tfjs computes in float64 and rounds once,
 * ONNX Runtime in float32; where an operator is composed of several, each rounds.
 *
 * @module
 */
import type { Builder, OnnxDtype, Value } from "../builder.ts";
import { operator, type RulesFor } from "./rule.ts";

type MathKernel =
  | "Abs"
  | "Acos"
  | "Acosh"
  | "Add"
  | "AddN"
  | "Asin"
  | "Asinh"
  | "Atan"
  | "Atan2"
  | "Atanh"
  | "Ceil"
  | "Cos"
  | "Cosh"
  | "Erf"
  | "Exp"
  | "Expm1"
  | "Floor"
  | "FloorDiv"
  | "Identity"
  | "Log"
  | "Log1p"
  | "Maximum"
  | "Minimum"
  | "Mod"
  | "Multiply"
  | "Neg"
  | "Pow"
  | "RealDiv"
  | "Reciprocal"
  | "Round"
  | "Rsqrt"
  | "Sign"
  | "Sin"
  | "Sinh"
  | "Sqrt"
  | "Square"
  | "SquaredDifference"
  | "Sub"
  | "Tan";

/** An operator that knows float32 only; integers are whole already. */
function rounding(
  op: string,
): (inputs: readonly [Value, ...Value[]], attrs: unknown, graph: Builder) => [Value] {
  return ([x], _attrs, graph) => [x.dtype === "int32" ? x : graph.node(op, [x])];
}

/** floor(a / b) in float64, which holds every int32 and every quotient of two of them well enough to floor. */
function floorOfQuotient(a: Value, b: Value, graph: Builder): Value {
  const wide: OnnxDtype = a.dtype === "int32" ? "float64" : "float32";
  return graph.node("Floor", [graph.node("Div", [graph.cast(a, wide), graph.cast(b, wide)])]);
}

/** x y where y is one known number. */
function powerOf(x: Value, exponent: number, graph: Builder): Value | undefined {
  const square = () => graph.node("Mul", [x, x]);
  switch (exponent) {
    case 1:
      return x;
    case 2:
      return square();
    case 3:
      return graph.node("Mul", [square(), x]);
    case 1.5:
      return graph.node("Mul", [x, graph.node("Sqrt", [x])]);
    case 0.5:
      return graph.node("Sqrt", [x]);
    case -1:
      return graph.node("Reciprocal", [x]);
  }
  return undefined;
}

/**
 * erf(u)/2 + 1/2 in one pass: it lies in [0, 1], so that the straight part of HardSigmoid is all that is met. Undefined
 * for other sums.
 */
function normalDistribution(a: Value, b: Value, graph: Builder): Value | undefined {
  const product = graph.producer(a);
  if (product?.op !== "Mul" || graph.numberOf(b) !== 0.5 || b.shape.length > 0) return undefined;
  const [error, half] = product.inputs as [Value, Value];
  if (graph.producer(error)?.op !== "Erf" || graph.numberOf(half) !== 0.5 || half.shape.length > 0) {
    return undefined;
  }
  return graph.node("HardSigmoid", [error], { alpha: { float: 0.5 }, beta: { float: 0.5 } });
}

/** Rules of arithmetic. */
export const math: RulesFor<MathKernel> = {
  // |x|
  Abs: operator("Abs"),
  // arccos x
  Acos: operator("Acos"),
  // arcosh x
  Acosh: operator("Acosh"),
  // a + b
  Add: ([a, b], _attrs, graph) => [normalDistribution(a, b, graph) ?? graph.node("Add", [a, b])],
  // x1 + x2 + ...; the ONNX sum of many knows floats only
  AddN: (inputs, _attrs, graph, [{ dtype }]) => [
    inputs.length > 2 && dtype === "float32"
      ? graph.node("Sum", inputs)
      : [...inputs].reduce((a, b) => graph.node("Add", [a, b])),
  ],
  // arcsin x
  Asin: operator("Asin"),
  // arsinh x
  Asinh: operator("Asinh"),
  // arctan x
  Atan: operator("Atan"),
  // The angle of the point (x, y) = (b, a): arctan(y/x), moved by +-pi left of the axis, +-pi/2 on it. Signed zeros
  // count as positive, unlike in tfjs.
  Atan2: ([y, x], _attrs, graph) => {
    const zero = graph.scalar(0);
    const angle = graph.node("Atan", [graph.node("Div", [y, x])]);
    const isBelow = graph.node("Less", [y, zero], {}, { dtype: "bool" });
    const turn = graph.node("Where", [isBelow, graph.scalar(-Math.PI), graph.scalar(Math.PI)], {}, {
      dtype: "float32",
    });
    const onAxis = graph.node("Mul", [graph.node("Sign", [y]), graph.scalar(Math.PI / 2)]);
    const isLeft = graph.node("Less", [x, zero], {}, { dtype: "bool" });
    const isOnAxis = graph.node("Equal", [x, zero], {}, { dtype: "bool" });
    const aside = graph.node("Where", [isLeft, graph.node("Add", [angle, turn]), angle], {}, {
      dtype: "float32",
    });
    return [graph.node("Where", [isOnAxis, onAxis, aside], {}, { dtype: "float32" })];
  },
  // artanh x
  Atanh: operator("Atanh"),
  // the least integer >= x
  Ceil: rounding("Ceil"),
  // cos x
  Cos: operator("Cos"),
  // cosh x
  Cosh: operator("Cosh"),
  // 2/sqrt(pi) int_0^x exp(-t^2) dt; tfjs uses a formula with an error of 1.5e-7
  Erf: operator("Erf"),
  // e^x
  Exp: operator("Exp"),
  // e^x - 1; near 0, where that would cancel, 2t/(1 - t) with t = tanh(x/2)
  Expm1: ([x], _attrs, graph) => {
    const one = graph.scalar(1);
    const t = graph.node("Tanh", [graph.node("Mul", [x, graph.scalar(0.5)])]);
    const near = graph.node("Div", [graph.node("Add", [t, t]), graph.node("Sub", [one, t])]);
    const far = graph.node("Sub", [graph.node("Exp", [x]), one]);
    return [selectSmall(x, near, far, graph)];
  },
  // the greatest integer <= x
  Floor: rounding("Floor"),
  // floor(a / b) as int32: towards minus infinity, where ONNX divides integers towards zero
  FloorDiv: ([a, b], _attrs, graph) => [graph.cast(floorOfQuotient(a, b, graph), "int32")],
  // x
  Identity: ([x]) => [x],
  // ln x
  Log: operator("Log"),
  // ln(1 + x); near 0, where the sum would lose x, 2 artanh(x / (2 + x))
  Log1p: ([x], _attrs, graph) => {
    const two = graph.scalar(2);
    const ratio = graph.node("Div", [x, graph.node("Add", [x, two])]);
    const near = graph.node("Mul", [graph.node("Atanh", [ratio]), two]);
    const far = graph.node("Log", [graph.node("Add", [x, graph.scalar(1)])]);
    return [selectSmall(x, near, far, graph)];
  },
  // max(a, b); NaN wins in both
  Maximum: operator("Max"),
  // min(a, b)
  Minimum: operator("Min"),
  // a - b floor(a / b), of the sign of b. ONNX has that for integers only; for floats its remainder has the sign of a,
  // and b is added where the signs differ
  Mod: ([a, b], _attrs, graph) => {
    if (a.dtype === "int32") return [graph.node("Mod", [a, b])];
    const zero = graph.scalar(0);
    const remainder = graph.node("Mod", [a, b], { fmod: 1 });
    const isNegative = (x: Value) => graph.node("Less", [x, zero], {}, { dtype: "bool" });
    const differs = graph.node("Xor", [isNegative(a), isNegative(b)]);
    const moved = graph.node("Mod", [graph.node("Add", [remainder, b]), b], { fmod: 1 });
    return [graph.node("Where", [differs, moved, remainder], {}, { dtype: "float32" })];
  },
  // a b; of booleans: and
  Multiply: ([a, b], _attrs, graph) => [graph.node(a.dtype === "bool" ? "And" : "Mul", [a, b])],
  // -x
  Neg: operator("Neg"),
  // a^b; NaN for a negative base with a fractional exponent in both
  Pow: ([a, b], _attrs, graph, [{ shape }]) => {
    const exponent = b.dtype === "float32" && b.shape.length <= a.shape.length
      ? graph.numberOf(b)
      : undefined;
    const power = exponent === undefined ? undefined : powerOf(a, exponent, graph);
    return [power?.shape.length === shape.length ? power : graph.node("Pow", [a, b])];
  },
  // a / b
  RealDiv: operator("Div"),
  // 1 / x
  Reciprocal: operator("Reciprocal"),
  // the nearest integer, halves to the even one in both
  Round: rounding("Round"),
  // 1 / sqrt(x)
  Rsqrt: ([x], _attrs, graph) => [graph.node("Reciprocal", [graph.node("Sqrt", [x])])],
  // -1, 0 or 1; of 0 it is 0 in both
  Sign: operator("Sign"),
  // sin x
  Sin: operator("Sin"),
  // sinh x
  Sinh: operator("Sinh"),
  // sqrt(x)
  Sqrt: operator("Sqrt"),
  // x^2
  Square: ([x], _attrs, graph) => [graph.node("Mul", [x, x])],
  // (a - b)^2
  SquaredDifference: ([a, b], _attrs, graph) => {
    const difference = graph.node("Sub", [a, b]);
    return [graph.node("Mul", [difference, difference])];
  },
  // a - b
  Sub: operator("Sub"),
  // tan x
  Tan: operator("Tan"),
};

/** `near` where |x| < 1/2, `far` elsewhere. */
function selectSmall(x: Value, near: Value, far: Value, graph: Builder): Value {
  const isSmall = graph.node("Less", [graph.node("Abs", [x]), graph.scalar(0.5)], {}, { dtype: "bool" });
  return graph.node("Where", [isSmall, near, far], {}, { dtype: "float32" });
}
