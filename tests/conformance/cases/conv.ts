/**
 * Cases of convolutions: odd sizes, strides that do not divide, uneven paddings.
 *
 * @module
 */
import type { Tensor } from "../../../core/tensor.ts";
import * as tf from "../../../engine/tf.ts";
import { numbers } from "../harness.ts";
import { x } from "./calls.ts";
import type { Call, CallInput, KernelCases, NodeCase } from "./case.ts";
import { padding, windowed } from "./node_cases.ts";

interface Conv {
  readonly x: number[];
  readonly filter: number[];
  readonly strides: number[];
  readonly pad: unknown;
  readonly dilations?: number[];
}
/** Odd sizes, strides that do not divide, uneven paddings, one cell, one channel. */
const CONVS: readonly Conv[] = [
  { x: [2, 5, 6, 3], filter: [3, 3, 3, 4], strides: [1, 1], pad: padding(1, 1, 1, 1) },
  { x: [2, 7, 6, 1], filter: [3, 2, 1, 2], strides: [2, 2], pad: padding(0, 0, 0, 0) },
  { x: [1, 8, 8, 2], filter: [3, 3, 2, 1], strides: [2, 2], pad: padding(0, 1, 0, 1) },
  { x: [1, 7, 9, 2], filter: [4, 4, 2, 3], strides: [3, 2], pad: padding(1, 1, 2, 1) },
  { x: [2, 4, 4, 3], filter: [1, 1, 3, 5], strides: [1, 1], pad: padding(0, 0, 0, 0) },
  { x: [2, 5, 5, 2], filter: [1, 1, 2, 2], strides: [2, 2], pad: padding(0, 0, 0, 0) },
  { x: [1, 3, 3, 1], filter: [3, 3, 1, 1], strides: [1, 1], pad: padding(0, 0, 0, 0) },
  // Enough channels for patches, ...
  { x: [2, 7, 6, 8], filter: [3, 3, 8, 5], strides: [2, 2], pad: padding(0, 1, 1, 1) },
  { x: [2, 5, 6, 9], filter: [3, 3, 9, 8], strides: [1, 1], pad: padding(1, 1, 1, 1) },
  { x: [1, 8, 9, 8], filter: [2, 3, 8, 3], strides: [3, 2], pad: padding(0, 0, 0, 0) },
  // ... and, where the stride divides the window, for blocks; the second leaves cells that are in no window.
  { x: [2, 9, 8, 8], filter: [4, 4, 8, 9], strides: [2, 2], pad: padding(1, 1, 1, 1) },
  { x: [1, 11, 10, 8], filter: [3, 3, 8, 8], strides: [3, 3], pad: padding(0, 0, 0, 0) },
  { x: [2, 6, 7, 8], filter: [4, 2, 8, 8], strides: [2, 1], pad: padding(0, 2, 1, 0) },
];

const DILATED: Conv = {
  x: [2, 9, 8, 2],
  filter: [3, 2, 2, 3],
  strides: [1, 1],
  pad: padding(1, 2, 0, 1),
  dilations: [2, 3],
};

function outputOf({ x, filter, strides, pad, dilations = [1, 1] }: Conv, channels: number): number[] {
  const pads = pad as number[][];
  const reach = (i: number) => (filter[i]! - 1) * dilations[i]! + 1;
  const cells = [0, 1].map((i) => windowed(x[i + 1]!, reach(i), strides[i]!, pads[i + 1]!));
  return [x[0]!, ...cells, channels];
}

const forwardAttrs = ({ strides, pad, dilations = [1, 1] }: Conv) => ({
  strides,
  pad,
  dataFormat: "NHWC",
  dilations,
});

const conv2dNodes: NodeCase[] = [...CONVS, DILATED].map((c) => ({
  inputs: [numbers(c.x, -1, 1, 1), numbers(c.filter, -1, 1, 2)],
  attrs: forwardAttrs(c),
}));

const conv2dInput: NodeCase[] = CONVS.map((c) => ({
  inputs: [numbers(outputOf(c, c.filter[3]!), -1, 1, 1), numbers(c.filter, -1, 1, 2)],
  attrs: { strides: c.strides, pad: c.pad, dataFormat: "NHWC", inputShape: c.x },
}));

const conv2dFilter: NodeCase[] = CONVS.map((c) => ({
  inputs: [numbers(c.x, -1, 1, 1), numbers(outputOf(c, c.filter[3]!), -1, 1, 2)],
  attrs: { strides: c.strides, pad: c.pad, dataFormat: "NHWC", filterShape: c.filter },
}));

const fusedConv: NodeCase[] = ["linear", "relu", "relu6", "elu", "prelu", "leakyrelu", "sigmoid"].map(
  (activation, i) => {
    const c = CONVS[i % CONVS.length]!;
    const channels = c.filter[3]!;
    return {
      inputs: [
        numbers(c.x, -1, 1, 1),
        numbers(c.filter, -1, 1, 2),
        i === 3 ? null : numbers([channels], -1, 1, 3),
        activation === "prelu" ? numbers([channels], 0.1, 0.5, 4) : null,
      ],
      attrs: { ...forwardAttrs(c), activation, leakyreluAlpha: activation === "leakyrelu" ? 0.3 : 0 },
    };
  },
);

const DEPTHWISE: readonly Conv[] = [
  { x: [2, 5, 6, 3], filter: [3, 3, 3, 2], strides: [1, 1], pad: padding(1, 1, 1, 1) },
  { x: [1, 7, 6, 2], filter: [3, 2, 2, 1], strides: [2, 2], pad: padding(0, 1, 1, 0) },
  { x: [2, 4, 4, 1], filter: [2, 2, 1, 3], strides: [1, 1], pad: padding(0, 0, 0, 0) },
];

const DILATED_DEPTHWISE: Conv = { ...DILATED, filter: [3, 2, 2, 2] };

const depthwiseOut = (c: Conv) => outputOf(c, c.filter[2]! * c.filter[3]!);

const depthwiseNodes: NodeCase[] = [...DEPTHWISE, DILATED_DEPTHWISE].map((c) => ({
  inputs: [numbers(c.x, -1, 1, 1), numbers(c.filter, -1, 1, 2)],
  attrs: forwardAttrs(c),
}));
/** Not of dilated ones: tfjs's kernels ignore the dilation (adjoints_test.ts has them). */
const depthwiseInput: NodeCase[] = DEPTHWISE.map((c) => ({
  inputs: [numbers(depthwiseOut(c), -1, 1, 1), numbers(c.filter, -1, 1, 2)],
  attrs: { strides: c.strides, pad: c.pad, dilations: c.dilations ?? [1, 1], inputShape: c.x },
}));

const depthwiseFilter: NodeCase[] = DEPTHWISE.map((c) => ({
  inputs: [numbers(c.x, -1, 1, 1), numbers(depthwiseOut(c), -1, 1, 2)],
  attrs: { strides: c.strides, pad: c.pad, dilations: c.dilations ?? [1, 1], filterShape: c.filter },
}));

const fusedDepthwise: NodeCase[] = DEPTHWISE.slice(0, 2).map((c) => ({
  inputs: [
    numbers(c.x, -1, 1, 1),
    numbers(c.filter, -1, 1, 2),
    numbers([depthwiseOut(c)[3]!], -1, 1, 3),
    null,
  ],
  attrs: { ...forwardAttrs(c), activation: "relu6", leakyreluAlpha: 0 },
}));

interface Conv3 {
  readonly x: number[];
  readonly filter: number[];
  readonly strides: number[];
  readonly pad: "same" | "valid" | number;
  readonly out: number[];
}

const VOLUMES: readonly Conv3[] = [
  { x: [1, 4, 5, 3, 2], filter: [2, 3, 1, 2, 3], strides: [1, 1, 1], pad: "valid", out: [1, 3, 3, 3, 3] },
  { x: [2, 4, 5, 3, 1], filter: [3, 3, 3, 1, 2], strides: [2, 1, 2], pad: "same", out: [2, 2, 5, 2, 2] },
  { x: [1, 5, 4, 4, 2], filter: [2, 2, 2, 2, 2], strides: [1, 2, 1], pad: 1, out: [1, 6, 3, 5, 2] },
];

const conv3d: NodeCase[] = VOLUMES.map((c) => ({
  inputs: [numbers(c.x, -1, 1, 1), numbers(c.filter, -1, 1, 2)],
  attrs: { strides: c.strides, pad: c.pad, dataFormat: "NDHWC", dilations: [1, 1, 1] },
}));

const conv3dInput: NodeCase[] = VOLUMES.map((c) => ({
  inputs: [numbers(c.out, -1, 1, 1), numbers(c.filter, -1, 1, 2)],
  attrs: { strides: c.strides, pad: c.pad, inputShape: c.x },
}));

const conv3dFilter: NodeCase[] = VOLUMES.map((c) => ({
  inputs: [numbers(c.x, -1, 1, 1), numbers(c.out, -1, 1, 2)],
  attrs: { strides: c.strides, pad: c.pad, filterShape: c.filter },
}));

type Pad = "same" | "valid" | number;

const as4 = (a: Tensor) => a as tf.Tensor4D;

const as5 = (a: Tensor) => a as tf.Tensor5D;

function conv2d(
  image: CallInput,
  filter: CallInput,
  strides: [number, number],
  pad: Pad,
  dilations = 1,
): Call {
  return {
    inputs: [image, filter],
    run: (a, f) => tf.conv2d(as4(a), as4(f), strides, pad, "NHWC", dilations),
    gradient: true,
  };
}

function depthwise(
  image: CallInput,
  filter: CallInput,
  strides: [number, number],
  pad: Pad,
  dilations = 1,
): Call {
  return {
    inputs: [image, filter],
    run: (a, f) => tf.depthwiseConv2d(as4(a), as4(f), strides, pad, "NHWC", dilations),
    gradient: true,
  };
}

/** By kernel. */
export const CONV = {
  Conv2D: {
    nodes: conv2dNodes,
    calls: [
      conv2d(x(2, 5, 6, 2), x(3, 3, 2, 3), [1, 1], "same"),
      conv2d(x(1, 7, 5, 2), x(3, 2, 2, 3), [2, 3], "same"),
      conv2d(x(1, 7, 5, 2), x(3, 2, 2, 1), [2, 1], "valid"),
      conv2d(x(1, 5, 5, 1), x(1, 1, 1, 2), [1, 1], 0),
      conv2d(x(1, 6, 6, 1), x(3, 3, 1, 2), [2, 2], 1),
      conv2d(x(1, 7, 7, 2), x(3, 3, 2, 2), [1, 1], "same", 2),
      conv2d(x(1, 8, 7, 1), x(2, 3, 1, 2), [1, 1], "valid", 2),
      {
        inputs: [x(2, 7, 3), x(3, 3, 4)],
        run: (a, f) => tf.conv1d(a as tf.Tensor3D, f as tf.Tensor3D, 2, "same"),
        gradient: true,
      },
      {
        inputs: [x(1, 5, 5, 2), x(2, 2, 2, 2)],
        run: (a, f) => tf.conv2d(as4(a), as4(f), 2, [[0, 0], [1, 0], [0, 1], [0, 0]]),
        gradient: true,
      },
      {
        inputs: [x(1, 6, 6, 1), x(3, 3, 1, 1)],
        run: (a, f) => tf.conv2d(as4(a), as4(f), 2, 0, "NHWC", 1, "ceil"),
        gradient: true,
      },
      {
        inputs: [x(1, 2, 5, 5), x(3, 3, 2, 3)],
        run: (a, f) => tf.conv2d(as4(a), as4(f), [2, 1], "same", "NCHW"),
        gradient: true,
      },
    ],
  },
  Conv2DBackpropFilter: {
    nodes: conv2dFilter,
    calls: [
      {
        inputs: [x(1, 5, 5, 2), x(3, 3, 2, 3)],
        run: (a, f) => tf.grad((g: Tensor) => tf.square(tf.conv2d(as4(a), as4(g), 2, "same")))(f),
      },
    ],
  },
  Conv2DBackpropInput: {
    nodes: conv2dInput,
    calls: [
      {
        inputs: [x(2, 3, 3, 2), x(3, 3, 4, 2)],
        run: (dy, f) => tf.conv2dTranspose(as4(dy), as4(f), [2, 6, 6, 4], 2, "same"),
        gradient: true,
      },
      {
        inputs: [x(1, 3, 2, 2), x(3, 2, 1, 2)],
        run: (dy, f) => tf.conv2dTranspose(as4(dy), as4(f), [1, 5, 4, 1], [1, 2], "valid"),
        gradient: true,
      },
    ],
  },
  Conv3D: {
    nodes: conv3d,
    calls: [
      {
        inputs: [x(1, 4, 4, 5, 2), x(2, 3, 2, 2, 3)],
        run: (a, f) => tf.conv3d(as5(a), as5(f), 1, "same"),
        gradient: true,
      },
      {
        inputs: [x(1, 5, 4, 5, 1), x(2, 2, 2, 1, 2)],
        run: (a, f) => tf.conv3d(as5(a), as5(f), [2, 1, 2], "valid"),
        gradient: true,
      },
    ],
  },
  Conv3DBackpropFilterV2: {
    nodes: conv3dFilter,
    calls: [
      {
        inputs: [x(1, 4, 4, 4, 1), x(2, 2, 2, 1, 2)],
        run: (a, f) => tf.grad((g: Tensor) => tf.square(tf.conv3d(as5(a), as5(g), 2, "same")))(f),
      },
    ],
  },
  Conv3DBackpropInputV2: {
    nodes: conv3dInput,
    calls: [
      {
        inputs: [x(1, 2, 2, 2, 2), x(2, 2, 2, 1, 2)],
        run: (dy, f) => tf.conv3dTranspose(as5(dy), as5(f), [1, 4, 4, 4, 1], 2, "same"),
      },
    ],
  },
  DepthwiseConv2dNative: {
    nodes: depthwiseNodes,
    calls: [
      depthwise(x(2, 5, 6, 2), x(3, 3, 2, 2), [1, 1], "same"),
      depthwise(x(1, 7, 6, 3), x(3, 2, 3, 1), [2, 2], "valid"),
      depthwise(x(1, 7, 7, 2), x(3, 3, 2, 1), [1, 1], "same", 2),
      {
        inputs: [x(1, 5, 5, 2), x(3, 3, 2, 1), x(1, 1, 2, 3)],
        run: (a, f, p) => tf.separableConv2d(as4(a), as4(f), as4(p), 1, "same"),
        gradient: true,
      },
    ],
  },
  DepthwiseConv2dNativeBackpropFilter: {
    nodes: depthwiseFilter,
    calls: [
      {
        inputs: [x(1, 5, 5, 2), x(3, 3, 2, 2)],
        run: (a, f) => tf.grad((g: Tensor) => tf.square(tf.depthwiseConv2d(as4(a), as4(g), 1, "valid")))(f),
      },
    ],
  },
  DepthwiseConv2dNativeBackpropInput: {
    nodes: depthwiseInput,
    calls: [
      {
        inputs: [x(1, 5, 5, 2), x(3, 3, 2, 2)],
        run: (a, f) => tf.grad((g: Tensor) => tf.square(tf.depthwiseConv2d(as4(g), as4(f), 2, "same")))(a),
      },
    ],
  },
  FusedConv2D: {
    nodes: fusedConv,
    calls: [
      {
        inputs: [x(1, 5, 5, 2), x(3, 3, 2, 3), x(3)],
        run: (a, f, bias) =>
          tf.fused.conv2d({ x: as4(a), filter: as4(f), strides: 2, pad: "same", bias, activation: "elu" }),
      },
      {
        inputs: [x(1, 2, 5, 5), x(3, 3, 2, 3), x(3), x(3)],
        run: (a, f, bias, slopes) =>
          tf.fused.conv2d({
            x: as4(a),
            filter: as4(f),
            strides: 1,
            pad: "same",
            dataFormat: "NCHW",
            bias,
            activation: "prelu",
            preluActivationWeights: slopes,
          }),
      },
    ],
  },
  FusedDepthwiseConv2D: {
    nodes: fusedDepthwise,
    calls: [
      {
        inputs: [x(1, 5, 5, 2), x(3, 3, 2, 2), x(4)],
        run: (a, f, bias) =>
          tf.fused.depthwiseConv2d({
            x: as4(a),
            filter: as4(f),
            strides: 1,
            pad: "valid",
            bias,
            activation: "relu6",
          }),
      },
    ],
  },
} satisfies { readonly [kernel: string]: KernelCases };
