/**
 * The test cases of every kernel of the kernel table, one file a family. A kernel without an entry does not compile.
 *
 * @module
 */
import type { Kernel } from "../../engine/program/kernels.ts";
import type { Call, KernelCases } from "./cases/case.ts";
import { CONV } from "./cases/conv.ts";
import { ELEMENTWISE } from "./cases/elementwise.ts";
import { LAYOUT } from "./cases/layout.ts";
import { LINEAR } from "./cases/linear.ts";
import { POOL } from "./cases/pool.ts";
import { REDUCTION } from "./cases/reduction.ts";

/** The cases of every kernel. */
export const CASES: { readonly [K in Kernel]: KernelCases } = {
  ...ELEMENTWISE,
  ...REDUCTION,
  ...LINEAR,
  ...CONV,
  ...POOL,
  ...LAYOUT,
};

/** A call, and the kernel that it is for. */
export interface KernelCall extends Call {
  readonly kernel: Kernel;
}

/** All calls, kernel by kernel. */
export const CALLS: readonly KernelCall[] = (Object.keys(CASES) as Kernel[]).flatMap((kernel) =>
  CASES[kernel].calls.map((call) => ({ kernel, ...call }))
);

/** Kernels that no traced function needs: their results are known while tracing. */
export const FOLDED: readonly Kernel[] = [
  "BroadcastTo",
  "Fill",
  "LinSpace",
  "OnesLike",
  "Range",
  "ZerosLike",
];
