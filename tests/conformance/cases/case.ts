/**
 * What a test case of a kernel is: calls of the kernel itself with its attributes, and calls of tfjs that lead to it.
 *
 * @module
 */
import type { Tensor as TfTensor } from "../../../core/tensor.ts";
import type { Tensor } from "../../../engine/runtimes/types.ts";

/** One node: inputs and attributes of a kernel. */
export interface NodeCase {
  readonly inputs: readonly (Tensor | null)[];
  readonly attrs: unknown;
}

/** An input of a call: values are spread over `range`, never on the edge of a kink. */
export interface CallInput {
  readonly shape: readonly number[];
  /** @default "float32" */
  readonly dtype?: "float32" | "int32";
  /** @default [-2, 2] */
  readonly range?: readonly [number, number];
}

/** A call of one or a few operations of tfjs. */
export interface Call {
  readonly inputs: readonly CallInput[];
  run(...inputs: TfTensor[]): TfTensor | TfTensor[];
  /** Whether the gradient with respect to float32 inputs is tested too. @default false */
  readonly gradient?: boolean;
}

/** The cases of one kernel. */
export interface KernelCases {
  /** Edges included: what engines must compute alike. */
  readonly nodes: readonly NodeCase[];
  /** What is traced, run and differentiated; none for a kernel whose result is known while tracing. */
  readonly calls: readonly Call[];
}

/** Numbers of an input, the same in every run: a low-discrepancy sequence, so that no two are equal. */
export function caseValues(
  input: CallInput,
  index: number,
): Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer> {
  const [low, high] = input.range ?? [-2, 2];
  const size = input.shape.reduce((product, length) => product * length, 1);
  const golden = (Math.sqrt(5) - 1) / 2;
  const share = (i: number) => (0.137 + 0.311 * index + (i + 1) * golden) % 1;
  if (input.dtype === "int32") {
    return Int32Array.from({ length: size }, (_, i) => low + Math.floor(share(i) * (high - low)));
  }
  return Float32Array.from({ length: size }, (_, i) => low + share(i) * (high - low));
}
