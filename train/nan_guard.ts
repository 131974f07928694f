/**
 * The error of a training whose values are no longer finite: it names the step and where the damage is.
 *
 * @module
 */
import { ConfigError } from "../core/errors.ts";
import type { Tensors } from "../engine/runtimes/types.ts";
import type { TrainingCounters } from "./counters.ts";

/** A value of a training step that is not finite. */
export interface NonFinite {
  readonly model: string;
  /** The output that is not finite. */
  readonly output: string;
  readonly value: number;
  /** Counters after the step. */
  readonly counters: Pick<TrainingCounters, "step" | "epoch">;
}

/** What to throw when a step gives a value that is not finite; `state` holds all tensors after the step. */
export function nonFiniteError({ model, output, value, counters }: NonFinite, state: Tensors): ConfigError {
  const first = firstNonFinite(state);
  const where = first === undefined
    ? "all parameters are still finite"
    : `the first tensor that is not finite is "${first}"`;
  return new ConfigError(
    `Cannot train "${model}" as "${output}" must be finite: ${value} at step ${counters.step} ` +
      `(epoch ${counters.epoch + 1}), ${where}; try a lower --learning-rate`,
  );
}

/** The first float32 tensor with an element that is NaN or infinite; undefined where there is none. */
export function firstNonFinite(state: Tensors): string | undefined {
  return Object.keys(state).find((name) => {
    const { dtype, data } = state[name]!;
    return dtype === "float32" && !(data as Float32Array).every(Number.isFinite);
  });
}
