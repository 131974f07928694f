/**
 * One call, or a few, for every kernel of the table: what the tests trace, run, and differentiate. Shapes include
 * dimensions of 1, broadcasting, negative axes, odd strides and paddings.
 *
 * @module
 */
import type { Tensor } from "../../core/tensor.ts";
import type { Kernel } from "../program/kernels.ts";
import * as tf from "../tf.ts";

/** An input of a case: values are spread over `range`, never on the edge of a kink. */
export interface CaseInput {
  readonly shape: readonly number[];
  /** @default "float32" */
  readonly dtype?: "float32" | "int32";
  /** @default [-2, 2] */
  readonly range?: readonly [number, number];
}

/** A call of one operation. */
export interface OpCase {
  readonly kernel: Kernel;
  readonly inputs: readonly CaseInput[];
  run(...inputs: Tensor[]): Tensor | Tensor[];
  /** Whether the gradient with respect to float32 inputs is tested too. @default false */
  readonly gradient?: boolean;
}

const x = (...shape: number[]): CaseInput => ({ shape });
const positive = (...shape: number[]): CaseInput => ({ shape, range: [0.2, 2] });
const unit = (...shape: number[]): CaseInput => ({ shape, range: [-0.9, 0.9] });
const ints = (range: readonly [number, number], ...shape: number[]): CaseInput => ({
  shape,
  dtype: "int32",
  range,
});

/** tfjs's own kernel, which `tf.einsum` of ours does not use. */
function einsumKernel(equation: string, ...tensors: Tensor[]): Tensor {
  const runKernel = tf.engine().runKernel.bind(tf.engine()) as (...args: unknown[]) => Tensor;
  return runKernel("Einsum", tensors, { equation });
}

type Unary = (x: Tensor) => Tensor;
type Binary = (a: Tensor, b: Tensor) => Tensor;

function unary(kernel: Kernel, run: Unary, input: CaseInput = x(3, 1, 5), gradient = true): OpCase {
  return { kernel, inputs: [input], run, gradient };
}

function binary(kernel: Kernel, run: Binary, second: CaseInput = x(1, 4), gradient = true): OpCase[] {
  const range = second.range ? { range: second.range } : {};
  return [
    { kernel, inputs: [{ shape: [2, 3, 4], ...range }, second], run, gradient },
    { kernel, inputs: [{ shape: [3, 1], ...range }, { ...second, shape: [1, 4] }], run, gradient },
    { kernel, inputs: [{ shape: [], ...range }, { ...second, shape: [2] }], run, gradient },
  ];
}

function reduction(
  kernel: Kernel,
  run: (x: Tensor, axis?: number | number[], keep?: boolean) => Tensor,
): OpCase[] {
  return [
    { kernel, inputs: [x(2, 3, 4)], run: (a) => run(a), gradient: true },
    { kernel, inputs: [x(2, 3, 4)], run: (a) => run(a, -1, true), gradient: true },
    { kernel, inputs: [x(2, 1, 4)], run: (a) => run(a, [0, 1]), gradient: true },
    { kernel, inputs: [x(5)], run: (a) => run(a, 0), gradient: true },
  ];
}

/** Random signs and sizes inside the ranges of the functions, and a gradient wherever tfjs has one. */
const elementwise: OpCase[] = [
  unary("Abs", tf.abs),
  unary("Acos", tf.acos, unit(3, 4)),
  unary("Acosh", tf.acosh, { shape: [3, 4], range: [1.2, 3] }),
  ...binary("Add", tf.add),
  { kernel: "AddN", inputs: [x(2, 3), x(2, 3), x(2, 3)], run: (...list) => tf.addN(list), gradient: true },
  unary("Asin", tf.asin, unit(3, 4)),
  unary("Asinh", tf.asinh),
  unary("Atan", tf.atan),
  ...binary("Atan2", tf.atan2),
  unary("Atanh", tf.atanh, unit(3, 4)),
  unary("Cast", (a) => tf.cast(a, "int32"), x(3, 4), false),
  { kernel: "Cast", inputs: [ints([-3, 3], 4)], run: (a) => tf.cast(a, "float32") },
  { kernel: "Cast", inputs: [ints([0, 2], 6)], run: (a) => tf.cast(tf.cast(a, "bool"), "float32") },
  unary("Ceil", tf.ceil, x(3, 4), false),
  unary("ClipByValue", (a) => tf.clipByValue(a, -0.55, 0.65)),
  unary("ClipByValue", (a) => tf.clipByValue(a, 0.05, Infinity)),
  unary("Cos", tf.cos),
  unary("Cosh", tf.cosh),
  unary("Elu", tf.elu),
  unary("EluGrad", (a) => tf.grad((b: Tensor) => tf.elu(b))(a), x(3, 4), false),
  ...binary("Equal", (a, b) => tf.equal(tf.round(a), tf.round(b)), x(1, 4), false),
  unary("Erf", tf.erf),
  unary("Exp", tf.exp),
  unary("Expm1", tf.expm1),
  unary("Floor", tf.floor, x(3, 4), false),
  { kernel: "FloorDiv", inputs: [ints([-9, 9], 2, 3), ints([1, 5], 3)], run: tf.floorDiv },
  ...binary("Greater", tf.greater, x(1, 4), false),
  ...binary("GreaterEqual", tf.greaterEqual, x(1, 4), false),
  unary("Identity", (a) => tf.clone(a)),
  unary("IsFinite", (a) => tf.isFinite(tf.div(1, tf.round(a))), x(9), false),
  unary("IsInf", (a) => tf.isInf(tf.div(1, tf.round(a))), x(9), false),
  unary("IsNan", (a) => tf.isNaN(tf.sqrt(a)), x(9), false),
  unary("LeakyRelu", (a) => tf.leakyRelu(a, 0.3)),
  ...binary("Less", tf.less, x(1, 4), false),
  ...binary("LessEqual", tf.lessEqual, x(1, 4), false),
  unary("Log", tf.log, positive(3, 4)),
  unary("Log1p", tf.log1p, positive(3, 4)),
  {
    kernel: "LogicalAnd",
    inputs: [x(3, 4), x(4)],
    run: (a, b) => tf.logicalAnd(tf.greater(a, 0), tf.less(b, 0)),
  },
  unary("LogicalNot", (a) => tf.logicalNot(tf.greater(a, 0)), x(3, 4), false),
  {
    kernel: "LogicalOr",
    inputs: [x(3, 4), x(4)],
    run: (a, b) => tf.logicalOr(tf.greater(a, 0), tf.less(b, 0)),
  },
  ...binary("Maximum", tf.maximum),
  ...binary("Minimum", tf.minimum),
  // Between the jumps at whole multiples.
  {
    kernel: "Mod",
    inputs: [{ shape: [3, 4], range: [3.1, 3.4] }, { shape: [4], range: [1.2, 1.5] }],
    run: tf.mod,
    gradient: true,
  },
  { kernel: "Mod", inputs: [ints([-9, 9], 2, 3), ints([1, 5], 3)], run: tf.mod },
  ...binary("Multiply", tf.mul),
  unary("Neg", tf.neg),
  ...binary("NotEqual", (a, b) => tf.notEqual(tf.round(a), tf.round(b)), x(1, 4), false),
  ...binary("Pow", tf.pow, positive(1, 4)),
  { kernel: "Pow", inputs: [x(3, 4)], run: (a) => tf.pow(a, 3), gradient: true },
  { kernel: "Prelu", inputs: [x(2, 3, 4), positive(4)], run: tf.prelu, gradient: true },
  ...binary("RealDiv", tf.div, positive(1, 4)),
  unary("Reciprocal", tf.reciprocal, positive(3, 4)),
  unary("Relu", tf.relu),
  unary("Relu6", (a) => tf.relu6(tf.mul(a, 5))),
  unary("Round", tf.round, x(3, 4), false),
  unary("Rsqrt", tf.rsqrt, positive(3, 4)),
  { kernel: "Select", inputs: [x(3, 4), x(3, 1), x(4)], run: (c, a, b) => tf.where(tf.greater(c, 0), a, b) },
  {
    kernel: "Select",
    inputs: [x(3, 4), x(3, 4), x(3, 4)],
    run: (c, a, b) => tf.where(tf.greater(c, 0), tf.mul(a, c), b),
    gradient: true,
  },
  unary("Selu", tf.selu),
  unary("Sigmoid", tf.sigmoid),
  unary("Sign", tf.sign, x(3, 4), false),
  unary("Sin", tf.sin),
  unary("Sinh", tf.sinh),
  unary("Softplus", tf.softplus),
  unary("Sqrt", tf.sqrt, positive(3, 4)),
  unary("Square", tf.square),
  ...binary("SquaredDifference", tf.squaredDifference),
  unary("Step", (a) => tf.step(a, 0.2), x(3, 4), false),
  ...binary("Sub", tf.sub),
  unary("Tan", tf.tan, unit(3, 4)),
  unary("Tanh", tf.tanh),
];

const reductions: OpCase[] = [
  unary("All", (a) => tf.all(tf.greater(a, -1), -1), x(4, 3), false),
  unary("Any", (a) => tf.any(tf.greater(a, 1), [0], true), x(4, 3), false),
  unary("ArgMax", (a) => tf.argMax(a, -1), x(2, 3, 4), false),
  unary("ArgMax", (a) => tf.argMax(a, 0), x(3, 4), false),
  unary("ArgMin", (a) => tf.argMin(a, 1), x(2, 3, 4), false),
  unary("Cumprod", (a) => tf.cumprod(a, 1), x(2, 3, 4)),
  unary("Cumprod", (a) => tf.cumprod(a, 0, true, true), x(4)),
  unary("Cumsum", (a) => tf.cumsum(a, 2), x(2, 3, 4)),
  unary("Cumsum", (a) => tf.cumsum(a, 1, true, true), x(2, 3, 4)),
  {
    kernel: "FusedBatchNorm",
    inputs: [x(2, 3, 3, 2), x(2), positive(2), x(2), x(2)],
    run: (a, mean, variance, offset, scale) =>
      tf.batchNorm(
        a,
        mean as tf.Tensor1D,
        variance as tf.Tensor1D,
        offset as tf.Tensor1D,
        scale as tf.Tensor1D,
      ),
    gradient: true,
  },
  {
    kernel: "FusedBatchNorm",
    inputs: [x(5, 2), x(2), positive(2)],
    run: (a, mean, variance) =>
      tf.batchNorm(a, mean as tf.Tensor1D, variance as tf.Tensor1D, undefined, undefined, 0.01),
  },
  {
    kernel: "LRN",
    inputs: [x(1, 2, 3, 6)],
    run: (a) => tf.localResponseNormalization(a as tf.Tensor4D, 2, 1.5, 0.7, 0.6),
    gradient: true,
  },
  {
    kernel: "LRNGrad",
    inputs: [x(1, 2, 3, 6)],
    run: (a) => tf.grad((b: Tensor) => tf.localResponseNormalization(b as tf.Tensor4D, 1, 1, 0.5, 0.5))(a),
  },
  ...reduction("Max", tf.max),
  ...reduction("Mean", tf.mean),
  { kernel: "Mean", inputs: [ints([-4, 4], 3, 4)], run: (a) => tf.mean(a, 0) },
  ...reduction("Min", tf.min),
  ...reduction("Prod", tf.prod),
  unary("Softmax", (a) => tf.softmax(a), x(2, 3, 4)),
  unary("Softmax", (a) => tf.logSoftmax(a), x(2, 3, 4)),
  unary("Softmax", (a) => tf.logSumExp(a, -1), x(2, 3, 4)),
  ...reduction("Sum", tf.sum),
  { kernel: "Sum", inputs: [ints([-4, 4], 3, 4)], run: (a) => tf.sum(a, 1) },
  {
    kernel: "TopK",
    inputs: [x(3, 5)],
    run: (a) => {
      const { values, indices } = tf.topk(a, 2);
      return [values, indices];
    },
  },
  { kernel: "TopK", inputs: [x(3, 5)], run: (a) => tf.topk(a, 2).values, gradient: true },
  {
    kernel: "TopK",
    inputs: [x(6)],
    run: (a) => tf.topk(a, 6).indices,
  },
];

const linear: OpCase[] = [
  { kernel: "BatchMatMul", inputs: [x(2, 3), x(3, 4)], run: (a, b) => tf.matMul(a, b), gradient: true },
  {
    kernel: "BatchMatMul",
    inputs: [x(3, 2), x(4, 3)],
    run: (a, b) => tf.matMul(a, b, true, true),
    gradient: true,
  },
  { kernel: "BatchMatMul", inputs: [x(2, 1, 3), x(2, 3, 4)], run: (a, b) => tf.matMul(a, b), gradient: true },
  {
    kernel: "BatchMatMul",
    inputs: [x(2, 2, 3, 2), x(2, 2, 3, 4)],
    run: (a, b) => tf.matMul(a, b, true, false),
    gradient: true,
  },
  { kernel: "BatchMatMul", inputs: [x(3), x(3)], run: (a, b) => tf.dot(a, b), gradient: true },
  { kernel: "BatchMatMul", inputs: [x(2, 2, 3), x(3, 4)], run: (a, b) => tf.matMul(a, b), gradient: true },
  {
    kernel: "BatchMatMul",
    inputs: [x(3, 2), x(2, 1, 4, 3)],
    run: (a, b) => tf.matMul(a, b, true, true),
    gradient: true,
  },
  { kernel: "Einsum", inputs: [x(2, 3, 4), x(2, 4, 5)], run: (a, b) => einsumKernel("bij,bjk->bik", a, b) },
  { kernel: "Einsum", inputs: [x(2, 3), x(3)], run: (a, b) => einsumKernel("ij,j->i", a, b) },
  {
    kernel: "_FusedMatMul",
    inputs: [x(2, 3), x(3, 4), x(4)],
    run: (a, b, bias) => tf.fused.matMul({ a, b, bias, activation: "relu" }),
  },
  {
    kernel: "_FusedMatMul",
    inputs: [x(3, 2), x(3, 4)],
    run: (a, b) => tf.fused.matMul({ a, b, transposeA: true, activation: "leakyrelu", leakyreluAlpha: 0.1 }),
  },
  {
    kernel: "_FusedMatMul",
    inputs: [x(2, 3), x(3, 4), x(4), positive(4)],
    run: (a, b, bias, slopes) =>
      tf.fused.matMul({ a, b, bias, activation: "prelu", preluActivationWeights: slopes }),
  },
];

type Pad = "same" | "valid" | number;

const as4 = (a: Tensor) => a as tf.Tensor4D;
const as5 = (a: Tensor) => a as tf.Tensor5D;

function conv2d(
  image: CaseInput,
  filter: CaseInput,
  strides: [number, number],
  pad: Pad,
  dilations = 1,
): OpCase {
  return {
    kernel: "Conv2D",
    inputs: [image, filter],
    run: (a, f) => tf.conv2d(as4(a), as4(f), strides, pad, "NHWC", dilations),
    gradient: true,
  };
}

function depthwise(
  image: CaseInput,
  filter: CaseInput,
  strides: [number, number],
  pad: Pad,
  dilations = 1,
): OpCase {
  return {
    kernel: "DepthwiseConv2dNative",
    inputs: [image, filter],
    run: (a, f) => tf.depthwiseConv2d(as4(a), as4(f), strides, pad, "NHWC", dilations),
    gradient: true,
  };
}

const convolutions: OpCase[] = [
  conv2d(x(2, 5, 6, 2), x(3, 3, 2, 3), [1, 1], "same"),
  conv2d(x(1, 7, 5, 2), x(3, 2, 2, 3), [2, 3], "same"),
  conv2d(x(1, 7, 5, 2), x(3, 2, 2, 1), [2, 1], "valid"),
  conv2d(x(1, 5, 5, 1), x(1, 1, 1, 2), [1, 1], 0),
  conv2d(x(1, 6, 6, 1), x(3, 3, 1, 2), [2, 2], 1),
  conv2d(x(1, 7, 7, 2), x(3, 3, 2, 2), [1, 1], "same", 2),
  conv2d(x(1, 8, 7, 1), x(2, 3, 1, 2), [1, 1], "valid", 2),
  {
    kernel: "Conv2D",
    inputs: [x(2, 7, 3), x(3, 3, 4)],
    run: (a, f) => tf.conv1d(a as tf.Tensor3D, f as tf.Tensor3D, 2, "same"),
    gradient: true,
  },
  {
    kernel: "Conv2D",
    inputs: [x(1, 5, 5, 2), x(2, 2, 2, 2)],
    run: (a, f) => tf.conv2d(as4(a), as4(f), 2, [[0, 0], [1, 0], [0, 1], [0, 0]]),
    gradient: true,
  },
  {
    kernel: "Conv2D",
    inputs: [x(1, 6, 6, 1), x(3, 3, 1, 1)],
    run: (a, f) => tf.conv2d(as4(a), as4(f), 2, 0, "NHWC", 1, "ceil"),
    gradient: true,
  },
  {
    kernel: "Conv2D",
    inputs: [x(1, 2, 5, 5), x(3, 3, 2, 3)],
    run: (a, f) => tf.conv2d(as4(a), as4(f), [2, 1], "same", "NCHW"),
    gradient: true,
  },
  {
    kernel: "Conv2DBackpropInput",
    inputs: [x(2, 3, 3, 2), x(3, 3, 4, 2)],
    run: (dy, f) => tf.conv2dTranspose(as4(dy), as4(f), [2, 6, 6, 4], 2, "same"),
    gradient: true,
  },
  {
    kernel: "Conv2DBackpropInput",
    inputs: [x(1, 3, 2, 2), x(3, 2, 1, 2)],
    run: (dy, f) => tf.conv2dTranspose(as4(dy), as4(f), [1, 5, 4, 1], [1, 2], "valid"),
    gradient: true,
  },
  {
    kernel: "Conv2DBackpropFilter",
    inputs: [x(1, 5, 5, 2), x(3, 3, 2, 3)],
    run: (a, f) => tf.grad((g: Tensor) => tf.square(tf.conv2d(as4(a), as4(g), 2, "same")))(f),
  },
  {
    kernel: "Conv3D",
    inputs: [x(1, 4, 4, 5, 2), x(2, 3, 2, 2, 3)],
    run: (a, f) => tf.conv3d(as5(a), as5(f), 1, "same"),
    gradient: true,
  },
  {
    kernel: "Conv3D",
    inputs: [x(1, 5, 4, 5, 1), x(2, 2, 2, 1, 2)],
    run: (a, f) => tf.conv3d(as5(a), as5(f), [2, 1, 2], "valid"),
    gradient: true,
  },
  {
    kernel: "Conv3DBackpropInputV2",
    inputs: [x(1, 2, 2, 2, 2), x(2, 2, 2, 1, 2)],
    run: (dy, f) => tf.conv3dTranspose(as5(dy), as5(f), [1, 4, 4, 4, 1], 2, "same"),
  },
  {
    kernel: "Conv3DBackpropFilterV2",
    inputs: [x(1, 4, 4, 4, 1), x(2, 2, 2, 1, 2)],
    run: (a, f) => tf.grad((g: Tensor) => tf.square(tf.conv3d(as5(a), as5(g), 2, "same")))(f),
  },
  depthwise(x(2, 5, 6, 2), x(3, 3, 2, 2), [1, 1], "same"),
  depthwise(x(1, 7, 6, 3), x(3, 2, 3, 1), [2, 2], "valid"),
  depthwise(x(1, 7, 7, 2), x(3, 3, 2, 1), [1, 1], "same", 2),
  {
    kernel: "DepthwiseConv2dNativeBackpropInput",
    inputs: [x(1, 5, 5, 2), x(3, 3, 2, 2)],
    run: (a, f) => tf.grad((g: Tensor) => tf.square(tf.depthwiseConv2d(as4(g), as4(f), 2, "same")))(a),
  },
  {
    kernel: "DepthwiseConv2dNativeBackpropFilter",
    inputs: [x(1, 5, 5, 2), x(3, 3, 2, 2)],
    run: (a, f) => tf.grad((g: Tensor) => tf.square(tf.depthwiseConv2d(as4(a), as4(g), 1, "valid")))(f),
  },
  {
    kernel: "DepthwiseConv2dNative",
    inputs: [x(1, 5, 5, 2), x(3, 3, 2, 1), x(1, 1, 2, 3)],
    run: (a, f, p) => tf.separableConv2d(as4(a), as4(f), as4(p), 1, "same"),
    gradient: true,
  },
  {
    kernel: "FusedConv2D",
    inputs: [x(1, 5, 5, 2), x(3, 3, 2, 3), x(3)],
    run: (a, f, bias) =>
      tf.fused.conv2d({ x: as4(a), filter: as4(f), strides: 2, pad: "same", bias, activation: "elu" }),
  },
  {
    kernel: "FusedDepthwiseConv2D",
    inputs: [x(1, 5, 5, 2), x(3, 3, 2, 2), x(4)],
    run: (a, f, bias) =>
      tf.fused.depthwiseConv2d({
        x: as4(a),
        filter: as4(f),
        strides: 1,
        pad: "valid",
        bias,
        activation: "relu6",
      }),
  },
];

const pools: OpCase[] = [
  {
    kernel: "AvgPool",
    inputs: [x(2, 4, 6, 2)],
    run: (a) => tf.avgPool(as4(a), 2, 2, "valid"),
    gradient: true,
  },
  {
    kernel: "AvgPool",
    inputs: [x(1, 5, 5, 2)],
    run: (a) => tf.avgPool(as4(a), [3, 2], [2, 1], "same"),
    gradient: true,
  },
  {
    kernel: "AvgPool",
    inputs: [x(1, 6, 6, 1)],
    run: (a) => tf.avgPool(as4(a), 3, 2, 0, "ceil"),
    gradient: true,
  },
  {
    kernel: "AvgPoolGrad",
    inputs: [x(1, 4, 4, 1)],
    run: (a) => tf.grad((b: Tensor) => tf.square(tf.avgPool(as4(b), 2, 2, "valid")))(a),
  },
  {
    kernel: "AvgPool3D",
    inputs: [x(1, 4, 4, 4, 2)],
    run: (a) => tf.avgPool3d(as5(a), 2, 2, "valid"),
    gradient: true,
  },
  {
    kernel: "AvgPool3D",
    inputs: [x(1, 3, 4, 3, 1)],
    run: (a) => tf.avgPool3d(as5(a), 2, 2, "same"),
    gradient: true,
  },
  {
    kernel: "AvgPool3DGrad",
    inputs: [x(1, 4, 4, 4, 1)],
    run: (a) => tf.grad((b: Tensor) => tf.square(tf.avgPool3d(as5(b), 2, 2, "valid")))(a),
  },
  {
    kernel: "MaxPool",
    inputs: [x(2, 5, 6, 2)],
    run: (a) => tf.maxPool(as4(a), 2, 2, "same"),
    gradient: true,
  },
  {
    kernel: "MaxPool",
    inputs: [x(1, 5, 5, 2)],
    run: (a) => tf.maxPool(as4(a), [3, 2], [2, 1], "valid"),
    gradient: true,
  },
  {
    kernel: "MaxPool",
    inputs: [x(1, 6, 6, 1)],
    run: (a) => tf.maxPool(as4(a), 3, 2, 0, "ceil"),
    gradient: true,
  },
  {
    kernel: "MaxPoolGrad",
    inputs: [x(1, 4, 4, 1)],
    run: (a) => tf.grad((b: Tensor) => tf.square(tf.maxPool(as4(b), 2, 2, "valid")))(a),
  },
  {
    kernel: "MaxPool3D",
    inputs: [x(1, 4, 5, 4, 2)],
    run: (a) => tf.maxPool3d(as5(a), 2, 2, "same"),
    gradient: true,
  },
  {
    kernel: "MaxPool3DGrad",
    inputs: [x(1, 4, 4, 4, 1)],
    run: (a) => tf.grad((b: Tensor) => tf.square(tf.maxPool3d(as5(b), 2, 2, "valid")))(a),
  },
  {
    kernel: "ResizeBilinear",
    inputs: [x(1, 3, 3, 2)],
    run: (a) => tf.image.resizeBilinear(as4(a), [6, 5]),
    gradient: true,
  },
  {
    kernel: "ResizeBilinear",
    inputs: [x(1, 4, 4, 2)],
    run: (a) => tf.image.resizeBilinear(as4(a), [5, 7], true),
    gradient: true,
  },
  {
    kernel: "ResizeBilinear",
    inputs: [x(1, 4, 4, 1)],
    run: (a) => tf.image.resizeBilinear(as4(a), [2, 6], false, true),
    gradient: true,
  },
  {
    kernel: "ResizeBilinear",
    inputs: [x(2, 3, 4, 3)],
    run: (a) => tf.image.resizeBilinear(as4(a), [7, 1], false, true),
    gradient: true,
  },
  {
    kernel: "ResizeBilinearGrad",
    inputs: [x(1, 3, 3, 1)],
    run: (a) => tf.grad((b: Tensor) => tf.square(tf.image.resizeBilinear(as4(b), [5, 6])))(a),
  },
  {
    kernel: "ResizeNearestNeighbor",
    inputs: [x(1, 3, 3, 2)],
    run: (a) => tf.image.resizeNearestNeighbor(as4(a), [6, 9]),
    gradient: true,
  },
  {
    kernel: "ResizeNearestNeighbor",
    inputs: [x(1, 3, 4, 2)],
    run: (a) => tf.image.resizeNearestNeighbor(as4(a), [5, 7], true),
    gradient: true,
  },
  {
    kernel: "ResizeNearestNeighbor",
    inputs: [x(2, 3, 4, 2)],
    run: (a) => tf.image.resizeNearestNeighbor(as4(a), [5, 3], false, true),
    gradient: true,
  },
  {
    kernel: "ResizeNearestNeighborGrad",
    inputs: [x(1, 3, 3, 1)],
    run: (a) => tf.grad((b: Tensor) => tf.square(tf.image.resizeNearestNeighbor(as4(b), [6, 6])))(a),
  },
];

const layout: OpCase[] = [
  {
    kernel: "BatchToSpaceND",
    inputs: [x(8, 2, 3, 1)],
    run: (a) => tf.batchToSpaceND(a, [2, 2], [[0, 1], [1, 0]]),
    gradient: true,
  },
  { kernel: "Tile", inputs: [x(3, 1)], run: (a) => tf.broadcastTo(a, [2, 3, 4]), gradient: true },
  { kernel: "Concat", inputs: [x(2, 3), x(2, 1)], run: (a, b) => tf.concat([a, b], -1), gradient: true },
  { kernel: "Concat", inputs: [x(2, 3), x(1, 3)], run: (a, b) => tf.concat([a, b, a], 0), gradient: true },
  { kernel: "DepthToSpace", inputs: [x(1, 2, 3, 8)], run: (a) => tf.depthToSpace(as4(a), 2), gradient: true },
  { kernel: "ExpandDims", inputs: [x(2, 3)], run: (a) => tf.expandDims(a, -1), gradient: true },
  { kernel: "ExpandDims", inputs: [x(2, 3)], run: (a) => tf.expandDims(a, 0), gradient: true },
  {
    kernel: "GatherNd",
    inputs: [x(3, 4), ints([0, 3], 5, 2)],
    run: (a, i) => tf.gatherND(a, i),
    gradient: true,
  },
  {
    kernel: "GatherV2",
    inputs: [x(4, 3), ints([0, 4], 5)],
    run: (a, i) => tf.gather(a, i as tf.Tensor1D),
    gradient: true,
  },
  {
    kernel: "GatherV2",
    inputs: [x(2, 4, 3), ints([0, 4], 2, 2)],
    run: (a, i) => tf.gather(a, i, 1),
    gradient: true,
  },
  {
    kernel: "GatherV2",
    inputs: [x(2, 4, 3), ints([0, 4], 2, 2)],
    run: (a, i) => tf.gather(a, i, 1, 1),
    gradient: true,
  },
  {
    kernel: "MirrorPad",
    inputs: [x(3, 4)],
    run: (a) => tf.mirrorPad(a, [[1, 2], [0, 3]], "reflect"),
    gradient: true,
  },
  {
    kernel: "MirrorPad",
    inputs: [x(3, 4)],
    run: (a) => tf.mirrorPad(a, [[1, 2], [0, 3]], "symmetric"),
    gradient: true,
  },
  { kernel: "OneHot", inputs: [ints([0, 4], 3, 2)], run: (i) => tf.oneHot(i, 4, 2, -1) },
  { kernel: "OneHot", inputs: [ints([-1, 6], 8)], run: (i) => tf.oneHot(i, 4, 1, 0, "float32") },
  { kernel: "Pack", inputs: [x(2, 3), x(2, 3)], run: (a, b) => tf.stack([a, b], 1), gradient: true },
  { kernel: "Pack", inputs: [x(2, 3), x(2, 3)], run: (a, b) => tf.stack([a, b], -1), gradient: true },
  { kernel: "PadV2", inputs: [x(2, 3)], run: (a) => tf.pad(a, [[1, 0], [2, 1]], 0.5), gradient: true },
  { kernel: "Reshape", inputs: [x(2, 3, 4)], run: (a) => tf.reshape(a, [4, -1]), gradient: true },
  { kernel: "Reshape", inputs: [x(1, 3, 1)], run: (a) => tf.squeeze(a), gradient: true },
  { kernel: "Reverse", inputs: [x(2, 3, 4)], run: (a) => tf.reverse(a, [0, -1]), gradient: true },
  {
    kernel: "Reverse",
    inputs: [x(1, 2, 3, 1)],
    run: (a) => tf.image.flipLeftRight(as4(a)),
  },
  {
    kernel: "ScatterNd",
    inputs: [ints([0, 6], 4, 1), x(4, 2)],
    run: (i, u) => tf.scatterND(i, u, [6, 2]),
    gradient: true,
  },
  { kernel: "Slice", inputs: [x(4, 5)], run: (a) => tf.slice(a, [1, 2], [2, -1]), gradient: true },
  { kernel: "Slice", inputs: [x(4, 5)], run: (a) => tf.slice(a, 2), gradient: true },
  {
    kernel: "Slice",
    inputs: [x(4, 5)],
    run: (a) => tf.stridedSlice(a, [1, 0], [3, 5], [1, 1]),
    gradient: true,
  },
  {
    kernel: "SpaceToBatchND",
    inputs: [x(1, 4, 3, 1)],
    run: (a) => tf.spaceToBatchND(a, [2, 2], [[0, 0], [1, 0]]),
    gradient: true,
  },
  { kernel: "SplitV", inputs: [x(2, 6)], run: (a) => tf.split(a, 3, 1), gradient: true },
  { kernel: "SplitV", inputs: [x(6, 2)], run: (a) => tf.split(a, [1, 2, 3], -2), gradient: true },
  {
    kernel: "StridedSlice",
    inputs: [x(5, 6)],
    run: (a) => tf.stridedSlice(a, [0, 1], [5, 6], [2, 3]),
    gradient: true,
  },
  {
    kernel: "StridedSlice",
    inputs: [x(5, 6)],
    run: (a) => tf.stridedSlice(a, [4, 5], [0, -7], [-2, -1], 0, 2),
    gradient: true,
  },
  {
    kernel: "StridedSlice",
    inputs: [x(5, 6)],
    run: (a) => tf.stridedSlice(a, [3, 1], [4, 6], [1, 1], 0, 0, 0, 0, 1),
    gradient: true,
  },
  {
    kernel: "TensorScatterUpdate",
    inputs: [x(6, 2), x(3, 2)],
    run: (a, u) => tf.tensorScatterUpdate(a, tf.tensor2d([[4], [0], [2]], [3, 1], "int32"), u),
    gradient: true,
  },
  { kernel: "Tile", inputs: [x(2, 3)], run: (a) => tf.tile(a, [2, 3]), gradient: true },
  { kernel: "Tile", inputs: [x(2, 1, 1, 2, 1)], run: (a) => tf.tile(a, [1, 2, 1, 1, 3]), gradient: true },
  { kernel: "Transpose", inputs: [x(2, 3, 4)], run: (a) => tf.transpose(a, [2, 0, 1]), gradient: true },
  { kernel: "Transpose", inputs: [x(2, 3)], run: (a) => tf.transpose(a), gradient: true },
  { kernel: "Unpack", inputs: [x(2, 3, 2)], run: (a) => tf.unstack(a, 1), gradient: true },
  { kernel: "Unpack", inputs: [x(2, 1, 3)], run: (a) => tf.unstack(a, 1), gradient: true },
  { kernel: "SplitV", inputs: [x(2, 3)], run: (a) => tf.split(a, 1, 1), gradient: true },
  {
    kernel: "UnsortedSegmentSum",
    inputs: [x(5, 2), ints([0, 3], 5)],
    run: (a, i) => tf.unsortedSegmentSum(a, i as tf.Tensor1D, 3),
    gradient: true,
  },
  { kernel: "Multiply", inputs: [x(3)], run: (a) => tf.diag(a) },
];

/** All cases. */
export const OP_CASES: readonly OpCase[] = [
  ...elementwise,
  ...reductions,
  ...linear,
  ...convolutions,
  ...pools,
  ...layout,
];

/** Kernels that no traced function needs: their results are known while tracing. */
export const FOLDED: readonly Kernel[] = [
  "BroadcastTo",
  "Fill",
  "LinSpace",
  "OnesLike",
  "Range",
  "ZerosLike",
];

/** Numbers of an input, the same in every run: a low-discrepancy sequence, so that no two are equal. */
export function caseValues(
  input: CaseInput,
  index: number,
): Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer> {
  const [low, high] = input.range ?? [-2, 2];
  const size = input.shape.reduce((product, length) => product * length, 1);
  const golden = (Math.sqrt(5) - 1) / 2;
  const share = (i: number) => (0.137 + 0.311 * index + (i + 1) * golden) % 1;
  if (input.dtype === "int32") {
    return Int32Array.from({ length: size }, (_, i) => low + Math.floor(share(i) * (high - low)));
  }
  return Float32Array.from({ length: size }, (_, i) => low + share(i) * (high - low));
}
