/**
 * Gradients that replace those of tfjs 4.22, because these are wrong or missing there: broadcasting in `maximum`,
 * `minimum` and `squaredDifference`, the axes of `cumsum` and `prod`, dilated convolutions, average pooling at a
 * padded border, splits into one part, and comparisons, which have the derivative 0 (tfjs throws in `where(x > 0, ...)`).
 *
 * @module
 */
import type { Tensor } from "../../core/tensor.ts";
import { padding3d, type Pair } from "../program/kernels.ts";
import * as tf from "../tf.ts";
import { padding2d, type RawAttrs, triple } from "./normalize.ts";

type Gradient = Omit<tf.GradConfig, "kernelName">;

function runKernel(kernel: string, inputs: { readonly [slot: string]: Tensor }, attrs: object): Tensor {
  return tf.engine().runKernel(kernel, inputs as tf.NamedTensorMap, attrs as tf.NamedAttrMap) as Tensor;
}

/** Sums a gradient over the dimensions along which an operand was broadcast. */
function reduceTo(gradient: Tensor, shape: readonly number[]): Tensor {
  if (gradient.shape.join() === shape.join()) return gradient;
  const extra = gradient.rank - shape.length;
  const axes = gradient.shape.flatMap((length, i) => {
    const own = i < extra ? 1 : shape[i - extra];
    return own === 1 && (i < extra || length !== 1) ? [i] : [];
  });
  return tf.reshape(tf.sum(gradient, axes), [...shape]);
}

/** dy goes to the operand that was chosen, to `a` on a tie. */
function choice(isFirst: (a: Tensor, b: Tensor) => Tensor): Gradient {
  return {
    inputsToSave: ["a", "b"],
    gradFunc(dy, saved) {
      const [a, b] = saved as [Tensor, Tensor];
      const toA = tf.mul(dy as Tensor, tf.cast(isFirst(a, b), "float32"));
      return {
        a: () => reduceTo(toA, a.shape),
        b: () => reduceTo(tf.sub(dy as Tensor, toA), b.shape),
      };
    },
  };
}

/** A function of one or two operands that is constant wherever it has a derivative. */
function flat(...slots: readonly string[]): Gradient {
  return {
    inputsToSave: [...slots],
    gradFunc: (_dy, saved) =>
      Object.fromEntries(slots.map((slot, i) => [slot, () => tf.zeros((saved as Tensor[])[i]!.shape)])),
  };
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
function convolution(input: string, filter: string, extra: object): Gradient {
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
    return Math.min(start + window, size) - Math.max(start, 0);
  });
}

/** Outer product of counts along the spatial dimensions, shape [1, ..., 1]: the window's size over the cells inside. */
function borderFactor(counts: readonly number[][], window: readonly number[]): Tensor | undefined {
  const cells = window.reduce((product, length) => product * length, 1);
  let product = [1];
  for (const along of counts) product = product.flatMap((value) => along.map((count) => value * count));
  if (product.every((count) => count === cells)) return undefined;
  const factors = product.map((count) => cells / count);
  return tf.tensor(factors, [1, ...counts.map((along) => along.length), 1]);
}

/** d/dx of a mean over the cells inside: dy / count to each, while the kernel divides by the whole window. */
const averagePool: Gradient = {
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

const averagePool3d: Gradient = {
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
const maxPool: Gradient = {
  inputsToSave: ["x"],
  outputsToSave: [true],
  gradFunc(dy, saved, raw) {
    const [x, y] = saved as [Tensor, Tensor];
    const filterSize = pairOf((raw as RawAttrs)["filterSize"]);
    const attrs = { filterSize, ...padding2d(x.shape, filterSize, raw as RawAttrs) };
    return { x: () => runKernel("MaxPoolGrad", { dy: dy as Tensor, input: x, output: y }, attrs) };
  },
};

/** d/dx_i of a running sum is the running sum of dy from the other end. */
const cumulativeSum: Gradient = {
  gradFunc(dy, _saved, raw) {
    const { axis, exclusive, reverse } = raw as RawAttrs;
    return { x: () => tf.cumsum(dy as Tensor, Number(axis ?? 0), Boolean(exclusive), !reverse) };
  },
};

/** d/dx_i of a product is the product of the others: of those before times of those after, so that zeros are right. */
const product: Gradient = {
  inputsToSave: ["x"],
  gradFunc(dy, saved, raw) {
    const [x] = saved as [Tensor];
    const axes = tf.util.parseAxisParam((raw as RawAttrs)["axis"] as number[], x.shape);
    const order = [...x.shape.keys()].filter((axis) => !axes.includes(axis)).concat(axes);
    const last = axes.reduce((size, axis) => size * x.shape[axis]!, 1);
    const moved = tf.transpose(x, order);
    const rows = tf.reshape(moved, [-1, last]);
    const others = tf.mul(tf.cumprod(rows, 1, true, false), tf.cumprod(rows, 1, true, true));
    const scaled = tf.mul(others, tf.reshape(dy as Tensor, [-1, 1]));
    const back = order.map((_, axis) => order.indexOf(axis));
    return { x: () => tf.transpose(tf.reshape(scaled, moved.shape), back) };
  },
};

/** d(a - b)²/da = 2 (a - b). */
const squaredDifference: Gradient = {
  inputsToSave: ["a", "b"],
  gradFunc(dy, saved) {
    const [a, b] = saved as [Tensor, Tensor];
    const slope = tf.mul(dy as Tensor, tf.mul(tf.sub(a, b), 2));
    return { a: () => reduceTo(slope, a.shape), b: () => reduceTo(tf.neg(slope), b.shape) };
  },
};

/** Undoes a division into parts; tfjs hands over a bare tensor when there is only one. */
function joined(join: (parts: Tensor[], axis: number) => Tensor): Gradient {
  return {
    gradFunc: (dy, _saved, attrs) => {
      const [slot, axis] = "numOrSizeSplits" in attrs ? ["x", attrs["axis"]] : ["value", attrs["axis"]];
      return { [slot as string]: () => join([dy].flat(), Number(axis ?? 0)) };
    },
  };
}

/** The corrected gradients by kernel. */
const GRADIENTS: { readonly [kernel: string]: Gradient } = {
  AvgPool: averagePool,
  AvgPool3D: averagePool3d,
  Conv2D: convolution("Conv2DBackpropInput", "Conv2DBackpropFilter", { dataFormat: "NHWC" }),
  Cumsum: cumulativeSum,
  DepthwiseConv2dNative: convolution(
    "DepthwiseConv2dNativeBackpropInput",
    "DepthwiseConv2dNativeBackpropFilter",
    { dilations: [1, 1] },
  ),
  Equal: flat("a", "b"),
  Greater: flat("a", "b"),
  GreaterEqual: flat("a", "b"),
  Less: flat("a", "b"),
  LessEqual: flat("a", "b"),
  LogicalAnd: flat("a", "b"),
  LogicalNot: flat("x"),
  LogicalOr: flat("a", "b"),
  Maximum: choice((a, b) => tf.greaterEqual(a, b)),
  MaxPool: maxPool,
  Minimum: choice((a, b) => tf.lessEqual(a, b)),
  NotEqual: flat("a", "b"),
  Prod: product,
  SplitV: joined((parts, axis) => tf.concat(parts, axis)),
  SquaredDifference: squaredDifference,
  Unpack: joined((parts, axis) => tf.stack(parts, axis)),
};

/** Puts the corrected gradients into tfjs's registry, for the whole process. */
export function registerGradients(): void {
  for (const [kernelName, gradient] of Object.entries(GRADIENTS)) {
    tf.registerGradient({ kernelName: kernelName as "Add", ...gradient } as tf.GradConfig);
  }
}
