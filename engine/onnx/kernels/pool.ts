/**
 * Lowering of pooling and resizing, with gradients. Images have channels last, as in tfjs.
 *
 * @module
 */
import { sizeOf } from "../../../core/types.ts";
import { type Padding3d, padding3d, type Pair, type Triple } from "../../program/kernels.ts";
import {
  linearPlaces,
  linearShares,
  nearestCells,
  nearestShares,
  type Scaling,
  type Shares,
} from "../../program/resize.ts";
import type { Builder, OnnxAttrs, Value } from "../builder.ts";
import { channelsFirst, channelsLast } from "./convolution.ts";
import type { RulesFor } from "./rule.ts";
import { filled, pad } from "./shape.ts";

type PoolKernel =
  | "AvgPool"
  | "AvgPool3D"
  | "AvgPool3DGrad"
  | "AvgPoolGrad"
  | "MaxPool"
  | "MaxPool3D"
  | "MaxPool3DGrad"
  | "MaxPoolGrad"
  | "ResizeBilinear"
  | "ResizeBilinearGrad"
  | "ResizeNearestNeighbor"
  | "ResizeNearestNeighborGrad";

interface Window {
  readonly size: readonly number[];
  readonly strides: readonly number[];
  readonly pads: readonly Pair[];
}

function window2d(attrs: {
  readonly filterSize: Pair;
  readonly strides: Pair;
  readonly pad: readonly [Pair, Pair, Pair, Pair];
}): Window {
  return { size: attrs.filterSize, strides: attrs.strides, pads: [attrs.pad[1], attrs.pad[2]] };
}

function window3d(
  attrs: { readonly filterSize: Triple; readonly strides: Triple; readonly pad: Padding3d },
  shape: readonly number[],
): Window {
  const { filterSize, strides } = attrs;
  const pads = padding3d(shape.slice(1, 4), filterSize, strides, [1, 1, 1], attrs.pad);
  return { size: filterSize, strides, pads };
}

/** An image whose window has only padding that ONNX Runtime takes. */
interface Framed {
  readonly x: Value;
  readonly window: Window;
  /** What was added to every axis of the image to get `x`; negative where it was cut. */
  readonly added: readonly Pair[];
}

/**
 * Does to the image itself what ONNX Runtime refuses to do while pooling: it cuts what negative padding leaves out (three
 * dimensions, stride above window), and pads with `fill` where a window could lie in padding alone.
 */
function frame(x: Value, window: Window, fill: number, graph: Builder): Framed {
  const isWide = hasEmptyWindows(window);
  const own = window.pads.map(([a, b]): Pair => (isWide ? [a, b] : [Math.min(a, 0), Math.min(b, 0)]));
  const rest = window.pads.map(([a, b], i): Pair => [a - own[i]![0], b - own[i]![1]]);
  const added: Pair[] = [[0, 0], ...own, [0, 0]];
  return { x: pad(x, added, fill, graph), window: { ...window, pads: rest }, added };
}

/** Whether padding is as long as the window, so that a window may hold no cell of the image. */
function hasEmptyWindows({ size, pads }: Window): boolean {
  return pads.some(([a, b], i) => Math.max(a, b) >= size[i]!);
}

/** The least float above the one that ONNX Runtime's maxima start from: smaller cells are never the largest of a window. */
const LOWEST_CELL = -3.4028232635611926e38;

function poolAttrs({ size, strides, pads }: Window): OnnxAttrs {
  const amounts = [...pads.map(([before]) => before), ...pads.map(([, after]) => after)];
  return { kernel_shape: size, strides, pads: amounts };
}

function firstShape(shape: readonly number[]): readonly number[] {
  return [shape[0]!, shape.at(-1)!, ...shape.slice(1, -1)];
}

/** The largest of every window; padding cells do not count, and the largest of none is -Infinity. */
function maximum(given: Value, givenWindow: Window, shape: readonly number[], graph: Builder): Value {
  if (isTiling(givenWindow, given.shape.slice(1, -1))) return largestOfTiles(given, givenWindow.size, graph);
  const { x, window } = frame(given, givenWindow, -Infinity, graph);
  const first = channelsFirst(x, graph);
  const pooled = (image: Value) =>
    graph.node("MaxPool", [image], poolAttrs(window), { shape: firstShape(shape) });
  // ONNX Runtime passes over NaN: a second pool tells which windows hold one.
  const isNan = graph.cast(graph.node("IsNaN", [first], {}, { dtype: "bool" }), "float32");
  const [largest, hasNan] = [pooled(first), graph.cast(pooled(isNan), "bool")];
  return channelsLast(graph.node("Where", [hasNan, graph.scalar(NaN), largest], {}, largest), graph);
}

/** Whether windows lie side by side and fill the image. */
function isTiling({ size, strides, pads }: Window, image: readonly number[]): boolean {
  return size.every((length, i) =>
    length === strides[i] && pads[i]!.every((amount) => amount === 0) && image[i]! % length === 0
  );
}

/** The largest of every tile, axis by axis: the ONNX operator of two numbers, which keeps NaN, and nothing transposed. */
function largestOfTiles(x: Value, size: readonly number[], graph: Builder): Value {
  return size.reduce((image, length, i) => {
    if (length === 1) return image;
    const axis = i + 1;
    const { shape, dtype } = image;
    const [before, after] = [shape.slice(0, axis), shape.slice(axis + 1)];
    const count = shape[axis]! / length;
    const tiles = graph.reshape(image, [...before, count, length, ...after]);
    const type = { dtype, shape: [...before, count, 1, ...after] };
    const sizes = graph.ints(Array<number>(length).fill(1));
    const parts = graph.nodes(
      "Split",
      [tiles, sizes],
      { axis: axis + 1 },
      Array.from({ length }, () => type),
    );
    return graph.reshape(graph.node("Max", parts, {}, type), [...before, count, ...after]);
  }, x);
}

/** The mean of every window; padding cells do not count, and the mean of none is `ofNone`, as tfjs has it. */
function average(
  given: Value,
  givenWindow: Window,
  shape: readonly number[],
  ofNone: number,
  graph: Builder,
): Value {
  const { x, window } = frame(given, givenWindow, 0, graph);
  const mean = pool("AveragePool", x, window, shape, graph);
  if (!hasEmptyWindows(givenWindow)) return mean;
  const shares = filledShares(given.shape.slice(1, -1), givenWindow, shape.slice(1, -1));
  const factors = shares.map((share) => (share === 0 ? ofNone : 1 / share));
  const type = { dtype: "float32", shape: [1, ...shape.slice(1, -1), 1] } as const;
  return graph.node("Mul", [mean, graph.constant(factors, type)]);
}

/** The share of the cells of every window that lie in the image, windows in row-major order. */
function filledShares(
  image: readonly number[],
  { size, strides, pads }: Window,
  outputs: readonly number[],
): number[] {
  const along = outputs.map((count, i) =>
    Array.from({ length: count }, (_, k) => {
      const start = k * strides[i]! - pads[i]![0];
      const inside = Math.min(start + size[i]!, image[i]!) - Math.max(start, 0);
      return Math.max(inside, 0) / size[i]!;
    })
  );
  return along.reduce((products, shares) => products.flatMap((one) => shares.map((share) => one * share)), [
    1,
  ]);
}

function pool(op: string, x: Value, window: Window, shape: readonly number[], graph: Builder): Value {
  const y = graph.node(op, [channelsFirst(x, graph)], poolAttrs(window), { shape: firstShape(shape) });
  return channelsLast(y, graph);
}

/** dx[i] = sum of dy[o] over the windows o that hold i, divided by the cells of a window, inside or not. */
function averageGradient(dy: Value, x: Value, window: Window, graph: Builder): Value {
  const spatial = x.shape.slice(1, -1);
  const outputs = dy.shape.slice(1, -1);
  const share = channelsFirst(graph.node("Mul", [dy, graph.scalar(1 / sizeOf(window.size))]), graph);
  // Every channel for itself: channels join the batch, the filter is all ones.
  const [batch, channels] = [x.shape[0]!, x.shape.at(-1)!];
  const images = graph.reshape(share, [batch * channels, 1, ...outputs]);
  const ones = filled(1, { dtype: "float32", shape: [1, 1, ...window.size] }, graph);
  const covered = spatial.map((_, i) => (outputs[i]! - 1) * window.strides[i]! + window.size[i]!);
  const full = graph.node("ConvTranspose", [images, ones], { strides: window.strides }, {
    shape: [batch * channels, 1, ...covered],
  });
  const fit = spatial.map((length, i) => {
    const before = window.pads[i]![0];
    return [-before, length - (covered[i]! - before)] as const;
  });
  const dx = pad(full, [[0, 0], [0, 0], ...fit], 0, graph);
  return channelsLast(graph.reshape(dx, [batch, channels, ...spatial]), graph);
}

/** dy goes to the first largest cell of its window; several windows with one cell add up. */
function maximumGradient(dy: Value, given: Value, givenWindow: Window, graph: Builder): Value {
  // A window of nothing but NaN and -Infinity would have no largest cell: they count as the least of all numbers.
  const lowest = graph.scalar(LOWEST_CELL);
  const isAbove = graph.node("GreaterOrEqual", [given, lowest], {}, { dtype: "bool" });
  const ranked = graph.node("Where", [isAbove, given, lowest], {}, given);
  const { x, window, added } = frame(ranked, givenWindow, -Infinity, graph);
  const first = channelsFirst(x, graph);
  const shape = firstShape(dy.shape);
  const [, indices] = graph.nodes("MaxPool", [first], poolAttrs(window), [
    { dtype: "float32", shape },
    { dtype: "int64", shape },
  ]);
  const size = sizeOf(first.shape);
  const zeros = filled(0, { dtype: "float32", shape: [size] }, graph);
  const flat = (value: Value) => graph.reshape(value, [sizeOf(value.shape)]);
  const scattered = graph.node(
    "ScatterElements",
    [zeros, flat(indices!), flat(channelsFirst(dy, graph))],
    { axis: 0, reduction: "add" },
    zeros,
  );
  const dx = channelsLast(graph.reshape(scattered, first.shape), graph);
  const back = added.map(([before, after]) => [-before, -after] as const);
  return pad(dx, back, 0, graph);
}

/** Copies of cells along an axis. */
function pick(x: Value, axis: number, cells: readonly number[], graph: Builder): Value {
  if (cells.length === x.shape[axis] && cells.every((cell, i) => cell === i)) return x;
  return graph.node("Gather", [x, graph.ints(cells)], { axis }, { shape: x.shape.with(axis, cells.length) });
}

/**
 * a + (b - a) share along an axis, of the two cells a and b that a place lies between. Not a product with the matrix of
 * shares: its zeros would spread a NaN over the whole image.
 */
function interpolate(x: Value, axis: 1 | 2, to: number, scaling: Scaling, graph: Builder): Value {
  const places = linearPlaces(x.shape[axis]!, to, scaling);
  const [low, high] = (["low", "high"] as const).map((side) =>
    pick(x, axis, places.map((place) => place[side]), graph)
  ) as [Value, Value];
  const shares = graph.constant(places.map(({ share }) => share), {
    dtype: "float32",
    shape: axis === 1 ? [to, 1, 1] : [to, 1],
  });
  return graph.node("Add", [low, graph.node("Mul", [graph.node("Sub", [high, low]), shares])]);
}

/** Gradients of images: rows and columns of dy multiplied by the transposed matrices of shares. */
function resampleBack(
  x: Value,
  [height, width]: Pair,
  shares: Shares,
  scaling: Scaling,
  graph: Builder,
): Value {
  const matrix = (from: number, to: number) => {
    const value = graph.constant(shares(to, from, scaling), { dtype: "float32", shape: [from, to] });
    return graph.transpose(value, [1, 0]);
  };
  const [batch, h, w, channels] = x.shape as [number, number, number, number];
  const rows = graph.node("MatMul", [matrix(h, height), graph.reshape(x, [batch, h, w * channels])], {}, {
    shape: [batch, height, w * channels],
  });
  const lines = graph.reshape(rows, [batch * height, w, channels]);
  const result = graph.node("MatMul", [matrix(w, width), lines], {}, {
    shape: [batch * height, width, channels],
  });
  return graph.reshape(result, [batch, height, width, channels]);
}

/** The size of the images whose gradient is asked for. */
function imageSize(images: Value): Pair {
  return [images.shape[1]!, images.shape[2]!];
}

/** Rules of pooling and resizing. */
export const pools: RulesFor<PoolKernel> = {
  // the mean of every window
  AvgPool: ([x], attrs, graph, [{ shape }]) => [average(x, window2d(attrs), shape, NaN, graph)],
  // the mean of every window, in three dimensions
  AvgPool3D: ([x], attrs, graph, [{ shape }]) => [average(x, window3d(attrs, x.shape), shape, 0, graph)],
  // dx[i] = sum of dy[o] / cells of a window. Where padding cuts a window this is not the gradient of its mean: the
  // tracer scales dy there
  AvgPool3DGrad: ([dy, x], attrs, graph) => [averageGradient(dy, x, window3d(attrs, x.shape), graph)],
  // dx[i] = sum of dy[o] / cells of a window; see AvgPool3DGrad for padding
  AvgPoolGrad: ([dy, x], attrs, graph) => [averageGradient(dy, x, window2d(attrs), graph)],
  // the largest of every window
  MaxPool: ([x], attrs, graph, [{ shape }]) => [maximum(x, window2d(attrs), shape, graph)],
  // the largest of every window, in three dimensions
  MaxPool3D: ([x], attrs, graph, [{ shape }]) => [maximum(x, window3d(attrs, x.shape), shape, graph)],
  // dx[i] = sum of dy[o] over the windows whose first largest cell is i
  MaxPool3DGrad: ([dy, x], attrs, graph) => [maximumGradient(dy, x, window3d(attrs, x.shape), graph)],
  // dx[i] = sum of dy[o] over the windows whose first largest cell is i
  MaxPoolGrad: ([dy, x], attrs, graph) => [maximumGradient(dy, x, window2d(attrs), graph)],
  // linear interpolation along columns, then rows
  ResizeBilinear: ([x], attrs, graph) => {
    const columns = interpolate(graph.cast(x, "float32"), 2, attrs.size[1], attrs, graph);
    return [interpolate(columns, 1, attrs.size[0], attrs, graph)];
  },
  // sums of dy by share, as products with two constant matrices; with halfPixelCenters, which tfjs ignores here, the tracer composes the gradient
  ResizeBilinearGrad: ([images, dy], { alignCorners }, graph) => [
    resampleBack(dy, imageSize(images), linearShares, { alignCorners, halfPixelCenters: false }, graph),
  ],
  // copies of the nearest cells
  ResizeNearestNeighbor: ([x], attrs, graph) => {
    const copied = (value: Value, axis: 1 | 2) =>
      pick(value, axis, nearestCells(value.shape[axis]!, attrs.size[axis - 1]!, attrs), graph);
    return [copied(copied(x, 1), 2)];
  },
  // the sum over the copies of every cell; halfPixelCenters as in ResizeBilinearGrad
  ResizeNearestNeighborGrad: ([images, dy], { alignCorners }, graph) => [
    resampleBack(dy, imageSize(images), nearestShares, { alignCorners, halfPixelCenters: false }, graph),
  ],
};
