/**
 * Kernels that reduce, scan or normalize along axes.
 *
 * @module
 */
import type { ProgramDtype, ValueType } from "../types.ts";
import {
  is,
  type KernelRule,
  must,
  mustBeFloat,
  mustBeNumber,
  mustHaveRank,
  reduceShape,
  type Rules,
  sameShape,
  slot,
  type Slots,
  typed,
} from "./rule.ts";
import {
  batchSharding,
  elementwiseSharding,
  outsideSharding,
  reductionSharding,
  type Sharding,
} from "./placements.ts";
import type { Linear, Traits } from "./traits.ts";

/** Sorted non-negative axes. */
export interface ReductionAttrs {
  readonly axis: readonly number[];
  readonly keepDims: boolean;
}

interface ScanAttrs {
  readonly axis: number;
  readonly exclusive: boolean;
  readonly reverse: boolean;
}

interface LocalResponseAttrs {
  readonly depthRadius: number;
  readonly bias: number;
  readonly alpha: number;
  readonly beta: number;
}

/** Attributes of the reductions, scans and normalizations. */
export interface ReductionKernelAttrs {
  All: ReductionAttrs;
  Any: ReductionAttrs;
  ArgMax: { readonly axis: number };
  ArgMin: { readonly axis: number };
  Cumprod: ScanAttrs;
  Cumsum: ScanAttrs;
  FusedBatchNorm: { readonly varianceEpsilon: number };
  LRN: LocalResponseAttrs;
  LRNGrad: LocalResponseAttrs;
  Max: { readonly reductionIndices: readonly number[]; readonly keepDims: boolean };
  Mean: ReductionAttrs;
  Min: ReductionAttrs;
  Prod: ReductionAttrs;
  Softmax: { readonly dim: number };
  Sum: ReductionAttrs;
  TopK: { readonly k: number; readonly sorted: boolean };
}

function reduced(inputs: Slots, { axis, keepDims }: ReductionAttrs, dtype?: ProgramDtype): ValueType[] {
  const x = slot(inputs, 0);
  return [typed(dtype ?? x.dtype, reduceShape(x.shape, axis, keepDims))];
}

/** Of no elements there is no largest, smallest or mean one. */
function mustHaveElements(inputs: Slots, axes: readonly number[]): void {
  const x = slot(inputs, 0);
  must(axes.every((axis) => x.shape[axis] !== 0), "there must be an element along the axes", x, `[${axes}]`);
}

type ReductionTraits = Parameters<typeof ofReduced>[2];

const axesOf = ({ axis }: ReductionAttrs) => axis;
const isKept = ({ keepDims }: { readonly keepDims: boolean }) => keepDims;

/** Traits of a reduction over the axes of an attribute. */
function ofReduced<A extends { readonly keepDims: boolean }>(
  axes: (attrs: A) => readonly number[],
  ofEqual: ((x: number, count: number) => number) | null,
  { isSum = false }: { readonly isSum?: boolean } = {},
): Traits<A> {
  return {
    kind: { is: "reduction", axes, ofEqual },
    linear: isSum ? "jointly" : [],
    unchanged: "never",
    sharding: reductionSharding(axes, isKept, isSum),
  };
}

const reduction = (
  ofEqual: ((x: number, count: number) => number) | null,
  traits?: ReductionTraits,
): KernelRule<ReductionAttrs> => ({
  inputs: ["x"],
  attrs: { axis: is.counts, keepDims: is.boolean },
  infer(inputs, attrs) {
    mustBeNumber(slot(inputs, 0));
    return reduced(inputs, attrs);
  },
  traits: ofReduced(axesOf, ofEqual, traits),
});

const logicalReduction: KernelRule<ReductionAttrs> = {
  ...reduction(null),
  infer(inputs, attrs) {
    const x = slot(inputs, 0);
    must(x.dtype === "bool", "the dtype must be bool", x);
    return reduced(inputs, attrs);
  },
};

const position: KernelRule<{ readonly axis: number }> = {
  inputs: ["x"],
  attrs: { axis: is.count },
  infer(inputs, { axis }) {
    mustBeNumber(slot(inputs, 0));
    mustHaveElements(inputs, [axis]);
    return reduced(inputs, { axis: [axis], keepDims: false }, "int32");
  },
  traits: {
    kind: { is: "ranking" },
    linear: [],
    unchanged: "never",
    sharding: reductionSharding(({ axis }) => [axis], () => false, false),
  },
};

const scan = (linear: Linear): KernelRule<ScanAttrs> => ({
  inputs: ["x"],
  attrs: { axis: is.count, exclusive: is.boolean, reverse: is.boolean },
  infer(inputs, { axis }) {
    const x = slot(inputs, 0);
    mustBeNumber(x);
    must(axis < x.shape.length, `the axis ${axis} must be below the rank`, x);
    return [x];
  },
  traits: {
    kind: { is: "scan" },
    linear,
    unchanged: "never",
    sharding: outsideSharding(({ axis }) => [axis]),
  },
});

/** Traits of a normalization. */
function ofNormalized<A>(sharding: Sharding<A>, linear: Linear = []): Traits<A> {
  return { kind: { is: "normalization" }, linear, unchanged: "never", sharding };
}

const localResponse = {
  depthRadius: is.count,
  bias: is.finite,
  alpha: is.finite,
  beta: is.finite,
};

/** Rules of the reductions, scans and normalizations. */
export const reductions: Rules<ReductionKernelAttrs> = {
  All: logicalReduction,
  Any: logicalReduction,
  ArgMax: position,
  ArgMin: position,
  Cumprod: scan([]),
  Cumsum: scan("jointly"),
  /** (x - mean) / sqrt(variance + epsilon) * scale + offset; the statistics broadcast over the first dimensions. */
  FusedBatchNorm: {
    inputs: ["x", "scale", "offset", "mean", "variance"],
    optional: ["scale", "offset"],
    attrs: { varianceEpsilon: is.finite },
    infer(inputs) {
      const x = slot(inputs, 0);
      mustBeFloat(x);
      mustHaveRank(x, 4);
      slot(inputs, 3);
      slot(inputs, 4);
      for (const type of inputs.slice(1)) {
        if (!type) continue;
        const tail = x.shape.slice(x.shape.length - type.shape.length);
        must(
          type.dtype === "float32" && sameShape(type.shape, tail),
          "statistics must have the last dimensions of x, such as its channels",
          x,
          type,
        );
      }
      return [x];
    },
    traits: ofNormalized(elementwiseSharding),
  },
  LRN: {
    inputs: ["x"],
    attrs: localResponse,
    infer(inputs) {
      const x = slot(inputs, 0);
      mustBeFloat(x);
      mustHaveRank(x, 4);
      return [x];
    },
    traits: ofNormalized(batchSharding([0])),
  },
  LRNGrad: {
    inputs: ["x", "y", "dy"],
    attrs: localResponse,
    infer(inputs) {
      const x = slot(inputs, 0);
      mustHaveRank(x, 4);
      for (let i = 0; i < 3; i++) {
        mustBeFloat(slot(inputs, i));
        must(sameShape(slot(inputs, i).shape, x.shape), "all shapes must agree", x, slot(inputs, i));
      }
      return [x];
    },
    traits: ofNormalized(batchSharding([0, 1, 2]), [2]),
  },
  Max: {
    inputs: ["x"],
    attrs: { reductionIndices: is.counts, keepDims: is.boolean },
    infer(inputs, { reductionIndices, keepDims }) {
      mustBeNumber(slot(inputs, 0));
      mustHaveElements(inputs, reductionIndices);
      return reduced(inputs, { axis: reductionIndices, keepDims });
    },
    traits: ofReduced(({ reductionIndices }) => reductionIndices, (x) => x),
  },
  Mean: {
    ...reduction((x) => x, { isSum: true }),
    infer(inputs, attrs) {
      mustBeFloat(slot(inputs, 0));
      mustHaveElements(inputs, attrs.axis);
      return reduced(inputs, attrs);
    },
  },
  Min: {
    ...reduction((x) => x),
    infer(inputs, attrs) {
      mustBeNumber(slot(inputs, 0));
      mustHaveElements(inputs, attrs.axis);
      return reduced(inputs, attrs);
    },
  },
  Prod: reduction(null),
  /** Along the last axis: tfjs knows no other. */
  Softmax: {
    inputs: ["logits"],
    attrs: { dim: is.count },
    infer(inputs, { dim }) {
      const x = slot(inputs, 0);
      mustBeFloat(x);
      must(dim === x.shape.length - 1, "softmax must be along the last axis", x, `dim ${dim}`);
      return [x];
    },
    traits: ofNormalized(outsideSharding(({ dim }) => [dim])),
  },
  Sum: reduction((x, count) => x * count, { isSum: true }),
  /** The k largest along the last axis, largest first when sorted, and their int32 positions. */
  TopK: {
    inputs: ["x"],
    attrs: { k: is.count, sorted: is.boolean },
    infer(inputs, { k }) {
      const x = slot(inputs, 0);
      mustBeNumber(x);
      const last = x.shape[x.shape.length - 1];
      must(last !== undefined && k <= last, `k = ${k} must not exceed the last dimension`, x);
      const shape = [...x.shape.slice(0, -1), k];
      return [typed(x.dtype, shape), typed("int32", shape)];
    },
    returnsList: true,
    traits: {
      kind: { is: "ranking" },
      linear: [],
      unchanged: "never",
      sharding: outsideSharding((_attrs, rank) => [rank - 1]),
    },
  },
};
