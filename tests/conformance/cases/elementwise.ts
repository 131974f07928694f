/**
 * Cases of values of one place of each input; random signs and sizes inside the ranges of the functions.
 *
 * @module
 */
import type { Tensor } from "../../../core/tensor.ts";
import * as tf from "../../../engine/tf.ts";
import { booleans, integers, numbers, tensor } from "../harness.ts";
import { binary, ints, positive, unary, unit, x } from "./calls.ts";
import type { KernelCases } from "./case.ts";
import {
  binaryNodes,
  comparedNodes,
  integerNodes,
  logicalNodes,
  specialNodes,
  unaryNodes,
  withIntegers,
} from "./node_cases.ts";

/** By kernel. */
export const ELEMENTWISE = {
  Abs: {
    nodes: withIntegers(unaryNodes()),
    calls: [
      unary(tf.abs),
    ],
  },
  Acos: {
    nodes: unaryNodes(-1, 1),
    calls: [
      unary(tf.acos, unit(3, 4)),
    ],
  },
  Acosh: {
    nodes: unaryNodes(1, 5),
    calls: [
      unary(tf.acosh, { shape: [3, 4], range: [1.2, 3] }),
    ],
  },
  Add: {
    nodes: [...binaryNodes(), ...integerNodes(-9, 10)],
    calls: [
      ...binary(tf.add),
    ],
  },
  AddN: {
    nodes: [
      { inputs: [numbers([2, 3], -1, 1, 1)], attrs: {} },
      { inputs: [numbers([2, 3], -1, 1, 1), numbers([2, 3], -1, 1, 2)], attrs: {} },
      { inputs: [numbers([4], -1, 1, 1), numbers([4], -1, 1, 2), numbers([4], -1, 1, 3)], attrs: {} },
      { inputs: [integers([4], 0, 9, 1), integers([4], 0, 9, 2), integers([4], 0, 9, 3)], attrs: {} },
    ],
    calls: [
      { inputs: [x(2, 3), x(2, 3), x(2, 3)], run: (...list) => tf.addN(list), gradient: true },
    ],
  },
  Asin: {
    nodes: unaryNodes(-1, 1),
    calls: [
      unary(tf.asin, unit(3, 4)),
    ],
  },
  Asinh: {
    nodes: unaryNodes(-5, 5),
    calls: [
      unary(tf.asinh),
    ],
  },
  Atan: {
    nodes: unaryNodes(-5, 5),
    calls: [
      unary(tf.atan),
    ],
  },
  Atan2: {
    nodes: [...binaryNodes(), {
      inputs: [
        tensor("float32", [9], [0, 1, -1, 0, 0, 1, 1, -1, -1]),
        tensor("float32", [9], [0, 0, 0, 1, -1, 1, -1, 1, -1]),
      ],
      attrs: {},
    }],
    calls: [
      ...binary(tf.atan2),
    ],
  },
  Atanh: {
    nodes: unaryNodes(-0.99, 0.99),
    calls: [
      unary(tf.atanh, unit(3, 4)),
    ],
  },
  Cast: {
    nodes: [
      { inputs: [numbers([3, 4])], attrs: { dtype: "int32" } },
      { inputs: [tensor("float32", [5], [0, -0, 0.5, -2, 1e-30])], attrs: { dtype: "bool" } },
      { inputs: [integers([5], -2, 3)], attrs: { dtype: "float32" } },
      { inputs: [integers([5], -2, 3)], attrs: { dtype: "bool" } },
      { inputs: [booleans([5])], attrs: { dtype: "float32" } },
      { inputs: [booleans([5])], attrs: { dtype: "int32" } },
      { inputs: [numbers([2])], attrs: { dtype: "float32" } },
    ],
    calls: [
      unary((a) => tf.cast(a, "int32"), x(3, 4), false),
      { inputs: [ints([-3, 3], 4)], run: (a) => tf.cast(a, "float32") },
      { inputs: [ints([0, 2], 6)], run: (a) => tf.cast(tf.cast(a, "bool"), "float32") },
    ],
  },
  Ceil: {
    nodes: withIntegers(unaryNodes()),
    calls: [
      unary(tf.ceil, x(3, 4), false),
    ],
  },
  ClipByValue: {
    nodes: [
      { inputs: [numbers([3, 4])], attrs: { clipValueMin: -0.5, clipValueMax: 1 } },
      { inputs: [integers([6], -9, 9)], attrs: { clipValueMin: -2, clipValueMax: 3 } },
    ],
    calls: [
      unary((a) => tf.clipByValue(a, -0.55, 0.65)),
      unary((a) => tf.clipByValue(a, 0.05, Infinity)),
    ],
  },
  Cos: {
    nodes: unaryNodes(-5, 5),
    calls: [
      unary(tf.cos),
    ],
  },
  Cosh: {
    nodes: unaryNodes(),
    calls: [
      unary(tf.cosh),
    ],
  },
  Elu: {
    nodes: unaryNodes(),
    calls: [
      unary(tf.elu),
    ],
  },
  EluGrad: {
    nodes: [{ inputs: [numbers([3, 4], -1, 1, 1), numbers([3, 4], -1, 2, 2)], attrs: {} }],
    calls: [
      unary((a) => tf.grad((b: Tensor) => tf.elu(b))(a), x(3, 4), false),
    ],
  },
  Equal: {
    nodes: [...comparedNodes(), {
      inputs: [tensor("float32", [3], [NaN, 1, 2]), tensor("float32", [3], [NaN, 1, 3])],
      attrs: {},
    }],
    calls: [
      ...binary((a, b) => tf.equal(tf.round(a), tf.round(b)), x(1, 4), false),
    ],
  },
  Erf: {
    nodes: unaryNodes(-3, 3),
    calls: [
      unary(tf.erf),
    ],
  },
  Exp: {
    nodes: unaryNodes(-5, 5),
    calls: [
      unary(tf.exp),
      { inputs: [ints([-3, 4], 5)], run: (a) => tf.exp(a) },
    ],
  },
  Expm1: {
    nodes: [...unaryNodes(-3, 3), ...unaryNodes(-1e-3, 1e-3), {
      inputs: [tensor("float32", [4], [50, -50, 0, 1e-8])],
      attrs: {},
    }],
    calls: [
      unary(tf.expm1),
    ],
  },
  Floor: {
    nodes: withIntegers(unaryNodes()),
    calls: [
      unary(tf.floor, x(3, 4), false),
    ],
  },
  FloorDiv: {
    nodes: [...integerNodes(-9, 10, 1, 5), ...integerNodes(-9, 10, -5, -1)],
    calls: [
      { inputs: [ints([-9, 9], 2, 3), ints([1, 5], 3)], run: tf.floorDiv },
    ],
  },
  Greater: {
    nodes: comparedNodes(),
    calls: [
      ...binary(tf.greater, x(1, 4), false),
    ],
  },
  GreaterEqual: {
    nodes: comparedNodes(),
    calls: [
      ...binary(tf.greaterEqual, x(1, 4), false),
    ],
  },
  Identity: {
    nodes: [...unaryNodes(), { inputs: [booleans([3])], attrs: {} }],
    calls: [
      unary((a) => tf.clone(a)),
    ],
  },
  IsFinite: {
    nodes: specialNodes(),
    calls: [
      unary((a) => tf.isFinite(tf.div(1, tf.round(a))), x(9), false),
    ],
  },
  IsInf: {
    nodes: specialNodes(),
    calls: [
      unary((a) => tf.isInf(tf.div(1, tf.round(a))), x(9), false),
    ],
  },
  IsNan: {
    nodes: specialNodes(),
    calls: [
      unary((a) => tf.isNaN(tf.sqrt(a)), x(9), false),
    ],
  },
  LeakyRelu: {
    nodes: unaryNodes().map((c) => ({ ...c, attrs: { alpha: 0.2 } })),
    calls: [
      unary((a) => tf.leakyRelu(a, 0.3)),
      { inputs: [ints([-3, 4], 5)], run: (a) => tf.leakyRelu(a, 0.3) },
    ],
  },
  Less: {
    nodes: comparedNodes(),
    calls: [
      ...binary(tf.less, x(1, 4), false),
    ],
  },
  LessEqual: {
    nodes: comparedNodes(),
    calls: [
      ...binary(tf.lessEqual, x(1, 4), false),
    ],
  },
  Log: {
    nodes: unaryNodes(0.01, 5),
    calls: [
      unary(tf.log, positive(3, 4)),
    ],
  },
  Log1p: {
    nodes: [...unaryNodes(-0.9, 5), ...unaryNodes(-1e-3, 1e-3), {
      inputs: [tensor("float32", [4], [1e10, -1, 0, 1e-8])],
      attrs: {},
    }],
    calls: [
      unary(tf.log1p, positive(3, 4)),
    ],
  },
  LogicalAnd: {
    nodes: logicalNodes(),
    calls: [
      {
        inputs: [x(3, 4), x(4)],
        run: (a, b) => tf.logicalAnd(tf.greater(a, 0), tf.less(b, 0)),
      },
    ],
  },
  LogicalNot: {
    nodes: [{ inputs: [booleans([3, 4])], attrs: {} }],
    calls: [
      unary((a) => tf.logicalNot(tf.greater(a, 0)), x(3, 4), false),
    ],
  },
  LogicalOr: {
    nodes: logicalNodes(),
    calls: [
      {
        inputs: [x(3, 4), x(4)],
        run: (a, b) => tf.logicalOr(tf.greater(a, 0), tf.less(b, 0)),
      },
    ],
  },
  Maximum: {
    nodes: [...binaryNodes(), ...integerNodes(-9, 9)],
    calls: [
      ...binary(tf.maximum),
    ],
  },
  Minimum: {
    nodes: [...binaryNodes(), ...integerNodes(-9, 9)],
    calls: [
      ...binary(tf.minimum),
    ],
  },
  Mod: {
    nodes: [
      ...binaryNodes(-9, 9, 0.5, 4),
      ...binaryNodes(-9, 9, -4, -0.5),
      ...integerNodes(-9, 10, 1, 5),
      ...integerNodes(-9, 10, -5, -1),
    ],
    calls: [
      // Between the jumps at whole multiples.
      {
        inputs: [{ shape: [3, 4], range: [3.1, 3.4] }, { shape: [4], range: [1.2, 1.5] }],
        run: tf.mod,
        gradient: true,
      },
      { inputs: [ints([-9, 9], 2, 3), ints([1, 5], 3)], run: tf.mod },
    ],
  },
  Multiply: {
    nodes: [
      ...binaryNodes(),
      ...integerNodes(-9, 10),
      { inputs: [booleans([3, 4], 1), booleans([4], 2)], attrs: {} },
    ],
    calls: [
      ...binary(tf.mul),
    ],
  },
  Neg: {
    nodes: withIntegers(unaryNodes()),
    calls: [
      unary(tf.neg),
    ],
  },
  NotEqual: {
    nodes: [...comparedNodes(), {
      inputs: [tensor("float32", [2], [NaN, 1]), tensor("float32", [2], [NaN, 1])],
      attrs: {},
    }],
    calls: [
      ...binary((a, b) => tf.notEqual(tf.round(a), tf.round(b)), x(1, 4), false),
    ],
  },
  Pow: {
    nodes: [
      ...binaryNodes(0.1, 3),
      ...[1, 2, 3, 0.5, -1, -0.5, 0, 4].map((exponent) => ({
        inputs: [numbers([3, 4], 0.1, 3), tensor("float32", [], [exponent])],
        attrs: {},
      })),
      { inputs: [numbers([4], -3, -1), tensor("float32", [4], [2, 3, 0.5, -1])], attrs: {} },
      ...integerNodes(-3, 4, 0, 4),
    ],
    calls: [
      ...binary(tf.pow, positive(1, 4)),
      { inputs: [x(3, 4)], run: (a) => tf.pow(a, 3), gradient: true },
    ],
  },
  Prelu: {
    nodes: [
      { inputs: [numbers([2, 3, 4]), numbers([4], 0, 1, 2)], attrs: {} },
      { inputs: [numbers([2, 3]), numbers([2, 3], 0, 1, 2)], attrs: {} },
      { inputs: [numbers([3]), numbers([2, 3], 0, 1, 2)], attrs: {} },
    ],
    calls: [
      { inputs: [x(2, 3, 4), positive(4)], run: tf.prelu, gradient: true },
      { inputs: [ints([-3, 4], 5), x(5)], run: (a, slopes) => tf.prelu(a, slopes) },
    ],
  },
  RealDiv: {
    nodes: binaryNodes(-2, 2, 0.5, 3),
    calls: [
      ...binary(tf.div, positive(1, 4)),
    ],
  },
  Reciprocal: {
    nodes: unaryNodes(0.5, 3),
    calls: [
      unary(tf.reciprocal, positive(3, 4)),
    ],
  },
  Relu: {
    nodes: withIntegers(unaryNodes()),
    calls: [
      unary(tf.relu),
    ],
  },
  Relu6: {
    nodes: withIntegers(unaryNodes(-3, 9), -3, 9),
    calls: [
      unary((a) => tf.relu6(tf.mul(a, 5))),
    ],
  },
  Round: {
    nodes: [...withIntegers(unaryNodes()), {
      inputs: [tensor("float32", [6], [0.5, 1.5, 2.5, -0.5, -1.5, -2.5])],
      attrs: {},
    }],
    calls: [
      unary(tf.round, x(3, 4), false),
    ],
  },
  Rsqrt: {
    nodes: unaryNodes(0.1, 5),
    calls: [
      unary(tf.rsqrt, positive(3, 4)),
    ],
  },
  Select: {
    nodes: [
      { inputs: [booleans([3, 4]), numbers([3, 4], 0, 1, 1), numbers([3, 4], 0, 1, 2)], attrs: {} },
      { inputs: [booleans([4]), integers([4], 0, 9, 1), integers([4], 0, 9, 2)], attrs: {} },
      { inputs: [booleans([]), numbers([]), numbers([], 0, 1, 2)], attrs: {} },
    ],
    calls: [
      { inputs: [x(3, 4), x(3, 1), x(4)], run: (c, a, b) => tf.where(tf.greater(c, 0), a, b) },
      {
        inputs: [x(3, 4), x(3, 4), x(3, 4)],
        run: (c, a, b) => tf.where(tf.greater(c, 0), tf.mul(a, c), b),
        gradient: true,
      },
    ],
  },
  Selu: {
    nodes: unaryNodes(),
    calls: [
      unary(tf.selu),
    ],
  },
  Sigmoid: {
    nodes: unaryNodes(-9, 9),
    calls: [
      unary(tf.sigmoid),
    ],
  },
  Sign: {
    nodes: [...withIntegers(unaryNodes()), { inputs: [tensor("float32", [3], [0, -0, -3])], attrs: {} }],
    calls: [
      unary(tf.sign, x(3, 4), false),
    ],
  },
  Sin: {
    nodes: unaryNodes(-5, 5),
    calls: [
      unary(tf.sin),
    ],
  },
  Sinh: {
    nodes: unaryNodes(),
    calls: [
      unary(tf.sinh),
    ],
  },
  Softplus: {
    nodes: [...unaryNodes(-5, 5), { inputs: [tensor("float32", [4], [-100, -30, 30, 100])], attrs: {} }],
    calls: [
      unary(tf.softplus),
    ],
  },
  Sqrt: {
    nodes: unaryNodes(0, 5),
    calls: [
      unary(tf.sqrt, positive(3, 4)),
    ],
  },
  Square: {
    nodes: withIntegers(unaryNodes()),
    calls: [
      unary(tf.square),
    ],
  },
  SquaredDifference: {
    nodes: [...binaryNodes(), ...integerNodes(-9, 9)],
    calls: [
      ...binary(tf.squaredDifference),
    ],
  },
  Step: {
    nodes: [
      ...unaryNodes().map((c) => ({ ...c, attrs: { alpha: 0 } })),
      ...unaryNodes().map((c) => ({ ...c, attrs: { alpha: 0.3 } })),
      ...[-1, -0.3, 2].map((alpha) => ({
        inputs: [tensor("float32", [4], [0, -0, 2, -2])],
        attrs: { alpha },
      })),
      { inputs: [tensor("float32", [3], [0, -0, 1e-30])], attrs: { alpha: 0 } },
      { inputs: [integers([4], -2, 3)], attrs: { alpha: 0 } },
    ],
    calls: [
      unary((a) => tf.step(a, 0.2), x(3, 4), false),
    ],
  },
  Sub: {
    nodes: [...binaryNodes(), ...integerNodes(-9, 10)],
    calls: [
      ...binary(tf.sub),
    ],
  },
  Tan: {
    nodes: unaryNodes(-1.5, 1.5),
    calls: [
      unary(tf.tan, unit(3, 4)),
    ],
  },
  Tanh: {
    nodes: unaryNodes(-5, 5),
    calls: [
      unary(tf.tanh),
    ],
  },
} satisfies { readonly [kernel: string]: KernelCases };
