/**
 * What the engines need of ONNX Runtime, however it is reached: through its C interface, or through one of its packages.
 *
 * @module
 */
import type { ArrayOf } from "../../../core/types.ts";
import type { ProgramDtype } from "../../program/types.ts";

/** A tensor on memory of ours, seen by ONNX Runtime. */
export interface OrtTensor<D extends ProgramDtype = ProgramDtype> {
  readonly dtype: D;
  readonly shape: readonly number[];
  /** The numbers themselves, not a copy. */
  readonly data: ArrayOf[D];
  /** What the library knows it by. */
  readonly handle: unknown;
}

/** Options of {@linkcode Ort.load}. */
export interface LoadOptions {
  /** Threads of one operation, 1 or more. */
  readonly threads: number;
  /** Whether threads without work let go of their core. @default false */
  readonly sharesCores?: boolean | undefined;
  /** Write an ONNX Runtime profile to a file that begins so. @default no profile */
  readonly profile?: string;
}

/** Graph inputs and outputs in the order in which tensors are bound. */
export interface GraphNames {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/** A call of a graph with fixed tensors. */
export type OrtCall = () => void | Promise<void>;

/** A loaded graph. */
export interface OrtModel {
  /** A call with fixed tensors, in the order of {@linkcode GraphNames}; it writes into the outputs. */
  bind(inputs: readonly OrtTensor[], outputs: readonly OrtTensor[]): OrtCall;
  dispose(): Promise<void>;
}

/** The library. */
export interface Ort {
  readonly version: string;
  readonly binding: "direct" | "package";
  /** A tensor of zeros, or a view on part of another tensor's memory (`within`, from element `offset`). */
  tensor<D extends ProgramDtype>(
    dtype: D,
    shape: readonly number[],
    within?: { readonly tensor: OrtTensor<D>; readonly offset: number },
  ): OrtTensor<D>;
  /** Frees the handle; the memory goes with the last holder of `data`. */
  release(tensor: OrtTensor): void;
  /** Loads ONNX bytes. */
  load(onnx: Uint8Array<ArrayBuffer>, names: GraphNames, options: LoadOptions): Promise<OrtModel>;
  /**
   * Makes ready to do up to so many calls at the same time, the first on this thread. Absent where all calls are made by
   * one thread.
   */
  readonly together?: (most: number) => Promise<(calls: readonly OrtCall[]) => void>;
}
