/**
 * Kernels that work element by element: arithmetic, comparison, activations.
 *
 * @module
 */
import type { ProgramDtype, ValueType } from "../types.ts";
import {
  broadcastShapes,
  is,
  type KernelRule,
  must,
  mustBeFloat,
  mustBeNumber,
  type None,
  type Rules,
  sameShape,
  slot,
  type Slots,
  typed,
} from "./rule.ts";
import { type NumberFunction, ofElements, ofPairs } from "./traits.ts";

/** Attributes of the element-by-element kernels. */
export interface ElementwiseAttrs {
  Abs: None;
  Acos: None;
  Acosh: None;
  Add: None;
  AddN: None;
  Asin: None;
  Asinh: None;
  Atan: None;
  Atan2: None;
  Atanh: None;
  Cast: { readonly dtype: ProgramDtype };
  Ceil: None;
  ClipByValue: { readonly clipValueMin: number; readonly clipValueMax: number };
  Cos: None;
  Cosh: None;
  Elu: None;
  EluGrad: None;
  Equal: None;
  Erf: None;
  Exp: None;
  Expm1: None;
  Floor: None;
  FloorDiv: None;
  Greater: None;
  GreaterEqual: None;
  Identity: None;
  IsFinite: None;
  IsInf: None;
  IsNan: None;
  LeakyRelu: { readonly alpha: number };
  Less: None;
  LessEqual: None;
  Log: None;
  Log1p: None;
  LogicalAnd: None;
  LogicalNot: None;
  LogicalOr: None;
  Maximum: None;
  Minimum: None;
  Mod: None;
  Multiply: None;
  Neg: None;
  NotEqual: None;
  Pow: None;
  Prelu: None;
  RealDiv: None;
  Reciprocal: None;
  Relu: None;
  Relu6: None;
  Round: None;
  Rsqrt: None;
  Select: None;
  Selu: None;
  Sigmoid: None;
  Sign: None;
  Sin: None;
  Sinh: None;
  Softplus: None;
  Sqrt: None;
  Square: None;
  SquaredDifference: None;
  Step: { readonly alpha: number };
  Sub: None;
  Tan: None;
  Tanh: None;
}

/** float32 in, float32 out. */
function inferFloat(inputs: Slots): readonly ValueType[] {
  const x = slot(inputs, 0);
  mustBeFloat(x);
  return [x];
}

/** float32 or int32 in, the same out. */
function inferNumber(inputs: Slots): readonly ValueType[] {
  const x = slot(inputs, 0);
  mustBeNumber(x);
  return [x];
}

/** Two tensors of one dtype that broadcast to one of that dtype. tfjs casts the operands beforehand. */
function inferPair(inputs: Slots): ValueType {
  const [a, b] = [slot(inputs, 0), slot(inputs, 1)];
  must(a.dtype === b.dtype, "both dtypes must agree", a, b);
  return typed(a.dtype, broadcastShapes(a.shape, b.shape));
}

function inferArithmetic(inputs: Slots): readonly ValueType[] {
  const type = inferPair(inputs);
  mustBeNumber(slot(inputs, 0), slot(inputs, 1));
  return [type];
}

const floatUnary = (number: NumberFunction | null): KernelRule<None> => ({
  inputs: ["x"],
  attrs: {},
  infer: inferFloat,
  traits: ofElements(number),
});

const numberUnary = (number: NumberFunction | null): KernelRule<None> => ({
  ...floatUnary(number),
  infer: inferNumber,
});

/** Any dtype in, bool out. */
const predicate: KernelRule<None> = {
  inputs: ["x"],
  attrs: {},
  infer: (inputs) => [typed("bool", slot(inputs, 0).shape)],
  traits: ofElements(null),
};

type PairTraits = Parameters<typeof ofPairs>[1];

const arithmetic = (number: NumberFunction | null, traits?: PairTraits): KernelRule<None> => ({
  inputs: ["a", "b"],
  attrs: {},
  infer: inferArithmetic,
  traits: ofPairs(number, traits),
});

const floatArithmetic = (number: NumberFunction | null, traits?: PairTraits): KernelRule<None> => ({
  ...arithmetic(number, traits),
  infer(inputs) {
    mustBeFloat(slot(inputs, 0), slot(inputs, 1));
    return inferArithmetic(inputs);
  },
});

const comparison = (number: NumberFunction, traits?: PairTraits): KernelRule<None> => ({
  ...arithmetic(number, traits),
  infer: (inputs) => [{ ...inferPair(inputs), dtype: "bool" }],
});

const logical = (number: NumberFunction): KernelRule<None> => ({
  ...arithmetic(number, { commutative: true }),
  infer(inputs) {
    const [a, b] = [slot(inputs, 0), slot(inputs, 1)];
    must(a.dtype === "bool" && b.dtype === "bool", "both dtypes must be bool", a, b);
    return [inferPair(inputs)];
  },
});

/** Rules of the element-by-element kernels. */
export const elementwise: Rules<ElementwiseAttrs> = {
  Abs: numberUnary(Math.abs),
  Acos: floatUnary(null),
  Acosh: floatUnary(null),
  Add: arithmetic((a, b) => a + b, { commutative: true, neutral: 0, linear: "jointly" }),
  AddN: {
    inputs: "variadic",
    attrs: {},
    infer(inputs) {
      const first = slot(inputs, 0);
      mustBeNumber(first);
      inputs.forEach((type) =>
        must(
          type !== null && type.dtype === first.dtype && sameShape(type.shape, first.shape),
          "all inputs must have the same type",
          first,
          type,
        )
      );
      return [first];
    },
    traits: ofElements(null, { linear: "jointly" }),
  },
  Asin: floatUnary(null),
  Asinh: floatUnary(null),
  Atan: floatUnary(null),
  Atan2: floatArithmetic(null),
  Atanh: floatUnary(null),
  Cast: {
    inputs: ["x"],
    attrs: { dtype: is.dtype },
    infer: (inputs, { dtype }) => [typed(dtype, slot(inputs, 0).shape)],
    traits: ofElements((x) => x, { unchanged: "with the same type" }),
  },
  Ceil: numberUnary(null),
  ClipByValue: {
    inputs: ["x"],
    attrs: { clipValueMin: is.number, clipValueMax: is.number },
    infer: inferNumber,
    traits: ofElements(null),
  },
  Cos: floatUnary(null),
  Cosh: floatUnary(null),
  Elu: floatUnary(null),
  EluGrad: {
    inputs: ["dy", "y"],
    attrs: {},
    infer(inputs) {
      const [dy, y] = [slot(inputs, 0), slot(inputs, 1)];
      mustBeFloat(dy, y);
      must(sameShape(dy.shape, y.shape), "both shapes must agree", dy, y);
      return [dy];
    },
    traits: ofElements(null, { linear: [0] }),
  },
  Equal: comparison((a, b) => Number(a === b), { commutative: true }),
  Erf: floatUnary(null),
  Exp: floatUnary(Math.exp),
  Expm1: floatUnary(null),
  Floor: numberUnary(null),
  FloorDiv: {
    ...arithmetic(null),
    infer: (inputs) => [{ ...inferArithmetic(inputs)[0]!, dtype: "int32" }],
  },
  Greater: comparison((a, b) => Number(a > b)),
  GreaterEqual: comparison((a, b) => Number(a >= b)),
  Identity: {
    inputs: ["x"],
    attrs: {},
    infer: (inputs) => [slot(inputs, 0)],
    traits: ofElements((x) => x, { linear: "jointly", unchanged: "with the same type" }),
  },
  IsFinite: predicate,
  IsInf: predicate,
  IsNan: predicate,
  LeakyRelu: {
    inputs: ["x"],
    attrs: { alpha: is.finite },
    infer: inferFloat,
    traits: ofElements(null),
  },
  Less: comparison((a, b) => Number(a < b)),
  LessEqual: comparison((a, b) => Number(a <= b)),
  Log: floatUnary(Math.log),
  Log1p: floatUnary(null),
  LogicalAnd: logical((a, b) => Number(a && b)),
  LogicalNot: {
    inputs: ["x"],
    attrs: {},
    infer(inputs) {
      const x = slot(inputs, 0);
      must(x.dtype === "bool", "the dtype must be bool", x);
      return [x];
    },
    traits: ofElements((x) => Number(!x)),
  },
  LogicalOr: logical((a, b) => Number(a || b)),
  Maximum: arithmetic((a, b) => Math.max(a, b), { commutative: true }),
  Minimum: arithmetic((a, b) => Math.min(a, b), { commutative: true }),
  Mod: arithmetic(null),
  /** Masks may be multiplied: bool times bool is bool. */
  Multiply: {
    ...arithmetic((a, b) => a * b, { commutative: true, neutral: 1, linear: [0, 1] }),
    infer: (inputs) => [inferPair(inputs)],
  },
  Neg: { ...numberUnary(null), traits: ofElements((x) => -x, { linear: "jointly" }) },
  NotEqual: comparison((a, b) => Number(a !== b), { commutative: true }),
  Pow: arithmetic((a, b) => (a === 1 || (a === -1 && Math.abs(b) === Infinity) ? 1 : Math.pow(a, b))),
  Prelu: { ...floatArithmetic(null), inputs: ["x", "alpha"] },
  RealDiv: floatArithmetic((a, b) => a / b, { neutral: 1, linear: [0] }),
  Reciprocal: floatUnary((x) => 1 / x),
  Relu: numberUnary(null),
  Relu6: numberUnary(null),
  Round: numberUnary(null),
  Rsqrt: floatUnary((x) => 1 / Math.sqrt(x)),
  /** `condition ? t : e`, all of one shape: tfjs broadcasts beforehand. */
  Select: {
    inputs: ["condition", "t", "e"],
    attrs: {},
    infer(inputs) {
      const [condition, t, e] = [slot(inputs, 0), slot(inputs, 1), slot(inputs, 2)];
      must(condition.dtype === "bool", "the condition must be bool", condition);
      must(t.dtype === e.dtype, "both branches must have the same dtype", t, e);
      must(
        sameShape(condition.shape, t.shape) && sameShape(t.shape, e.shape),
        "all shapes must agree",
        condition,
        t,
        e,
      );
      return [t];
    },
    traits: ofElements(null),
  },
  Selu: floatUnary(null),
  Sigmoid: floatUnary(null),
  Sign: numberUnary(null),
  Sin: floatUnary(null),
  Sinh: floatUnary(null),
  Softplus: floatUnary(null),
  Sqrt: floatUnary(Math.sqrt),
  Square: numberUnary((x) => x * x),
  SquaredDifference: arithmetic((a, b) => (a - b) ** 2, { commutative: true }),
  /** 1 where x > 0, alpha elsewhere; NaN stays NaN. */
  Step: {
    inputs: ["x"],
    attrs: { alpha: is.finite },
    infer: inferNumber,
    traits: ofElements(null),
  },
  Sub: arithmetic((a, b) => a - b, { neutral: 0, linear: "jointly" }),
  Tan: floatUnary(null),
  Tanh: floatUnary(null),
};
