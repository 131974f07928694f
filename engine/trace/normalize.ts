/**
 * Attributes of tfjs kernels in the normal form of `program/kernels.ts`.
 *
 * @module
 */
import type { Json } from "../../core/types.ts";
import type { Kernel } from "../program/kernels.ts";
import type { ValueType } from "../program/types.ts";
import * as tf from "../tf.ts";

/** Attributes as tfjs gives them. */
export type RawAttrs = { readonly [name: string]: unknown };
/** Attributes in normal form. */
export type Attrs = { readonly [name: string]: Json };
/** Types of the inputs; absent optional inputs are `null`. */
type Types = readonly (ValueType | null)[];

type Normalizer = (attrs: RawAttrs, types: Types) => Attrs;

const { parseAxisParam } = tf.util;
const numbers = (value: unknown): number[] => Array.from(value as ArrayLike<number>, Number);
const shapeOf = (types: Types, slot = 0): number[] => [...types[slot]!.shape];

function axes(value: unknown, shape: readonly number[]): number[] {
  const list = parseAxisParam(value as number | number[], [...shape]);
  return [...new Set(list)].sort((a, b) => a - b);
}

const axis = (
  value: unknown,
  rank: number,
): number => (Number(value) < 0 ? Number(value) + rank : Number(value));

const reduction: Normalizer = ({ axis, keepDims }, types) => ({
  axis: axes(axis, shapeOf(types)),
  keepDims: Boolean(keepDims),
});

const position: Normalizer = ({ axis }, types) => ({ axis: axes(axis, shapeOf(types))[0] ?? 0 });

const scan: Normalizer = ({ axis: at, exclusive, reverse }, types) => ({
  axis: axis(at ?? 0, shapeOf(types).length),
  exclusive: Boolean(exclusive),
  reverse: Boolean(reverse),
});

const localResponse: Normalizer = ({ depthRadius, bias, alpha, beta }) => ({
  depthRadius: Number(depthRadius),
  bias: Number(bias),
  alpha: Number(alpha),
  beta: Number(beta),
});

const matMul: Normalizer = ({ transposeA, transposeB }) => ({
  transposeA: Boolean(transposeA),
  transposeB: Boolean(transposeB),
});

const fused: Normalizer = ({ activation, leakyreluAlpha }) => ({
  activation: String(activation ?? "linear"),
  leakyreluAlpha: activation === "leakyrelu" ? Number(leakyreluAlpha ?? 0.2) : 0,
});

/** Two numbers, height and width, from tfjs's number or list. */
function pair(value: unknown): [number, number] {
  if (typeof value === "number") return [value, value];
  const list = numbers(value ?? [1, 1]);
  return [list[0]!, list[1] ?? list[0]!];
}

/** Three numbers, depth, height and width, from tfjs's number or list. */
export function triple(value: unknown): [number, number, number] {
  if (typeof value === "number") return [value, value, value];
  const list = numbers(value ?? [1, 1, 1]);
  return [list[0]!, list[1]!, list[2]!];
}

type RoundingMode = "floor" | "round" | "ceil" | undefined;

/**
 * Explicit padding of a two-dimensional window. A rounding mode that gives more positions than rounding down
 * becomes more padding below and to the right.
 */
export function padding2d(
  image: readonly number[],
  window: readonly [number, number],
  attrs: RawAttrs,
  dilations: readonly [number, number] = [1, 1],
): { strides: [number, number]; pad: [number, number][] } {
  const strides = pair(attrs["strides"]);
  const info = tf.backend_util.computeConv2DInfo(
    image as [number, number, number, number],
    [window[0], window[1], image[3]!, 1],
    strides,
    dilations as [number, number],
    attrs["pad"] as "same",
    attrs["dimRoundingMode"] as RoundingMode,
  );
  const { top, bottom, left, right } = info.padInfo;
  const grow = (size: number, before: number, after: number, out: number, length: number, stride: number) =>
    Math.max(after, (out - 1) * stride + length - size - before);
  const sizes = [image[1]!, image[2]!] as const;
  return {
    strides,
    pad: [
      [0, 0],
      [top, grow(sizes[0], top, bottom, info.outHeight, info.effectiveFilterHeight, strides[0])],
      [left, grow(sizes[1], left, right, info.outWidth, info.effectiveFilterWidth, strides[1])],
      [0, 0],
    ],
  };
}

function mustBeChannelsLast(attrs: RawAttrs): void {
  const format = attrs["dataFormat"];
  if (format === undefined || format === "NHWC" || format === "NDHWC") return;
  throw new TypeError(`images must be channels-last: found dataFormat ${String(format)}`);
}

const window2d = (shape: readonly number[]): [number, number] => [shape[0]!, shape[1]!];

const conv2d: Normalizer = (attrs, types) => {
  mustBeChannelsLast(attrs);
  const dilations = pair(attrs["dilations"]);
  return {
    ...padding2d(shapeOf(types), window2d(shapeOf(types, 1)), attrs, dilations),
    dataFormat: "NHWC",
    dilations,
  };
};

const pool2d = (slot: number): Normalizer => (attrs, types) => {
  const filterSize = pair(attrs["filterSize"]);
  return { filterSize, ...padding2d(shapeOf(types, slot), filterSize, attrs) };
};

const pool3d: Normalizer = (attrs) => {
  mustBeChannelsLast(attrs);
  if (attrs["dimRoundingMode"] === "ceil" || attrs["dimRoundingMode"] === "round") {
    throw new TypeError(
      `rounding of a volume must be down: found dimRoundingMode ${String(attrs["dimRoundingMode"])}`,
    );
  }
  return {
    filterSize: triple(attrs["filterSize"]),
    strides: triple(attrs["strides"]),
    pad: attrs["pad"] as Json,
  };
};

const resize: Normalizer = ({ alignCorners, halfPixelCenters, size }) => ({
  alignCorners: Boolean(alignCorners),
  halfPixelCenters: Boolean(halfPixelCenters),
  size: numbers(size),
});

const resizeGradient: Normalizer = ({ alignCorners, halfPixelCenters }) => {
  // tfjs's kernel ignores half-pixel centers; gradients are composed for them, see `image_gradients.ts`.
  if (halfPixelCenters) {
    throw new TypeError("a gradient of resizing must not use halfPixelCenters: found true");
  }
  return { alignCorners: Boolean(alignCorners) };
};

const pairs = (value: unknown): number[][] => Array.from(value as ArrayLike<ArrayLike<number>>, numbers);

/** Kernels whose attributes need work; the others have none. */
export const NORMALIZERS: { readonly [K in Kernel]?: Normalizer } = {
  All: reduction,
  Any: reduction,
  ArgMax: position,
  ArgMin: position,
  AvgPool: pool2d(0),
  AvgPoolGrad: pool2d(1),
  AvgPool3D: pool3d,
  AvgPool3DGrad: pool3d,
  BatchMatMul: matMul,
  BatchToSpaceND: ({ blockShape, crops }) => ({ blockShape: numbers(blockShape), crops: pairs(crops) }),
  BroadcastTo: ({ shape }) => ({ shape: numbers(shape) }),
  Cast: ({ dtype }) => ({ dtype: String(dtype) }),
  ClipByValue: ({ clipValueMin, clipValueMax }) => ({
    clipValueMin: Number(clipValueMin),
    clipValueMax: Number(clipValueMax),
  }),
  Concat: ({ axis: at }, types) => ({ axis: axis(at ?? 0, shapeOf(types).length) }),
  Conv2D: conv2d,
  Conv2DBackpropFilter: (attrs, types) => {
    mustBeChannelsLast(attrs);
    const filterShape = numbers(attrs["filterShape"]);
    return { ...padding2d(shapeOf(types), window2d(filterShape), attrs), dataFormat: "NHWC", filterShape };
  },
  Conv2DBackpropInput: (attrs, types) => {
    mustBeChannelsLast(attrs);
    const inputShape = numbers(attrs["inputShape"]);
    return {
      ...padding2d(inputShape, window2d(shapeOf(types, 1)), attrs),
      dataFormat: "NHWC",
      inputShape,
    };
  },
  Conv3D: (attrs) => {
    mustBeChannelsLast(attrs);
    return {
      strides: triple(attrs["strides"]),
      pad: attrs["pad"] as Json,
      dataFormat: "NDHWC",
      dilations: triple(attrs["dilations"]),
    };
  },
  Conv3DBackpropFilterV2: ({ strides, pad, filterShape }) => ({
    strides: triple(strides),
    pad: pad as Json,
    filterShape: numbers(filterShape),
  }),
  Conv3DBackpropInputV2: ({ strides, pad, inputShape }) => ({
    strides: triple(strides),
    pad: pad as Json,
    inputShape: numbers(inputShape),
  }),
  CropAndResize: ({ cropSize, method, extrapolationValue }) => ({
    cropSize: numbers(cropSize),
    method: String(method),
    extrapolationValue: Number(extrapolationValue),
  }),
  Cumprod: scan,
  Cumsum: scan,
  DepthToSpace: ({ blockSize, dataFormat }) => {
    mustBeChannelsLast({ dataFormat });
    return { blockSize: Number(blockSize), dataFormat: "NHWC" };
  },
  DepthwiseConv2dNative: conv2d,
  DepthwiseConv2dNativeBackpropFilter: (attrs, types) => {
    const [filterShape, dilations] = [numbers(attrs["filterShape"]), pair(attrs["dilations"])];
    return { ...padding2d(shapeOf(types), window2d(filterShape), attrs, dilations), dilations, filterShape };
  },
  DepthwiseConv2dNativeBackpropInput: (attrs, types) => {
    const [inputShape, dilations] = [numbers(attrs["inputShape"]), pair(attrs["dilations"])];
    return {
      ...padding2d(inputShape, window2d(shapeOf(types, 1)), attrs, dilations),
      dilations,
      inputShape,
    };
  },
  Einsum: ({ equation }) => ({ equation: String(equation).replaceAll(" ", "") }),
  ExpandDims: ({ dim }, types) => ({ dim: axis(dim ?? 0, shapeOf(types).length + 1) }),
  FusedBatchNorm: ({ varianceEpsilon }) => ({ varianceEpsilon: Number(varianceEpsilon ?? 0.001) }),
  FusedConv2D: (attrs, types) => ({ ...conv2d(attrs, types), ...fused(attrs, types) }),
  FusedDepthwiseConv2D: (attrs, types) => ({ ...conv2d(attrs, types), ...fused(attrs, types) }),
  GatherV2: ({ axis: at, batchDims }, types) => ({
    axis: axis(at ?? 0, shapeOf(types).length),
    batchDims: axis(batchDims ?? 0, shapeOf(types, 1).length),
  }),
  LeakyRelu: ({ alpha }) => ({ alpha: Number(alpha) }),
  LRN: localResponse,
  LRNGrad: localResponse,
  Max: ({ reductionIndices, keepDims }, types) => ({
    reductionIndices: axes(reductionIndices, shapeOf(types)),
    keepDims: Boolean(keepDims),
  }),
  MaxPool: pool2d(0),
  MaxPoolGrad: pool2d(1),
  MaxPool3D: pool3d,
  MaxPool3DGrad: pool3d,
  Mean: reduction,
  Min: reduction,
  MirrorPad: ({ paddings, mode }) => ({ paddings: pairs(paddings), mode: String(mode) }),
  OneHot: ({ depth, onValue, offValue, dtype }) => ({
    depth: Number(depth),
    onValue: Number(onValue),
    offValue: Number(offValue),
    dtype: String(dtype ?? "int32"),
  }),
  Pack: ({ axis: at }, types) => ({ axis: axis(at ?? 0, shapeOf(types).length + 1) }),
  PadV2: ({ paddings, constantValue }) => ({
    paddings: pairs(paddings),
    constantValue: Number(constantValue ?? 0),
  }),
  Prod: reduction,
  Reshape: ({ shape }, types) => ({
    shape: tf.util.inferFromImplicitShape(numbers(shape), tf.util.sizeFromShape(shapeOf(types))),
  }),
  ResizeBilinear: resize,
  ResizeBilinearGrad: resizeGradient,
  ResizeNearestNeighbor: resize,
  ResizeNearestNeighborGrad: resizeGradient,
  Reverse: ({ dims }, types) => ({ dims: axes(dims, shapeOf(types)) }),
  ScatterNd: ({ shape }) => ({ shape: numbers(shape) }),
  Slice: ({ begin, size }, types) => {
    const [start, lengths] = tf.slice_util.parseSliceParams(
      { shape: shapeOf(types) } as tf.TensorInfo,
      begin as number[],
      size as number[],
    );
    return { begin: start ?? [], size: lengths ?? [] };
  },
  Softmax: ({ dim }, types) => ({ dim: axis(dim ?? -1, shapeOf(types).length) }),
  SpaceToBatchND: ({ blockShape, paddings }) => ({
    blockShape: numbers(blockShape),
    paddings: pairs(paddings),
  }),
  SparseToDense: ({ outputShape }) => ({ outputShape: numbers(outputShape) }),
  SplitV: ({ numOrSizeSplits, axis: at }, types) => {
    const along = axis(at ?? 0, shapeOf(types).length);
    const sizes = tf.backend_util.prepareSplitSize(
      { shape: shapeOf(types) } as tf.Tensor,
      numOrSizeSplits as number[],
      along,
    );
    return { numOrSizeSplits: sizes, axis: along };
  },
  Step: ({ alpha }) => ({ alpha: Number(alpha ?? 0) }),
  StridedSlice: (attrs) => attrs as Attrs,
  Sum: reduction,
  Tile: ({ reps }) => ({ reps: numbers(reps) }),
  TopK: ({ k, sorted }) => ({ k: Number(k), sorted: Boolean(sorted) }),
  Transpose: ({ perm }) => ({ perm: numbers(perm) }),
  Unpack: ({ axis: at }, types) => ({ axis: axis(at ?? 0, shapeOf(types).length) }),
  UnsortedSegmentSum: ({ numSegments }) => ({ numSegments: Number(numSegments) }),
  _FusedMatMul: (attrs, types) => ({ ...matMul(attrs, types), ...fused(attrs, types) }),
};

/** The attributes of a kernel call in normal form. */
export function normalizeAttrs(kernel: Kernel, attrs: RawAttrs, types: Types): Attrs {
  return NORMALIZERS[kernel]?.(attrs, types) ?? {};
}
