/**
 * Calls of every kernel of the kernel table: inputs and attributes, edges included.
 *
 * @module
 */
import type { Kernel } from "../../engine/program/kernels.ts";
import type { Tensor } from "../../engine/runtimes/types.ts";
import { booleans, integers, numbers, tensor } from "./harness.ts";

/** A call of a kernel. */
export interface Case {
  readonly inputs: readonly (Tensor | null)[];
  readonly attrs: unknown;
}

type Cases = { readonly [K in Kernel]: readonly Case[] };

function unary(from = -2, to = 2): Case[] {
  return [[3, 4], [2, 1, 3], [], [1], [5, 0]].map((shape) => ({
    inputs: [numbers(shape, from, to)],
    attrs: {},
  }));
}

function withIntegers(cases: Case[], from = -7, to = 8): Case[] {
  return [...cases, { inputs: [integers([3, 4], from, to)], attrs: {} }];
}

/** Pairs of shapes that broadcast, size-1 dimensions and scalars among them. */
const PAIRS = [
  [[3, 4], [3, 4]],
  [[3, 4], [4]],
  [[3, 1], [1, 4]],
  [[], [2, 3]],
  [[2, 3], []],
  [[2, 1, 3], [5, 1]],
  [[1], [1, 1]],
] as const;

function binary(low = -2, high = 2, lowB = low, highB = high): Case[] {
  return PAIRS.map(([a, b]) => ({
    inputs: [numbers(a, low, high, 1), numbers(b, lowB, highB, 2)],
    attrs: {},
  }));
}

function binaryIntegers(low: number, high: number, lowB = low, highB = high): Case[] {
  return PAIRS.map(([a, b]) => ({
    inputs: [integers(a, low, high, 1), integers(b, lowB, highB, 2)],
    attrs: {},
  }));
}

function compared(): Case[] {
  return [
    ...binary(),
    ...binaryIntegers(-2, 3),
    { inputs: [booleans([3, 4], 1), booleans([3, 4], 2)], attrs: {} },
  ];
}

function reduced(make: (shape: readonly number[]) => Tensor, key = "axis"): Case[] {
  const cases: Case[] = [];
  for (const keepDims of [false, true]) {
    for (const axis of [[0], [1], [2], [0, 2], [0, 1, 2]]) {
      cases.push({ inputs: [make([3, 1, 4])], attrs: { [key]: axis, keepDims } });
    }
    cases.push({ inputs: [make([64, 33])], attrs: { [key]: [0], keepDims } });
    cases.push({ inputs: [make([])], attrs: { [key]: [], keepDims } });
    cases.push({ inputs: [make([2, 3])], attrs: { [key]: [], keepDims } });
  }
  return cases;
}

function scans(exclusive: boolean, reverse: boolean): Case[] {
  return [
    { inputs: [numbers([3, 5])], attrs: { axis: 0, exclusive, reverse } },
    { inputs: [numbers([3, 5, 2])], attrs: { axis: 1, exclusive, reverse } },
    { inputs: [integers([4], -3, 4)], attrs: { axis: 0, exclusive, reverse } },
  ];
}
const SCANS = [false, true].flatMap((exclusive) =>
  [false, true].flatMap((reverse) => scans(exclusive, reverse))
);

const NONE = [0, 0] as const;
const padding = (top: number, bottom: number, left: number, right: number) => [
  NONE,
  [top, bottom],
  [left, right],
  NONE,
];

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

const windowed = (size: number, window: number, stride: number, pad: readonly number[]) =>
  Math.floor((size + pad[0]! + pad[1]! - window) / stride) + 1;

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

const conv2d: Case[] = [...CONVS, DILATED].map((c) => ({
  inputs: [numbers(c.x, -1, 1, 1), numbers(c.filter, -1, 1, 2)],
  attrs: forwardAttrs(c),
}));
const conv2dInput: Case[] = CONVS.map((c) => ({
  inputs: [numbers(outputOf(c, c.filter[3]!), -1, 1, 1), numbers(c.filter, -1, 1, 2)],
  attrs: { strides: c.strides, pad: c.pad, dataFormat: "NHWC", inputShape: c.x },
}));
const conv2dFilter: Case[] = CONVS.map((c) => ({
  inputs: [numbers(c.x, -1, 1, 1), numbers(outputOf(c, c.filter[3]!), -1, 1, 2)],
  attrs: { strides: c.strides, pad: c.pad, dataFormat: "NHWC", filterShape: c.filter },
}));
const fusedConv: Case[] = ["linear", "relu", "relu6", "elu", "prelu", "leakyrelu", "sigmoid"].map(
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
const depthwise: Case[] = [...DEPTHWISE, DILATED_DEPTHWISE].map((c) => ({
  inputs: [numbers(c.x, -1, 1, 1), numbers(c.filter, -1, 1, 2)],
  attrs: forwardAttrs(c),
}));
/** Not of dilated ones: tfjs's kernels ignore the dilation (adjoints_test.ts has them). */
const depthwiseInput: Case[] = DEPTHWISE.map((c) => ({
  inputs: [numbers(depthwiseOut(c), -1, 1, 1), numbers(c.filter, -1, 1, 2)],
  attrs: { strides: c.strides, pad: c.pad, dilations: c.dilations ?? [1, 1], inputShape: c.x },
}));
const depthwiseFilter: Case[] = DEPTHWISE.map((c) => ({
  inputs: [numbers(c.x, -1, 1, 1), numbers(depthwiseOut(c), -1, 1, 2)],
  attrs: { strides: c.strides, pad: c.pad, dilations: c.dilations ?? [1, 1], filterShape: c.filter },
}));
const fusedDepthwise: Case[] = DEPTHWISE.slice(0, 2).map((c) => ({
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
const conv3d: Case[] = VOLUMES.map((c) => ({
  inputs: [numbers(c.x, -1, 1, 1), numbers(c.filter, -1, 1, 2)],
  attrs: { strides: c.strides, pad: c.pad, dataFormat: "NDHWC", dilations: [1, 1, 1] },
}));
const conv3dInput: Case[] = VOLUMES.map((c) => ({
  inputs: [numbers(c.out, -1, 1, 1), numbers(c.filter, -1, 1, 2)],
  attrs: { strides: c.strides, pad: c.pad, inputShape: c.x },
}));
const conv3dFilter: Case[] = VOLUMES.map((c) => ({
  inputs: [numbers(c.x, -1, 1, 1), numbers(c.out, -1, 1, 2)],
  attrs: { strides: c.strides, pad: c.pad, filterShape: c.filter },
}));

const POOLS = [
  { x: [2, 6, 4, 3], filterSize: [2, 2], strides: [2, 2], pad: padding(0, 0, 0, 0) },
  { x: [1, 7, 5, 2], filterSize: [3, 2], strides: [2, 1], pad: padding(0, 0, 0, 0) },
  { x: [2, 5, 5, 1], filterSize: [3, 3], strides: [1, 1], pad: padding(0, 0, 0, 0) },
];
const PADDED_POOL = { x: [1, 5, 6, 2], filterSize: [3, 3], strides: [2, 2], pad: padding(1, 1, 0, 1) };
const poolAttrs = ({ filterSize, strides, pad }: (typeof POOLS)[number]) => ({ filterSize, strides, pad });
const pooled = ({ x, filterSize, strides, pad }: (typeof POOLS)[number]) => {
  const cells = [0, 1].map((i) =>
    windowed(x[i + 1]!, filterSize[i]!, strides[i]!, pad[i + 1] as readonly number[])
  );
  return [x[0]!, ...cells, x[3]!];
};
const pool: Case[] = [...POOLS, PADDED_POOL].map((c) => ({ inputs: [numbers(c.x)], attrs: poolAttrs(c) }));
const averageGrad: Case[] = [...POOLS, PADDED_POOL].map((c) => ({
  inputs: [numbers(pooled(c), -1, 1, 2), numbers(c.x)],
  attrs: poolAttrs(c),
}));
/** tfjs's kernel looks at the input only, so that any tensor does in the slot of the output. */
const maximumGrad: Case[] = [...POOLS, PADDED_POOL].map((c) => ({
  inputs: [numbers(pooled(c), -1, 1, 2), numbers(c.x), numbers(pooled(c))],
  attrs: poolAttrs(c),
}));
const POOLS3 = [
  { x: [1, 4, 4, 2, 2], filterSize: [2, 2, 2], strides: [2, 2, 2], pad: "valid", out: [1, 2, 2, 1, 2] },
  { x: [2, 5, 4, 3, 1], filterSize: [3, 2, 2], strides: [1, 1, 1], pad: "valid", out: [2, 3, 3, 2, 1] },
];
/** Height and width of the window are equal: tfjs's gradient of the maximum mixes them up otherwise. */
const PADDED_POOL3 = {
  x: [1, 5, 4, 3, 2],
  filterSize: [2, 3, 3],
  strides: [2, 2, 1],
  pad: "same",
  out: [1, 3, 2, 3, 2],
};
const pool3Attrs = ({ filterSize, strides, pad }: (typeof POOLS3)[number]) => ({ filterSize, strides, pad });
const pool3: Case[] = [...POOLS3, PADDED_POOL3].map((c) => ({
  inputs: [numbers(c.x)],
  attrs: pool3Attrs(c),
}));
const average3Grad: Case[] = [...POOLS3, PADDED_POOL3].map((c) => ({
  inputs: [numbers(c.out, -1, 1, 2), numbers(c.x)],
  attrs: pool3Attrs(c),
}));
const maximum3Grad: Case[] = [...POOLS3, PADDED_POOL3].map((c) => ({
  inputs: [numbers(c.out, -1, 1, 2), numbers(c.x), numbers(c.out)],
  attrs: pool3Attrs(c),
}));

const SIZES = [[5, 7], [2, 2], [4, 3], [1, 1], [8, 6]];
const resized: Case[] = SIZES.flatMap((size) =>
  [[false, false], [true, false], [false, true]].map(([alignCorners, halfPixelCenters]) => ({
    inputs: [numbers([2, 4, 3, 2])],
    attrs: { alignCorners, halfPixelCenters, size },
  }))
);
const resizedGrad = (batch: number): Case[] =>
  SIZES.flatMap((size) =>
    [false, true].map((alignCorners) => ({
      inputs: [numbers([batch, 4, 3, 2]), numbers([batch, ...size, 2], -1, 1, 2)],
      attrs: { alignCorners },
    }))
  );

/** Leading axes of which one side is 1: tfjs's cpu backend broadcasts only one whole stack (see adjoints_test.ts). */
function products(attrs: object, extra: (shape: readonly number[]) => (Tensor | null)[]): Case[] {
  const plain = { transposeA: false, transposeB: false, ...attrs };
  const shapes: [number[], number[], object, number[]][] = [
    [[3, 4], [4, 5], {}, [3, 5]],
    [[4, 3], [4, 5], { transposeA: true }, [3, 5]],
    [[3, 4], [5, 4], { transposeB: true }, [3, 5]],
    [[4, 3], [5, 4], { transposeA: true, transposeB: true }, [3, 5]],
    [[2, 3, 4], [2, 4, 5], {}, [2, 3, 5]],
    [[2, 4, 3], [2, 5, 4], { transposeA: true, transposeB: true }, [2, 3, 5]],
    [[2, 3, 4], [1, 4, 5], {}, [2, 3, 5]],
    [[1, 3, 4], [1, 4, 5], {}, [1, 3, 5]],
    [[1, 1], [1, 1], {}, [1, 1]],
    [[64, 33], [33, 17], {}, [64, 17]],
  ];
  return shapes.map(([a, b, more, shape]) => ({
    inputs: [numbers(a, -1, 1, 1), numbers(b, -1, 1, 2), ...extra(shape)],
    attrs: { ...plain, ...more },
  }));
}

/** The calls of every kernel. */
export const CASES: Cases = {
  Abs: withIntegers(unary()),
  Acos: unary(-1, 1),
  Acosh: unary(1, 5),
  Add: [...binary(), ...binaryIntegers(-9, 10)],
  AddN: [
    { inputs: [numbers([2, 3], -1, 1, 1)], attrs: {} },
    { inputs: [numbers([2, 3], -1, 1, 1), numbers([2, 3], -1, 1, 2)], attrs: {} },
    { inputs: [numbers([4], -1, 1, 1), numbers([4], -1, 1, 2), numbers([4], -1, 1, 3)], attrs: {} },
    { inputs: [integers([4], 0, 9, 1), integers([4], 0, 9, 2), integers([4], 0, 9, 3)], attrs: {} },
  ],
  All: reduced((shape) => booleans(shape)),
  Any: reduced((shape) => booleans(shape)),
  ArgMax: [
    { inputs: [numbers([3, 5, 2])], attrs: { axis: 1 } },
    { inputs: [numbers([3, 5])], attrs: { axis: 0 } },
    { inputs: [tensor("float32", [6], [1, 3, 3, 2, 3, 0])], attrs: { axis: 0 } },
    { inputs: [integers([4, 3], 0, 3)], attrs: { axis: 1 } },
  ],
  ArgMin: [
    { inputs: [numbers([3, 5, 2])], attrs: { axis: 1 } },
    { inputs: [tensor("float32", [6], [1, 0, 3, 2, 3, 0])], attrs: { axis: 0 } },
    { inputs: [integers([4, 3], 0, 3)], attrs: { axis: 1 } },
  ],
  Asin: unary(-1, 1),
  Asinh: unary(-5, 5),
  Atan: unary(-5, 5),
  Atan2: [...binary(), {
    inputs: [
      tensor("float32", [9], [0, 1, -1, 0, 0, 1, 1, -1, -1]),
      tensor("float32", [9], [0, 0, 0, 1, -1, 1, -1, 1, -1]),
    ],
    attrs: {},
  }],
  Atanh: unary(-0.99, 0.99),
  AvgPool: pool,
  AvgPool3D: pool3,
  AvgPool3DGrad: average3Grad,
  AvgPoolGrad: averageGrad,
  BatchMatMul: [
    ...products({}, () => []),
    {
      inputs: [integers([2, 3], -5, 6, 1), integers([3, 4], -5, 6, 2)],
      attrs: { transposeA: false, transposeB: false },
    },
  ],
  BatchToSpaceND: [
    { inputs: [numbers([8, 2, 3, 2])], attrs: { blockShape: [2, 2], crops: [[0, 0], [0, 0]] } },
    { inputs: [numbers([6, 3, 2])], attrs: { blockShape: [3], crops: [[1, 2]] } },
    { inputs: [numbers([4, 2, 3, 1])], attrs: { blockShape: [2, 2], crops: [[0, 1], [2, 1]] } },
  ],
  BroadcastTo: [
    { inputs: [numbers([1, 3])], attrs: { shape: [4, 3] } },
    { inputs: [numbers([])], attrs: { shape: [2, 2] } },
    { inputs: [integers([2, 1], 0, 9)], attrs: { shape: [3, 2, 4] } },
  ],
  Cast: [
    { inputs: [numbers([3, 4])], attrs: { dtype: "int32" } },
    { inputs: [tensor("float32", [5], [0, -0, 0.5, -2, 1e-30])], attrs: { dtype: "bool" } },
    { inputs: [integers([5], -2, 3)], attrs: { dtype: "float32" } },
    { inputs: [integers([5], -2, 3)], attrs: { dtype: "bool" } },
    { inputs: [booleans([5])], attrs: { dtype: "float32" } },
    { inputs: [booleans([5])], attrs: { dtype: "int32" } },
    { inputs: [numbers([2])], attrs: { dtype: "float32" } },
  ],
  Ceil: withIntegers(unary()),
  ClipByValue: [
    { inputs: [numbers([3, 4])], attrs: { clipValueMin: -0.5, clipValueMax: 1 } },
    { inputs: [integers([6], -9, 9)], attrs: { clipValueMin: -2, clipValueMax: 3 } },
  ],
  Concat: [
    { inputs: [numbers([2, 3], 0, 1, 1), numbers([2, 1], 0, 1, 2)], attrs: { axis: 1 } },
    { inputs: [numbers([2, 3], 0, 1, 1), numbers([4, 3], 0, 1, 2), numbers([1, 3])], attrs: { axis: 0 } },
    { inputs: [numbers([2, 3])], attrs: { axis: 1 } },
    { inputs: [booleans([2]), booleans([3], 2)], attrs: { axis: 0 } },
    { inputs: [integers([2], 0, 5), integers([3], 0, 5)], attrs: { axis: 0 } },
  ],
  Conv2D: conv2d,
  Conv2DBackpropFilter: conv2dFilter,
  Conv2DBackpropInput: conv2dInput,
  Conv3D: conv3d,
  Conv3DBackpropFilterV2: conv3dFilter,
  Conv3DBackpropInputV2: conv3dInput,
  Cos: unary(-5, 5),
  Cosh: unary(),
  Cumprod: SCANS,
  Cumsum: SCANS,
  DepthToSpace: [
    { inputs: [numbers([2, 2, 3, 8])], attrs: { blockSize: 2, dataFormat: "NHWC" } },
    { inputs: [numbers([1, 1, 2, 9])], attrs: { blockSize: 3, dataFormat: "NHWC" } },
  ],
  DepthwiseConv2dNative: depthwise,
  DepthwiseConv2dNativeBackpropFilter: depthwiseFilter,
  DepthwiseConv2dNativeBackpropInput: depthwiseInput,
  Einsum: [
    { inputs: [numbers([3, 4]), numbers([4, 2])], attrs: { equation: "ij,jk->ik" } },
    { inputs: [numbers([2, 3, 4])], attrs: { equation: "abc->ca" } },
    { inputs: [numbers([2, 3]), numbers([2, 3])], attrs: { equation: "ab,ab->" } },
    { inputs: [numbers([2, 3, 4]), numbers([2, 5, 4])], attrs: { equation: "bij,bkj->bik" } },
  ],
  Elu: unary(),
  EluGrad: [{ inputs: [numbers([3, 4], -1, 1, 1), numbers([3, 4], -1, 2, 2)], attrs: {} }],
  Equal: [...compared(), {
    inputs: [tensor("float32", [3], [NaN, 1, 2]), tensor("float32", [3], [NaN, 1, 3])],
    attrs: {},
  }],
  Erf: unary(-3, 3),
  Exp: unary(-5, 5),
  ExpandDims: [
    { inputs: [numbers([2, 3])], attrs: { dim: 1 } },
    { inputs: [numbers([])], attrs: { dim: 0 } },
    { inputs: [booleans([2])], attrs: { dim: 1 } },
  ],
  Expm1: [...unary(-3, 3), ...unary(-1e-3, 1e-3), {
    inputs: [tensor("float32", [4], [50, -50, 0, 1e-8])],
    attrs: {},
  }],
  Fill: [
    { inputs: [], attrs: { shape: [2, 3], value: 1.5, dtype: "float32" } },
    { inputs: [], attrs: { shape: [], value: 7, dtype: "int32" } },
    { inputs: [], attrs: { shape: [2], value: 1, dtype: "bool" } },
  ],
  Floor: withIntegers(unary()),
  FloorDiv: [...binaryIntegers(-9, 10, 1, 5), ...binaryIntegers(-9, 10, -5, -1)],
  FusedBatchNorm: [
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
  FusedConv2D: fusedConv,
  FusedDepthwiseConv2D: fusedDepthwise,
  GatherNd: [
    { inputs: [numbers([3, 4]), tensor("int32", [2, 2], [0, 1, 2, 3])], attrs: {} },
    { inputs: [numbers([3, 4, 2]), tensor("int32", [3, 1], [2, 0, 2])], attrs: {} },
    { inputs: [numbers([5]), tensor("int32", [1], [3])], attrs: {} },
  ],
  GatherV2: [
    { inputs: [numbers([5, 3]), tensor("int32", [4], [4, 0, 0, 2])], attrs: { axis: 0, batchDims: 0 } },
    { inputs: [numbers([2, 5, 3]), tensor("int32", [2, 2], [1, 4, 0, 0])], attrs: { axis: 1, batchDims: 0 } },
    { inputs: [numbers([5, 3]), tensor("int32", [], [2])], attrs: { axis: 1, batchDims: 0 } },
    { inputs: [integers([5], 0, 9), tensor("int32", [1], [2])], attrs: { axis: 0, batchDims: 0 } },
    {
      inputs: [numbers([2, 4, 3]), tensor("int32", [2, 2], [1, 3, 0, 0])],
      attrs: { axis: 1, batchDims: 1 },
    },
  ],
  Greater: compared(),
  GreaterEqual: compared(),
  Identity: [...unary(), { inputs: [booleans([3])], attrs: {} }],
  IsFinite: special(),
  IsInf: special(),
  IsNan: special(),
  LeakyRelu: unary().map((c) => ({ ...c, attrs: { alpha: 0.2 } })),
  Less: compared(),
  LessEqual: compared(),
  LinSpace: [
    { inputs: [], attrs: { start: -1, stop: 2, num: 7 } },
    { inputs: [], attrs: { start: 3, stop: 5, num: 1 } },
  ],
  Log: unary(0.01, 5),
  Log1p: [...unary(-0.9, 5), ...unary(-1e-3, 1e-3), {
    inputs: [tensor("float32", [4], [1e10, -1, 0, 1e-8])],
    attrs: {},
  }],
  LogicalAnd: logical(),
  LogicalNot: [{ inputs: [booleans([3, 4])], attrs: {} }],
  LogicalOr: logical(),
  LRN: [{ inputs: [numbers([2, 2, 3, 7])], attrs: { depthRadius: 2, bias: 1, alpha: 0.5, beta: 0.75 } }],
  LRNGrad: [lrnGrad()],
  Max: [
    ...reduced((shape) => numbers(shape), "reductionIndices"),
    ...reduced((shape) => integers(shape, -9, 9), "reductionIndices"),
  ],
  Maximum: [...binary(), ...binaryIntegers(-9, 9)],
  MaxPool: pool,
  MaxPool3D: pool3,
  MaxPool3DGrad: maximum3Grad,
  MaxPoolGrad: maximumGrad,
  Mean: reduced((shape) => numbers(shape)),
  Min: [...reduced((shape) => numbers(shape)), ...reduced((shape) => integers(shape, -9, 9))],
  Minimum: [...binary(), ...binaryIntegers(-9, 9)],
  MirrorPad: ["reflect", "symmetric"].flatMap((mode) => [
    { inputs: [numbers([3, 4])], attrs: { paddings: [[1, 2], [0, 3]], mode } },
    { inputs: [numbers([3])], attrs: { paddings: [[0, 0]], mode } },
    { inputs: [numbers([2, 3, 2])], attrs: { paddings: [[1, 1], [2, 0], [0, 0]], mode } },
  ]),
  Mod: [
    ...binary(-9, 9, 0.5, 4),
    ...binary(-9, 9, -4, -0.5),
    ...binaryIntegers(-9, 10, 1, 5),
    ...binaryIntegers(-9, 10, -5, -1),
  ],
  Multiply: [
    ...binary(),
    ...binaryIntegers(-9, 10),
    { inputs: [booleans([3, 4], 1), booleans([4], 2)], attrs: {} },
  ],
  Neg: withIntegers(unary()),
  NotEqual: [...compared(), {
    inputs: [tensor("float32", [2], [NaN, 1]), tensor("float32", [2], [NaN, 1])],
    attrs: {},
  }],
  OneHot: [
    {
      inputs: [tensor("int32", [4], [0, 2, -1, 5])],
      attrs: { depth: 3, onValue: 1, offValue: 0, dtype: "float32" },
    },
    {
      inputs: [integers([2, 3], 0, 4)],
      attrs: { depth: 4, onValue: 5, offValue: -2, dtype: "int32" },
    },
  ],
  OnesLike: [...unary(), { inputs: [integers([2, 2], 0, 9)], attrs: {} }],
  Pack: [
    { inputs: [numbers([2, 3], 0, 1, 1), numbers([2, 3], 0, 1, 2)], attrs: { axis: 1 } },
    { inputs: [numbers([]), numbers([])], attrs: { axis: 0 } },
  ],
  PadV2: [
    { inputs: [numbers([2, 3])], attrs: { paddings: [[1, 0], [2, 1]], constantValue: 0 } },
    { inputs: [integers([3], 0, 9)], attrs: { paddings: [[1, 2]], constantValue: -4 } },
    { inputs: [numbers([2])], attrs: { paddings: [[0, 0]], constantValue: 0 } },
  ],
  Pow: [
    ...binary(0.1, 3),
    ...[1, 2, 3, 0.5, -1, -0.5, 0, 4].map((exponent) => ({
      inputs: [numbers([3, 4], 0.1, 3), tensor("float32", [], [exponent])],
      attrs: {},
    })),
    { inputs: [numbers([4], -3, -1), tensor("float32", [4], [2, 3, 0.5, -1])], attrs: {} },
    ...binaryIntegers(-3, 4, 0, 4),
  ],
  Prelu: [
    { inputs: [numbers([2, 3, 4]), numbers([4], 0, 1, 2)], attrs: {} },
    { inputs: [numbers([2, 3]), numbers([2, 3], 0, 1, 2)], attrs: {} },
    { inputs: [numbers([3]), numbers([2, 3], 0, 1, 2)], attrs: {} },
  ],
  Prod: [...reduced((shape) => numbers(shape, 0.5, 1.5)), ...reduced((shape) => integers(shape, 1, 2))],
  Range: [
    { inputs: [], attrs: { start: 0, stop: 5, step: 1, dtype: "float32" } },
    { inputs: [], attrs: { start: 5, stop: -3, step: -2, dtype: "int32" } },
    { inputs: [], attrs: { start: 0, stop: 1, step: 0.3, dtype: "float32" } },
  ],
  RealDiv: binary(-2, 2, 0.5, 3),
  Reciprocal: unary(0.5, 3),
  Relu: withIntegers(unary()),
  Relu6: withIntegers(unary(-3, 9), -3, 9),
  Reshape: [
    { inputs: [numbers([2, 6])], attrs: { shape: [3, 4] } },
    { inputs: [numbers([1])], attrs: { shape: [] } },
    { inputs: [booleans([2, 2])], attrs: { shape: [4] } },
    { inputs: [numbers([0, 3])], attrs: { shape: [3, 0] } },
  ],
  ResizeBilinear: resized,
  ResizeBilinearGrad: resizedGrad(2),
  ResizeNearestNeighbor: resized,
  // tfjs reads dy of later images at the offset of x: one image only.
  ResizeNearestNeighborGrad: resizedGrad(1),
  Reverse: [
    { inputs: [numbers([2, 3])], attrs: { dims: [1] } },
    { inputs: [numbers([2, 3, 4])], attrs: { dims: [0, 2] } },
    { inputs: [numbers([2, 3])], attrs: { dims: [] } },
    { inputs: [integers([1, 3], 0, 9)], attrs: { dims: [0, 1] } },
  ],
  Round: [...withIntegers(unary()), {
    inputs: [tensor("float32", [6], [0.5, 1.5, 2.5, -0.5, -1.5, -2.5])],
    attrs: {},
  }],
  Rsqrt: unary(0.1, 5),
  ScatterNd: [
    { inputs: [tensor("int32", [3, 1], [4, 0, 4]), numbers([3, 2])], attrs: { shape: [5, 2] } },
    { inputs: [tensor("int32", [3], [1, 1, 2]), numbers([3])], attrs: { shape: [4] } },
    { inputs: [tensor("int32", [2, 2], [0, 1, 1, 0]), integers([2], 1, 9)], attrs: { shape: [2, 2] } },
  ],
  Select: [
    { inputs: [booleans([3, 4]), numbers([3, 4], 0, 1, 1), numbers([3, 4], 0, 1, 2)], attrs: {} },
    { inputs: [booleans([4]), integers([4], 0, 9, 1), integers([4], 0, 9, 2)], attrs: {} },
    { inputs: [booleans([]), numbers([]), numbers([], 0, 1, 2)], attrs: {} },
  ],
  Selu: unary(),
  Sigmoid: unary(-9, 9),
  Sign: [...withIntegers(unary()), { inputs: [tensor("float32", [3], [0, -0, -3])], attrs: {} }],
  Sin: unary(-5, 5),
  Sinh: unary(),
  Slice: [
    { inputs: [numbers([4, 5])], attrs: { begin: [1, 2], size: [2, 3] } },
    { inputs: [numbers([4, 5])], attrs: { begin: [0, 0], size: [4, 5] } },
    { inputs: [booleans([4])], attrs: { begin: [3], size: [1] } },
    { inputs: [numbers([4])], attrs: { begin: [2], size: [0] } },
  ],
  Softmax: [
    { inputs: [numbers([3, 5], -4, 4)], attrs: { dim: 1 } },
    { inputs: [numbers([2, 3, 1])], attrs: { dim: 2 } },
    { inputs: [numbers([7], -50, 50)], attrs: { dim: 0 } },
  ],
  Softplus: [...unary(-5, 5), { inputs: [tensor("float32", [4], [-100, -30, 30, 100])], attrs: {} }],
  SpaceToBatchND: [
    { inputs: [numbers([2, 4, 6, 2])], attrs: { blockShape: [2, 3], paddings: [[0, 0], [0, 0]] } },
    { inputs: [numbers([2, 3, 2])], attrs: { blockShape: [2], paddings: [[1, 2]] } },
  ],
  SplitV: [
    { inputs: [numbers([6, 2])], attrs: { numOrSizeSplits: [1, 3, 2], axis: 0 } },
    { inputs: [numbers([2, 4])], attrs: { numOrSizeSplits: [2, 2], axis: 1 } },
    { inputs: [numbers([2, 4])], attrs: { numOrSizeSplits: [4], axis: 1 } },
  ],
  Sqrt: unary(0, 5),
  Square: withIntegers(unary()),
  SquaredDifference: [...binary(), ...binaryIntegers(-9, 9)],
  Step: [
    ...unary().map((c) => ({ ...c, attrs: { alpha: 0 } })),
    ...unary().map((c) => ({ ...c, attrs: { alpha: 0.3 } })),
    { inputs: [tensor("float32", [3], [0, -0, 1e-30])], attrs: { alpha: 0 } },
    { inputs: [integers([4], -2, 3)], attrs: { alpha: 0 } },
  ],
  StridedSlice: [
    strided([6, 5], [1, 0], [6, 5], [2, 1], 0),
    strided([6, 5], [5, 4], [0, 0], [-1, -2], 0b11),
    strided([7], [6], [1], [-2], 0),
    strided([4, 4], [0, 1], [4, 3], [3, 1], 0b01),
  ],
  Sub: [...binary(), ...binaryIntegers(-9, 10)],
  Sum: [...reduced((shape) => numbers(shape)), ...reduced((shape) => integers(shape, -9, 10))],
  Tan: unary(-1.5, 1.5),
  Tanh: unary(-5, 5),
  TensorScatterUpdate: [
    {
      inputs: [numbers([5, 2]), tensor("int32", [2, 1], [4, 1]), numbers([2, 2], 5, 9)],
      attrs: {},
    },
    {
      inputs: [integers([3, 3], 0, 9), tensor("int32", [2, 2], [0, 1, 2, 2]), integers([2], 20, 30)],
      attrs: {},
    },
  ],
  Tile: [
    { inputs: [numbers([2, 3])], attrs: { reps: [2, 1] } },
    { inputs: [numbers([2])], attrs: { reps: [1] } },
    { inputs: [booleans([2, 1])], attrs: { reps: [3, 2] } },
    { inputs: [integers([2], 0, 9)], attrs: { reps: [3] } },
  ],
  TopK: [
    { inputs: [numbers([3, 6])], attrs: { k: 2, sorted: true } },
    { inputs: [tensor("float32", [5], [2, 3, 3, 1, 3])], attrs: { k: 4, sorted: true } },
    { inputs: [integers([2, 5], -99, 99)], attrs: { k: 5, sorted: true } },
  ],
  Transpose: [
    { inputs: [numbers([2, 3])], attrs: { perm: [1, 0] } },
    { inputs: [numbers([2, 3, 4])], attrs: { perm: [2, 0, 1] } },
    { inputs: [numbers([2, 1, 4])], attrs: { perm: [1, 0, 2] } },
    { inputs: [booleans([2, 3])], attrs: { perm: [1, 0] } },
    { inputs: [numbers([2, 3])], attrs: { perm: [0, 1] } },
  ],
  Unpack: [
    { inputs: [numbers([3, 2])], attrs: { axis: 0 } },
    { inputs: [numbers([3, 2, 4])], attrs: { axis: 1 } },
    { inputs: [numbers([1, 2])], attrs: { axis: 0 } },
  ],
  UnsortedSegmentSum: [
    { inputs: [numbers([5, 2]), tensor("int32", [5], [0, 2, 0, 1, 2])], attrs: { numSegments: 4 } },
    { inputs: [numbers([4]), tensor("int32", [4], [1, -1, 3, 1])], attrs: { numSegments: 3 } },
    { inputs: [integers([3, 1], 0, 9), tensor("int32", [3], [1, 1, 0])], attrs: { numSegments: 2 } },
  ],
  ZerosLike: [...unary(), { inputs: [booleans([2, 2])], attrs: {} }],
  _FusedMatMul: ["linear", "relu", "relu6", "elu", "prelu", "leakyrelu", "sigmoid"].flatMap((activation) =>
    products(
      { activation, leakyreluAlpha: activation === "leakyrelu" ? 0.3 : 0 },
      (shape) => [
        activation === "elu" ? null : numbers([shape.at(-1)!], -1, 1, 3),
        activation === "prelu" ? numbers([shape.at(-1)!], 0, 0.5, 4) : null,
      ],
    ).slice(0, 8)
  ),
};

function special(): Case[] {
  return [
    { inputs: [tensor("float32", [2, 3], [NaN, Infinity, -Infinity, 0, 1, -3])], attrs: {} },
    { inputs: [integers([3], -2, 2)], attrs: {} },
    { inputs: [booleans([3])], attrs: {} },
  ];
}

function logical(): Case[] {
  return PAIRS.map(([a, b]) => ({ inputs: [booleans(a, 1), booleans(b, 2)], attrs: {} }));
}

function lrnGrad(): Case {
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

function strided(
  shape: number[],
  begin: number[],
  end: number[],
  strides: number[],
  endMask: number,
): Case {
  const masks = { beginMask: 0, endMask, ellipsisMask: 0, newAxisMask: 0, shrinkAxisMask: 0 };
  return { inputs: [numbers(shape)], attrs: { begin, end, strides, ...masks } };
}
