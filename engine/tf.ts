/**
 * TensorFlow.js as plugins see it: the operations, `tf.layers` and the plain JavaScript backend of TensorFlow.js 4.22,
 * with methods on tensors (`x.add(y)`) and with random operations that work in models. Not here: what only the umbrella
 * package `@tensorflow/tfjs` adds, `tf.data`, `loadGraphModel` with its `registerOp`, and the WebGL backend.
 *
 * A model function is traced once, so that random numbers drawn in JavaScript would be the same in every step.
 * Inside a model function `randomUniform`, `randomNormal`, `randomStandardNormal`, `randomUniformInt` and `dropout`
 * (also inside `tf.layers`) therefore become inputs of the program, filled anew on each call from the seed of the run.
 * A `seed` argument only names the stream there. Other random operations (`truncatedNormal`, `randomGamma`, `rand`,
 * `multinomial`) are refused inside a model function. Outside, and in initializers, all of them draw as tfjs does.
 *
 * @module
 */
import * as tfjs from "@tensorflow/tfjs-core";
import * as tfjsLayers from "@tensorflow/tfjs-layers";
import { version_cpu } from "@tensorflow/tfjs-backend-cpu";
import { registerChainedOps } from "./chained_ops.ts";
import { keepTrack, type LayerClasses } from "./layer_weights.ts";
import { type OrthogonalInitializer, speedUpOrthogonal } from "./orthogonal.ts";
import { currentTrace } from "./trace/current.ts";

export * from "@tensorflow/tfjs-core";
// Importing the layers also registers the gradients of all kernels.
export * from "@tensorflow/tfjs-layers";
// Importing the backend registers its kernels.
export * from "@tensorflow/tfjs-backend-cpu";

registerChainedOps(tfjs.Tensor.prototype, tfjs);
keepTrack({
  layer: tfjsLayers.layers.Layer.prototype,
  container: Object.getPrototypeOf(tfjsLayers.LayersModel.prototype),
  sequential: tfjsLayers.Sequential.prototype,
} as unknown as LayerClasses);
speedUpOrthogonal(
  Object.getPrototypeOf(tfjsLayers.initializers.orthogonal({})) as OrthogonalInitializer,
  tfjs,
);

/** The version of each package. */
export const version: { readonly [name: string]: string } = {
  "tfjs-core": tfjs.version_core,
  "tfjs-layers": tfjsLayers.version_layers,
  "tfjs-backend-cpu": version_cpu,
};

type Shape = number[];
type RandomDtype = "float32" | "int32" | "bool";

/**
 * Uniform random numbers in [minval, maxval); inside a model function, new ones on each call. As int32 they are cut towards
 * 0, as in tfjs: then 0 is twice as likely as others of a range that holds it. {@linkcode randomUniformInt} has no such bias.
 */
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

/**
 * Uniform random int32 numbers, all integers from `minval` to below `maxval` alike; inside a model function, new ones on each
 * call. tfjs cuts them towards 0, so that of a range with negative numbers the least is missing and 0 comes twice as often.
 *
 * @param maxval Less than 2^24 above `minval`: there are no more different random numbers.
 * @throws {RangeError} If the range is wider, empty, or not of integers.
 */
export function randomUniformInt(
  shape: Shape,
  minval: number,
  maxval: number,
  seed?: number | string,
): tfjs.Tensor {
  const count = maxval - minval;
  if (!(Number.isInteger(minval) && Number.isInteger(maxval) && count >= 1 && count <= 2 ** 24)) {
    throw new RangeError(
      `Cannot draw random integers as there must be 1 to 2^24 of them from minval to below maxval: found ${minval} and ${maxval}`,
    );
  }
  const trace = currentTrace();
  if (!trace?.capturesRandom) {
    const integers = tfjs.floor(tfjs.randomUniform(shape, 0, count, "float32", seed));
    return tfjs.add(tfjs.cast(tfjs.minimum(integers, count - 1), "int32"), tfjs.scalar(minval, "int32"));
  }
  return trace.random({
    distribution: "uniform",
    shape,
    shift: minval,
    scale: count,
    dtype: "int32",
    ...(seed === undefined ? {} : { seed }),
    op: "randomUniformInt",
  });
}

/** Normal random numbers, as int32 the nearest integers; inside a model function, new ones on each call. */
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

/**
 * Sums products over the indices that are missing on the right of the arrow, such as "bij,bjk->bik". Unlike tfjs's
 * own, it has a gradient, and becomes matrix products.
 *
 * @param equation A letter per dimension; no ellipsis, no letter twice in one term.
 * @throws {TypeError} If the equation does not fit the tensors.
 */
export function einsum(equation: string, ...tensors: tfjs.Tensor[]): tfjs.Tensor {
  const match = /^([a-zA-Z,]*)->([a-zA-Z]*)$/.exec(equation.replaceAll(" ", ""));
  const [inputs = "", output = ""] = match?.slice(1) ?? [];
  const terms = inputs.split(",");
  const fits = match !== null && terms.length === tensors.length &&
    [...terms, output].every((term) => new Set(term).size === term.length) &&
    terms.every((term, i) => term.length === tensors[i]!.rank) &&
    [...output].every((letter) => inputs.includes(letter));
  if (!fits) {
    const shapes = tensors.map((tensor) => `[${tensor.shape}]`).join(" and ");
    throw new TypeError(
      `Cannot compute einsum "${equation}" as it must have a term per tensor and a letter per dimension: found ${shapes}`,
    );
  }
  let left: Labeled = { letters: terms[0]!, tensor: tensors[0]! };
  for (let i = 1; i < terms.length; i++) {
    const right = { letters: terms[i]!, tensor: tensors[i]! };
    left = contract(left, right, output + terms.slice(i + 1).join(""));
  }
  return arrange(sumOut(left, output), output);
}

/** A tensor with a letter per dimension. */
interface Labeled {
  readonly letters: string;
  readonly tensor: tfjs.Tensor;
}

/** Sums over the letters that are not kept. */
function sumOut({ letters, tensor }: Labeled, kept: string): Labeled {
  const axes = [...letters].flatMap((letter, i) => (kept.includes(letter) ? [] : [i]));
  if (axes.length === 0) return { letters, tensor };
  return {
    letters: [...letters].filter((letter) => kept.includes(letter)).join(""),
    tensor: tfjs.sum(tensor, axes),
  };
}

function arrange({ letters, tensor }: Labeled, order: string): tfjs.Tensor {
  return letters === order
    ? tensor
    : tfjs.transpose(tensor, [...order].map((letter) => letters.indexOf(letter)));
}

/** The product of two tensors, summed over the letters that nothing after needs, as one batched matrix product. */
function contract(first: Labeled, second: Labeled, needed: string): Labeled {
  const a = sumOut(first, needed + second.letters);
  const b = sumOut(second, needed + first.letters);
  const shared = [...a.letters].filter((letter) => b.letters.includes(letter));
  const batch = shared.filter((letter) => needed.includes(letter)).join("");
  const summed = shared.filter((letter) => !needed.includes(letter)).join("");
  const rows = [...a.letters].filter((letter) => !shared.includes(letter)).join("");
  const columns = [...b.letters].filter((letter) => !shared.includes(letter)).join("");
  const sizes = new Map([
    ...[...a.letters].map((letter, i): [string, number] => [letter, a.tensor.shape[i]!]),
    ...[...b.letters].map((letter, i): [string, number] => [letter, b.tensor.shape[i]!]),
  ]);
  const shape = (letters: string) => [...letters].map((letter) => sizes.get(letter)!);
  const size = (letters: string) => shape(letters).reduce((product, length) => product * length, 1);
  const left = tfjs.reshape(arrange(a, batch + rows + summed), [size(batch), size(rows), size(summed)]);
  const right = tfjs.reshape(arrange(b, batch + summed + columns), [
    size(batch),
    size(summed),
    size(columns),
  ]);
  const letters = batch + rows + columns;
  return { letters, tensor: tfjs.reshape(tfjs.matMul(left, right), shape(letters)) };
}
