/**
 * Optimizers: `adam`, `adamw`, `sgd`. Written in tf operations on tf variables, so that they are part of the training
 * program; the learning rate is a tensor, so that a schedule needs no new trace. What depends only on the step is
 * computed once per step as a scalar, not once per parameter.
 *
 * @module
 */
import type { Optimizer } from "../../core/plugin.ts";
import type { Scalar, Tensor, Variable } from "../../core/tensor.ts";
import * as tf from "../tf.ts";

/** What all optimizers can do. */
export interface OptimizerOptions {
  /**
   * Scales all gradients together so that the norm over all parameters is at most this; 0 = never.
   * @default 0
   */
  readonly clipNorm?: number;
  /**
   * Decoupled weight decay: a parameter shrinks by the factor (1 - learning rate x decay) in each step.
   * @default 0
   */
  readonly weightDecay?: number;
  /**
   * Which parameters decay, by name and shape.
   * @default those of rank 2 and more: not biases, not the scales of normalizations
   */
  decays?(name: string, shape: readonly number[]): boolean;
  /**
   * The parameters to update, such as those of a discriminator.
   * @default all trainable variables that the loss depends on
   */
  readonly variables?: readonly Variable[];
  /** Prefix of the names of its state. @default the function's name */
  readonly name?: string;
}

/** Options of {@linkcode adam} and {@linkcode adamw}. */
export interface AdamOptions extends OptimizerOptions {
  /** Decay of the mean of gradients. @default 0.9 */
  readonly beta1?: number;
  /** Decay of the mean of squared gradients. @default 0.999 */
  readonly beta2?: number;
  /** Added to the root of the mean square. @default 1e-8 */
  readonly epsilon?: number;
}

/** Options of {@linkcode sgd}. */
export interface SgdOptions extends OptimizerOptions {
  /** Share of the last update that goes into the next. @default 0 */
  readonly momentum?: number;
  /** Looks ahead along the momentum. @default false */
  readonly nesterov?: boolean;
}

/**
 * Adam.
 *
 * With g the gradient and t the step: m = β₁m + (1-β₁)g, v = β₂v + (1-β₂)g²,
 * p = p - rate m/(1-β₁ᵗ) / (√(v/(1-β₂ᵗ)) + ε).
 *
 * The state holds m/(1-β₁) and v/(1-β₂), which saves two products per parameter; the factors are in the scalars.
 *
 * @see Kingma and Ba (2015), arXiv:1412.6980, algorithm 1
 */
export function adam(options: AdamOptions = {}): Optimizer {
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } = options;
  requireShare("beta1", beta1);
  requireShare("beta2", beta2);
  return new StepOptimizer(options, "adam", (slots) => {
    const power1 = slots.scalar("beta1Power", 1);
    const power2 = slots.scalar("beta2Power", 1);
    power1.assign(tf.mul(power1, beta1));
    power2.assign(tf.mul(power2, beta2));
    const root = tf.sqrt(tf.sub(1, power2));
    const scale = tf.mul(tf.div(root, tf.sub(1, power1)), (1 - beta1) / Math.sqrt(1 - beta2));
    const floor = tf.mul(root, epsilon / Math.sqrt(1 - beta2));
    return (name, gradient) => {
      const m = slots.like("m", name, gradient.shape);
      const v = slots.like("v", name, gradient.shape);
      m.assign(tf.add(tf.mul(m, beta1), gradient));
      v.assign(tf.add(tf.mul(v, beta2), tf.square(gradient)));
      return { direction: tf.div(m, tf.add(tf.sqrt(v), floor)), scale };
    };
  });
}

/**
 * Adam with decoupled weight decay, 0.01 unless told otherwise.
 *
 * @see Loshchilov and Hutter (2019), arXiv:1711.05101, algorithm 2
 */
export function adamw(options: AdamOptions = {}): Optimizer {
  return adam({ weightDecay: 0.01, name: "adamw", ...options });
}

/**
 * Stochastic gradient descent: u = momentum u + g, p = p - rate u; with `nesterov` p = p - rate (g + momentum u).
 *
 * @see Sutskever, Martens, Dahl, Hinton (2013), ICML, equations 1 to 4, with the rate outside of the velocity
 */
export function sgd(options: SgdOptions = {}): Optimizer {
  const { momentum = 0, nesterov = false } = options;
  requireShare("momentum", momentum);
  return new StepOptimizer(options, "sgd", (slots) => (name, gradient) => {
    if (momentum === 0) return { direction: gradient };
    const velocity = slots.like("velocity", name, gradient.shape);
    velocity.assign(tf.add(tf.mul(velocity, momentum), gradient));
    return { direction: nesterov ? tf.add(gradient, tf.mul(velocity, momentum)) : velocity };
  });
}

/** What a parameter moves by: minus `direction` times the learning rate, times `scale` where there is one. */
interface Move {
  readonly direction: Tensor;
  /** The same scalar for all parameters of a step. */
  readonly scale?: Tensor;
}

/** Computes the scalars of a step, and gives the move of each parameter. */
type Method = (slots: Slots) => (name: string, gradient: Tensor) => Move;

class StepOptimizer implements Optimizer {
  readonly #options: OptimizerOptions;
  readonly #method: Method;
  readonly #slots: Slots;

  constructor(options: OptimizerOptions, kind: string, method: Method) {
    this.#options = options;
    this.#method = method;
    this.#slots = new Slots(options.name ?? kind);
    const { clipNorm = 0, weightDecay = 0 } = options;
    requireAtLeastZero("clipNorm", clipNorm);
    requireAtLeastZero("weightDecay", weightDecay);
  }

  minimize(loss: () => Scalar, learningRate: Scalar): Scalar {
    return tf.tidy(() => {
      const { variables } = this.#options;
      const { value, grads } = tf.variableGrads(loss, variables && [...variables]);
      const gradients = this.#clipped(Object.entries(grads).filter(([, gradient]) => gradient !== null));
      const move = this.#method(this.#slots);
      const rates = new Map<Tensor | undefined, Tensor>();
      const rateOf = (scale: Tensor | undefined): Tensor => {
        const known = rates.get(scale);
        if (known) return known;
        const rate = scale ? tf.mul(learningRate, scale) : learningRate;
        rates.set(scale, rate);
        return rate;
      };
      const { weightDecay = 0 } = this.#options;
      const shrink = weightDecay > 0 ? tf.sub(1, tf.mul(learningRate, weightDecay)) : undefined;
      for (const [name, gradient] of gradients) {
        const parameter = tf.engine().registeredVariables[name]!;
        const { direction, scale } = move(name, gradient);
        const kept = shrink && this.#decays(name, parameter.shape) ? tf.mul(parameter, shrink) : parameter;
        parameter.assign(tf.sub(kept, tf.mul(direction, rateOf(scale))));
      }
      return value;
    });
  }

  #clipped(gradients: [string, Tensor][]): [string, Tensor][] {
    const { clipNorm = 0 } = this.#options;
    if (clipNorm === 0) return gradients;
    const factor = clipFactor(gradients.map(([, gradient]) => gradient), clipNorm);
    return gradients.map(([name, gradient]) => [name, tf.mul(gradient, factor)]);
  }

  #decays(name: string, shape: readonly number[]): boolean {
    return this.#options.decays?.(name, shape) ?? shape.length >= 2;
  }
}

/** min(1, most / norm), where the norm is the root of the sum of squares over all tensors. */
function clipFactor(tensors: readonly Tensor[], most: number): Tensor {
  const squares = tensors.map((tensor) => tf.sum(tf.square(tensor)));
  const norm = tf.sqrt(squares.reduce((total, square) => tf.add(total, square)));
  // A norm of 0 must not divide; it needs no clipping either.
  return tf.div(most, tf.maximum(norm, most));
}

/** State of an optimizer: created on first use, kept after. */
class Slots {
  readonly #name: string;
  readonly #variables = new Map<string, Variable>();
  #prefix: string | undefined;

  constructor(name: string) {
    this.#name = name;
  }

  scalar(slot: string, initial: number): Variable {
    return this.#get(slot, () => tf.scalar(initial));
  }

  like(slot: string, parameter: string, shape: readonly number[]): Variable {
    return this.#get(`${slot}/${parameter}`, () => tf.zeros([...shape]));
  }

  #get(key: string, initial: () => Tensor): Variable {
    const known = this.#variables.get(key);
    if (known) return known;
    this.#prefix ??= this.#freePrefix();
    const variable = tf.tidy(() => tf.variable(initial(), false, `${this.#prefix}/${key}`));
    this.#variables.set(key, variable);
    return variable;
  }

  /** "adam", or "adam_1" for the second Adam of a model. */
  #freePrefix(): string {
    const names = Object.keys(tf.engine().registeredVariables);
    const isTaken = (prefix: string) => names.some((name) => name.startsWith(`${prefix}/`));
    if (!isTaken(this.#name)) return this.#name;
    let i = 1;
    while (isTaken(`${this.#name}_${i}`)) i++;
    return `${this.#name}_${i}`;
  }
}

function requireShare(name: string, value: number): void {
  if (value >= 0 && value < 1) return;
  throw new RangeError(
    `Cannot make an optimizer as "${name}" must be at least 0 and below 1: found ${value}`,
  );
}

function requireAtLeastZero(name: string, value: number): void {
  if (value >= 0) return;
  throw new RangeError(`Cannot make an optimizer as "${name}" must not be negative: found ${value}`);
}
