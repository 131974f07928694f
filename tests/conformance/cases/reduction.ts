/**
 * Cases of sums, extremes, running sums, normalization.
 *
 * @module
 */
import type { Tensor } from "../../../core/tensor.ts";
import * as tf from "../../../engine/tf.ts";
import { booleans, integers, numbers, tensor } from "../harness.ts";
import { ints, positive, reduction, unary, x } from "./calls.ts";
import type { KernelCases, NodeCase } from "./case.ts";
import { reducedNodes } from "./node_cases.ts";

function scanNodes(exclusive: boolean, reverse: boolean): NodeCase[] {
  return [
    { inputs: [numbers([3, 5])], attrs: { axis: 0, exclusive, reverse } },
    { inputs: [numbers([3, 5, 2])], attrs: { axis: 1, exclusive, reverse } },
    { inputs: [integers([4], -3, 4)], attrs: { axis: 0, exclusive, reverse } },
  ];
}

const SCANS = [false, true].flatMap((exclusive) =>
  [false, true].flatMap((reverse) => scanNodes(exclusive, reverse))
);

function lrnGradNodes(): NodeCase {
  const attrs = { depthRadius: 2, bias: 1, alpha: 0.5, beta: 0.75 };
  const x = numbers([2, 2, 3, 7]);
  const data = x.data as Float32Array;
  const y = data.map((value, i) => {
    const channel = i % 7;
    let sum = 0;
    for (let j = Math.max(0, channel - 2); j <= Math.min(6, channel + 2); j++) {
      sum += data[i - channel + j]! ** 2;
    }
    return value * (1 + 0.5 * sum) ** -0.75;
  });
  return { inputs: [x, { ...x, data: Float32Array.from(y) }, numbers(x.shape, -1, 1, 3)], attrs };
}

/** By kernel. */
export const REDUCTION = {
  All: {
    nodes: reducedNodes((shape) => booleans(shape)),
    calls: [
      unary((a) => tf.all(tf.greater(a, -1), -1), x(4, 3), false),
    ],
  },
  Any: {
    nodes: reducedNodes((shape) => booleans(shape)),
    calls: [
      unary((a) => tf.any(tf.greater(a, 1), [0], true), x(4, 3), false),
    ],
  },
  ArgMax: {
    nodes: [
      { inputs: [numbers([3, 5, 2])], attrs: { axis: 1 } },
      { inputs: [numbers([3, 5])], attrs: { axis: 0 } },
      { inputs: [tensor("float32", [6], [1, 3, 3, 2, 3, 0])], attrs: { axis: 0 } },
      { inputs: [integers([4, 3], 0, 3)], attrs: { axis: 1 } },
    ],
    calls: [
      unary((a) => tf.argMax(a, -1), x(2, 3, 4), false),
      unary((a) => tf.argMax(a, 0), x(3, 4), false),
      { inputs: [ints([0, 2], 3, 4)], run: (a) => tf.argMax(tf.cast(a, "bool"), 1) },
    ],
  },
  ArgMin: {
    nodes: [
      { inputs: [numbers([3, 5, 2])], attrs: { axis: 1 } },
      { inputs: [tensor("float32", [6], [1, 0, 3, 2, 3, 0])], attrs: { axis: 0 } },
      { inputs: [integers([4, 3], 0, 3)], attrs: { axis: 1 } },
    ],
    calls: [
      unary((a) => tf.argMin(a, 1), x(2, 3, 4), false),
      { inputs: [ints([0, 2], 3, 4)], run: (a) => tf.argMin(tf.cast(a, "bool"), 1) },
    ],
  },
  Cumprod: {
    nodes: SCANS,
    calls: [
      unary((a) => tf.cumprod(a, 1), x(2, 3, 4)),
      unary((a) => tf.cumprod(a, 0, true, true), x(4)),
    ],
  },
  Cumsum: {
    nodes: SCANS,
    calls: [
      unary((a) => tf.cumsum(a, 2), x(2, 3, 4)),
      unary((a) => tf.cumsum(a, 1, true, true), x(2, 3, 4)),
    ],
  },
  FusedBatchNorm: {
    nodes: [
      {
        inputs: [
          numbers([2, 3, 2, 4]),
          ...[1, 2, 3].map((i) => numbers([4], -1, 1, i)),
          numbers([4], 0.1, 2, 4),
        ],
        attrs: { varianceEpsilon: 1e-3 },
      },
      {
        inputs: [numbers([2, 3, 2, 4]), null, null, numbers([4], -1, 1, 3), numbers([4], 0.1, 2, 4)],
        attrs: { varianceEpsilon: 1e-3 },
      },
    ],
    calls: [
      {
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
        inputs: [x(5, 2), x(2), positive(2)],
        run: (a, mean, variance) =>
          tf.batchNorm(a, mean as tf.Tensor1D, variance as tf.Tensor1D, undefined, undefined, 0.01),
      },
    ],
  },
  LRN: {
    nodes: [{ inputs: [numbers([2, 2, 3, 7])], attrs: { depthRadius: 2, bias: 1, alpha: 0.5, beta: 0.75 } }],
    calls: [
      {
        inputs: [x(1, 2, 3, 6)],
        run: (a) => tf.localResponseNormalization(a as tf.Tensor4D, 2, 1.5, 0.7, 0.6),
        gradient: true,
      },
    ],
  },
  LRNGrad: {
    nodes: [lrnGradNodes()],
    calls: [
      {
        inputs: [x(1, 2, 3, 6)],
        run: (a) =>
          tf.grad((b: Tensor) => tf.localResponseNormalization(b as tf.Tensor4D, 1, 1, 0.5, 0.5))(a),
      },
    ],
  },
  Max: {
    nodes: [
      ...reducedNodes((shape) => numbers(shape), "reductionIndices"),
      ...reducedNodes((shape) => integers(shape, -9, 9), "reductionIndices"),
    ],
    calls: [
      ...reduction(tf.max),
    ],
  },
  Mean: {
    nodes: reducedNodes((shape) => numbers(shape)),
    calls: [
      ...reduction(tf.mean),
      { inputs: [ints([-4, 4], 3, 4)], run: (a) => tf.mean(a, 0) },
    ],
  },
  Min: {
    nodes: [...reducedNodes((shape) => numbers(shape)), ...reducedNodes((shape) => integers(shape, -9, 9))],
    calls: [
      ...reduction(tf.min),
    ],
  },
  Prod: {
    nodes: [
      ...reducedNodes((shape) => numbers(shape, 0.5, 1.5)),
      ...reducedNodes((shape) => integers(shape, 1, 2)),
    ],
    calls: [
      ...reduction(tf.prod),
    ],
  },
  Softmax: {
    nodes: [
      { inputs: [numbers([3, 5], -4, 4)], attrs: { dim: 1 } },
      { inputs: [numbers([2, 3, 1])], attrs: { dim: 2 } },
      { inputs: [numbers([7], -50, 50)], attrs: { dim: 0 } },
    ],
    calls: [
      unary((a) => tf.softmax(a), x(2, 3, 4)),
      unary((a) => tf.logSoftmax(a), x(2, 3, 4)),
      unary((a) => tf.logSumExp(a, -1), x(2, 3, 4)),
    ],
  },
  Sum: {
    nodes: [...reducedNodes((shape) => numbers(shape)), ...reducedNodes((shape) => integers(shape, -9, 10))],
    calls: [
      ...reduction(tf.sum),
      { inputs: [ints([-4, 4], 3, 4)], run: (a) => tf.sum(a, 1) },
    ],
  },
  TopK: {
    nodes: [
      { inputs: [numbers([3, 6])], attrs: { k: 2, sorted: true } },
      { inputs: [tensor("float32", [5], [2, 3, 3, 1, 3])], attrs: { k: 4, sorted: true } },
      { inputs: [integers([2, 5], -99, 99)], attrs: { k: 5, sorted: true } },
    ],
    calls: [
      {
        inputs: [x(3, 5)],
        run: (a) => {
          const { values, indices } = tf.topk(a, 2);
          return [values, indices];
        },
      },
      { inputs: [x(3, 5)], run: (a) => tf.topk(a, 2).values, gradient: true },
      {
        inputs: [x(6)],
        run: (a) => tf.topk(a, 6).indices,
      },
    ],
  },
} satisfies { readonly [kernel: string]: KernelCases };
