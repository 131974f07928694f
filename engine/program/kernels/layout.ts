/**
 * Kernels that move, select, join or make elements.
 *
 * @module
 */
import type { ProgramDtype } from "../types.ts";
import {
  broadcastShapes,
  is,
  type KernelRule,
  must,
  mustBeNumber,
  mustHaveRank,
  oneOf,
  type Rules,
  sameShape,
  sizeOf,
  slot,
  typed,
} from "./rule.ts";
import {
  axisSharding,
  batchSharding,
  joinedSharding,
  notSharded,
  outsideSharding,
  readingSharding,
  reshapeSharding,
  scatteredSharding,
  type Sharding,
} from "./placements.ts";
import { type Linear, ofMoved, type Traits } from "./traits.ts";

type Pairs = readonly (readonly [number, number])[];

interface RangeAttrs {
  readonly start: number;
  readonly stop: number;
  readonly step: number;
  readonly dtype: "float32" | "int32";
}

/** Attributes of the layout kernels. */
export interface LayoutAttrs {
  BatchToSpaceND: { readonly blockShape: readonly number[]; readonly crops: Pairs };
  BroadcastTo: { readonly shape: readonly number[] };
  Concat: { readonly axis: number };
  DepthToSpace: { readonly blockSize: number; readonly dataFormat: "NHWC" };
  ExpandDims: { readonly dim: number };
  Fill: { readonly shape: readonly number[]; readonly value: number; readonly dtype: ProgramDtype };
  GatherNd: Record<never, never>;
  GatherV2: { readonly axis: number; readonly batchDims: number };
  LinSpace: { readonly start: number; readonly stop: number; readonly num: number };
  MirrorPad: { readonly paddings: Pairs; readonly mode: "reflect" | "symmetric" };
  OneHot: {
    readonly depth: number;
    readonly onValue: number;
    readonly offValue: number;
    readonly dtype: ProgramDtype;
  };
  OnesLike: Record<never, never>;
  Pack: { readonly axis: number };
  PadV2: { readonly paddings: Pairs; readonly constantValue: number };
  Range: RangeAttrs;
  Reshape: { readonly shape: readonly number[] };
  Reverse: { readonly dims: readonly number[] };
  ScatterNd: { readonly shape: readonly number[] };
  Slice: { readonly begin: readonly number[]; readonly size: readonly number[] };
  SpaceToBatchND: { readonly blockShape: readonly number[]; readonly paddings: Pairs };
  SparseToDense: { readonly outputShape: readonly number[] };
  SplitV: { readonly numOrSizeSplits: readonly number[]; readonly axis: number };
  /**
   * `begin[i]`, then every `strides[i]`-th element while before `end[i]`. Ranks are kept; `end` counts from the
   * front; a set bit i of `endMask` means "through the last (or, for a negative stride, the first) element".
   */
  StridedSlice: {
    readonly begin: readonly number[];
    readonly end: readonly number[];
    readonly strides: readonly number[];
    readonly beginMask: 0;
    readonly endMask: number;
    readonly ellipsisMask: 0;
    readonly newAxisMask: 0;
    readonly shrinkAxisMask: 0;
  };
  TensorScatterUpdate: Record<never, never>;
  Tile: { readonly reps: readonly number[] };
  Transpose: { readonly perm: readonly number[] };
  Unpack: { readonly axis: number };
  UnsortedSegmentSum: { readonly numSegments: number };
  ZerosLike: Record<never, never>;
}

/** Number of elements that a strided slice takes of one dimension. */
export function stridedCount(
  size: number,
  begin: number,
  end: number,
  stride: number,
  isOpen: boolean,
): number {
  const stop = isOpen ? (stride > 0 ? size : -1) : end;
  return Math.max(0, Math.ceil((stop - begin) / stride));
}

/** Traits of a kernel whose numbers depend on attributes and shapes only. */
function ofCreated<A>(number: ((attrs: A) => number) | null): Traits<A> {
  return {
    kind: { is: "creation", number },
    linear: [],
    unchanged: "never",
    sharding: notSharded("it has no operand with rows"),
  };
}

/** Traits of a kernel that writes or adds into places that data decide. */
function ofScattered(sharding: Sharding<unknown>, linear: Linear): Traits<unknown> {
  return { kind: { is: "scatter" }, linear, unchanged: "never", sharding };
}

/** A tensor of the shape of `x`, full of one number. */
const alike = (number: number): KernelRule<Record<never, never>> => ({
  inputs: ["x"],
  attrs: {},
  infer: (inputs) => [slot(inputs, 0)],
  traits: { ...ofCreated(() => number), sharding: axisSharding("its axis", (axis) => axis) },
});

const paddedAxes = (paddings: Pairs) =>
  paddings.flatMap(([before, after], i) => (before === 0 && after === 0 ? [] : [i]));

function rangeLength({ start, stop, step }: Omit<RangeAttrs, "dtype">): number {
  return step === 0 ? 0 : Math.max(0, Math.ceil((stop - start) / step));
}

const zero = { must: "0", test: (v: unknown) => v === 0 };

/** Rules of the layout kernels. */
export const layout: Rules<LayoutAttrs> = {
  BatchToSpaceND: {
    inputs: ["x"],
    attrs: { blockShape: is.counts, crops: is.pairs },
    infer(inputs, { blockShape, crops }) {
      const x = slot(inputs, 0);
      const block = sizeOf(blockShape);
      must(
        blockShape.length === crops.length && x.shape.length > blockShape.length && block > 0,
        "block and crops must fit the rank",
        x,
      );
      must(x.shape[0]! % block === 0, `the batch must be a multiple of ${block}`, x);
      const shape = x.shape.map((length, i) => {
        if (i === 0) return length / block;
        const crop = crops[i - 1];
        return crop ? length * blockShape[i - 1]! - crop[0] - crop[1] : length;
      });
      must(shape.every((length) => length >= 0), "crops must not exceed the size", x);
      return [typed(x.dtype, shape)];
    },
    traits: ofMoved(notSharded("blocks of one image lie in several rows"), {
      keepsUniform: true,
      linear: "jointly",
      unchanged: "with the same type",
    }),
  },
  BroadcastTo: {
    inputs: ["x"],
    attrs: { shape: is.counts },
    infer(inputs, { shape }) {
      const x = slot(inputs, 0);
      must(
        sameShape(broadcastShapes(x.shape, shape), shape),
        "x must broadcast to the shape",
        x,
        `[${shape}]`,
      );
      return [typed(x.dtype, shape)];
    },
    traits: ofMoved(
      axisSharding(
        "its axis",
        (axis, { shape }, { inputs }) => axis + shape.length - inputs[0]!.shape.length,
        "shape",
      ),
      { keepsUniform: true, repeats: "shape", linear: "jointly", unchanged: "with the same type" },
    ),
  },
  Concat: {
    inputs: "variadic",
    attrs: { axis: is.count },
    infer(inputs, { axis }) {
      const first = slot(inputs, 0);
      must(axis < first.shape.length, `the axis ${axis} must be below the rank`, first);
      let length = 0;
      inputs.forEach((_, i) => {
        const type = slot(inputs, i);
        must(
          type.dtype === first.dtype && type.shape.length === first.shape.length &&
            type.shape.every((n, j) => j === axis || n === first.shape[j]),
          `inputs must agree outside of axis ${axis}`,
          first,
          type,
        );
        length += type.shape[axis]!;
      });
      return [typed(first.dtype, first.shape.with(axis, length))];
    },
    traits: ofMoved(joinedSharding(false), {
      keepsUniform: false,
      linear: "jointly",
      unchanged: "with the same type",
    }),
  },
  /** out[n, h b + i, w b + j, c] = x[n, h, w, (i b + j) C + c] with C output channels. */
  DepthToSpace: {
    inputs: ["x"],
    attrs: { blockSize: is.positive, dataFormat: oneOf("NHWC") },
    infer(inputs, { blockSize }) {
      const x = slot(inputs, 0);
      mustHaveRank(x, 4);
      const [batch, height, width, depth] = x.shape as [number, number, number, number];
      must(depth % blockSize ** 2 === 0, `the channels must be a multiple of ${blockSize ** 2}`, x);
      return [typed(x.dtype, [batch, height * blockSize, width * blockSize, depth / blockSize ** 2])];
    },
    traits: ofMoved(batchSharding([0]), {
      keepsUniform: true,
      linear: "jointly",
      unchanged: "with the same type",
    }),
  },
  ExpandDims: {
    inputs: ["input"],
    attrs: { dim: is.count },
    infer(inputs, { dim }) {
      const x = slot(inputs, 0);
      must(dim <= x.shape.length, `the axis ${dim} must not exceed the rank`, x);
      return [typed(x.dtype, x.shape.toSpliced(dim, 0, 1))];
    },
    traits: ofMoved(axisSharding("its axis", (axis, { dim }) => (axis >= dim ? axis + 1 : axis)), {
      keepsUniform: true,
      linear: "jointly",
      unchanged: "never",
    }),
  },
  Fill: {
    inputs: [],
    attrs: { shape: is.counts, value: is.number, dtype: is.dtype },
    infer: (_inputs, { shape, dtype }) => [typed(dtype, shape)],
    traits: ofCreated(({ value }) => value),
  },
  /** The last dimension of `indices` indexes the first dimensions of `params`. */
  GatherNd: {
    inputs: ["params", "indices"],
    attrs: {},
    infer(inputs) {
      const [params, indices] = [slot(inputs, 0), slot(inputs, 1)];
      const depth = indices.shape[indices.shape.length - 1];
      must(indices.dtype === "int32", "indices must be int32", indices);
      must(depth !== undefined && depth <= params.shape.length, "indices must fit the rank", params, indices);
      return [typed(params.dtype, [...indices.shape.slice(0, -1), ...params.shape.slice(depth)])];
    },
    traits: ofMoved(
      // Its last axis counts the coordinates of a place.
      readingSharding((axis, _attrs, { inputs }) => axis < inputs[1]!.shape.length - 1 ? axis : undefined),
      { keepsUniform: false, linear: [0], unchanged: "never" },
    ),
  },
  GatherV2: {
    inputs: ["x", "indices"],
    attrs: { axis: is.count, batchDims: is.count },
    infer(inputs, { axis, batchDims }) {
      const [x, indices] = [slot(inputs, 0), slot(inputs, 1)];
      must(indices.dtype === "int32", "indices must be int32", indices);
      must(axis < x.shape.length, `the axis ${axis} must be below the rank`, x);
      must(
        batchDims <= axis && batchDims <= indices.shape.length &&
          sameShape(x.shape.slice(0, batchDims), indices.shape.slice(0, batchDims)),
        `the first ${batchDims} dimensions must agree`,
        x,
        indices,
      );
      return [typed(x.dtype, [
        ...x.shape.slice(0, axis),
        ...indices.shape.slice(batchDims),
        ...x.shape.slice(axis + 1),
      ])];
    },
    traits: ofMoved(
      readingSharding((indices, { axis, batchDims }) => (batchDims === 0 ? axis + indices : undefined)),
      { keepsUniform: false, linear: [0], unchanged: "never" },
    ),
  },
  LinSpace: {
    inputs: [],
    attrs: { start: is.finite, stop: is.finite, num: is.positive },
    infer: (_inputs, { num }) => [typed("float32", [num])],
    constantSize: ({ num }) => num,
    traits: ofCreated(null),
  },
  MirrorPad: {
    inputs: ["x"],
    attrs: { paddings: is.pairs, mode: oneOf("reflect", "symmetric") },
    infer(inputs, { paddings, mode }) {
      const x = slot(inputs, 0);
      must(paddings.length === x.shape.length, "paddings must have an entry per dimension", x);
      x.shape.forEach((length, i) => {
        const most = mode === "reflect" ? length - 1 : length;
        must(
          Math.max(...paddings[i]!) <= most,
          `padding ${i} must be at most ${most}`,
          x,
          `[${paddings[i]}]`,
        );
      });
      return [typed(x.dtype, x.shape.map((length, i) => length + paddings[i]![0] + paddings[i]![1]))];
    },
    traits: ofMoved(outsideSharding(({ paddings }) => paddedAxes(paddings)), {
      keepsUniform: true,
      linear: "jointly",
      unchanged: "with the same type",
    }),
  },
  OneHot: {
    inputs: ["indices"],
    attrs: { depth: is.positive, onValue: is.finite, offValue: is.finite, dtype: is.dtype },
    infer(inputs, { depth, dtype }) {
      const indices = slot(inputs, 0);
      must(indices.dtype === "int32", "indices must be int32", indices);
      return [typed(dtype, [...indices.shape, depth])];
    },
    constantSize: ({ depth }) => depth,
    traits: {
      kind: { is: "encoding" },
      linear: [],
      unchanged: "never",
      sharding: axisSharding("its axis", (axis) => axis),
    },
  },
  OnesLike: alike(1),
  Pack: {
    inputs: "variadic",
    attrs: { axis: is.count },
    infer(inputs, { axis }) {
      const first = slot(inputs, 0);
      must(axis <= first.shape.length, `the axis ${axis} must not exceed the rank`, first);
      inputs.forEach((_, i) => {
        const type = slot(inputs, i);
        must(
          type.dtype === first.dtype && sameShape(type.shape, first.shape),
          "all inputs must have the same type",
          first,
          type,
        );
      });
      return [typed(first.dtype, first.shape.toSpliced(axis, 0, inputs.length))];
    },
    traits: ofMoved(joinedSharding(true), { keepsUniform: false, linear: "jointly", unchanged: "never" }),
  },
  PadV2: {
    inputs: ["x"],
    attrs: { paddings: is.pairs, constantValue: is.number },
    infer(inputs, { paddings, constantValue }) {
      const x = slot(inputs, 0);
      must(paddings.length === x.shape.length, "paddings must have an entry per dimension", x);
      const isTruth = constantValue === 0 || constantValue === 1;
      must(x.dtype !== "bool" || isTruth, "truth values are padded with 0 or 1", `${constantValue}`);
      return [typed(x.dtype, x.shape.map((length, i) => length + paddings[i]![0] + paddings[i]![1]))];
    },
    traits: ofMoved(outsideSharding(({ paddings }) => paddedAxes(paddings)), {
      keepsUniform: false,
      // Only where the constant is 0.
      linear: [],
      unchanged: "with the same type",
    }),
  },
  Range: {
    inputs: [],
    attrs: { start: is.finite, stop: is.finite, step: is.finite, dtype: oneOf("float32", "int32") },
    infer: (_inputs, { dtype, ...range }) => [typed(dtype, [rangeLength(range)])],
    constantSize: rangeLength,
    traits: ofCreated(null),
  },
  Reshape: {
    inputs: ["x"],
    attrs: { shape: is.counts },
    infer(inputs, { shape }) {
      const x = slot(inputs, 0);
      must(sizeOf(shape) === sizeOf(x.shape), "the number of elements must stay", x, `[${shape}]`);
      return [typed(x.dtype, shape)];
    },
    traits: ofMoved(reshapeSharding, {
      keepsUniform: true,
      linear: "jointly",
      unchanged: "with the same type",
    }),
  },
  Reverse: {
    inputs: ["x"],
    attrs: { dims: is.counts },
    infer(inputs, { dims }) {
      const x = slot(inputs, 0);
      must(
        dims.every((dim, i) => dim < x.shape.length && (i === 0 || dims[i - 1]! < dim)),
        "dims must be sorted axes",
        x,
        `[${dims}]`,
      );
      return [x];
    },
    traits: ofMoved(outsideSharding(({ dims }) => dims), {
      keepsUniform: true,
      linear: "jointly",
      unchanged: ({ dims }) => dims.length === 0,
    }),
  },
  /** Zeros of `shape` with `updates` added at `indices`; repeated indices add up. */
  ScatterNd: {
    inputs: ["indices", "updates"],
    attrs: { shape: is.counts },
    infer(inputs, { shape }) {
      const [indices, updates] = [slot(inputs, 0), slot(inputs, 1)];
      const depth = indices.shape.length === 1 ? 1 : indices.shape[indices.shape.length - 1]!;
      const outer = indices.shape.length === 1 ? indices.shape : indices.shape.slice(0, -1);
      must(indices.dtype === "int32", "indices must be int32", indices);
      mustBeNumber(updates);
      must(depth <= shape.length, "indices must fit the shape", indices, `[${shape}]`);
      must(
        sameShape(updates.shape, [...outer, ...shape.slice(depth)]),
        "updates must fit indices and shape",
        indices,
        updates,
        `[${shape}]`,
      );
      return [typed(updates.dtype, shape)];
    },
    traits: ofScattered(scatteredSharding([0, 1]), [1]),
  },
  Slice: {
    inputs: ["x"],
    attrs: { begin: is.counts, size: is.counts },
    infer(inputs, { begin, size }) {
      const x = slot(inputs, 0);
      must(
        begin.length === x.shape.length && size.length === x.shape.length &&
          x.shape.every((length, i) => begin[i]! + size[i]! <= length),
        "the slice must lie inside",
        x,
        `begin [${begin}]`,
        `size [${size}]`,
      );
      return [typed(x.dtype, size)];
    },
    traits: ofMoved(
      axisSharding(
        "axes that stay whole",
        (axis, { size }, { inputs }) => (size[axis] === inputs[0]!.shape[axis] ? axis : undefined),
        "size",
      ),
      { keepsUniform: true, linear: "jointly", unchanged: "with the same type" },
    ),
  },
  SpaceToBatchND: {
    inputs: ["x"],
    attrs: { blockShape: is.counts, paddings: is.pairs },
    infer(inputs, { blockShape, paddings }) {
      const x = slot(inputs, 0);
      must(
        blockShape.length === paddings.length && x.shape.length > blockShape.length &&
          blockShape.every((n) => n > 0),
        "block and paddings must fit the rank",
        x,
      );
      const shape = x.shape.map((length, i) => {
        if (i === 0) return length * sizeOf(blockShape);
        const pad = paddings[i - 1];
        return pad ? (length + pad[0] + pad[1]) / blockShape[i - 1]! : length;
      });
      must(
        shape.every(Number.isInteger),
        "padded sizes must be multiples of the block",
        x,
        `[${blockShape}]`,
      );
      return [typed(x.dtype, shape)];
    },
    traits: ofMoved(notSharded("blocks of one image go to several rows"), {
      keepsUniform: false,
      linear: "jointly",
      unchanged: "with the same type",
    }),
  },
  /** `defaultValue` everywhere but at `sparseIndices`, where `sparseValues` stand: one for each, or one for all. */
  SparseToDense: {
    inputs: ["sparseIndices", "sparseValues", "defaultValue"],
    attrs: { outputShape: is.counts },
    infer(inputs, { outputShape }) {
      const [indices, values, rest] = [slot(inputs, 0), slot(inputs, 1), slot(inputs, 2)];
      must(
        indices.dtype === "int32" && values.dtype === rest.dtype,
        "dtypes must fit",
        indices,
        values,
        rest,
      );
      must(rest.shape.length === 0, "the default must be a scalar", rest);
      const [count = 1, depth = 1] = indices.shape;
      must(
        indices.shape.length <= 2 && depth === outputShape.length,
        "indices must name places of the shape",
        indices,
        `[${outputShape}]`,
      );
      must(
        values.shape.length === 0 || sameShape(values.shape, [count]),
        "values must be a scalar or have an entry per index",
        indices,
        values,
      );
      return [typed(values.dtype, outputShape)];
    },
    traits: ofScattered(notSharded("rows of one shard may be written by another"), []),
  },
  SplitV: {
    inputs: ["x"],
    attrs: { numOrSizeSplits: is.sizes, axis: is.count },
    infer(inputs, { numOrSizeSplits, axis }) {
      const x = slot(inputs, 0);
      const total = numOrSizeSplits.reduce((sum, size) => sum + size, 0);
      must(total === x.shape[axis], `sizes must add up to dimension ${axis}`, x, `[${numOrSizeSplits}]`);
      return numOrSizeSplits.map((size) => typed(x.dtype, x.shape.with(axis, size)));
    },
    returnsList: true,
    traits: ofMoved(outsideSharding(({ axis }) => [axis]), {
      keepsUniform: true,
      linear: "jointly",
      unchanged: "with the same type",
    }),
  },
  StridedSlice: {
    inputs: ["x"],
    attrs: {
      begin: is.counts,
      end: is.counts,
      strides: is.integers,
      beginMask: zero,
      endMask: is.count,
      ellipsisMask: zero,
      newAxisMask: zero,
      shrinkAxisMask: zero,
    },
    infer(inputs, { begin, end, strides, endMask }) {
      const x = slot(inputs, 0);
      const rank = x.shape.length;
      must(
        begin.length === rank && end.length === rank && strides.length === rank &&
          strides.every((stride) => stride !== 0),
        "begin, end and strides must have an entry per dimension",
        x,
      );
      const shape = x.shape.map((length, i) => {
        must(begin[i]! <= length && end[i]! <= length, "the slice must lie inside", x);
        return stridedCount(length, begin[i]!, end[i]!, strides[i]!, (endMask >> i & 1) === 1);
      });
      return [typed(x.dtype, shape)];
    },
    traits: ofMoved(notSharded("its ends count along axes as they are"), {
      keepsUniform: true,
      linear: "jointly",
      unchanged: "never",
    }),
  },
  TensorScatterUpdate: {
    inputs: ["tensor", "indices", "updates"],
    attrs: {},
    infer(inputs) {
      const [tensor, indices, updates] = [slot(inputs, 0), slot(inputs, 1), slot(inputs, 2)];
      const depth = indices.shape[indices.shape.length - 1];
      must(
        indices.dtype === "int32" && updates.dtype === tensor.dtype,
        "dtypes must fit",
        tensor,
        indices,
        updates,
      );
      must(
        depth !== undefined && depth <= tensor.shape.length &&
          sameShape(updates.shape, [...indices.shape.slice(0, -1), ...tensor.shape.slice(depth)]),
        "updates must fit indices and tensor",
        tensor,
        indices,
        updates,
      );
      return [tensor];
    },
    traits: ofScattered(notSharded("rows of one shard may be written by another"), []),
  },
  Tile: {
    inputs: ["x"],
    attrs: { reps: is.counts },
    infer(inputs, { reps }) {
      const x = slot(inputs, 0);
      must(reps.length === x.shape.length, "reps must have an entry per dimension", x, `[${reps}]`);
      return [typed(x.dtype, x.shape.map((length, i) => length * reps[i]!))];
    },
    traits: ofMoved(
      axisSharding("axes that are not repeated", (axis, { reps }) => (reps[axis] === 1 ? axis : undefined)),
      { keepsUniform: true, repeats: "reps", linear: "jointly", unchanged: "with the same type" },
    ),
  },
  Transpose: {
    inputs: ["x"],
    attrs: { perm: is.counts },
    infer(inputs, { perm }) {
      const x = slot(inputs, 0);
      must(
        perm.length === x.shape.length && perm.toSorted((a, b) => a - b).every((axis, i) => axis === i),
        "perm must be a permutation of the axes",
        x,
        `[${perm}]`,
      );
      return [typed(x.dtype, perm.map((axis) => x.shape[axis]!))];
    },
    traits: ofMoved(axisSharding("its axis, moved", (axis, { perm }) => perm.indexOf(axis)), {
      keepsUniform: true,
      linear: "jointly",
      unchanged: ({ perm }) => perm.every((axis, i) => axis === i),
    }),
  },
  Unpack: {
    inputs: ["value"],
    attrs: { axis: is.count },
    infer(inputs, { axis }) {
      const x = slot(inputs, 0);
      must(axis < x.shape.length, `the axis ${axis} must be below the rank`, x);
      const count = x.shape[axis]!;
      must(count <= 65536, "a dimension must have at most 65536 parts", x);
      return Array.from({ length: count }, () => typed(x.dtype, x.shape.toSpliced(axis, 1)));
    },
    returnsList: true,
    traits: ofMoved(
      axisSharding(
        "axes that it does not take apart",
        (at, { axis }) => (at === axis ? undefined : at > axis ? at - 1 : at),
      ),
      { keepsUniform: true, linear: "jointly", unchanged: "never" },
    ),
  },
  /** out[s] = sum of x[i] over i with segmentIds[i] = s. */
  UnsortedSegmentSum: {
    inputs: ["x", "segmentIds"],
    attrs: { numSegments: is.count },
    infer(inputs, { numSegments }) {
      const [x, ids] = [slot(inputs, 0), slot(inputs, 1)];
      must(ids.dtype === "int32", "segment ids must be int32", ids);
      mustBeNumber(x);
      must(
        ids.shape.length === 1 && ids.shape[0] === x.shape[0],
        "segment ids must have an entry per row of x",
        x,
        ids,
      );
      return [typed(x.dtype, [numSegments, ...x.shape.slice(1)])];
    },
    traits: ofScattered(scatteredSharding([0, 1]), [0]),
  },
  ZerosLike: alike(0),
};
