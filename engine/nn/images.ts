/**
 * Blocks for images, channels-last: [batch, row, column, channel].
 *
 * @module
 */
import type { StepContext } from "../../core/plugin.ts";
import type { Tensor } from "../../core/tensor.ts";
import * as tf from "../tf.ts";
import { type Activation, activation as activationOf } from "./activations.ts";
import { weight } from "./mlp.ts";

/** A function with weights that behaves differently in training. */
export type ContextBlock = (x: Tensor, context: StepContext) => Tensor;

/** Options of {@linkcode batchNorm}. */
export interface BatchNormOptions {
  /** Length of the last dimension. */
  readonly channels: number;
  /** Share of the moving averages that a step keeps. @default 0.99 */
  readonly momentum?: number;
  /** Added to the variance. @default 1e-3 */
  readonly epsilon?: number;
  /** @default "batchNorm" */
  readonly name?: string;
}

/**
 * (x - mean) / √(variance + ε) per channel, times a trained scale, plus a trained offset: with the mean and (population)
 * variance of the batch in training, with their moving averages otherwise. A training step updates the averages.
 *
 * @see Ioffe and Szegedy (2015), arXiv:1502.03167, algorithms 1 and 2
 */
export function batchNorm(options: BatchNormOptions): ContextBlock {
  const { channels, momentum = 0.99, epsilon = 1e-3, name = "batchNorm" } = options;
  const scale = weight(`${name}/scale`, [channels], tf.initializers.ones());
  const offset = weight(`${name}/offset`, [channels]);
  const movingMean = weight(`${name}/movingMean`, [channels], undefined, false);
  const movingVariance = weight(`${name}/movingVariance`, [channels], tf.initializers.ones(), false);
  return (x, { training }) => {
    if (!training) return normalize(x, movingMean, movingVariance, scale, offset, epsilon);
    const { mean, variance } = tf.moments(x, [...x.shape.keys()].slice(0, -1));
    const follow = (average: tf.Variable, now: Tensor) =>
      average.assign(tf.add(tf.mul(average, momentum), tf.mul(now, 1 - momentum)));
    follow(movingMean, mean);
    follow(movingVariance, variance);
    return normalize(x, mean, variance, scale, offset, epsilon);
  };
}

function normalize(
  x: Tensor,
  mean: Tensor,
  variance: Tensor,
  scale: Tensor,
  offset: Tensor,
  epsilon: number,
): Tensor {
  const factor = tf.mul(tf.rsqrt(tf.add(variance, epsilon)), scale);
  return tf.add(tf.mul(tf.sub(x, mean), factor), offset);
}

/** Options of {@linkcode groupNorm}. */
export interface GroupNormOptions {
  /** Length of the last dimension; a multiple of `groups`. */
  readonly channels: number;
  readonly groups: number;
  /** Added to the variance. @default 1e-5 */
  readonly epsilon?: number;
  /** @default "groupNorm" */
  readonly name?: string;
}

/**
 * Normalization over rows, columns and the channels of a group, with a trained scale and offset per channel. The same
 * in training and after.
 *
 * @see Wu and He (2018), arXiv:1803.08494, equation 7
 */
export function groupNorm(options: GroupNormOptions): (x: Tensor) => Tensor {
  const { channels, groups, epsilon = 1e-5, name = "groupNorm" } = options;
  if (channels % groups !== 0) {
    throw new RangeError(
      `Cannot build "${name}" as channels must be a multiple of groups: found ${channels} and ${groups}`,
    );
  }
  const scale = weight(`${name}/scale`, [channels], tf.initializers.ones());
  const offset = weight(`${name}/offset`, [channels]);
  return (x) => {
    const pixels = x.shape.slice(1, -1).reduce((product, length) => product * length, 1);
    const grouped = tf.reshape(x, [x.shape[0]!, pixels, groups, channels / groups]);
    const { mean, variance } = tf.moments(grouped, [1, 3], true);
    const normal = tf.mul(tf.sub(grouped, mean), tf.rsqrt(tf.add(variance, epsilon)));
    return tf.add(tf.mul(tf.reshape(normal, x.shape), scale), offset);
  };
}

/** Options of {@linkcode convBlock} and {@linkcode transposedConvBlock}. */
export interface ConvBlockOptions {
  /** Channels of the input. */
  readonly inputs: number;
  /** Channels of the output. */
  readonly filters: number;
  /** @default 3 */
  readonly kernelSize?: number | readonly [number, number];
  /** @default 1 */
  readonly strides?: number | readonly [number, number];
  /** @default "same" */
  readonly padding?: "same" | "valid";
  /** Between convolution and activation. @default "none" */
  readonly normalization?: "none" | "batch" | { readonly groups: number };
  /** @default "relu" */
  readonly activation?: Activation;
  /** The kernel as it is used, such as {@linkcode spectralNorm} makes it. @default the trained kernel */
  readonly constrain?: (kernel: tf.Variable) => (context: StepContext) => Tensor;
  /** Prefix of the names of its weights. @default "conv" */
  readonly name?: string;
}

/** Convolution, normalization, activation. A bias only where no normalization has one. */
export function convBlock(options: ConvBlockOptions): ContextBlock {
  const { inputs, filters, strides = 1, padding = "same", name = "conv" } = options;
  const [height, width] = pair(options.kernelSize ?? 3);
  return block(
    options,
    [height, width, inputs, filters],
    name,
    (x, kernel) => tf.conv2d(x as tf.Tensor4D, kernel as tf.Tensor4D, pair(strides), padding),
  );
}

/**
 * The transpose of a convolution, which enlarges the image: rows x stride with "same" padding,
 * (rows - 1) x stride + kernel with "valid"; then normalization and activation.
 */
export function transposedConvBlock(options: ConvBlockOptions): ContextBlock {
  const { inputs, filters, strides = 2, padding = "same", name = "transposedConv" } = options;
  const window = pair(options.kernelSize ?? 3);
  const steps = pair(strides);
  return block(options, [...window, filters, inputs], name, (x, kernel) => {
    const size = [0, 1].map((i) => {
      const length = x.shape[i + 1]!;
      return padding === "same" ? length * steps[i]! : (length - 1) * steps[i]! + window[i]!;
    });
    return tf.conv2dTranspose(
      x as tf.Tensor4D,
      kernel as tf.Tensor4D,
      [x.shape[0]!, size[0]!, size[1]!, filters],
      steps,
      padding,
    );
  });
}

function block(
  options: ConvBlockOptions,
  kernelShape: readonly number[],
  name: string,
  convolve: (x: Tensor, kernel: Tensor) => Tensor,
): ContextBlock {
  const { filters, normalization = "none", activation = "relu", constrain } = options;
  const kernel = weight(`${name}/kernel`, kernelShape, tf.initializers.heNormal({}));
  const used = constrain?.(kernel) ?? (() => kernel);
  const bias = normalization === "none" ? weight(`${name}/bias`, [filters]) : undefined;
  const norm = normalizationOf(normalization, filters, `${name}/norm`);
  const apply = activationOf(activation);
  return (x, context) => {
    const convolved = convolve(x, used(context));
    return apply(norm(bias ? tf.add(convolved, bias) : convolved, context));
  };
}

function normalizationOf(
  kind: NonNullable<ConvBlockOptions["normalization"]>,
  channels: number,
  name: string,
): ContextBlock {
  if (kind === "none") return (x) => x;
  if (kind === "batch") return batchNorm({ channels, name });
  return groupNorm({ channels, groups: kind.groups, name });
}

function pair(value: number | readonly [number, number]): [number, number] {
  return typeof value === "number" ? [value, value] : [value[0], value[1]];
}

/** Options of {@linkcode spectralNorm}. */
export interface SpectralNormOptions {
  /** Power iterations per training step. @default 1 */
  readonly iterations?: number;
  /** Prefix of the name of its vector. @default the kernel's name */
  readonly name?: string;
}

/**
 * A kernel divided by its largest singular value σ, estimated by power iteration that goes on from step to step.
 * The kernel is taken as a matrix [all other dimensions, last dimension].
 *
 * @returns A function that gives the kernel to use; a training step improves the estimate.
 *
 * @see Miyato, Kataoka, Koyama, Yoshida (2018), arXiv:1802.05957, algorithm 1; gradient: equation 12
 */
export function spectralNorm(
  kernel: tf.Variable,
  { iterations = 1, name = kernel.name }: SpectralNormOptions = {},
): (context: StepContext) => Tensor {
  const columns = kernel.shape[kernel.shape.length - 1]!;
  // Any vector that is not orthogonal to the first singular vector will do; a random one never is.
  const vector = weight(`${name}/singular`, [columns, 1], tf.initializers.randomNormal({ stddev: 1 }), false);
  return ({ training }) => {
    // Inside customGrad nothing is taped: u and v count as constants, as in the paper.
    const divide = tf.customGrad((raw) => {
      const matrix = tf.reshape(raw as Tensor, [-1, columns]);
      let right: Tensor = unit(vector);
      let left: Tensor = unit(tf.matMul(matrix, right));
      for (let i = 0; i < (training ? iterations : 0); i++) {
        right = unit(tf.matMul(matrix, left, true));
        left = unit(tf.matMul(matrix, right));
      }
      if (training) vector.assign(right as tf.Tensor2D);
      const sigma = tf.reshape(tf.matMul(left, tf.matMul(matrix, right), true), []);
      const value = tf.div(raw as Tensor, sigma);
      const [u, v, s, w] = [left, right, sigma, value].map((tensor) => tf.keep(tensor)) as Tensor[];
      const gradFunc = (dy: Tensor) => {
        // d(W/σ) = (dW - W/σ (uᵀ dW v)) / σ
        const along = tf.sum(tf.mul(dy, w!));
        const outer = tf.reshape(tf.matMul(u!, v!, false, true), kernel.shape);
        return tf.div(tf.sub(dy, tf.mul(outer, along)), s!);
      };
      return { value, gradFunc };
    });
    return divide(kernel);
  };
}

function unit(x: Tensor): Tensor {
  return tf.div(x, tf.add(tf.sqrt(tf.sum(tf.square(x))), 1e-12));
}
