/**
 * Operations as methods of tensors, `x.add(y)` beside `tf.add(x, y)`: the set of the TensorFlow.js documentation,
 * which the core package declares in its types and leaves to the umbrella package to provide.
 *
 * @module
 */
import type { Tensor } from "../core/tensor.ts";

/** What the methods are made of: the operations of the core package by name. */
export interface Operations {
  // deno-lint-ignore no-explicit-any -- a table of functions of many kinds; the types of the methods are tfjs's own
  readonly [name: string]: any;
}

type Method = (this: Tensor, ...args: never[]) => unknown;

/** Methods that pass the tensor as the first argument to the operation of the same name. */
const PLAIN = `
  abs acos acosh add all any argMax argMin asin asinh atan atan2 atanh avgPool batchNorm
  batchToSpaceND broadcastTo cast ceil clipByValue conv1d conv2d conv2dTranspose cos cosh cumprod
  cumsum depthToSpace depthwiseConv2d dilation2d div divNoNan dot elu equal erf euclideanNorm exp
  expandDims expm1 fft floor floorDiv gather greater greaterEqual ifft irfft isFinite isInf isNaN
  leakyRelu less lessEqual localResponseNormalization log log1p logicalAnd logicalNot logicalOr
  logicalXor logSigmoid logSoftmax logSumExp matMul max maximum maxPool mean min minimum mirrorPad mod
  mul neg norm notEqual oneHot onesLike pad pool pow prelu prod reciprocal relu relu6 reshape reverse
  rfft round rsqrt selu separableConv2d sigmoid sign sin sinh slice softmax softplus spaceToBatchND
  split sqrt square squaredDifference squeeze step stridedSlice sub sum tan tanh tile topk transpose
  unique unsortedSegmentSum unstack zerosLike
`.trim().split(/\s+/);

/** The tensors of an argument that is one tensor or a list of them. */
function listOf(tensors: Tensor | readonly Tensor[]): readonly Tensor[] {
  return Array.isArray(tensors) ? tensors : [tensors as Tensor];
}

/** Methods that are something else than the operation of their name. */
function otherMethods(ops: Operations): { readonly [name: string]: Method } {
  const asShape = function (this: Tensor, ...shape: number[]) {
    return ops["reshape"](this, shape);
  };
  const asFlat = function (this: Tensor) {
    return ops["reshape"](this, [this.size]);
  };
  const asDtype = (dtype: string): Method =>
    function () {
      return ops["cast"](this, dtype);
    };
  return {
    as1D: asFlat,
    as2D: asShape,
    as3D: asShape,
    as4D: asShape,
    as5D: asShape,
    asScalar() {
      if (this.size !== 1) {
        throw new RangeError(
          `Cannot make a scalar of a tensor as it must have one element: found ${this.size}`,
        );
      }
      return ops["reshape"](this, []);
    },
    asType(dtype: string) {
      return ops["cast"](this, dtype);
    },
    concat(others: Tensor | readonly Tensor[], axis?: number) {
      return ops["concat"]([this, ...listOf(others)], axis);
    },
    flatten: asFlat,
    reshapeAs(other: Tensor) {
      return ops["reshape"](this, other.shape);
    },
    resizeBilinear(...args: unknown[]) {
      return ops["image"].resizeBilinear(this, ...args);
    },
    resizeNearestNeighbor(...args: unknown[]) {
      return ops["image"].resizeNearestNeighbor(this, ...args);
    },
    stack(others: Tensor | readonly Tensor[], axis?: number) {
      return ops["stack"]([this, ...listOf(others)], axis);
    },
    toBool: asDtype("bool"),
    toFloat: asDtype("float32"),
    toInt: asDtype("int32"),
    where(condition: Tensor, other: Tensor) {
      return ops["where"](condition, this, other);
    },
  };
}

/** The method of one operation. */
function plainMethod(operation: (...args: unknown[]) => unknown): Method {
  return function (...args) {
    return operation(this, ...args);
  };
}

/**
 * Puts the methods on the prototype of tensors. Each refuses a tensor that was disposed.
 *
 * @param prototype `Tensor.prototype`.
 * @param ops The exports of `@tensorflow/tfjs-core`.
 */
export function registerChainedOps(prototype: object, ops: Operations): void {
  const plain = Object.fromEntries(PLAIN.map((name) => [name, plainMethod(ops[name])]));
  for (const [name, method] of Object.entries({ ...plain, ...otherMethods(ops) })) {
    const value = function (this: Tensor & { throwIfDisposed(): void }, ...args: never[]): unknown {
      this.throwIfDisposed();
      return method.apply(this, args);
    };
    Object.defineProperty(prototype, name, { value, writable: true, enumerable: true, configurable: true });
  }
}
