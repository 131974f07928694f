/**
 * A Program is data: what a traced tfjs function does, as a list of kernels.
 *
 * @module
 */
import type { Dtype, Json } from "../../core/types.ts";

/** Element types inside a program. tfjs knows no others for numbers. */
export type ProgramDtype = Extract<Dtype, "float32" | "int32" | "bool">;

/** Index of a value (a tensor) in `Program.values`. */
export type ValueId = number;

/** Shape and element type of a value. */
export interface ValueType {
  readonly dtype: ProgramDtype;
  readonly shape: readonly number[];
}

/** Where the numbers of an input come from. */
export type InputRole =
  /** A mini-batch column; first dimension is the row. */
  | "batch"
  /** A number given on each call, such as the learning rate; shape []. */
  | "scalar"
  /** Filled by the host from the counter-based generator on each call. */
  | "random";

/** An input of a program. */
export interface ProgramInput {
  readonly name: string;
  readonly role: InputRole;
  readonly value: ValueId;
  /** For role `random`: standard uniform [0, 1) or standard normal. */
  readonly distribution?: "uniform" | "normal";
}

/** A tensor that lives on between calls: a weight, an optimizer slot, a moving average. Shared by name between programs. */
export interface ProgramState {
  readonly name: string;
  readonly trainable: boolean;
  readonly value: ValueId;
}

/** A tensor known at trace time. `data` is plain numbers (bool as 0/1). */
export interface ProgramConstant {
  readonly value: ValueId;
  readonly data: readonly number[] | Float32Array | Int32Array | Uint8Array;
}

/** One tfjs kernel call. */
export interface ProgramNode {
  /** tfjs kernel name, such as "BatchMatMul". */
  readonly kernel: string;
  /** One entry per input slot of the kernel; `null` where an optional input is absent. */
  readonly inputs: readonly (ValueId | null)[];
  readonly attrs: { readonly [name: string]: Json };
  readonly outputs: readonly ValueId[];
  /** The layer or scope it came from, for messages; not part of the hash. */
  readonly scope: string;
}

/** A traced function. */
export interface Program {
  readonly format: "beamline-program/1";
  readonly name: string;
  readonly values: readonly ValueType[];
  readonly inputs: readonly ProgramInput[];
  readonly state: readonly ProgramState[];
  readonly constants: readonly ProgramConstant[];
  readonly nodes: readonly ProgramNode[];
  readonly outputs: readonly { readonly name: string; readonly value: ValueId }[];
  /** New values of state after the call; state that is not listed stays as it is. */
  readonly updates: readonly { readonly state: string; readonly value: ValueId }[];
}
