/**
 * Cases of pooling and resizing of images.
 *
 * @module
 */
import type { Tensor as TfTensor } from "../../../core/tensor.ts";
import type { Tensor } from "../../../engine/runtimes/types.ts";
import * as tf from "../../../engine/tf.ts";
import { integers, numbers, tensor } from "../harness.ts";
import { ints, x } from "./calls.ts";
import type { KernelCases, NodeCase } from "./case.ts";
import { padding, windowed } from "./node_cases.ts";

/** Boxes inside, across the border, mirrored, of no height, far outside, on edges, and of images that are not there. */
const BOXES = [
  [0.1, 0.2, 0.7, 0.9, 0],
  [-0.3, 0.4, 0.6, 1.2, 1],
  [0.8, 0.9, 0.1, 0.2, 1],
  [0.5, 0, 0.5, 1, 0],
  [2, 2, 3, 3, 0],
  [0, 0, 1, 1, 1],
  [0, 0, 1, 1, 2],
  [0, 0, 1, 1, -1],
];

function cropped(
  image: Tensor,
  cropSize: readonly number[],
  method: string,
  extrapolationValue = 0,
): NodeCase {
  return {
    inputs: [
      image,
      tensor("float32", [BOXES.length, 4], BOXES.flatMap((box) => box.slice(0, 4))),
      tensor("int32", [BOXES.length], BOXES.map((box) => box[4]!)),
    ],
    attrs: { cropSize, method, extrapolationValue },
  };
}

const POOLS = [
  { x: [2, 6, 4, 3], filterSize: [2, 2], strides: [2, 2], pad: padding(0, 0, 0, 0) },
  { x: [1, 7, 5, 2], filterSize: [3, 2], strides: [2, 1], pad: padding(0, 0, 0, 0) },
  { x: [2, 5, 5, 1], filterSize: [3, 3], strides: [1, 1], pad: padding(0, 0, 0, 0) },
];

const PADDED_POOL = { x: [1, 5, 6, 2], filterSize: [3, 3], strides: [2, 2], pad: padding(1, 1, 0, 1) };

/** Padding as long as the window, so that some windows hold no cell of the image. */
const WIDE_POOL = { x: [1, 3, 4, 2], filterSize: [2, 2], strides: [1, 2], pad: padding(2, 1, 0, 2) };

/** One cell, with padding and a stride: tfjs takes that for the identity where the shapes agree. */
const ONE_CELL = { x: [1, 3, 3, 2], filterSize: [1, 1], strides: [2, 2], pad: padding(1, 1, 1, 1) };

const poolAttrs = ({ filterSize, strides, pad }: (typeof POOLS)[number]) => ({ filterSize, strides, pad });

const pooled = ({ x, filterSize, strides, pad }: (typeof POOLS)[number]) => {
  const cells = [0, 1].map((i) =>
    windowed(x[i + 1]!, filterSize[i]!, strides[i]!, pad[i + 1] as readonly number[])
  );
  return [x[0]!, ...cells, x[3]!];
};

const poolNodes: NodeCase[] = [...POOLS, PADDED_POOL, WIDE_POOL, ONE_CELL].map((c) => ({
  inputs: [numbers(c.x)],
  attrs: poolAttrs(c),
}));

const averageGrad: NodeCase[] = [...POOLS, PADDED_POOL, WIDE_POOL, ONE_CELL].map((c) => ({
  inputs: [numbers(pooled(c), -1, 1, 2), numbers(c.x)],
  attrs: poolAttrs(c),
}));
/** tfjs's kernel looks at the input only, so that any tensor does in the slot of the output. */
const maximumGrad: NodeCase[] = [...POOLS, PADDED_POOL, WIDE_POOL, ONE_CELL].map((c) => ({
  inputs: [numbers(pooled(c), -1, 1, 2), numbers(c.x), numbers(pooled(c))],
  attrs: poolAttrs(c),
}));

const POOLS3 = [
  { x: [1, 4, 4, 2, 2], filterSize: [2, 2, 2], strides: [2, 2, 2], pad: "valid", out: [1, 2, 2, 1, 2] },
  { x: [2, 5, 4, 3, 1], filterSize: [3, 2, 2], strides: [1, 1, 1], pad: "valid", out: [2, 3, 3, 2, 1] },
];
const PADDED_POOL3 = {
  x: [1, 5, 4, 3, 2],
  filterSize: [2, 3, 2],
  strides: [2, 2, 1],
  pad: "same",
  out: [1, 3, 2, 3, 2],
};

const WIDE_POOL3 = {
  x: [1, 2, 3, 2, 1],
  filterSize: [2, 2, 2],
  strides: [1, 1, 1],
  pad: 2,
  out: [1, 5, 6, 5, 1],
};

const pool3Attrs = (
  { filterSize, strides, pad }: Omit<typeof PADDED_POOL3, "pad"> & { pad: string | number },
) => ({ filterSize, strides, pad });

const pool3Nodes: NodeCase[] = [...POOLS3, PADDED_POOL3, WIDE_POOL3].map((c) => ({
  inputs: [numbers(c.x)],
  attrs: pool3Attrs(c),
}));

const average3Grad: NodeCase[] = [...POOLS3, PADDED_POOL3, WIDE_POOL3].map((c) => ({
  inputs: [numbers(c.out, -1, 1, 2), numbers(c.x)],
  attrs: pool3Attrs(c),
}));

const maximum3Grad: NodeCase[] = [...POOLS3, PADDED_POOL3, WIDE_POOL3].map((c) => ({
  inputs: [numbers(c.out, -1, 1, 2), numbers(c.x), numbers(c.out)],
  attrs: pool3Attrs(c),
}));

const SIZES = [[5, 7], [2, 2], [4, 3], [1, 1], [8, 6]];

const resized: NodeCase[] = SIZES.flatMap((size) =>
  [[false, false], [true, false], [false, true]].map(([alignCorners, halfPixelCenters]) => ({
    inputs: [numbers([2, 4, 3, 2])],
    attrs: { alignCorners, halfPixelCenters, size },
  }))
);

const resizedGrad = (batch: number): NodeCase[] =>
  SIZES.flatMap((size) =>
    [false, true].map((alignCorners) => ({
      inputs: [numbers([batch, 4, 3, 2]), numbers([batch, ...size, 2], -1, 1, 2)],
      attrs: { alignCorners },
    }))
  );

const as4 = (a: TfTensor) => a as tf.Tensor4D;

const as5 = (a: TfTensor) => a as tf.Tensor5D;

/** By kernel. */
export const POOL = {
  AvgPool: {
    nodes: poolNodes,
    calls: [
      {
        inputs: [x(2, 4, 6, 2)],
        run: (a) => tf.avgPool(as4(a), 2, 2, "valid"),
        gradient: true,
      },
      {
        inputs: [x(1, 5, 5, 2)],
        run: (a) => tf.avgPool(as4(a), [3, 2], [2, 1], "same"),
        gradient: true,
      },
      {
        inputs: [x(1, 6, 6, 1)],
        run: (a) => tf.avgPool(as4(a), 3, 2, 0, "ceil"),
        gradient: true,
      },
    ],
  },
  AvgPool3D: {
    nodes: pool3Nodes,
    calls: [
      {
        inputs: [x(1, 4, 4, 4, 2)],
        run: (a) => tf.avgPool3d(as5(a), 2, 2, "valid"),
        gradient: true,
      },
      {
        inputs: [x(1, 3, 4, 3, 1)],
        run: (a) => tf.avgPool3d(as5(a), 2, 2, "same"),
        gradient: true,
      },
    ],
  },
  AvgPool3DGrad: {
    nodes: average3Grad,
    calls: [
      {
        inputs: [x(1, 4, 4, 4, 1)],
        run: (a) => tf.grad((b: TfTensor) => tf.square(tf.avgPool3d(as5(b), 2, 2, "valid")))(a),
      },
    ],
  },
  AvgPoolGrad: {
    nodes: averageGrad,
    calls: [
      {
        inputs: [x(1, 4, 4, 1)],
        run: (a) => tf.grad((b: TfTensor) => tf.square(tf.avgPool(as4(b), 2, 2, "valid")))(a),
      },
    ],
  },
  MaxPool: {
    nodes: poolNodes,
    calls: [
      {
        inputs: [x(2, 5, 6, 2)],
        run: (a) => tf.maxPool(as4(a), 2, 2, "same"),
        gradient: true,
      },
      {
        inputs: [x(1, 5, 5, 2)],
        run: (a) => tf.maxPool(as4(a), [3, 2], [2, 1], "valid"),
        gradient: true,
      },
      {
        inputs: [x(1, 6, 6, 1)],
        run: (a) => tf.maxPool(as4(a), 3, 2, 0, "ceil"),
        gradient: true,
      },
    ],
  },
  MaxPool3D: {
    nodes: pool3Nodes,
    calls: [
      {
        inputs: [x(1, 4, 5, 4, 2)],
        run: (a) => tf.maxPool3d(as5(a), 2, 2, "same"),
        gradient: true,
      },
    ],
  },
  MaxPool3DGrad: {
    nodes: maximum3Grad,
    calls: [
      {
        inputs: [x(1, 4, 4, 4, 1)],
        run: (a) => tf.grad((b: TfTensor) => tf.square(tf.maxPool3d(as5(b), 2, 2, "valid")))(a),
      },
    ],
  },
  MaxPoolGrad: {
    nodes: maximumGrad,
    calls: [
      {
        inputs: [x(1, 4, 4, 1)],
        run: (a) => tf.grad((b: TfTensor) => tf.square(tf.maxPool(as4(b), 2, 2, "valid")))(a),
      },
    ],
  },
  CropAndResize: {
    nodes: [
      ...(["bilinear", "nearest"] as const).flatMap((method) => [
        cropped(numbers([2, 5, 6, 3]), [3, 4], method),
        cropped(numbers([2, 5, 6, 3]), [1, 7], method, -0.5),
        cropped(integers([2, 4, 3, 1], -9, 9), [4, 1], method, 2),
        cropped(numbers([2, 1, 1, 2]), [2, 2], method),
      ]),
      {
        inputs: [numbers([1, 2, 2, 1]), tensor("float32", [0, 4], []), tensor("int32", [0], [])],
        attrs: { cropSize: [2, 2], method: "bilinear", extrapolationValue: 0 },
      },
    ],
    calls: [
      {
        inputs: [x(2, 5, 4, 2), { shape: [3, 4], range: [-0.2, 1.2] }, ints([0, 2], 3)],
        run: (image, boxes, at) =>
          tf.image.cropAndResize(
            as4(image),
            boxes as tf.Tensor2D,
            at as tf.Tensor1D,
            [3, 3],
            "bilinear",
            0.5,
          ),
      },
      {
        inputs: [x(2, 5, 4, 2), { shape: [3, 4], range: [-0.2, 1.2] }, ints([0, 2], 3)],
        run: (image, boxes, at) =>
          tf.image.cropAndResize(as4(image), boxes as tf.Tensor2D, at as tf.Tensor1D, [2, 6], "nearest"),
      },
    ],
  },
  ResizeBilinear: {
    nodes: resized,
    calls: [
      {
        inputs: [x(1, 3, 3, 2)],
        run: (a) => tf.image.resizeBilinear(as4(a), [6, 5]),
        gradient: true,
      },
      {
        inputs: [x(1, 4, 4, 2)],
        run: (a) => tf.image.resizeBilinear(as4(a), [5, 7], true),
        gradient: true,
      },
      {
        inputs: [x(1, 4, 4, 1)],
        run: (a) => tf.image.resizeBilinear(as4(a), [2, 6], false, true),
        gradient: true,
      },
      {
        inputs: [x(2, 3, 4, 3)],
        run: (a) => tf.image.resizeBilinear(as4(a), [7, 1], false, true),
        gradient: true,
      },
    ],
  },
  ResizeBilinearGrad: {
    nodes: resizedGrad(2),
    calls: [
      {
        inputs: [x(1, 3, 3, 1)],
        run: (a) => tf.grad((b: TfTensor) => tf.square(tf.image.resizeBilinear(as4(b), [5, 6])))(a),
      },
    ],
  },
  ResizeNearestNeighbor: {
    nodes: resized,
    calls: [
      {
        inputs: [x(1, 3, 3, 2)],
        run: (a) => tf.image.resizeNearestNeighbor(as4(a), [6, 9]),
        gradient: true,
      },
      {
        inputs: [x(1, 3, 4, 2)],
        run: (a) => tf.image.resizeNearestNeighbor(as4(a), [5, 7], true),
        gradient: true,
      },
      {
        inputs: [x(2, 3, 4, 2)],
        run: (a) => tf.image.resizeNearestNeighbor(as4(a), [5, 3], false, true),
        gradient: true,
      },
    ],
  },
  ResizeNearestNeighborGrad: {
    nodes: resizedGrad(2),
    calls: [
      {
        inputs: [x(1, 3, 3, 1)],
        run: (a) => tf.grad((b: TfTensor) => tf.square(tf.image.resizeNearestNeighbor(as4(b), [6, 6])))(a),
      },
    ],
  },
} satisfies { readonly [kernel: string]: KernelCases };
