/**
 * Gradients that replace those of tfjs 4.22.
 *
 * Wrong there: `max` and `min` of NaN, broadcasting in `maximum`, `minimum`, `squaredDifference` and `matMul`, the axes of `cumsum` and `prod`,
 * `mirrorPad`, average pooling at a padded border, resizing with half-pixel centers, splits into one part. Missing there: dilated convolutions,
 * comparisons (their derivative is 0; tfjs throws in `where(x > 0, ...)`), `gatherND`, `scatterND`,
 * `sparseToDense`, `tensorScatterUpdate`, `topk`, `depthToSpace`, `cumprod`, `stridedSlice`, `tile` of rank 5. Slow there: `gather` with
 * batch dimensions, `tile`.
 *
 * @module
 */
import { UnsupportedError } from "../../../core/errors.ts";
import type { Tensor } from "../../../core/tensor.ts";
import * as tf from "../../tf.ts";
import {
  averagePool,
  averagePool3d,
  convolution,
  type Gradient,
  maxPool,
  resizeBilinear,
  resizeNearest,
} from "./images.ts";
import {
  depthToSpace,
  gather,
  gatherNd,
  joined,
  mirrorPad,
  repetition,
  scatterNd,
  scatterUpdate,
  sparseToDense,
  stridedSlice,
  topK,
} from "./layout.ts";
import type { RawAttrs } from "../normalize.ts";

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

/** A gradient that tfjs has not and that we have not either, with what to do instead. */
function refused(kernel: string, slot: string, remedy: string): Gradient {
  return {
    gradFunc: () => ({
      [slot]() {
        throw new UnsupportedError(
          `Cannot compute gradients as kernel "${kernel}" must have one: found none, as in tfjs; ${remedy}`,
          `gradient of ${kernel}`,
        );
      },
    }),
  };
}

/** dy goes to every element that is the extreme, as in tfjs; where that is NaN, which equals none, all are NaN. */
function extreme(axesOf: (attrs: RawAttrs) => unknown): Gradient {
  return {
    inputsToSave: ["x"],
    outputsToSave: [true],
    gradFunc(dy, saved, raw) {
      const [x, y] = saved as [Tensor, Tensor];
      const axes = tf.util.parseAxisParam(axesOf(raw as RawAttrs) as number[], x.shape);
      const kept = tf.backend_util.expandShapeToKeepDim(
        tf.backend_util.computeOutAndReduceShapes(x.shape, axes)[0],
        axes,
      );
      return {
        x() {
          const d = tf.where(tf.isNaN(y), y, dy as Tensor);
          return tf.mul(tf.reshape(d, kept), tf.cast(tf.equal(x, tf.reshape(y, kept)), "float32"));
        },
      };
    },
  };
}

/** The corrected gradients by kernel. */
const GRADIENTS: { readonly [kernel: string]: Gradient } = {
  AvgPool: averagePool,
  AvgPool3D: averagePool3d,
  BatchMatMul: matrixProduct,
  Conv2D: convolution("Conv2DBackpropInput", "Conv2DBackpropFilter", { dataFormat: "NHWC" }),
  CropAndResize: refused("CropAndResize", "image", "crop in data preparation, or resize whole images"),
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
  Max: extreme(({ reductionIndices }) => reductionIndices),
  Maximum: choice((a, b) => tf.greaterEqual(a, b)),
  MaxPool: maxPool,
  Min: extreme(({ axis }) => axis),
  Minimum: choice((a, b) => tf.lessEqual(a, b)),
  MirrorPad: mirrorPad,
  NotEqual: flat("a", "b"),
  Prod: product,
  ResizeBilinear: resizeBilinear,
  ResizeNearestNeighbor: resizeNearest,
  ScatterNd: scatterNd,
  SparseToDense: sparseToDense,
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
