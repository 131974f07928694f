/**
 * Calls of tfjs that several kernels share. Shapes include dimensions of 1, broadcasting and negative axes.
 *
 * @module
 */
import type { Tensor } from "../../../core/tensor.ts";
import type { Call, CallInput } from "./case.ts";

/** Numbers from -2 to 2. */
export const x = (...shape: number[]): CallInput => ({ shape });

/** Numbers above 0. */
export const positive = (...shape: number[]): CallInput => ({ shape, range: [0.2, 2] });

/** Numbers inside -1 to 1. */
export const unit = (...shape: number[]): CallInput => ({ shape, range: [-0.9, 0.9] });

/** Integers of a range. */
export const ints = (range: readonly [number, number], ...shape: number[]): CallInput => ({
  shape,
  dtype: "int32",
  range,
});

type Unary = (x: Tensor) => Tensor;

type Binary = (a: Tensor, b: Tensor) => Tensor;

/** One input. */
export function unary(run: Unary, input: CallInput = x(3, 1, 5), gradient = true): Call {
  return { inputs: [input], run, gradient };
}

/** Two inputs that broadcast, a scalar among them. */
export function binary(run: Binary, second: CallInput = x(1, 4), gradient = true): Call[] {
  const range = second.range ? { range: second.range } : {};
  return [
    { inputs: [{ shape: [2, 3, 4], ...range }, second], run, gradient },
    { inputs: [{ shape: [3, 1], ...range }, { ...second, shape: [1, 4] }], run, gradient },
    { inputs: [{ shape: [], ...range }, { ...second, shape: [2] }], run, gradient },
  ];
}

/** Over all axes, some, kept or not. */
export function reduction(
  run: (x: Tensor, axis?: number | number[], keep?: boolean) => Tensor,
): Call[] {
  return [
    { inputs: [x(2, 3, 4)], run: (a) => run(a), gradient: true },
    { inputs: [x(2, 3, 4)], run: (a) => run(a, -1, true), gradient: true },
    { inputs: [x(2, 1, 4)], run: (a) => run(a, [0, 1]), gradient: true },
    { inputs: [x(5)], run: (a) => run(a, 0), gradient: true },
  ];
}
