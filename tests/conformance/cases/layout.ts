/**
 * Cases of moving, repeating and choosing of elements.
 *
 * @module
 */
import type { Tensor } from "../../../core/tensor.ts";
import * as tf from "../../../engine/tf.ts";
import { booleans, integers, numbers, tensor } from "../harness.ts";
import { ints, x } from "./calls.ts";
import type { KernelCases, NodeCase } from "./case.ts";
import { unaryNodes } from "./node_cases.ts";

function stridedNodes(
  shape: number[],
  begin: number[],
  end: number[],
  strides: number[],
  endMask: number,
): NodeCase {
  const masks = { beginMask: 0, endMask, ellipsisMask: 0, newAxisMask: 0, shrinkAxisMask: 0 };
  return { inputs: [numbers(shape)], attrs: { begin, end, strides, ...masks } };
}

const as4 = (a: Tensor) => a as tf.Tensor4D;

/** By kernel. */
export const LAYOUT = {
  BatchToSpaceND: {
    nodes: [
      { inputs: [numbers([8, 2, 3, 2])], attrs: { blockShape: [2, 2], crops: [[0, 0], [0, 0]] } },
      { inputs: [numbers([6, 3, 2])], attrs: { blockShape: [3], crops: [[1, 2]] } },
      { inputs: [numbers([4, 2, 3, 1])], attrs: { blockShape: [2, 2], crops: [[0, 1], [2, 1]] } },
    ],
    calls: [
      {
        inputs: [x(8, 2, 3, 1)],
        run: (a) => tf.batchToSpaceND(a, [2, 2], [[0, 1], [1, 0]]),
        gradient: true,
      },
    ],
  },
  BroadcastTo: {
    nodes: [
      { inputs: [numbers([1, 3])], attrs: { shape: [4, 3] } },
      { inputs: [numbers([])], attrs: { shape: [2, 2] } },
      { inputs: [integers([2, 1], 0, 9)], attrs: { shape: [3, 2, 4] } },
    ],
    calls: [],
  },
  Concat: {
    nodes: [
      { inputs: [numbers([2, 3], 0, 1, 1), numbers([2, 1], 0, 1, 2)], attrs: { axis: 1 } },
      { inputs: [numbers([2, 3], 0, 1, 1), numbers([4, 3], 0, 1, 2), numbers([1, 3])], attrs: { axis: 0 } },
      { inputs: [numbers([2, 3])], attrs: { axis: 1 } },
      { inputs: [booleans([2]), booleans([3], 2)], attrs: { axis: 0 } },
      { inputs: [integers([2], 0, 5), integers([3], 0, 5)], attrs: { axis: 0 } },
    ],
    calls: [
      { inputs: [x(2, 3), x(2, 1)], run: (a, b) => tf.concat([a, b], -1), gradient: true },
      { inputs: [x(2, 3), x(1, 3)], run: (a, b) => tf.concat([a, b, a], 0), gradient: true },
    ],
  },
  DepthToSpace: {
    nodes: [
      { inputs: [numbers([2, 2, 3, 8])], attrs: { blockSize: 2, dataFormat: "NHWC" } },
      { inputs: [numbers([1, 1, 2, 9])], attrs: { blockSize: 3, dataFormat: "NHWC" } },
    ],
    calls: [
      { inputs: [x(1, 2, 3, 8)], run: (a) => tf.depthToSpace(as4(a), 2), gradient: true },
    ],
  },
  ExpandDims: {
    nodes: [
      { inputs: [numbers([2, 3])], attrs: { dim: 1 } },
      { inputs: [numbers([])], attrs: { dim: 0 } },
      { inputs: [booleans([2])], attrs: { dim: 1 } },
    ],
    calls: [
      { inputs: [x(2, 3)], run: (a) => tf.expandDims(a, -1), gradient: true },
      { inputs: [x(2, 3)], run: (a) => tf.expandDims(a, 0), gradient: true },
    ],
  },
  Fill: {
    nodes: [
      { inputs: [], attrs: { shape: [2, 3], value: 1.5, dtype: "float32" } },
      { inputs: [], attrs: { shape: [], value: 7, dtype: "int32" } },
      { inputs: [], attrs: { shape: [2], value: 1, dtype: "bool" } },
    ],
    calls: [],
  },
  GatherNd: {
    nodes: [
      { inputs: [numbers([3, 4]), tensor("int32", [2, 2], [0, 1, 2, 3])], attrs: {} },
      { inputs: [numbers([3, 4, 2]), tensor("int32", [3, 1], [2, 0, 2])], attrs: {} },
      { inputs: [numbers([5]), tensor("int32", [1], [3])], attrs: {} },
    ],
    calls: [
      {
        inputs: [x(3, 4), ints([0, 3], 5, 2)],
        run: (a, i) => tf.gatherND(a, i),
        gradient: true,
      },
    ],
  },
  GatherV2: {
    nodes: [
      { inputs: [numbers([5, 3]), tensor("int32", [4], [4, 0, 0, 2])], attrs: { axis: 0, batchDims: 0 } },
      {
        inputs: [numbers([2, 5, 3]), tensor("int32", [2, 2], [1, 4, 0, 0])],
        attrs: { axis: 1, batchDims: 0 },
      },
      { inputs: [numbers([5, 3]), tensor("int32", [], [2])], attrs: { axis: 1, batchDims: 0 } },
      { inputs: [integers([5], 0, 9), tensor("int32", [1], [2])], attrs: { axis: 0, batchDims: 0 } },
      {
        inputs: [numbers([2, 4, 3]), tensor("int32", [2, 2], [1, 3, 0, 0])],
        attrs: { axis: 1, batchDims: 1 },
      },
    ],
    calls: [
      {
        inputs: [x(4, 3), ints([0, 4], 5)],
        run: (a, i) => tf.gather(a, i as tf.Tensor1D),
        gradient: true,
      },
      {
        inputs: [x(2, 4, 3), ints([0, 4], 2, 2)],
        run: (a, i) => tf.gather(a, i, 1),
        gradient: true,
      },
      {
        inputs: [x(2, 4, 3), ints([0, 4], 2, 2)],
        run: (a, i) => tf.gather(a, i, 1, 1),
        gradient: true,
      },
    ],
  },
  LinSpace: {
    nodes: [
      { inputs: [], attrs: { start: -1, stop: 2, num: 7 } },
      { inputs: [], attrs: { start: 3, stop: 5, num: 1 } },
    ],
    calls: [],
  },
  MirrorPad: {
    nodes: ["reflect", "symmetric"].flatMap((mode) => [
      { inputs: [numbers([3, 4])], attrs: { paddings: [[1, 2], [0, 3]], mode } },
      { inputs: [numbers([3])], attrs: { paddings: [[0, 0]], mode } },
      { inputs: [numbers([2, 3, 2])], attrs: { paddings: [[1, 1], [2, 0], [0, 0]], mode } },
    ]),
    calls: [
      {
        inputs: [x(3, 4)],
        run: (a) => tf.mirrorPad(a, [[1, 2], [0, 3]], "reflect"),
        gradient: true,
      },
      {
        inputs: [x(3, 4)],
        run: (a) => tf.mirrorPad(a, [[1, 2], [0, 3]], "symmetric"),
        gradient: true,
      },
    ],
  },
  OneHot: {
    nodes: [
      {
        inputs: [tensor("int32", [4], [0, 2, -1, 5])],
        attrs: { depth: 3, onValue: 1, offValue: 0, dtype: "float32" },
      },
      {
        inputs: [integers([2, 3], 0, 4)],
        attrs: { depth: 4, onValue: 5, offValue: -2, dtype: "int32" },
      },
    ],
    calls: [
      { inputs: [ints([0, 4], 3, 2)], run: (i) => tf.oneHot(i, 4, 2, -1) },
      { inputs: [ints([-1, 6], 8)], run: (i) => tf.oneHot(i, 4, 1, 0, "float32") },
    ],
  },
  OnesLike: {
    nodes: [...unaryNodes(), { inputs: [integers([2, 2], 0, 9)], attrs: {} }],
    calls: [],
  },
  Pack: {
    nodes: [
      { inputs: [numbers([2, 3], 0, 1, 1), numbers([2, 3], 0, 1, 2)], attrs: { axis: 1 } },
      { inputs: [numbers([]), numbers([])], attrs: { axis: 0 } },
    ],
    calls: [
      { inputs: [x(2, 3), x(2, 3)], run: (a, b) => tf.stack([a, b], 1), gradient: true },
      { inputs: [x(2, 3), x(2, 3)], run: (a, b) => tf.stack([a, b], -1), gradient: true },
    ],
  },
  PadV2: {
    nodes: [
      { inputs: [numbers([2, 3])], attrs: { paddings: [[1, 0], [2, 1]], constantValue: 0 } },
      { inputs: [integers([3], 0, 9)], attrs: { paddings: [[1, 2]], constantValue: -4 } },
      { inputs: [numbers([2])], attrs: { paddings: [[0, 0]], constantValue: 0 } },
    ],
    calls: [
      { inputs: [x(2, 3)], run: (a) => tf.pad(a, [[1, 0], [2, 1]], 0.5), gradient: true },
      { inputs: [x(3)], run: (a) => tf.diag(a) },
      { inputs: [ints([-2, 3], 2, 2)], run: (a) => tf.diag(a) },
    ],
  },
  Range: {
    nodes: [
      { inputs: [], attrs: { start: 0, stop: 5, step: 1, dtype: "float32" } },
      { inputs: [], attrs: { start: 5, stop: -3, step: -2, dtype: "int32" } },
      { inputs: [], attrs: { start: 0, stop: 1, step: 0.3, dtype: "float32" } },
    ],
    calls: [],
  },
  Reshape: {
    nodes: [
      { inputs: [numbers([2, 6])], attrs: { shape: [3, 4] } },
      { inputs: [numbers([1])], attrs: { shape: [] } },
      { inputs: [booleans([2, 2])], attrs: { shape: [4] } },
      { inputs: [numbers([0, 3])], attrs: { shape: [3, 0] } },
    ],
    calls: [
      { inputs: [x(2, 3, 4)], run: (a) => tf.reshape(a, [4, -1]), gradient: true },
      { inputs: [x(1, 3, 1)], run: (a) => tf.squeeze(a), gradient: true },
    ],
  },
  Reverse: {
    nodes: [
      { inputs: [numbers([2, 3])], attrs: { dims: [1] } },
      { inputs: [numbers([2, 3, 4])], attrs: { dims: [0, 2] } },
      { inputs: [numbers([2, 3])], attrs: { dims: [] } },
      { inputs: [integers([1, 3], 0, 9)], attrs: { dims: [0, 1] } },
    ],
    calls: [
      { inputs: [x(2, 3, 4)], run: (a) => tf.reverse(a, [0, -1]), gradient: true },
      {
        inputs: [x(1, 2, 3, 1)],
        run: (a) => tf.image.flipLeftRight(as4(a)),
      },
    ],
  },
  ScatterNd: {
    nodes: [
      { inputs: [tensor("int32", [3, 1], [4, 0, 4]), numbers([3, 2])], attrs: { shape: [5, 2] } },
      { inputs: [tensor("int32", [3], [1, 1, 2]), numbers([3])], attrs: { shape: [4] } },
      { inputs: [tensor("int32", [2, 2], [0, 1, 1, 0]), integers([2], 1, 9)], attrs: { shape: [2, 2] } },
    ],
    calls: [
      {
        inputs: [ints([0, 6], 4, 1), x(4, 2)],
        run: (i, u) => tf.scatterND(i, u, [6, 2]),
        gradient: true,
      },
    ],
  },
  Slice: {
    nodes: [
      { inputs: [numbers([4, 5])], attrs: { begin: [1, 2], size: [2, 3] } },
      { inputs: [numbers([4, 5])], attrs: { begin: [0, 0], size: [4, 5] } },
      { inputs: [booleans([4])], attrs: { begin: [3], size: [1] } },
      { inputs: [numbers([4])], attrs: { begin: [2], size: [0] } },
    ],
    calls: [
      { inputs: [x(4, 5)], run: (a) => tf.slice(a, [1, 2], [2, -1]), gradient: true },
      { inputs: [x(4, 5)], run: (a) => tf.slice(a, 2), gradient: true },
      {
        inputs: [x(4, 5)],
        run: (a) => tf.stridedSlice(a, [1, 0], [3, 5], [1, 1]),
        gradient: true,
      },
    ],
  },
  SparseToDense: {
    nodes: [
      {
        inputs: [tensor("int32", [3], [4, 0, 2]), numbers([3]), tensor("float32", [], [-1.5])],
        attrs: { outputShape: [6] },
      },
      {
        inputs: [tensor("int32", [2, 2], [0, 1, 2, 0]), numbers([2]), tensor("float32", [], [0])],
        attrs: { outputShape: [3, 2] },
      },
      {
        inputs: [tensor("int32", [3, 1], [1, 3, 4]), numbers([]), tensor("float32", [], [0.5])],
        attrs: { outputShape: [5] },
      },
      {
        inputs: [tensor("int32", [], [2]), numbers([]), tensor("float32", [], [1])],
        attrs: { outputShape: [3] },
      },
      {
        inputs: [tensor("int32", [1, 3], [0, 1, 0]), integers([1], 5, 9), tensor("int32", [], [3])],
        attrs: { outputShape: [1, 2, 1] },
      },
      {
        inputs: [tensor("int32", [2], [3, 1]), tensor("bool", [2], [1, 0]), tensor("bool", [], [1])],
        attrs: { outputShape: [4] },
      },
    ],
    calls: [
      {
        inputs: [x(3), x()],
        run: (v, rest) => tf.sparseToDense(tf.tensor1d([4, 0, 2], "int32"), v, [6], rest as tf.Scalar),
        gradient: true,
      },
      {
        inputs: [x(2)],
        run: (v) => tf.sparseToDense(tf.tensor2d([[0, 1], [2, 0]], [2, 2], "int32"), v, [3, 2]),
        gradient: true,
      },
      {
        inputs: [x(), x()],
        run: (v, rest) => tf.sparseToDense(tf.tensor1d([1, 3], "int32"), v, [5], rest as tf.Scalar),
        gradient: true,
      },
    ],
  },
  SpaceToBatchND: {
    nodes: [
      { inputs: [numbers([2, 4, 6, 2])], attrs: { blockShape: [2, 3], paddings: [[0, 0], [0, 0]] } },
      { inputs: [numbers([2, 3, 2])], attrs: { blockShape: [2], paddings: [[1, 2]] } },
    ],
    calls: [
      {
        inputs: [x(1, 4, 3, 1)],
        run: (a) => tf.spaceToBatchND(a, [2, 2], [[0, 0], [1, 0]]),
        gradient: true,
      },
    ],
  },
  SplitV: {
    nodes: [
      { inputs: [numbers([6, 2])], attrs: { numOrSizeSplits: [1, 3, 2], axis: 0 } },
      { inputs: [numbers([2, 4])], attrs: { numOrSizeSplits: [2, 2], axis: 1 } },
      { inputs: [numbers([2, 4])], attrs: { numOrSizeSplits: [4], axis: 1 } },
    ],
    calls: [
      { inputs: [x(2, 6)], run: (a) => tf.split(a, 3, 1), gradient: true },
      { inputs: [x(6, 2)], run: (a) => tf.split(a, [1, 2, 3], -2), gradient: true },
      { inputs: [x(2, 3)], run: (a) => tf.split(a, 1, 1), gradient: true },
    ],
  },
  StridedSlice: {
    nodes: [
      stridedNodes([6, 5], [1, 0], [6, 5], [2, 1], 0),
      stridedNodes([6, 5], [5, 4], [0, 0], [-1, -2], 0b11),
      stridedNodes([7], [6], [1], [-2], 0),
      stridedNodes([4, 4], [0, 1], [4, 3], [3, 1], 0b01),
    ],
    calls: [
      {
        inputs: [x(5, 6)],
        run: (a) => tf.stridedSlice(a, [0, 1], [5, 6], [2, 3]),
        gradient: true,
      },
      {
        inputs: [x(5, 6)],
        run: (a) => tf.stridedSlice(a, [4, 5], [0, -7], [-2, -1], 0, 2),
        gradient: true,
      },
      {
        inputs: [x(5, 6)],
        run: (a) => tf.stridedSlice(a, [3, 1], [4, 6], [1, 1], 0, 0, 0, 0, 1),
        gradient: true,
      },
    ],
  },
  TensorScatterUpdate: {
    nodes: [
      {
        inputs: [numbers([5, 2]), tensor("int32", [2, 1], [4, 1]), numbers([2, 2], 5, 9)],
        attrs: {},
      },
      {
        inputs: [integers([3, 3], 0, 9), tensor("int32", [2, 2], [0, 1, 2, 2]), integers([2], 20, 30)],
        attrs: {},
      },
    ],
    calls: [
      {
        inputs: [x(6, 2), x(3, 2)],
        run: (a, u) => tf.tensorScatterUpdate(a, tf.tensor2d([[4], [0], [2]], [3, 1], "int32"), u),
        gradient: true,
      },
    ],
  },
  Tile: {
    nodes: [
      { inputs: [numbers([2, 3])], attrs: { reps: [2, 1] } },
      { inputs: [numbers([2])], attrs: { reps: [1] } },
      { inputs: [booleans([2, 1])], attrs: { reps: [3, 2] } },
      { inputs: [integers([2], 0, 9)], attrs: { reps: [3] } },
    ],
    calls: [
      { inputs: [x(3, 1)], run: (a) => tf.broadcastTo(a, [2, 3, 4]), gradient: true },
      { inputs: [x(2, 3)], run: (a) => tf.tile(a, [2, 3]), gradient: true },
      { inputs: [x(2, 1, 1, 2, 1)], run: (a) => tf.tile(a, [1, 2, 1, 1, 3]), gradient: true },
    ],
  },
  Transpose: {
    nodes: [
      { inputs: [numbers([2, 3])], attrs: { perm: [1, 0] } },
      { inputs: [numbers([2, 3, 4])], attrs: { perm: [2, 0, 1] } },
      { inputs: [numbers([2, 1, 4])], attrs: { perm: [1, 0, 2] } },
      { inputs: [booleans([2, 3])], attrs: { perm: [1, 0] } },
      { inputs: [numbers([2, 3])], attrs: { perm: [0, 1] } },
    ],
    calls: [
      { inputs: [x(2, 3, 4)], run: (a) => tf.transpose(a, [2, 0, 1]), gradient: true },
      { inputs: [x(2, 3)], run: (a) => tf.transpose(a), gradient: true },
    ],
  },
  Unpack: {
    nodes: [
      { inputs: [numbers([3, 2])], attrs: { axis: 0 } },
      { inputs: [numbers([3, 2, 4])], attrs: { axis: 1 } },
      { inputs: [numbers([1, 2])], attrs: { axis: 0 } },
    ],
    calls: [
      { inputs: [x(2, 3, 2)], run: (a) => tf.unstack(a, 1), gradient: true },
      { inputs: [x(2, 1, 3)], run: (a) => tf.unstack(a, 1), gradient: true },
    ],
  },
  UnsortedSegmentSum: {
    nodes: [
      { inputs: [numbers([5, 2]), tensor("int32", [5], [0, 2, 0, 1, 2])], attrs: { numSegments: 4 } },
      { inputs: [numbers([4]), tensor("int32", [4], [1, -1, 3, 1])], attrs: { numSegments: 3 } },
      { inputs: [integers([3, 1], 0, 9), tensor("int32", [3], [1, 1, 0])], attrs: { numSegments: 2 } },
    ],
    calls: [
      {
        inputs: [x(5, 2), ints([0, 3], 5)],
        run: (a, i) => tf.unsortedSegmentSum(a, i as tf.Tensor1D, 3),
        gradient: true,
      },
    ],
  },
  ZerosLike: {
    nodes: [...unaryNodes(), { inputs: [booleans([2, 2])], attrs: {} }],
    calls: [],
  },
} satisfies { readonly [kernel: string]: KernelCases };
