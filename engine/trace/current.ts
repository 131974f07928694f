/**
 * The trace that is running, if any: the thin thread between the tfjs that plugins see (`engine/tf.ts`) and the
 * tracer. tfjs has one global engine, so there is at most one trace at a time.
 *
 * @module
 */
import type { Tensor, Variable } from "../../core/tensor.ts";

/** Random numbers asked for inside a traced function: `shift + scale * r`, r standard uniform or normal. */
export interface RandomRequest {
  readonly distribution: "uniform" | "normal";
  readonly shape: readonly number[];
  readonly shift: number;
  readonly scale: number;
  readonly dtype: "float32" | "int32";
  /** Names the stream; never freezes numbers. */
  readonly seed?: number | string;
  /** The operation asked for, for messages. */
  readonly op: string;
}

/** What `engine/tf.ts` needs of the running trace. */
export interface CurrentTrace {
  /** Whether random operations become program inputs now: inside a traced function, outside of initializers. */
  readonly capturesRandom: boolean;
  random(request: RandomRequest): Tensor;
  /** Variables that were made so far, in their order. */
  readonly variables: readonly Variable[];
}

let current: CurrentTrace | undefined;

/** The running trace. */
export function currentTrace(): CurrentTrace | undefined {
  return current;
}

/** Sets the running trace; only the tracer does. */
export function setCurrentTrace(trace: CurrentTrace | undefined): void {
  current = trace;
}
