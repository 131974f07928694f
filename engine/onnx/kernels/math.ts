/**
 * Lowering of arithmetic, element by element.
 *
 * Differences between tfjs and ONNX Runtime that hold for all rules here: tfjs computes in float64 and rounds once,
 * ONNX Runtime in float32; where an operator is composed of several, each rounds.
 *
 * @module
 */
import type { Builder, Value } from "../builder.ts";
import { toInt32 } from "./logic.ts";
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
  return graph.node("Floor", [graph.node("Div", [graph.cast(a, "float64"), graph.cast(b, "float64")])]);
}

/** a mod b of integers. The processor stops the whole process at b = 0 and at -2^31 mod -1: both are 0. */
function integerModulus(a: Value, b: Value, graph: Builder): Value {
  const is = (n: number) => graph.node("Equal", [b, graph.scalar(n, "int32")], {}, { dtype: "bool" });
  const isUnfit = graph.node("Or", [is(0), is(-1)]);
  return graph.node("Mod", [a, graph.node("Where", [isUnfit, graph.scalar(1, "int32"), b], {}, b)]);
}

/** Bits of an exponent of integers. */
const EXPONENT_BITS = 31;

/** a^b of integers, by squaring: the last 32 bits of the exact power; of negative exponents the quotient 1 / a^-b cut. */
function integerPower(a: Value, b: Value, shape: readonly number[], graph: Builder): Value {
  const type = { dtype: "int32" as const, shape };
  const number = (n: number) => graph.scalar(n, "int32");
  const test = (op: string, x: Value, n: number) => graph.node(op, [x, number(n)], {}, { dtype: "bool" });
  const known = graph.numberOf(b);
  const isOdd = (x: Value) => test("Equal", graph.node("Mod", [x, number(2)]), 1);
  let result = graph.node("Expand", [number(1), graph.ints(shape)], {}, type);
  let [square, rest] = [a, b];
  const bits = known === undefined ? EXPONENT_BITS : Math.max(0, known).toString(2).length;
  for (let bit = 0; bit < bits; bit++) {
    result = graph.node("Where", [isOdd(rest), graph.node("Mul", [result, square]), result], {}, type);
    if (bit < bits - 1) square = graph.node("Mul", [square, square]);
    // Half of an exponent that is not negative; the others are chosen away below.
    rest = graph.node("Div", [rest, number(2)]);
  }
  if (known !== undefined && known >= 0) return result;
  const parity = graph.node("Where", [isOdd(b), number(-1), number(1)], {}, { dtype: "int32" });
  const ofMinus = graph.node("Where", [test("Equal", a, -1), parity, number(0)], {}, { dtype: "int32" });
  const quotient = graph.node("Where", [test("Equal", a, 1), number(1), ofMinus], {}, { dtype: "int32" });
  return graph.node("Where", [test("Less", b, 0), quotient, result], {}, type);
}

/** Whether an element is negative, or the negative one of the two zeros. */
function hasMinusSign(x: Value, graph: Builder): Value {
  const zero = graph.scalar(0);
  const isBelow = (value: Value) => graph.node("Less", [value, zero], {}, { dtype: "bool" });
  const isZero = graph.node("Equal", [x, zero], {}, { dtype: "bool" });
  return graph.node("Or", [isBelow(x), graph.node("And", [isZero, isBelow(graph.node("Reciprocal", [x]))])]);
}

/** The angle of the point (x, y): arctan(y/x), +-pi/2 on the axis, moved by +-pi left of it; zeros have a sign. */
function angle(y: Value, x: Value, graph: Builder): Value {
  const choose = (condition: Value, a: Value, b: Value) =>
    graph.node("Where", [condition, a, b], {}, { dtype: "float32" });
  const isInfinite = (value: Value) => graph.node("IsInf", [value], {}, { dtype: "bool" });
  // Both infinite: the angle of (+-1, +-1).
  const areInfinite = graph.node("And", [isInfinite(y), isInfinite(x)]);
  const unit = (value: Value) => choose(areInfinite, graph.node("Sign", [value]), value);
  const [a, b] = [unit(y), unit(x)];
  const slope = graph.node("Atan", [graph.node("Div", [a, b])]);
  const turn = choose(hasMinusSign(y, graph), graph.scalar(-Math.PI), graph.scalar(Math.PI));
  const isZero = (value: Value) => graph.node("Equal", [value, graph.scalar(0)], {}, { dtype: "bool" });
  // 0/0 has no slope: the angle is that of the zero y itself.
  const flat = choose(graph.node("And", [isZero(y), isZero(x)]), y, slope);
  const onAxis = choose(
    isZero(x),
    choose(isZero(y), y, graph.node("Mul", [graph.node("Sign", [y]), graph.scalar(Math.PI / 2)])),
    flat,
  );
  const isUpright = graph.node("And", [isZero(x), graph.node("Not", [isZero(y)])]);
  const isLeft = graph.node("And", [hasMinusSign(x, graph), graph.node("Not", [isUpright])]);
  return choose(isLeft, graph.node("Add", [onAxis, turn]), onAxis);
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
  // the angle of the point (x, y) = (b, a)
  Atan2: ([y, x], _attrs, graph) => [angle(y, x, graph)],
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
  // floor(a / b) as int32: towards minus infinity, where ONNX divides integers towards zero; by zero it is 0
  FloorDiv: ([a, b], _attrs, graph) => [toInt32(floorOfQuotient(a, b, graph), graph)],
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
  // a - b floor(a / b), of the sign of b; of integers 0 for b = 0. ONNX has that for integers only; for floats its remainder
  // has the sign of a, and b is added where the signs differ: in float64, as a small remainder would be lost beside b
  Mod: ([a, b], _attrs, graph) => {
    if (a.dtype === "int32") return [integerModulus(a, b, graph)];
    const zero = graph.scalar(0);
    const remainder = graph.node("Mod", [a, b], { fmod: 1 });
    const isNegative = (x: Value) => graph.node("Less", [x, zero], {}, { dtype: "bool" });
    const differs = graph.node("Xor", [isNegative(a), isNegative(b)]);
    const divisor = graph.cast(b, "float64");
    const sum = graph.node("Add", [graph.cast(remainder, "float64"), divisor]);
    const moved = graph.cast(graph.node("Mod", [sum, divisor], { fmod: 1 }), "float32");
    return [graph.node("Where", [differs, moved, remainder], {}, { dtype: "float32" })];
  },
  // a b; of booleans: and
  Multiply: ([a, b], _attrs, graph) => [graph.node(a.dtype === "bool" ? "And" : "Mul", [a, b])],
  // -x
  Neg: operator("Neg"),
  // a^b; NaN for a negative base with a fractional exponent in both; 1^NaN = 1
  Pow: ([a, b], _attrs, graph, [{ shape }]) => {
    if (a.dtype === "int32") return [integerPower(a, b, shape, graph)];
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
  // -1, 0 or 1; of NaN it is NaN (tfjs: 0)
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
