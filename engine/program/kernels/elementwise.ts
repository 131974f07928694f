/**
 * Kernels that work element by element: arithmetic, comparison, activations.
 *
 * @module
 */
import type { ProgramDtype } from "../types.ts";
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
  typed,
} from "./rule.ts";

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
const floatUnary: KernelRule<None> = {
  inputs: ["x"],
  attrs: {},
  infer(inputs) {
    const x = slot(inputs, 0);
    mustBeFloat(x);
    return [x];
  },
};

/** float32 or int32 in, the same out. */
const numberUnary: KernelRule<None> = {
  inputs: ["x"],
  attrs: {},
  infer(inputs) {
    const x = slot(inputs, 0);
    mustBeNumber(x);
    return [x];
  },
};

/** Any dtype in, bool out. */
const predicate: KernelRule<None> = {
  inputs: ["x"],
  attrs: {},
  infer: (inputs) => [typed("bool", slot(inputs, 0).shape)],
};

/** Two tensors of one dtype, broadcast; the result has that dtype. tfjs casts the operands beforehand. */
const arithmetic: KernelRule<None> = {
  inputs: ["a", "b"],
  attrs: {},
  infer(inputs) {
    const [a, b] = [slot(inputs, 0), slot(inputs, 1)];
    must(a.dtype === b.dtype, "both dtypes must agree", a, b);
    mustBeNumber(a, b);
    return [typed(a.dtype, broadcastShapes(a.shape, b.shape))];
  },
};

const floatArithmetic: KernelRule<None> = {
  ...arithmetic,
  infer(inputs, attrs) {
    mustBeFloat(slot(inputs, 0), slot(inputs, 1));
    return arithmetic.infer(inputs, attrs);
  },
};

const comparison: KernelRule<None> = {
  inputs: ["a", "b"],
  attrs: {},
  infer(inputs) {
    const [a, b] = [slot(inputs, 0), slot(inputs, 1)];
    must(a.dtype === b.dtype, "both dtypes must agree", a, b);
    return [typed("bool", broadcastShapes(a.shape, b.shape))];
  },
};

const logical: KernelRule<None> = {
  ...comparison,
  infer(inputs, attrs) {
    const [a, b] = [slot(inputs, 0), slot(inputs, 1)];
    must(a.dtype === "bool" && b.dtype === "bool", "both dtypes must be bool", a, b);
    return comparison.infer(inputs, attrs);
  },
};

/** Rules of the element-by-element kernels. */
export const elementwise: Rules<ElementwiseAttrs> = {
  Abs: numberUnary,
  Acos: floatUnary,
  Acosh: floatUnary,
  Add: arithmetic,
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
  },
  Asin: floatUnary,
  Asinh: floatUnary,
  Atan: floatUnary,
  Atan2: floatArithmetic,
  Atanh: floatUnary,
  Cast: {
    inputs: ["x"],
    attrs: { dtype: is.dtype },
    infer: (inputs, { dtype }) => [typed(dtype, slot(inputs, 0).shape)],
  },
  Ceil: numberUnary,
  ClipByValue: {
    inputs: ["x"],
    attrs: { clipValueMin: is.number, clipValueMax: is.number },
    infer: (inputs) => numberUnary.infer(inputs, {}),
  },
  Cos: floatUnary,
  Cosh: floatUnary,
  Elu: floatUnary,
  EluGrad: {
    inputs: ["dy", "y"],
    attrs: {},
    infer(inputs) {
      const [dy, y] = [slot(inputs, 0), slot(inputs, 1)];
      mustBeFloat(dy, y);
      must(sameShape(dy.shape, y.shape), "both shapes must agree", dy, y);
      return [dy];
    },
  },
  Equal: comparison,
  Erf: floatUnary,
  Exp: floatUnary,
  Expm1: floatUnary,
  Floor: numberUnary,
  FloorDiv: {
    ...arithmetic,
    infer: (inputs) => [typed("int32", arithmetic.infer(inputs, {})[0]!.shape)],
  },
  Greater: comparison,
  GreaterEqual: comparison,
  Identity: { inputs: ["x"], attrs: {}, infer: (inputs) => [slot(inputs, 0)] },
  IsFinite: predicate,
  IsInf: predicate,
  IsNan: predicate,
  LeakyRelu: { inputs: ["x"], attrs: { alpha: is.finite }, infer: (inputs) => floatUnary.infer(inputs, {}) },
  Less: comparison,
  LessEqual: comparison,
  Log: floatUnary,
  Log1p: floatUnary,
  LogicalAnd: logical,
  LogicalNot: {
    inputs: ["x"],
    attrs: {},
    infer(inputs) {
      const x = slot(inputs, 0);
      must(x.dtype === "bool", "the dtype must be bool", x);
      return [x];
    },
  },
  LogicalOr: logical,
  Maximum: arithmetic,
  Minimum: arithmetic,
  Mod: arithmetic,
  /** Masks may be multiplied: bool times bool is bool. */
  Multiply: {
    ...arithmetic,
    infer(inputs) {
      const [a, b] = [slot(inputs, 0), slot(inputs, 1)];
      must(a.dtype === b.dtype, "both dtypes must agree", a, b);
      return [typed(a.dtype, broadcastShapes(a.shape, b.shape))];
    },
  },
  Neg: numberUnary,
  NotEqual: comparison,
  Pow: arithmetic,
  Prelu: { ...floatArithmetic, inputs: ["x", "alpha"] },
  RealDiv: floatArithmetic,
  Reciprocal: floatUnary,
  Relu: numberUnary,
  Relu6: numberUnary,
  Round: numberUnary,
  Rsqrt: floatUnary,
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
  },
  Selu: floatUnary,
  Sigmoid: floatUnary,
  Sign: numberUnary,
  Sin: floatUnary,
  Sinh: floatUnary,
  Softplus: floatUnary,
  Sqrt: floatUnary,
  Square: numberUnary,
  SquaredDifference: arithmetic,
  /** 1 where x > 0, alpha elsewhere; NaN stays NaN. */
  Step: { inputs: ["x"], attrs: { alpha: is.finite }, infer: (inputs) => numberUnary.infer(inputs, {}) },
  Sub: arithmetic,
  Tan: floatUnary,
  Tanh: floatUnary,
};
