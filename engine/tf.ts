/**
 * TensorFlow.js as plugins see it: everything of `@tensorflow/tfjs`, with random operations that work in models.
 *
 * A model function is traced once, so that random numbers drawn in JavaScript would be the same in every step.
 * Inside a model function `randomUniform`, `randomNormal`, `randomStandardNormal`, `randomUniformInt` and `dropout`
 * (also inside `tf.layers`) therefore become inputs of the program, filled anew on each call from the seed of the run.
 * A `seed` argument only names the stream there. Other random operations (`truncatedNormal`, `randomGamma`, `rand`,
 * `multinomial`) are refused inside a model function. Outside, and in initializers, all of them draw as tfjs does.
 *
 * @module
 */
import * as tfjs from "@tensorflow/tfjs";
import { currentTrace } from "./trace/current.ts";

export * from "@tensorflow/tfjs";

type Shape = number[];
type RandomDtype = "float32" | "int32" | "bool";

/** Uniform random numbers in [minval, maxval); inside a model function, new ones on each call. */
export function randomUniform(
  shape: Shape,
  minval = 0,
  maxval = 1,
  dtype: RandomDtype = "float32",
  seed?: number | string,
): tfjs.Tensor {
  const trace = currentTrace();
  if (!trace?.capturesRandom || dtype === "bool") {
    return tfjs.randomUniform(shape, minval, maxval, dtype, seed);
  }
  return trace.random({
    distribution: "uniform",
    shape,
    shift: minval,
    scale: maxval - minval,
    dtype,
    ...(seed === undefined ? {} : { seed }),
    op: "randomUniform",
  });
}

/** Uniform random int32 numbers in [minval, maxval); inside a model function, new ones on each call. */
export function randomUniformInt(
  shape: Shape,
  minval: number,
  maxval: number,
  seed?: number | string,
): tfjs.Tensor {
  return randomUniform(shape, minval, maxval, "int32", seed);
}

/** Normal random numbers; inside a model function, new ones on each call. */
export function randomNormal(
  shape: Shape,
  mean = 0,
  stdDev = 1,
  dtype: "float32" | "int32" = "float32",
  seed?: number,
): tfjs.Tensor {
  const trace = currentTrace();
  if (!trace?.capturesRandom) return tfjs.randomNormal(shape, mean, stdDev, dtype, seed);
  return trace.random({
    distribution: "normal",
    shape,
    shift: mean,
    scale: stdDev,
    dtype,
    ...(seed === undefined ? {} : { seed }),
    op: "randomNormal",
  });
}

/** Standard normal random numbers; inside a model function, new ones on each call. */
export function randomStandardNormal(
  shape: Shape,
  dtype: "float32" | "int32" = "float32",
  seed?: number,
): tfjs.Tensor {
  return randomNormal(shape, 0, 1, dtype, seed);
}
