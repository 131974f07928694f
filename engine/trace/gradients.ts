/**
 * Gradients that replace those of tfjs 4.22, because these are wrong or missing there: broadcasting in `maximum`,
 * `minimum` and `squaredDifference`, the axes of `cumsum` and `prod`, dilated convolutions, average pooling at a
 * padded border, splits into one part, and comparisons, which have the derivative 0 (tfjs throws in `where(x > 0, ...)`).
 *
 * @module
 */
import type { Tensor } from "../../core/tensor.ts";
import { padding3d, type Pair, stridedCount } from "../program/kernels.ts";
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

/** d(a b) = da b + a db, summed over batch dimensions that were broadcast. */
const matrixProduct: Gradient = {
  inputsToSave: ["a", "b"],
  gradFunc(dy, saved, { transposeA, transposeB }) {
    const [[a, b], d] = [saved as [Tensor, Tensor], dy as Tensor];
    const [isA, isB] = [Boolean(transposeA), Boolean(transposeB)];
    return {
      a: () => reduceTo(isA ? tf.matMul(b, d, isB, true) : tf.matMul(d, b, false, !isB), a.shape),
      b: () => reduceTo(isB ? tf.matMul(d, a, true, isA) : tf.matMul(a, d, !isA, false), b.shape),
    };
  },
};

/** Repetitions add up. */
const repetition: Gradient = {
  inputsToSave: ["x"],
  gradFunc(dy, saved, { reps }) {
    const [x] = saved as [Tensor];
    const split: number[] = [];
    const axes: number[] = [];
    (reps as number[]).forEach((count, i) => {
      if (count > 1) axes.push(split.push(count) - 1);
      split.push(x.shape[i]!);
    });
    return { x: () => tf.reshape(tf.sum(tf.reshape(dy as Tensor, split), axes), x.shape) };
  },
};

/** What was mirrored outwards is folded back, one axis after the other. */
const mirrorPad: Gradient = {
  inputsToSave: ["x"],
  gradFunc(dy, saved, raw) {
    const [x] = saved as [Tensor];
    const { paddings, mode } = raw as unknown as { paddings: Pair[]; mode: string };
    const skip = mode === "reflect" ? 1 : 0;
    const fold = (folded: Tensor, [before, after]: Pair, axis: number): Tensor => {
      const size = x.shape[axis]!;
      const part = (begin: number, length: number) =>
        tf.slice(
          folded,
          folded.shape.map((_, i) => (i === axis ? begin : 0)),
          folded.shape.with(axis, length),
        );
      const mirrored = (begin: number, length: number, at: number) =>
        tf.pad(
          tf.reverse(part(begin, length), axis),
          folded.shape.map((_, i) => (i === axis ? [at, size - at - length] : [0, 0])),
        );
      let center: Tensor = part(before, size);
      if (before > 0) center = tf.add(center, mirrored(0, before, skip));
      if (after > 0) center = tf.add(center, mirrored(before + size, after, size - after - skip));
      return center;
    };
    return { x: () => paddings.reduce<Tensor>(fold, dy as Tensor) };
  },
};

/** Rows of dy are added to the rows of x that they were taken from; batches lie one after the other. */
const gather: Gradient = {
  inputsToSave: ["x", "indices"],
  gradFunc(dy, saved, raw) {
    const [x, indices] = saved as [Tensor, Tensor];
    const axis = tf.util.parseAxisParam(Number(raw["axis"] ?? 0), x.shape)[0]!;
    const batchDims = Number(raw["batchDims"] ?? 0);
    const size = x.shape[axis]!;
    const picked = indices.rank - batchDims;
    const order = [
      ...range(0, batchDims),
      ...range(axis, axis + picked),
      ...range(batchDims, axis),
      ...range(axis + picked, (dy as Tensor).rank),
    ];
    const rest = [...x.shape.slice(batchDims, axis), ...x.shape.slice(axis + 1)];
    const batch = x.shape.slice(0, batchDims);
    const batches = tf.util.sizeFromShape(batch);
    const toX = () => {
      const rows = tf.reshape(tf.transpose(dy as Tensor, order), [indices.size, tf.util.sizeFromShape(rest)]);
      const offsets = tf.tensor(range(0, batches).map((i) => i * size), [batches, 1], "int32");
      const ids = tf.add(tf.reshape(indices, [batches, -1]), offsets);
      const sums = tf.unsortedSegmentSum(rows, tf.reshape(ids, [-1]) as tf.Tensor1D, batches * size);
      const outer = axis - batchDims;
      const back = [
        ...range(0, batchDims),
        ...range(batchDims + 1, batchDims + 1 + outer),
        batchDims,
        ...range(batchDims + 1 + outer, x.rank),
      ];
      return tf.transpose(tf.reshape(sums, [...batch, size, ...rest]), back);
    };
    return { x: toX, indices: () => tf.zeros(indices.shape) };
  },
};

const range = (from: number, to: number): number[] =>
  Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);

const gatherNd: Gradient = {
  inputsToSave: ["params", "indices"],
  gradFunc(dy, saved) {
    const [params, indices] = saved as [Tensor, Tensor];
    return {
      params: () => tf.scatterND(indices, dy as Tensor, params.shape as [number]),
      indices: () => tf.zeros(indices.shape),
    };
  },
};

const scatterNd: Gradient = {
  inputsToSave: ["indices"],
  gradFunc(dy, saved) {
    const [indices] = saved as [Tensor];
    return { updates: () => tf.gatherND(dy as Tensor, indices), indices: () => tf.zeros(indices.shape) };
  },
};

/** The tensor keeps the dy of the places that were not written. */
const scatterUpdate: Gradient = {
  inputsToSave: ["indices", "updates"],
  gradFunc(dy, saved) {
    const [indices, updates] = saved as [Tensor, Tensor];
    const shape = (dy as Tensor).shape as [number];
    return {
      tensor: () => {
        const counts = tf.scatterND(indices, tf.ones(updates.shape), shape);
        return tf.mul(dy as Tensor, tf.cast(tf.equal(counts, 0), "float32"));
      },
      indices: () => tf.zeros(indices.shape),
      updates: () => tf.gatherND(dy as Tensor, indices),
    };
  },
};

/** Each dy goes to the position that its value came from. */
const topK: Gradient = {
  inputsToSave: ["x"],
  outputsToSave: [false, true],
  gradFunc(dy, saved) {
    const [x, indices] = saved as [Tensor, Tensor];
    const [values] = dy as Tensor[];
    const places = tf.cast(tf.oneHot(indices as tf.Tensor1D, x.shape[x.rank - 1]!), "float32");
    return { x: () => tf.sum(tf.mul(tf.expandDims(values!, -1), places), -2) };
  },
};

/** The blocks go back into the channels. */
const depthToSpace: Gradient = {
  inputsToSave: ["x"],
  gradFunc(dy, saved, { blockSize }) {
    const [x] = saved as [Tensor];
    const [batch, height, width] = x.shape as [number, number, number];
    const block = Number(blockSize);
    const cells = tf.reshape(dy as Tensor, [batch, height, block, width, block, -1]);
    return { x: () => tf.reshape(tf.transpose(cells, [0, 1, 3, 2, 4, 5]), x.shape) };
  },
};

/** d/dx_i = Σ over j >= i of dy_j y_j / x_i; not defined where x is 0. */
const cumulativeProduct: Gradient = {
  inputsToSave: ["x"],
  outputsToSave: [true],
  gradFunc(dy, saved, { axis, exclusive, reverse }) {
    const [x, y] = saved as [Tensor, Tensor];
    const sums = tf.cumsum(tf.mul(dy as Tensor, y), Number(axis ?? 0), Boolean(exclusive), !reverse);
    return { x: () => tf.div(sums, x) };
  },
};

/** dy with zeros in all places that were not taken. */
const stridedSlice: Gradient = {
  inputsToSave: ["x"],
  gradFunc(dy, saved, raw) {
    const [x] = saved as [Tensor];
    const mask = (name: string) => Number(raw[name] ?? 0);
    const { begin, end, strides } = tf.slice_util.sliceInfo(
      x.shape,
      raw["begin"] as number[],
      raw["end"] as number[],
      raw["strides"] as number[],
      mask("beginMask"),
      mask("endMask"),
      mask("ellipsisMask"),
      mask("newAxisMask"),
      mask("shrinkAxisMask"),
    );
    const counts = x.shape.map((size, i) => stridedCount(size, begin[i]!, end[i]!, strides[i]!, false));
    const place = (part: Tensor, stride: number, axis: number): Tensor => {
      const [count, size, step] = [counts[axis]!, x.shape[axis]!, Math.abs(stride)];
      const ordered = stride < 0 ? tf.reverse(part, axis) : part;
      const first = stride < 0 ? begin[axis]! + (count - 1) * stride : begin[axis]!;
      const shape = part.shape;
      const apart = tf.pad(
        tf.reshape(ordered, [...shape.slice(0, axis), count, 1, ...shape.slice(axis + 1)]),
        [...shape, 1].map((_, i) => (i === axis + 1 ? [0, step - 1] : [0, 0])),
      );
      const spaced = tf.reshape(apart, shape.with(axis, count * step));
      const length = (count - 1) * step + 1;
      const cut = tf.slice(spaced, shape.map(() => 0), shape.with(axis, length));
      return tf.pad(cut, shape.map((_, i) => (i === axis ? [first, size - first - length] : [0, 0])));
    };
    return {
      x: () =>
        counts.includes(0) ? tf.zeros(x.shape) : strides.reduce(place, tf.reshape(dy as Tensor, counts)),
    };
  },
};

/** The corrected gradients by kernel. */
const GRADIENTS: { readonly [kernel: string]: Gradient } = {
  AvgPool: averagePool,
  AvgPool3D: averagePool3d,
  BatchMatMul: matrixProduct,
  Conv2D: convolution("Conv2DBackpropInput", "Conv2DBackpropFilter", { dataFormat: "NHWC" }),
  Cumprod: cumulativeProduct,
  Cumsum: cumulativeSum,
  DepthToSpace: depthToSpace,
  DepthwiseConv2dNative: convolution(
    "DepthwiseConv2dNativeBackpropInput",
    "DepthwiseConv2dNativeBackpropFilter",
    { dilations: [1, 1] },
  ),
  Equal: flat("a", "b"),
  FloorDiv: flat("a", "b"),
  GatherNd: gatherNd,
  GatherV2: gather,
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
  MirrorPad: mirrorPad,
  NotEqual: flat("a", "b"),
  Prod: product,
  ScatterNd: scatterNd,
  SplitV: joined((parts, axis) => tf.concat(parts, axis)),
  SquaredDifference: squaredDifference,
  StridedSlice: stridedSlice,
  TensorScatterUpdate: scatterUpdate,
  Tile: repetition,
  TopK: topK,
  Unpack: joined((parts, axis) => tf.stack(parts, axis)),
};

/** Puts the corrected gradients into tfjs's registry, for the whole process. */
export function registerGradients(): void {
  for (const [kernelName, gradient] of Object.entries(GRADIENTS)) {
    tf.registerGradient({ kernelName: kernelName as "Add", ...gradient } as tf.GradConfig);
  }
}
