/**
 * Activations.
 *
 * @module
 */
import type { Tensor } from "../../core/tensor.ts";
import * as tf from "../tf.ts";

/** Names of activations, for options. */
export type Activation =
  | "linear"
  | "relu"
  | "leakyRelu"
  | "elu"
  | "selu"
  | "gelu"
  | "geluTanh"
  | "silu"
  | "softplus"
  | "sigmoid"
  | "tanh";

/**
 * x Φ(x) with Φ the normal distribution function: x/2 (1 + erf(x/√2)).
 *
 * @see Hendrycks and Gimpel (2016), arXiv:1606.08415, section 2
 */
export function gelu(x: Tensor): Tensor {
  return withShortGradient(x);
}

/** u = x/√2 and Φ(x). */
function normalDistribution(x: Tensor): { readonly u: Tensor; readonly distribution: Tensor } {
  const u = tf.mul(x, Math.SQRT1_2);
  return { u, distribution: tf.add(tf.mul(tf.erf(u), 0.5), 0.5) };
}

/**
 * The derivative Φ(x) + x φ(x) is Φ + u exp(-u² - ln √π) with u = x/√2: ten passes over memory with the forward ones, where
 * the chain rule through the formula takes fourteen. What both sides compute is computed once in a program; it is written
 * from x on both, so that the derivative can be derived.
 */
const withShortGradient = tf.customGrad((given, store) => {
  const [x, save] = [given as Tensor, store as tf.GradSaveFunc];
  save([x as tf.Tensor]);
  return {
    value: tf.mul(x, normalDistribution(x).distribution) as tf.Tensor,
    gradFunc: (dy, saved) => {
      const { u, distribution } = normalDistribution((saved as [Tensor])[0]);
      const density = tf.exp(tf.sub(-Math.log(Math.PI) / 2, tf.square(u)));
      return tf.mul(dy as Tensor, tf.add(tf.mul(u, density), distribution)) as tf.Tensor;
    },
  };
});

/**
 * The approximation of {@linkcode gelu} by x/2 (1 + tanh(√(2/π) (x + 0.044715 x³))), within 5e-4.
 *
 * @see Hendrycks and Gimpel (2016), arXiv:1606.08415, section 2
 */
export function geluTanh(x: Tensor): Tensor {
  const cubic = tf.add(tf.mul(tf.square(x), 0.044715), 1);
  const inner = tf.mul(tf.mul(x, cubic), Math.sqrt(2 / Math.PI));
  return tf.mul(tf.mul(x, 0.5), tf.add(tf.tanh(inner), 1));
}

/** x sigmoid(x). */
export function silu(x: Tensor): Tensor {
  return tf.mul(x, tf.sigmoid(x));
}

const ACTIVATIONS: { readonly [A in Activation]: (x: Tensor) => Tensor } = {
  linear: (x) => x,
  relu: (x) => tf.relu(x),
  leakyRelu: (x) => tf.leakyRelu(x, 0.01),
  elu: (x) => tf.elu(x),
  selu: (x) => tf.selu(x),
  gelu,
  geluTanh,
  silu,
  softplus: (x) => tf.softplus(x),
  sigmoid: (x) => tf.sigmoid(x),
  tanh: (x) => tf.tanh(x),
};

/** The function of a name; `leakyRelu` has the slope 0.01. */
export function activation(name: Activation): (x: Tensor) => Tensor {
  if (Object.hasOwn(ACTIVATIONS, name)) return ACTIVATIONS[name];
  throw new TypeError(
    `Cannot use activation "${name}" as it must be one of ${
      Object.keys(ACTIVATIONS).join(", ")
    }: found "${name}"`,
  );
}
