/**
 * Lowering of convolutions and their gradients.
 *
 * tfjs has channels last ([batch, height, width, channel], filters [height, width, in, out]), ONNX channels first
 * ([batch, channel, height, width], filters [out, in, height, width]): images and filters are transposed on the way in
 * and out, and the builder drops transposes that meet. What is called convolution is a correlation in both: filters are
 * not flipped. Padding is explicit.
 *
 * @module
 */
import { type Padding3d, padding3d, type Pair, type Triple } from "../../program/kernels.ts";
import { activate } from "./activation.ts";
import type { Builder, OnnxAttrs, Value } from "../builder.ts";
import {
  blocksFilterGradient,
  blocksForward,
  blocksInputGradient,
  patchesFilterGradient,
  patchesForward,
  takesBlocks,
  takesPatches,
  type Window2d,
} from "./convolution_gemm.ts";
import { type Operands, optional, type RulesFor } from "./rule.ts";
import { pad, slice } from "./shape.ts";

type ConvolutionKernel =
  | "Conv2D"
  | "Conv2DBackpropFilter"
  | "Conv2DBackpropInput"
  | "Conv3D"
  | "Conv3DBackpropFilterV2"
  | "Conv3DBackpropInputV2"
  | "DepthwiseConv2dNative"
  | "DepthwiseConv2dNativeBackpropFilter"
  | "DepthwiseConv2dNativeBackpropInput"
  | "FusedConv2D"
  | "FusedDepthwiseConv2D";

/** A sliding window over any number of spatial axes. */
interface Window {
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly pads: readonly Pair[];
  readonly groups: number;
}

/** ONNX attributes of a window. */
function windowAttrs({ strides, dilations, pads, groups }: Window): OnnxAttrs {
  const amounts = [...pads.map(([before]) => before), ...pads.map(([, after]) => after)];
  return { strides, dilations, pads: amounts, group: groups };
}

/** Channels last to channels first. */
export function channelsFirst(x: Value, graph: Builder): Value {
  const spatial = x.shape.slice(1, -1).map((_, i) => i + 1);
  return graph.transpose(x, [0, x.shape.length - 1, ...spatial]);
}

/** Channels first to channels last. */
export function channelsLast(x: Value, graph: Builder): Value {
  const spatial = x.shape.slice(2).map((_, i) => i + 2);
  return graph.transpose(x, [0, ...spatial, 1]);
}

/** [spatial..., in, out] to [out, in, spatial...]. */
function filterFirst(filter: Value, graph: Builder): Value {
  const rank = filter.shape.length;
  const spatial = filter.shape.slice(0, -2);
  const [inputs, outputs] = filter.shape.slice(-2) as [number, number];
  const cells = spatial.reduce((a, b) => a * b, 1);
  if (Math.min(cells, inputs, outputs) === 1) {
    return graph.transpose(filter, [rank - 1, rank - 2, ...spatial.keys()]);
  }
  // Two exchanges of neighboring axes, which ONNX Runtime does eight times as fast as one that turns the order around. It
  // joins them again, and moves them, through a Reshape, but not through a Flatten.
  const exchanged = graph.transpose(graph.reshape(filter, [cells, inputs, outputs]), [0, 2, 1]);
  const flat = graph.node("Flatten", [exchanged], { axis: 1 }, { shape: [cells, outputs * inputs] });
  const turned = graph.transpose(flat, [1, 0]);
  const kept = graph.node("Flatten", [turned], { axis: 1 }, turned);
  return graph.reshape(kept, [outputs, inputs, ...spatial]);
}

/** [height, width, channel, multiplier] to one filter per output: [channel * multiplier, 1, height, width]. */
function depthwiseFirst(filter: Value, graph: Builder): Value {
  const [h, w, channels, multiplier] = filter.shape as [number, number, number, number];
  return graph.reshape(graph.transpose(filter, [2, 3, 0, 1]), [channels * multiplier, 1, h, w]);
}

/** Padding that ONNX Runtime takes; negative amounts, which it refuses, are cut off first. */
function nonNegative(x: Value, window: Window, graph: Builder): { x: Value; window: Window } {
  if (window.pads.every((pair) => pair.every((n) => n >= 0))) return { x, window };
  const cut = window.pads.map(([a, b]) => [Math.min(a, 0), Math.min(b, 0)] as const);
  const pads = window.pads.map(([a, b]) => [Math.max(a, 0), Math.max(b, 0)] as const);
  return { x: pad(x, [[0, 0], ...cut, [0, 0]], 0, graph), window: { ...window, pads } };
}

/** y = x * filter, all channels last, `weights` being channels first; an optional bias per output channel. */
function forward(
  given: Value,
  weights: Value,
  bias: Value | null,
  givenWindow: Window,
  shape: readonly number[],
  graph: Builder,
): Value {
  const { x, window } = nonNegative(given, givenWindow, graph);
  const [batch, ...rest] = shape as [number, ...number[]];
  const first = [batch, rest.at(-1)!, ...rest.slice(0, -1)];
  const offset = bias ? [graph.reshape(bias, [bias.shape.at(-1)!])] : [];
  const inputs = [channelsFirst(x, graph), weights, ...offset];
  return channelsLast(graph.node("Conv", inputs, windowAttrs(window), { shape: first }), graph);
}

/**
 * dx[i] = sum of dy[o] filter[k] over i = o stride + k dilation - pad: the transposed convolution. It covers less than
 * `shape` where the last window ends before the end of x: that rest is added as output padding.
 */
function inputGradient(
  dy: Value,
  weights: Value,
  window: Window,
  shape: readonly number[],
  graph: Builder,
): Value {
  const [batch, ...rest] = shape as [number, ...number[]];
  const spatial = rest.slice(0, -1);
  const channels = rest.at(-1)!;
  const covered = spatial.map((_, i) =>
    (dy.shape[i + 1]! - 1) * window.strides[i]! + (weights.shape[i + 2]! - 1) * window.dilations[i]! + 1
  );
  const isPlain = window.pads.every((pair, i) => {
    const rest = spatial[i]! + pair[0] + pair[1] - covered[i]!;
    return pair[0] >= 0 && pair[1] >= 0 && rest < Math.max(window.strides[i]!, window.dilations[i]!);
  });
  const inputs = [channelsFirst(dy, graph), weights];
  if (isPlain) {
    const rest = spatial.map((length, i) => length + window.pads[i]![0] + window.pads[i]![1] - covered[i]!);
    const attrs = { ...windowAttrs(window), output_padding: rest };
    const dx = graph.node("ConvTranspose", inputs, attrs, { shape: [batch, channels, ...spatial] });
    return channelsLast(dx, graph);
  }
  // Without padding, then cut or filled to size.
  const attrs = windowAttrs({ ...window, pads: window.pads.map(() => [0, 0] as const) });
  const full = graph.node("ConvTranspose", inputs, attrs, { shape: [batch, channels, ...covered] });
  const fit = spatial.map((length, i) => {
    const before = window.pads[i]![0];
    return [-before, length - (covered[i]! - before)] as const;
  });
  return channelsLast(pad(full, [[0, 0], [0, 0], ...fit], 0, graph), graph);
}

/**
 * dfilter[k] = sum over batch and o of x[o stride + k dilation - pad] dy[o]: a convolution of x with dy, batch in the
 * place of the channels, stride and dilation exchanged. With groups (depthwise) each channel stays for itself.
 *
 * @returns [out, in per group, spatial...].
 */
function filterGradient(
  given: Value,
  dy: Value,
  givenWindow: Window,
  size: readonly number[],
  graph: Builder,
): Value {
  const { x, window } = nonNegative(given, givenWindow, graph);
  const spatial = size.map((_, i) => i + 1);
  const rank = x.shape.length;
  const [batch, channels, outputs] = [x.shape[0]!, x.shape[rank - 1]!, dy.shape[rank - 1]!];
  const swapped = (value: Value) => graph.transpose(value, [rank - 1, 0, ...spatial]);
  const count = size.map((_, i) => {
    const padded = x.shape[i + 1]! + window.pads[i]![0] + window.pads[i]![1];
    const reach = (dy.shape[i + 1]! - 1) * window.strides[i]! + 1;
    return Math.floor((padded - reach) / window.dilations[i]!) + 1;
  });
  const attrs = windowAttrs({ ...window, strides: window.dilations, dilations: window.strides });
  if (window.groups > 1) {
    const image = graph.reshape(swapped(x), [1, channels * batch, ...x.shape.slice(1, -1)]);
    const found = graph.node("Conv", [image, swapped(dy)], attrs, { shape: [1, outputs, ...count] });
    const cut = slice(found, found.shape.map(() => 0), [1, outputs, ...size], graph);
    return graph.reshape(cut, [outputs, 1, ...size]);
  }
  const found = graph.node("Conv", [swapped(x), swapped(dy)], attrs, {
    shape: [channels, outputs, ...count],
  });
  const cut = slice(found, found.shape.map(() => 0), [channels, outputs, ...size], graph);
  return graph.transpose(cut, [1, 0, ...size.map((_, i) => i + 2)]);
}

/** [out, in, spatial...] to [spatial..., in, out]. */
function filterLast(weights: Value, graph: Builder): Value {
  return graph.transpose(weights, [...weights.shape.slice(2).map((_, i) => i + 2), 1, 0]);
}

interface Attrs2d {
  readonly strides: Pair;
  readonly pad: readonly [Pair, Pair, Pair, Pair];
  readonly dilations?: Pair;
}

function window2d({ strides, pad, dilations }: Attrs2d, groups = 1): Window {
  return { strides, dilations: dilations ?? [1, 1], pads: [pad[1], pad[2]], groups };
}

interface Attrs3d {
  readonly strides: Triple;
  readonly pad: Padding3d;
  readonly dilations?: Triple;
}

/** `x` and `filter` are the shapes of volume (channels last) and filter. */
function window3d(attrs: Attrs3d, x: readonly number[], filter: readonly number[]): Window {
  const dilations = attrs.dilations ?? [1, 1, 1];
  const pads = padding3d(x.slice(1, 4), filter.slice(0, 3), attrs.strides, dilations, attrs.pad);
  return { strides: attrs.strides, dilations, pads, groups: 1 };
}

/** A window of one cell in steps of one: the product of every cell with a matrix, in the layout at hand. */
function isPointwise(filter: Value, { strides, pads }: Window): boolean {
  return filter.shape.slice(0, -2).every((n) => n === 1) && strides.every((n) => n === 1) &&
    pads.every(([before, after]) => before === 0 && after === 0);
}

/** Convolution with an optional bias that may be fused: one number per output channel. */
function conv(
  inputs: Operands,
  window: Window,
  bias: Value | null,
  shape: readonly number[],
  graph: Builder,
): Value {
  const [x, filter] = inputs;
  const isVector = !bias || bias.shape.length === 0 ||
    (bias.shape.at(-1) === shape.at(-1) && bias.shape.slice(0, -1).every((n) => n === 1));
  const fits = isVector && bias?.shape.length !== 0;
  const inside = fits ? bias : null;
  const y = forwardBy(x, filter, inside, window, shape, graph);
  return bias && !fits ? graph.node("Add", [y, bias]) : y;
}

/** Picks the quickest way to write a convolution. */
function forwardBy(
  x: Value,
  filter: Value,
  bias: Value | null,
  window: Window,
  shape: readonly number[],
  graph: Builder,
): Value {
  if (window.groups > 1) return forward(x, depthwiseFirst(filter, graph), bias, window, shape, graph);
  if (isPointwise(filter, window)) return pointwise(x, filter, bias, shape, graph);
  const plane = planeWindow(window, filter.shape, x.shape, shape);
  const [channels, outputs] = filter.shape.slice(-2) as [number, number];
  if (plane && takesBlocks(plane, channels, outputs)) return blocksForward(x, filter, bias, plane, graph);
  // Patches pay when the filter gradient shares them.
  if (plane && graph.isTrained(x) && takesPatches(plane, x.shape[0]!, channels)) {
    return patchesForward(x, filter, bias, plane, graph);
  }
  return forward(x, filterFirst(filter, graph), bias, window, shape, graph);
}

/** The window in the form of matrix products: two dimensions, no holes, no cut padding; undefined for others. */
function planeWindow(
  { strides, dilations, pads }: Window,
  filter: readonly number[],
  input: readonly number[],
  output: readonly number[],
): Window2d | undefined {
  if (strides.length !== 2 || dilations.some((n) => n !== 1)) return undefined;
  const pair = (list: readonly number[], from: number): Pair => [list[from]!, list[from + 1]!];
  return {
    size: pair(filter, 0),
    strides: pair(strides, 0),
    pads: [pads[0]!, pads[1]!],
    input: pair(input, 1),
    output: pair(output, 1),
  };
}

/** The product of every cell with a matrix. */
function pointwise(
  x: Value,
  filter: Value,
  bias: Value | null,
  shape: readonly number[],
  graph: Builder,
): Value {
  const cells = x.shape.slice(0, -1).reduce((a, b) => a * b, 1);
  const rows = graph.reshape(x, [cells, x.shape.at(-1)!]);
  const matrix = graph.reshape(filter, filter.shape.slice(-2));
  const offset = bias ? [graph.reshape(bias, [bias.shape.at(-1)!])] : [];
  const result = graph.node("Gemm", [rows, matrix, ...offset], {}, { shape: [cells, shape.at(-1)!] });
  return graph.reshape(result, shape);
}

/** The product of every cell of dy with the transposed matrix. */
function pointwiseInputGradient(dy: Value, filter: Value, shape: readonly number[], graph: Builder): Value {
  const cells = dy.shape.slice(0, -1).reduce((a, b) => a * b, 1);
  const rows = graph.reshape(dy, [cells, dy.shape.at(-1)!]);
  const matrix = graph.reshape(filter, filter.shape.slice(-2));
  const result = graph.node("Gemm", [rows, matrix], { transB: 1 }, { shape: [cells, shape.at(-1)!] });
  return graph.reshape(result, shape);
}

/** Rules of convolutions. */
export const convolutions: RulesFor<ConvolutionKernel> = {
  // y[o, c] = sum_k,i x[o stride + k dilation - pad, i] filter[k, i, c]
  Conv2D: (inputs, attrs, graph, [{ shape }]) => [conv(inputs, window2d(attrs), null, shape, graph)],
  // the gradient of Conv2D for its filter
  Conv2DBackpropFilter: ([x, dy], attrs, graph) => {
    const { filterShape } = attrs;
    const window = window2d(attrs);
    const plane = planeWindow(window, filterShape, x.shape, dy.shape)!;
    const [channels, outputs] = [filterShape[2], filterShape[3]];
    if (takesBlocks(plane, channels, outputs)) return [blocksFilterGradient(x, dy, plane, graph)];
    if (takesPatches(plane, x.shape[0]!, channels)) return [patchesFilterGradient(x, dy, plane, graph)];
    return [filterLast(filterGradient(x, dy, window, plane.size, graph), graph)];
  },
  // the gradient of Conv2D for its input; also the transposed convolution
  Conv2DBackpropInput: ([dy, filter], attrs, graph) => {
    const { inputShape } = attrs;
    const window = window2d(attrs);
    if (isPointwise(filter, window)) return [pointwiseInputGradient(dy, filter, inputShape, graph)];
    const plane = planeWindow(window, filter.shape, inputShape, dy.shape)!;
    return [
      takesBlocks(plane, filter.shape[2]!, filter.shape[3]!)
        ? blocksInputGradient(dy, filter, plane, graph)
        : inputGradient(dy, filterFirst(filter, graph), window, inputShape, graph),
    ];
  },
  // y[o, c] = sum_k,i x[o stride + k dilation - pad, i] filter[k, i, c] in three dimensions
  Conv3D: (inputs, attrs, graph, [{ shape }]) => {
    const window = window3d(attrs, inputs[0].shape, inputs[1].shape);
    return [conv(inputs, window, null, shape, graph)];
  },
  // the gradient of Conv3D for its filter
  Conv3DBackpropFilterV2: ([x, dy], attrs, graph) => {
    const window = window3d(attrs, x.shape, attrs.filterShape);
    return [filterLast(filterGradient(x, dy, window, attrs.filterShape.slice(0, 3), graph), graph)];
  },
  // the gradient of Conv3D for its input
  Conv3DBackpropInputV2: ([dy, filter], attrs, graph) => {
    const window = window3d(attrs, attrs.inputShape, filter.shape);
    return [inputGradient(dy, filterFirst(filter, graph), window, attrs.inputShape, graph)];
  },
  // y[o, c m + j] = sum_k x[o stride + k dilation - pad, c] filter[k, c, j]
  DepthwiseConv2dNative: (inputs, attrs, graph, [{ shape }]) => [
    conv(inputs, window2d(attrs, inputs[0].shape[3]!), null, shape, graph),
  ],
  // the gradient of the depthwise convolution for its filter
  DepthwiseConv2dNativeBackpropFilter: ([x, dy], attrs, graph) => {
    const [h, w, channels, multiplier] = attrs.filterShape;
    const found = filterGradient(x, dy, window2d(attrs, channels), [h, w], graph);
    return [graph.transpose(graph.reshape(found, [channels, multiplier, h, w]), [2, 3, 0, 1])];
  },
  // the gradient of the depthwise convolution for its input
  DepthwiseConv2dNativeBackpropInput: ([dy, filter], attrs, graph) => {
    const window = window2d(attrs, filter.shape[2]!);
    return [inputGradient(dy, depthwiseFirst(filter, graph), window, attrs.inputShape, graph)];
  },
  // activation(conv(x, filter) + bias)
  FusedConv2D: (inputs, attrs, graph, [{ shape }]) => {
    const y = conv(inputs, window2d(attrs), optional(inputs, 2), shape, graph);
    return [activate(y, attrs.activation, attrs.leakyreluAlpha, optional(inputs, 3), graph)];
  },
  // activation(depthwise(x, filter) + bias)
  FusedDepthwiseConv2D: (inputs, attrs, graph, [{ shape }]) => {
    const window = window2d(attrs, inputs[0].shape[3]!);
    const y = conv(inputs, window, optional(inputs, 2), shape, graph);
    return [activate(y, attrs.activation, attrs.leakyreluAlpha, optional(inputs, 3), graph)];
  },
};
