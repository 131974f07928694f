/**
 * The kernel table: every tfjs kernel that a program can hold, with its input slots, its attributes and the
 * inference of shapes and dtypes.
 *
 * Attributes are those of tfjs (so that a node can be replayed on a tfjs backend) in one normal form: axes are
 * non-negative and sorted, begins and sizes resolved, strides and dilations written out, padding explicit
 * where tfjs can take it. They are JSON-able.
 *
 * What a kernel is (element by element, a reduction, linear, how it is sharded) stands in the same entry: passes ask for
 * its traits, see `kernels/traits.ts`.
 *
 * The table grows by files (`kernels/elementwise.ts`, `kernels/conv.ts`, ...), each with entries named exactly
 * like the kernel. A kernel that is in neither {@linkcode KERNELS} nor {@linkcode REFUSED_KERNELS} does not exist in
 * the supported version of tfjs.
 *
 * @module
 */
import type { Json } from "../../core/types.ts";
import { type ConvKernelAttrs, convolutions } from "./kernels/conv.ts";
import { elementwise, type ElementwiseAttrs } from "./kernels/elementwise.ts";
import { layout, type LayoutAttrs } from "./kernels/layout.ts";
import { linear, type LinearAttrs } from "./kernels/linear.ts";
import { type PoolAttrs, pools } from "./kernels/pool.ts";
import { type ReductionKernelAttrs, reductions } from "./kernels/reduction.ts";
import { formatType, type KernelRule, type Rules, type Slots } from "./kernels/rule.ts";
import type { Traits } from "./kernels/traits.ts";
import type { ProgramNode, ValueType } from "./types.ts";

export { type Padding2d, type Padding3d, padding3d, type Pair, type Triple } from "./kernels/conv.ts";
export { stridedCount } from "./kernels/layout.ts";
export type { FusedActivation } from "./kernels/linear.ts";
export { broadcastShapes, formatType, type KernelRule, type Slots } from "./kernels/rule.ts";
export { isUnchanged, type Traits } from "./kernels/traits.ts";

/** Attributes of every kernel of a program. The keys are the supported set. */
export interface KernelAttrs
  extends ElementwiseAttrs, ReductionKernelAttrs, LinearAttrs, ConvKernelAttrs, PoolAttrs, LayoutAttrs {}

/** Name of a kernel that a program can hold. */
export type Kernel = keyof KernelAttrs;

/** The rule of every kernel. `infer` throws `TypeError` with the kernel and the types found. */
export const KERNELS: Rules<KernelAttrs> = nameErrors({
  ...elementwise,
  ...reductions,
  ...linear,
  ...convolutions,
  ...pools,
  ...layout,
});

/** Whether a kernel name is in the table. */
export function isKernel(name: string): name is Kernel {
  return Object.hasOwn(KERNELS, name);
}

/** The rule of a kernel with its attribute type forgotten, for code that walks over programs. */
export function ruleOf(kernel: Kernel): KernelRule<unknown> {
  return KERNELS[kernel] as KernelRule<unknown>;
}

/** The traits of a node's kernel; a program that was verified holds no other kernels than those of the table. */
export function traitsOf({ kernel }: Pick<ProgramNode, "kernel">): Traits<unknown> {
  return ruleOf(kernel as Kernel).traits;
}

/**
 * Checks slots and attributes of a node and infers the types of its outputs.
 *
 * @throws {TypeError} If the number of inputs, an attribute, a shape or a dtype does not fit the kernel.
 */
export function inferKernel(
  kernel: Kernel,
  inputs: Slots,
  attrs: { readonly [name: string]: Json },
): readonly ValueType[] {
  const rule = ruleOf(kernel);
  checkSlots(kernel, rule, inputs);
  checkAttrs(kernel, rule, attrs);
  checkElements(kernel, inputs);
  return rule.infer(inputs, attrs);
}

/**
 * Kernels that need elements, and in how many of their first slots. ONNX Runtime refuses them without, or its process
 * ends: a convolution without pixels never returns, `TopK` of an empty axis divides by zero.
 */
const NEED_ELEMENTS: ReadonlyMap<string, number> = new Map([
  ...[...Object.keys(convolutions), ...Object.keys(pools), "Einsum", "TopK", "Unpack"]
    .map((kernel) => [kernel, Infinity] as const),
  ...["CropAndResize", "GatherV2", "GatherNd", "TensorScatterUpdate"].map((kernel) => [kernel, 1] as const),
]);

function checkElements(kernel: Kernel, inputs: Slots): void {
  const empty = inputs.slice(0, NEED_ELEMENTS.get(kernel) ?? 0).find((type) => type?.shape.includes(0));
  if (!empty) return;
  throw new TypeError(
    `Cannot infer "${kernel}" as its inputs must have elements: found ${formatType(empty)}`,
  );
}

function checkSlots(kernel: Kernel, rule: KernelRule<unknown>, inputs: Slots): void {
  if (rule.inputs === "variadic") {
    if (inputs.length > 0 && inputs.every((type) => type !== null)) return;
    throw new TypeError(`Cannot infer "${kernel}" as it takes one or more tensors: found ${inputs.length}`);
  }
  if (inputs.length !== rule.inputs.length) {
    throw new TypeError(
      `Cannot infer "${kernel}" as it takes the inputs ${
        rule.inputs.join(", ")
      }: found ${inputs.length} inputs`,
    );
  }
  rule.inputs.forEach((name, i) => {
    if (inputs[i] !== null || rule.optional?.includes(name)) return;
    throw new TypeError(`Cannot infer "${kernel}" as input "${name}" must be given: found null`);
  });
}

function checkAttrs(
  kernel: Kernel,
  rule: KernelRule<unknown>,
  attrs: { readonly [name: string]: Json },
): void {
  const checks = rule.attrs as { readonly [name: string]: KernelRule<{ a: 1 }>["attrs"]["a"] };
  for (const name of Object.keys(attrs)) {
    if (Object.hasOwn(checks, name)) continue;
    throw new TypeError(`Cannot infer "${kernel}" as it has no such attribute: found "${name}"`);
  }
  for (const [name, check] of Object.entries(checks)) {
    const value = Object.hasOwn(attrs, name) ? attrs[name] : undefined;
    if (check.test(value)) continue;
    throw new TypeError(
      `Cannot infer "${kernel}" as attribute "${name}" must be ${check.must}: found ${JSON.stringify(value)}`,
    );
  }
}

/** Puts the kernel's name in front of what its `infer` throws. */
function nameErrors(rules: Rules<KernelAttrs>): Rules<KernelAttrs> {
  const named = Object.entries(rules as { readonly [kernel: string]: KernelRule<unknown> }).map(
    ([kernel, rule]) => [kernel, {
      ...rule,
      infer(inputs: Slots, attrs: unknown) {
        try {
          return rule.infer(inputs, attrs);
        } catch (cause) {
          throw new TypeError(`Cannot infer "${kernel}" as ${(cause as Error).message}`, { cause });
        }
      },
    }],
  );
  return Object.fromEntries(named);
}

const COMPLEX = "complex numbers and Fourier transforms have no ONNX Runtime kernel";
const TEXT = "programs hold numbers only";
const SPARSE = "sparse and ragged tensors are not part of a program";
const DYNAMIC = "the shape of the result depends on data, and shapes in a program are fixed";
const RANDOM = "random numbers of a program are its inputs: use context.randomUniform";
const IMAGE = "image augmentation belongs in data preparation";
const PIXELS = "there is no canvas";
const INDEX = "counting and searching have no gradient: do it in data preparation";
const COMPOSED = "tfjs composes it from other kernels";

/** tfjs kernels that are refused by design, with the reason. */
export const REFUSED_KERNELS: { readonly [kernel: string]: string } = {
  Bincount: INDEX,
  BitwiseAnd: "bit operations are not part of a program",
  BroadcastArgs: DYNAMIC,
  Complex: COMPLEX,
  ComplexAbs: COMPLEX,
  DenseBincount: INDEX,
  Diag: COMPOSED,
  Dilation2D: "morphological dilation has no ONNX Runtime kernel",
  Dilation2DBackpropFilter: "morphological dilation has no ONNX Runtime kernel",
  Dilation2DBackpropInput: "morphological dilation has no ONNX Runtime kernel",
  Draw: PIXELS,
  FFT: COMPLEX,
  FlipLeftRight: COMPOSED,
  FromPixels: PIXELS,
  IFFT: COMPLEX,
  Imag: COMPLEX,
  LogSoftmax: COMPOSED,
  LowerBound: INDEX,
  MatrixBandPart: COMPOSED,
  MaxPoolWithArgmax: "its positions have no ONNX equivalent: use maxPool",
  Multinomial: RANDOM,
  NonMaxSuppressionV3: DYNAMIC,
  NonMaxSuppressionV4: DYNAMIC,
  NonMaxSuppressionV5: DYNAMIC,
  Pool: COMPOSED,
  RaggedGather: SPARSE,
  RaggedRange: SPARSE,
  RaggedTensorToTensor: SPARSE,
  Real: COMPLEX,
  RotateWithOffset: IMAGE,
  SearchSorted: INDEX,
  SparseFillEmptyRows: SPARSE,
  SparseReshape: SPARSE,
  SparseSegmentMean: SPARSE,
  SparseSegmentSum: SPARSE,
  StaticRegexReplace: TEXT,
  StringNGrams: TEXT,
  StringSplit: TEXT,
  StringToHashBucketFast: TEXT,
  Transform: IMAGE,
  Unique: DYNAMIC,
  UpperBound: INDEX,
};
