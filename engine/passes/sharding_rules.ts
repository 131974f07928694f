/**
 * How kernels treat the rows of a batch: where the axis of the rows goes, or that rows are added up.
 *
 * @module
 */
import type { Kernel } from "../program/kernels.ts";
import { elementwise as elementwiseKernels } from "../program/kernels/elementwise.ts";
import type { ProgramNode, ValueType } from "../program/types.ts";

/** What a value is to a part of the rows; a number is the axis that is divided. */
export type Kind = "whole" | "sum" | "after" | number;

/** Types around a node. */
export interface NodeTypes {
  readonly inputs: readonly (ValueType | null)[];
  readonly outputs: readonly ValueType[];
}

/** What a node makes of rows. */
export interface RowResult {
  /** Of all outputs. */
  readonly kind: number | "sum";
  /** Whole inputs of which each part needs its share along an axis: index of the input, axis. */
  readonly shares?: readonly (readonly [input: number, axis: number])[];
}

/** Axis of the rows by input; undefined for whole inputs. */
type Axes = readonly (number | undefined)[];
type RowRule = (axes: Axes, attrs: Attrs, types: NodeTypes) => RowResult | undefined;
// deno-lint-ignore no-explicit-any
type Attrs = { readonly [name: string]: any };

const shapeOf = (types: NodeTypes, input: number): readonly number[] => types.inputs[input]!.shape;

/** Element by element: rows of all operands lie over each other; an operand without them repeats along them. */
const elementwise: RowRule = (axes, _attrs, { inputs, outputs }) => {
  const rank = outputs[0]!.shape.length;
  const over = axes.flatMap((axis, i) => (axis === undefined ? [] : [axis + rank - inputs[i]!.shape.length]));
  const kind = over[0]!;
  if (over.some((axis) => axis !== kind)) return undefined;
  const shares = axes.flatMap((axis, i): [number, number][] => {
    const at = kind - (rank - (inputs[i]?.shape.length ?? 0));
    const isFull = axis === undefined && inputs[i] && at >= 0 && inputs[i].shape[at] !== 1;
    return isFull ? [[i, at]] : [];
  });
  return { kind, shares };
};

/** Where an axis lies when those of `axes` are taken out or left with length 1. */
function afterReduction(axis: number, axes: readonly number[], keepDims: boolean): number {
  return keepDims ? axis : axis - axes.filter((other) => other < axis).length;
}

/** A reduction; over the rows it is a sum where `isSum`. */
function reduction(attr: string, isSum: boolean): RowRule {
  return ([axis], attrs) => {
    const axes = attrs[attr] as readonly number[];
    if (axes.includes(axis!)) return isSum ? { kind: "sum" } : undefined;
    return { kind: afterReduction(axis!, axes, attrs["keepDims"]) };
  };
}

/** The axis of the result that begins where the rows begin; axes of length 1 are passed over. */
const reshape: RowRule = ([axis], _attrs, types) => {
  const product = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
  const before = product(shapeOf(types, 0).slice(0, axis));
  const { shape } = types.outputs[0]!;
  const at = shape.findIndex((length, i) => product(shape.slice(0, i)) === before && length !== 1);
  return at < 0 ? undefined : { kind: at };
};

/** Products of matrices; rows of both as the inner axis make a sum. */
function product(isPlain: boolean): RowRule {
  return (axes, { transposeA, transposeB }, types) => {
    const rank = types.outputs[0]!.shape.length;
    const [a, b] = [0, 1].map((i) => {
      const axis = axes[i];
      return axis === undefined ? undefined : axis + rank - shapeOf(types, i).length;
    });
    const [rowOfA, columnOfB] = [transposeA ? rank - 1 : rank - 2, transposeB ? rank - 2 : rank - 1];
    const [innerOfA, innerOfB] = [2 * rank - 3 - rowOfA, 2 * rank - 3 - columnOfB];
    if (a !== undefined && a < rank - 2) {
      return b === a || (b === undefined && isOne(1, a)) ? { kind: a } : undefined;
    }
    if (b !== undefined && b < rank - 2) return a === undefined && isOne(0, b) ? { kind: b } : undefined;
    if (a === rowOfA && b === undefined) return { kind: rank - 2 };
    if (b === columnOfB && a === undefined && isPlain) return { kind: rank - 1 };
    return isPlain && a === innerOfA && b === innerOfB ? { kind: "sum" } : undefined;

    /** Whether an operand without rows repeats along an axis of the result. */
    function isOne(input: number, axis: number): boolean {
      const shape = shapeOf(types, input);
      const at = axis - (rank - shape.length);
      return at < 0 || shape[at] === 1;
    }
  };
}

/** The rows must be the first axis of these inputs, and of no other; the result has them there too. */
function imagesOf(...inputs: readonly number[]): RowRule {
  return (axes) =>
    axes.every((axis, i) => axis === (inputs.includes(i) ? 0 : undefined)) ? { kind: 0 } : undefined;
}

/** Rows of both are added up. */
const filterGradient: RowRule = ([x, dy]) => (x === 0 && dy === 0 ? { kind: "sum" } : undefined);

/** The axis stays where it is, unless the kernel works along it. */
function along(axesOf: (attrs: Attrs, rank: number) => readonly number[]): RowRule {
  return ([axis], attrs, types) =>
    axesOf(attrs, shapeOf(types, 0).length).includes(axis!) ? undefined : { kind: axis! };
}

const isNone = (pair: readonly [number, number]) => pair[0] === 0 && pair[1] === 0;
const paddedAxes = (attrs: Attrs) =>
  (attrs["paddings"] as (readonly [number, number])[]).flatMap((pair, i) => (isNone(pair) ? [] : [i]));

/** All inputs that have rows have them on one axis, which is not the one that they are joined along. */
const joined = (isNew: boolean): RowRule => (axes, { axis }) => {
  const at = axes.find((other) => other !== undefined)!;
  if (axes.some((other) => other !== undefined && other !== at) || (!isNew && at === axis)) return undefined;
  const shares = axes.flatMap((other, i): [number, number][] => (other === undefined ? [[i, at]] : []));
  return { kind: isNew && at >= axis ? at + 1 : at, shares };
};

const RULES: { readonly [K in Kernel]?: RowRule } = {
  All: reduction("axis", false),
  Any: reduction("axis", false),
  ArgMax: ([at], { axis }) => at === axis ? undefined : { kind: afterReduction(at!, [axis], false) },
  ArgMin: ([at], { axis }) => at === axis ? undefined : { kind: afterReduction(at!, [axis], false) },
  AvgPool: imagesOf(0),
  AvgPool3D: imagesOf(0),
  AvgPool3DGrad: imagesOf(0, 1),
  AvgPoolGrad: imagesOf(0, 1),
  BatchMatMul: product(true),
  BroadcastTo: ([axis], { shape }, types) => ({ kind: axis! + shape.length - shapeOf(types, 0).length }),
  Concat: joined(false),
  Conv2D: imagesOf(0),
  Conv2DBackpropFilter: filterGradient,
  Conv2DBackpropInput: imagesOf(0),
  Conv3D: imagesOf(0),
  Conv3DBackpropFilterV2: filterGradient,
  Conv3DBackpropInputV2: imagesOf(0),
  Cumprod: along(({ axis }) => [axis]),
  Cumsum: along(({ axis }) => [axis]),
  DepthToSpace: imagesOf(0),
  DepthwiseConv2dNative: imagesOf(0),
  DepthwiseConv2dNativeBackpropFilter: filterGradient,
  DepthwiseConv2dNativeBackpropInput: imagesOf(0),
  ExpandDims: ([axis], { dim }) => ({ kind: axis! >= dim ? axis! + 1 : axis! }),
  FusedBatchNorm: elementwise,
  FusedConv2D: imagesOf(0),
  FusedDepthwiseConv2D: imagesOf(0),
  GatherV2: ([x, indices], { axis, batchDims }) =>
    batchDims === 0 && x === undefined ? { kind: axis + indices! } : undefined,
  LRN: imagesOf(0),
  LRNGrad: imagesOf(0, 1, 2),
  Max: reduction("reductionIndices", false),
  MaxPool: imagesOf(0),
  MaxPool3D: imagesOf(0),
  MaxPool3DGrad: imagesOf(0, 1, 2),
  MaxPoolGrad: imagesOf(0, 1, 2),
  Mean: reduction("axis", true),
  Min: reduction("axis", false),
  MirrorPad: along(paddedAxes),
  OneHot: ([axis]) => ({ kind: axis! }),
  Pack: joined(true),
  PadV2: along(paddedAxes),
  Prod: reduction("axis", false),
  Reshape: reshape,
  ResizeBilinear: imagesOf(0),
  ResizeNearestNeighbor: imagesOf(0),
  Reverse: along(({ dims }) => dims),
  Slice: ([axis], { size }, types) => size[axis!] === shapeOf(types, 0)[axis!] ? { kind: axis! } : undefined,
  Softmax: along(({ dim }) => [dim]),
  SplitV: along(({ axis }) => [axis]),
  Sum: reduction("axis", true),
  Tile: ([axis], { reps }) => reps[axis!] === 1 ? { kind: axis! } : undefined,
  TopK: along((_attrs, rank) => [rank - 1]),
  Transpose: ([axis], { perm }) => ({ kind: perm.indexOf(axis) }),
  Unpack: ([at], { axis }) => at === axis ? undefined : { kind: at! > axis ? at! - 1 : at! },
  _FusedMatMul: product(false),
};

/** What a node makes of rows; undefined where rows meet, or where nobody has said what happens. */
export function rowRule(node: ProgramNode, axes: Axes, types: NodeTypes): RowResult | undefined {
  const rule = RULES[node.kernel as Kernel] ??
    (Object.hasOwn(elementwiseKernels, node.kernel) ? elementwise : undefined);
  return rule?.(axes, node.attrs, types);
}

/** Kernels that are linear in all their inputs together. */
const LINEAR: ReadonlySet<string> = new Set<Kernel>([
  "Add",
  "AddN",
  "BroadcastTo",
  "Concat",
  "ExpandDims",
  "Identity",
  "Mean",
  "Neg",
  "Pack",
  "Reshape",
  "Reverse",
  "Slice",
  "SplitV",
  "Sub",
  "Sum",
  "Tile",
  "Transpose",
  "Unpack",
]);

/** Kernels that are linear in one input while the others are given, and which. */
const LINEAR_IN: { readonly [K in Kernel]?: readonly number[] } = {
  BatchMatMul: [0, 1],
  Multiply: [0, 1],
  RealDiv: [0],
};

/** Whether a node of sums, each the sum of its terms, makes the sum of what it makes of the terms. */
export function isLinear({ kernel }: ProgramNode, kinds: readonly Kind[]): boolean {
  if (LINEAR.has(kernel)) return kinds.every((kind) => kind === "sum");
  const sums = kinds.flatMap((kind, i) => (kind === "sum" ? [i] : []));
  return sums.length === 1 && (LINEAR_IN[kernel as Kernel]?.includes(sums[0]!) ?? false);
}
