/**
 * Convolutions with their gradients. Images are channels-last: [batch, height, width, channel] and
 * [batch, depth, height, width, channel]; filters are [height, width, in, out].
 *
 * Padding of two-dimensional kernels is explicit, `[[0,0],[top,bottom],[left,right],[0,0]]`, so that the output
 * size is floor((size + padding - window) / stride) + 1. Three-dimensional kernels keep tfjs's word or number
 * ({@linkcode padding3d} resolves it).
 *
 * @module
 */
import { type FusedAttrs, fusedChecks, mustFuse } from "./linear.ts";
import {
  is,
  type KernelRule,
  must,
  mustBeFloat,
  mustHaveRank,
  oneOf,
  type Rules,
  sameShape,
  sizeOf,
  slot,
  type Slots,
  typed,
} from "./rule.ts";
import { batchSharding, filterGradientSharding, type Sharding } from "./placements.ts";
import type { Linear, Traits } from "./traits.ts";
import type { ValueType } from "../types.ts";

/** Two numbers: height and width. */
export type Pair = readonly [number, number];
/** Three numbers: depth, height and width. */
export type Triple = readonly [number, number, number];
/** Explicit padding of a channels-last image. */
export type Padding2d = readonly [Pair, Pair, Pair, Pair];
/** Padding of a volume, as tfjs takes it. */
export type Padding3d = "same" | "valid" | number;

interface Window2d {
  readonly strides: Pair;
  readonly pad: Padding2d;
}

interface ConvAttrs extends Window2d {
  readonly dataFormat: "NHWC";
  readonly dilations: Pair;
}

interface DepthwiseGradAttrs extends Window2d {
  readonly dilations: Pair;
}

type Shape4 = readonly [number, number, number, number];
type Shape5 = readonly [number, number, number, number, number];

/** Attributes of the convolutions. */
export interface ConvKernelAttrs {
  Conv2D: ConvAttrs;
  Conv2DBackpropFilter: Window2d & { readonly dataFormat: "NHWC"; readonly filterShape: Shape4 };
  Conv2DBackpropInput: Window2d & { readonly dataFormat: "NHWC"; readonly inputShape: Shape4 };
  Conv3D: {
    readonly strides: Triple;
    readonly pad: Padding3d;
    readonly dataFormat: "NDHWC";
    readonly dilations: Triple;
  };
  Conv3DBackpropFilterV2: {
    readonly strides: Triple;
    readonly pad: Padding3d;
    readonly filterShape: Shape5;
  };
  Conv3DBackpropInputV2: {
    readonly strides: Triple;
    readonly pad: Padding3d;
    readonly inputShape: Shape5;
  };
  DepthwiseConv2dNative: ConvAttrs;
  DepthwiseConv2dNativeBackpropFilter: DepthwiseGradAttrs & { readonly filterShape: Shape4 };
  DepthwiseConv2dNativeBackpropInput: DepthwiseGradAttrs & { readonly inputShape: Shape4 };
  FusedConv2D: ConvAttrs & FusedAttrs;
  FusedDepthwiseConv2D: ConvAttrs & FusedAttrs;
}

/** Length of one output dimension; `window` already includes the dilation. */
export function windowCount(size: number, window: number, stride: number, padding: Pair): number {
  const count = Math.floor((size + padding[0] + padding[1] - window) / stride) + 1;
  must(count >= 1, `a window of ${window} must fit`, `size ${size} with padding [${padding}]`);
  return count;
}

/** Length of a filter dimension with its holes. */
export function dilated(length: number, dilation: number): number {
  return (length - 1) * dilation + 1;
}

/**
 * Explicit padding of the three dimensions of a volume, as tfjs computes it. With "same" and a stride larger
 * than the window the first number can be negative (tfjs does not clip it in three dimensions).
 */
export function padding3d(
  size: readonly number[],
  window: readonly number[],
  strides: Triple,
  dilations: Triple,
  pad: Padding3d,
): readonly [Pair, Pair, Pair] {
  const at = (i: number): Pair => {
    if (pad === "valid") return [0, 0];
    if (typeof pad === "number") return [pad, pad];
    const total = (Math.ceil(size[i]! / strides[i]!) - 1) * strides[i]! + dilated(window[i]!, dilations[i]!) -
      size[i]!;
    const before = Math.floor(total / 2);
    return [before, total - before];
  };
  return [at(0), at(1), at(2)];
}

/** Output of sliding a window over a channels-last volume. */
export function slide3d(
  x: readonly number[],
  window: readonly number[],
  strides: Triple,
  dilations: Triple,
  pad: Padding3d,
  channels: number,
): readonly number[] {
  const padding = padding3d(x.slice(1, 4), window, strides, dilations, pad);
  const spatial = [0, 1, 2].map((i) =>
    windowCount(x[i + 1]!, dilated(window[i]!, dilations[i]!), strides[i]!, padding[i]!)
  );
  return [x[0]!, ...spatial, channels];
}

/** Output of sliding a window over a channels-last image. */
export function slide2d(
  x: readonly number[],
  window: readonly number[],
  { strides, pad }: Window2d,
  dilations: Pair,
  channels: number,
): readonly number[] {
  const spatial = [0, 1].map((i) =>
    windowCount(x[i + 1]!, dilated(window[i]!, dilations[i]!), strides[i]!, pad[i + 1]!)
  );
  return [x[0]!, ...spatial, channels];
}

const ONE: Pair = [1, 1];
const ONES: Triple = [1, 1, 1];

function convShape(
  x: readonly number[],
  filter: readonly number[],
  attrs: Window2d,
  dilations: Pair,
): readonly number[] {
  must(x[3] === filter[2], "the channels of image and filter must agree", `[${x}]`, `[${filter}]`);
  return slide2d(x, filter, attrs, dilations, filter[3]!);
}

function depthwiseShape(
  x: readonly number[],
  filter: readonly number[],
  attrs: Window2d,
  dilations: Pair,
): readonly number[] {
  must(x[3] === filter[2], "the channels of image and filter must agree", `[${x}]`, `[${filter}]`);
  return slide2d(x, filter, attrs, dilations, filter[2]! * filter[3]!);
}

function conv3dShape(
  x: readonly number[],
  filter: readonly number[],
  strides: Triple,
  dilations: Triple,
  pad: Padding3d,
): readonly number[] {
  must(x[4] === filter[3], "the channels of volume and filter must agree", `[${x}]`, `[${filter}]`);
  return slide3d(x, filter, strides, dilations, pad, filter[4]!);
}

function floats(inputs: Slots, rank: number): [ValueType, ValueType] {
  const [a, b] = [slot(inputs, 0), slot(inputs, 1)];
  mustBeFloat(a, b);
  mustHaveRank(a, rank);
  mustHaveRank(b, rank);
  return [a, b];
}

function mustMatch(dy: ValueType, shape: readonly number[]): void {
  must(sameShape(dy.shape, shape), "dy must have the shape of the output", dy, `[${shape}]`);
}

/** Products of a convolution or of one of its gradients: every cell of the smaller side meets every weight that leads to it. */
const productsOf = (cells: ValueType, filter: ValueType): number =>
  sizeOf(filter.shape) * sizeOf(cells.shape.slice(0, -1));

function ofConvolved(sharding: Sharding<unknown>, linear: Linear): Traits<unknown> {
  const multiplications = ([, filter]: Slots, output: ValueType) => productsOf(output, filter!);
  return { kind: { is: "product", multiplications }, linear, unchanged: "never", sharding };
}

const convolved = ofConvolved(batchSharding([0]), [0, 1]);
/** A bias or an activation comes after the products. */
const fusedConvolved = ofConvolved(batchSharding([0]), []);
const filterGradient: Traits<unknown> = {
  kind: { is: "product", multiplications: ([, dy], output) => productsOf(dy!, output) },
  linear: [0, 1],
  unchanged: "never",
  sharding: filterGradientSharding,
};
const inputGradient: Traits<unknown> = {
  kind: { is: "product", multiplications: ([dy, filter]) => productsOf(dy!, filter!) },
  linear: [0, 1],
  unchanged: "never",
  sharding: batchSharding([0], "inputShape"),
};

const convChecks = {
  strides: is.pair,
  pad: is.padding2d,
  dataFormat: oneOf("NHWC"),
  dilations: is.pair,
};

const conv2d: KernelRule<ConvAttrs> = {
  inputs: ["x", "filter"],
  attrs: convChecks,
  infer(inputs, attrs) {
    const [x, filter] = floats(inputs, 4);
    return [typed("float32", convShape(x.shape, filter.shape, attrs, attrs.dilations))];
  },
  traits: convolved,
};

const depthwise: KernelRule<ConvAttrs> = {
  ...conv2d,
  infer(inputs, attrs) {
    const [x, filter] = floats(inputs, 4);
    return [typed("float32", depthwiseShape(x.shape, filter.shape, attrs, attrs.dilations))];
  },
};

function fused(rule: KernelRule<ConvAttrs>): KernelRule<ConvAttrs & FusedAttrs> {
  return {
    inputs: ["x", "filter", "bias", "preluActivationWeights"],
    optional: ["bias", "preluActivationWeights"],
    attrs: { ...convChecks, ...fusedChecks },
    infer(inputs, attrs) {
      const out = rule.infer(inputs, attrs);
      mustFuse(inputs, out[0]!, attrs);
      return out;
    },
    traits: fusedConvolved,
  };
}

/** Rules of the convolutions. */
export const convolutions: Rules<ConvKernelAttrs> = {
  Conv2D: conv2d,
  Conv2DBackpropFilter: {
    inputs: ["x", "dy"],
    attrs: { strides: is.pair, pad: is.padding2d, dataFormat: oneOf("NHWC"), filterShape: is.shape4 },
    infer(inputs, attrs) {
      const [x, dy] = floats(inputs, 4);
      mustMatch(dy, convShape(x.shape, attrs.filterShape, attrs, ONE));
      return [typed("float32", attrs.filterShape)];
    },
    traits: filterGradient,
  },
  Conv2DBackpropInput: {
    inputs: ["dy", "filter"],
    attrs: { strides: is.pair, pad: is.padding2d, dataFormat: oneOf("NHWC"), inputShape: is.shape4 },
    infer(inputs, attrs) {
      const [dy, filter] = floats(inputs, 4);
      mustMatch(dy, convShape(attrs.inputShape, filter.shape, attrs, ONE));
      return [typed("float32", attrs.inputShape)];
    },
    traits: inputGradient,
  },
  Conv3D: {
    inputs: ["x", "filter"],
    attrs: { strides: is.triple, pad: is.padding3d, dataFormat: oneOf("NDHWC"), dilations: is.triple },
    infer(inputs, { strides, pad, dilations }) {
      const [x, filter] = floats(inputs, 5);
      return [typed("float32", conv3dShape(x.shape, filter.shape, strides, dilations, pad))];
    },
    traits: convolved,
  },
  Conv3DBackpropFilterV2: {
    inputs: ["x", "dy"],
    attrs: { strides: is.triple, pad: is.padding3d, filterShape: is.shape5 },
    infer(inputs, { strides, pad, filterShape }) {
      const [x, dy] = floats(inputs, 5);
      mustMatch(dy, conv3dShape(x.shape, filterShape, strides, ONES, pad));
      return [typed("float32", filterShape)];
    },
    traits: filterGradient,
  },
  Conv3DBackpropInputV2: {
    inputs: ["dy", "filter"],
    attrs: { strides: is.triple, pad: is.padding3d, inputShape: is.shape5 },
    infer(inputs, { strides, pad, inputShape }) {
      const [dy, filter] = floats(inputs, 5);
      mustMatch(dy, conv3dShape(inputShape, filter.shape, strides, ONES, pad));
      return [typed("float32", inputShape)];
    },
    traits: inputGradient,
  },
  DepthwiseConv2dNative: depthwise,
  DepthwiseConv2dNativeBackpropFilter: {
    inputs: ["x", "dy"],
    attrs: { strides: is.pair, dilations: is.pair, pad: is.padding2d, filterShape: is.shape4 },
    infer(inputs, attrs) {
      const [x, dy] = floats(inputs, 4);
      mustMatch(dy, depthwiseShape(x.shape, attrs.filterShape, attrs, attrs.dilations));
      return [typed("float32", attrs.filterShape)];
    },
    traits: filterGradient,
  },
  DepthwiseConv2dNativeBackpropInput: {
    inputs: ["dy", "filter"],
    attrs: { strides: is.pair, dilations: is.pair, pad: is.padding2d, inputShape: is.shape4 },
    infer(inputs, attrs) {
      const [dy, filter] = floats(inputs, 4);
      mustMatch(dy, depthwiseShape(attrs.inputShape, filter.shape, attrs, attrs.dilations));
      return [typed("float32", attrs.inputShape)];
    },
    traits: inputGradient,
  },
  FusedConv2D: fused(conv2d),
  FusedDepthwiseConv2D: fused(depthwise),
};
