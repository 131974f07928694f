/**
 * Small parts of models: scaling, normalization, noise.
 *
 * @module
 */
import type { StepContext } from "../../core/plugin.ts";
import type { Tensor } from "../../core/tensor.ts";
import * as tf from "../tf.ts";
import { type Block, weight } from "./mlp.ts";

/**
 * (x - mean) / scale along the last dimension.
 *
 * @param mean One number, or one per element of the last dimension; in the unit of x.
 * @param scale The same; positive.
 */
export function standardize(
  x: Tensor,
  mean: number | readonly number[],
  scale: number | readonly number[],
): Tensor {
  const factors = list(scale).map((value) => 1 / value);
  if (factors.some((factor) => !Number.isFinite(factor) || factor <= 0)) {
    throw new RangeError(`Cannot standardize as every scale must be positive: found ${scale}`);
  }
  return tf.mul(tf.sub(x, row(list(mean))), row(factors));
}

/** The inverse of {@linkcode standardize}: x scale + mean. */
export function unstandardize(
  x: Tensor,
  mean: number | readonly number[],
  scale: number | readonly number[],
): Tensor {
  return tf.add(tf.mul(x, row(list(scale))), row(list(mean)));
}

const list = (
  value: number | readonly number[],
): number[] => (typeof value === "number" ? [value] : [...value]);
const row = (values: number[]): Tensor => (values.length === 1 ? tf.scalar(values[0]!) : tf.tensor1d(values));

/** Options of {@linkcode layerNorm}. */
export interface LayerNormOptions {
  /** Length of the last dimension. */
  readonly units: number;
  /** Added to the variance. @default 1e-5 */
  readonly epsilon?: number;
  /** Prefix of the names of its weights. @default "layerNorm" */
  readonly name?: string;
}

/**
 * (x - mean) / √(variance + ε) over the last dimension, times a trained scale, plus a trained offset.
 *
 * @see Ba, Kiros, Hinton (2016), arXiv:1607.06450, equation 4
 */
export function layerNorm({ units, epsilon = 1e-5, name = "layerNorm" }: LayerNormOptions): Block {
  const scale = weight(`${name}/scale`, [units], tf.initializers.ones());
  const offset = weight(`${name}/offset`, [units]);
  return (x) => {
    const centered = tf.sub(x, tf.mean(x, -1, true));
    const variance = tf.mean(tf.square(centered), -1, true);
    const normal = tf.mul(centered, tf.rsqrt(tf.add(variance, epsilon)));
    return tf.add(tf.mul(normal, scale), offset);
  };
}

/**
 * In training, sets a share `rate` of the elements to 0, anew in each step, and scales the others by 1/(1-rate).
 * Otherwise gives x back.
 *
 * @param rate In [0, 1).
 */
export function dropout(x: Tensor, rate: number, context: StepContext): Tensor {
  if (!(rate >= 0 && rate < 1)) {
    throw new RangeError(`Cannot drop out as the rate must be at least 0 and below 1: found ${rate}`);
  }
  if (!context.training || rate === 0) return x;
  const kept = tf.greaterEqual(context.randomUniform(x.shape), rate);
  return tf.mul(x, tf.mul(tf.cast(kept, "float32"), 1 / (1 - rate)));
}

/**
 * A sample of the normal distribution with a mean and log variance, with gradients for both:
 * mean + exp(logVariance / 2) r, r standard normal, new in each step.
 *
 * @see Kingma and Welling (2014), arXiv:1312.6114, section 2.4
 */
export function reparametrize(mean: Tensor, logVariance: Tensor, context: StepContext): Tensor {
  const sigma = tf.exp(tf.mul(logVariance, 0.5));
  return tf.add(mean, tf.mul(sigma, context.randomNormal(mean.shape)));
}

/** Options of {@linkcode gumbelSoftmax}. */
export interface GumbelSoftmaxOptions {
  /** The lower, the closer to one-hot; positive. @default 1 */
  readonly temperature?: number;
  /** One-hot forward, with the gradient of the soft sample. @default false */
  readonly hard?: boolean;
}

/**
 * A relaxed sample of the categorical distribution with the given logits, along the last dimension:
 * softmax((logits + g) / temperature) with g = -log(-log u), u uniform, new in each step.
 *
 * @see Jang, Gu, Poole (2017), arXiv:1611.01144, equation 2; Maddison, Mnih, Teh (2017), arXiv:1611.00712
 */
export function gumbelSoftmax(
  logits: Tensor,
  context: StepContext,
  { temperature = 1, hard = false }: GumbelSoftmaxOptions = {},
): Tensor {
  if (!(temperature > 0)) {
    throw new RangeError(`Cannot sample as the temperature must be positive: found ${temperature}`);
  }
  // The uniform numbers are multiples of 2^-24 from 0 on; half a step more keeps both logarithms finite.
  const uniform = tf.add(tf.mul(context.randomUniform(logits.shape), 1 - 2 ** -23), 2 ** -24);
  const gumbel = tf.neg(tf.log(tf.neg(tf.log(uniform))));
  const soft = tf.softmax(tf.mul(tf.add(logits, gumbel), 1 / temperature));
  if (!hard) return soft;
  const depth = logits.shape[logits.shape.length - 1]!;
  const oneHot = tf.cast(tf.oneHot(tf.argMax(soft, -1), depth), "float32");
  return straightThrough(oneHot, soft);
}

/** `forward` as the value, with the gradient of `backward`; both of one shape. */
export function straightThrough(forward: Tensor, backward: Tensor): Tensor {
  const pass = tf.customGrad(() => ({ value: tf.clone(forward), gradFunc: (dy: Tensor) => tf.clone(dy) }));
  return pass(backward);
}

/** x as the value, without a gradient. */
export function stopGradient(x: Tensor): Tensor {
  const pass = tf.customGrad((y) => ({
    value: tf.clone(y as Tensor),
    gradFunc: (dy: Tensor) => tf.zerosLike(dy),
  }));
  return pass(x);
}
