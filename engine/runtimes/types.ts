/**
 * What an engine is: programs in, numbers out. Implementations: `native`, `reference` (later `wasm`, `tensorflow`).
 *
 * @module
 */
import type { NdArray } from "../../core/types.ts";
import type { Program, ProgramDtype } from "../program/types.ts";
import type { GraphCache } from "./graphs/graph_cache.ts";

/** An array a program takes or gives. */
export type Tensor = NdArray<ProgramDtype>;
/** Arrays by name. */
export type Tensors = { readonly [name: string]: Tensor };

/** Options of {@linkcode Engine.open}. */
export interface SessionOptions {
  /** Threads to compute with: each has rows of its own, or a share of each operation. @default a fixed rule of the engine */
  readonly threads?: number;
  /** Programs that were lowered before. @default those of this process */
  readonly graphs?: GraphCache | undefined;
}

/** A way to run programs. */
export interface Engine {
  /** The name given to `--engine`. */
  readonly name: string;
  /** The most threads among which calibration may choose. @default all cores */
  readonly mostThreads?: number;
  /** A session: a set of state tensors, and the programs that share it. `state` is copied. */
  open(state: Tensors, options?: SessionOptions): Promise<Session>;
}

/** Options of {@linkcode Session.compile}. */
export interface CompileOptions {
  /**
   * Whether others compute at the same time as the program: then threads that have nothing to do let go of their core, where
   * they would else look out for work, and memory is taken as it is needed. Both are quicker for a program that has the
   * machine to itself, as a training step has.
   *
   * @default false
   */
  readonly sharesCores?: boolean;
}

/** State tensors and the programs that share them. */
export interface Session {
  readonly engine: string;
  readonly threads: number;
  /** Verifies, lowers and loads a program. Its state names must exist in the session with the same type. */
  compile(program: Program, options?: CompileOptions): Promise<Executable>;
  /** A copy of all state tensors. */
  state(): Promise<Tensors>;
  /** Replaces state tensors (all or some); shapes and dtypes must agree. */
  load(state: Tensors): Promise<void>;
  dispose(): Promise<void>;
}

/** A program that is ready to run. */
export interface Executable {
  readonly program: Program;
  /**
   * Runs once: reads inputs (every `batch`, `scalar` and `random` input by name), applies the updates to the
   * session's state, returns the outputs. Returned arrays are valid until the next call of `run`.
   *
   * @param unchanged Inputs that hold what they held in the last run of this program: they need not be copied again.
   */
  run(inputs: Tensors, unchanged?: readonly string[]): Promise<Tensors>;
  /** The ONNX bytes, where the engine has them. */
  readonly onnx?: Uint8Array;
  dispose(): Promise<void>;
}
