/**
 * Gradients of convolutions and pools that are missing or wrong in tfjs; see `gradients.ts`.
 *
 * @module
 */
import type { Tensor } from "../../../core/tensor.ts";
import { padding3d, type Pair } from "../../program/kernels.ts";
import { linearShares, nearestShares, type Scaling, type Shares } from "../../program/resize.ts";
import * as tf from "../../tf.ts";
import { padding2d, type RawAttrs, triple } from "../normalize.ts";

/** A gradient in the form that tfjs registers. */
export type Gradient = Omit<tf.GradConfig, "kernelName">;

function runKernel(kernel: string, inputs: { readonly [slot: string]: Tensor }, attrs: object): Tensor {
  return tf.engine().runKernel(kernel, inputs as tf.NamedTensorMap, attrs as tf.NamedAttrMap) as Tensor;
}

/** Filter with `dilation - 1` zeros between its taps: a dilated convolution is a plain one with this filter. */
function spread(filter: Tensor, [dy, dx]: Pair): Tensor {
  const [height, width, inputs, outputs] = filter.shape as [number, number, number, number];
  const cells = tf.reshape(filter, [height, 1, width, 1, inputs, outputs]);
  const padded = tf.pad(cells, [[0, 0], [0, dy - 1], [0, 0], [0, dx - 1], [0, 0], [0, 0]]);
  const full = tf.reshape(padded, [height * dy, width * dx, inputs, outputs]);
  return tf.slice(full, [0, 0, 0, 0], [(height - 1) * dy + 1, (width - 1) * dx + 1, inputs, outputs]);
}

/** The taps of a spread filter; undoes {@linkcode spread}. */
function gatherTaps(
  full: Tensor,
  [height, width, inputs, outputs]: readonly number[],
  [dy, dx]: Pair,
): Tensor {
  const padded = tf.pad(full, [[0, dy - 1], [0, dx - 1], [0, 0], [0, 0]]);
  const cells = tf.reshape(padded, [height!, dy, width!, dx, inputs!, outputs!]);
  const taps = tf.slice(cells, [0, 0, 0, 0, 0, 0], [height!, 1, width!, 1, inputs!, outputs!]);
  return tf.reshape(taps, [height!, width!, inputs!, outputs!]);
}

function pairOf(value: unknown): Pair {
  if (typeof value === "number") return [value, value];
  const [first = 1, second = first] = (value ?? [1, 1]) as number[];
  return [first, second];
}

/** dx = conv transposed(dy, filter), dfilter = x correlated with dy; dilations by a filter with holes. */
export function convolution(input: string, filter: string, extra: object): Gradient {
  return {
    inputsToSave: ["x", "filter"],
    gradFunc(dy, saved, raw) {
      const [x, weights] = saved as [Tensor, Tensor];
      const attrs = raw as RawAttrs;
      const isFirst = attrs["dataFormat"] === "NCHW";
      const dilations = pairOf(attrs["dilations"]);
      const isDilated = dilations[0] > 1 || dilations[1] > 1;
      const wide = isDilated ? spread(weights, dilations) : weights;
      const image = isFirst ? [x.shape[0]!, x.shape[2]!, x.shape[3]!, x.shape[1]!] : x.shape;
      const nhwc = padding2d(image, [wide.shape[0]!, wide.shape[1]!], { ...attrs, dilations: 1 });
      const window = {
        ...nhwc,
        ...extra,
        ...(isFirst ? { dataFormat: "NCHW", pad: channelsFirst(nhwc.pad) } : {}),
      };
      return {
        x: () => runKernel(input, { dy: dy as Tensor, filter: wide }, { ...window, inputShape: x.shape }),
        filter: () => {
          const full = runKernel(filter, { x, dy: dy as Tensor }, { ...window, filterShape: wide.shape });
          return isDilated ? gatherTaps(full, weights.shape, dilations) : full;
        },
      };
    },
  };
}

const channelsFirst = ([batch, rows, columns, channels]: readonly Pair[]) => [batch, channels, rows, columns];

/** How many cells of each window lie inside: one number per output position. */
function insideCount(size: number, window: number, stride: number, [before]: Pair, count: number): number[] {
  return Array.from({ length: count }, (_, i) => {
    const start = i * stride - before;
    return Math.max(0, Math.min(start + window, size) - Math.max(start, 0));
  });
}

/**
 * Outer product of counts along the spatial dimensions, shape [1, ..., 1]: the window's size over the cells inside, 0 where
 * there are none.
 */
function borderFactor(counts: readonly number[][], window: readonly number[]): Tensor | undefined {
  const cells = window.reduce((product, length) => product * length, 1);
  let product = [1];
  for (const along of counts) product = product.flatMap((value) => along.map((count) => value * count));
  if (product.every((count) => count === cells)) return undefined;
  const factors = product.map((count) => (count === 0 ? 0 : cells / count));
  return tf.tensor(factors, [1, ...counts.map((along) => along.length), 1]);
}

/** d/dx of a mean over the cells inside: dy / count to each, while the kernel divides by the whole window. */
export const averagePool: Gradient = {
  inputsToSave: ["x"],
  gradFunc(dy, saved, raw) {
    const [x] = saved as [Tensor];
    const filterSize = pairOf((raw as RawAttrs)["filterSize"]);
    const attrs = { filterSize, ...padding2d(x.shape, filterSize, raw as RawAttrs) };
    const { strides, pad } = attrs;
    const factor = borderFactor(
      [0, 1].map((i) =>
        insideCount(x.shape[i + 1]!, filterSize[i]!, strides[i]!, pad[i + 1]!, (dy as Tensor).shape[i + 1]!)
      ),
      filterSize,
    );
    const scaled = factor ? tf.mul(dy as Tensor, factor) : dy as Tensor;
    return { x: () => runKernel("AvgPoolGrad", { dy: scaled, input: x }, attrs) };
  },
};

export const averagePool3d: Gradient = {
  inputsToSave: ["x"],
  gradFunc(dy, saved, raw) {
    const [x] = saved as [Tensor];
    const { filterSize, strides, pad } = raw as RawAttrs;
    const attrs = { filterSize: triple(filterSize), strides: triple(strides), pad };
    const padding = padding3d(x.shape.slice(1, 4), attrs.filterSize, attrs.strides, [1, 1, 1], pad as "same");
    const factor = borderFactor(
      [0, 1, 2].map((i) =>
        insideCount(
          x.shape[i + 1]!,
          attrs.filterSize[i]!,
          attrs.strides[i]!,
          padding[i]!,
          (dy as Tensor).shape[i + 1]!,
        )
      ),
      attrs.filterSize,
    );
    const scaled = factor ? tf.mul(dy as Tensor, factor) : dy as Tensor;
    return { x: () => runKernel("AvgPool3DGrad", { dy: scaled, input: x }, attrs) };
  },
};

/** As in tfjs, but with explicit padding, so that rounding up works too. */
export const maxPool: Gradient = {
  inputsToSave: ["x"],
  outputsToSave: [true],
  gradFunc(dy, saved, raw) {
    const [x, y] = saved as [Tensor, Tensor];
    const filterSize = pairOf((raw as RawAttrs)["filterSize"]);
    const attrs = { filterSize, ...padding2d(x.shape, filterSize, raw as RawAttrs) };
    return { x: () => runKernel("MaxPoolGrad", { dy: dy as Tensor, input: x, output: y }, attrs) };
  },
};

/** The transposed maps of rows and columns. tfjs's kernels for it ignore half-pixel centers, which it is composed for. */
function resized(kernel: string, shares: Shares): Gradient {
  return {
    inputsToSave: ["images"],
    gradFunc(dy, saved, raw) {
      const [images] = saved as [Tensor];
      const scaling = raw as unknown as Scaling;
      return {
        images: () =>
          scaling.halfPixelCenters
            ? spreadBack(dy as Tensor, images.shape, shares, scaling)
            : runKernel(kernel, { images, dy: dy as Tensor }, raw),
      };
    },
  };
}

/** Every cell of dy goes to the cells of the image that it was made of, by their shares: along rows, then columns. */
function spreadBack(dy: Tensor, shape: readonly number[], shares: Shares, scaling: Scaling): Tensor {
  const [batch, height, width, channels] = shape as [number, number, number, number];
  const [, rows, columns] = dy.shape as [number, number, number, number];
  const matrix = (from: number, to: number) => tf.tensor(shares(from, to, scaling), [1, to, from]);
  const lines = tf.reshape(dy, [batch, rows, columns * channels]);
  const high = tf.matMul(matrix(height, rows), lines, true);
  const cells = tf.reshape(high, [batch * height, columns, channels]);
  return tf.reshape(tf.matMul(matrix(width, columns), cells, true), [batch, height, width, channels]);
}

/** Gradient of linear interpolation. */
export const resizeBilinear: Gradient = resized("ResizeBilinearGrad", linearShares);

/** Gradient of copying the nearest cells. */
export const resizeNearest: Gradient = resized("ResizeNearestNeighborGrad", nearestShares);
