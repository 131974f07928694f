/**
 * Dense networks.
 *
 * @module
 */
import type { Tensor } from "../../core/tensor.ts";
import * as tf from "../tf.ts";
import { type Activation, activation as activationOf } from "./activations.ts";

/** Options of {@linkcode mlp}. */
export interface MlpOptions {
  /** Length of the last dimension of the input. */
  readonly inputs: number;
  /** Units of each layer, the last one included. */
  readonly units: readonly number[];
  /** After every layer but the last. @default "relu" */
  readonly activation?: Activation;
  /** After the last layer. @default "linear" */
  readonly outputActivation?: Activation;
  /** Prefix of the names of its weights: `<name>/0/kernel`. @default "mlp" */
  readonly name?: string;
}

/** A function with weights: maps tensors to tensors. */
export type Block = (x: Tensor) => Tensor;

/**
 * Dense layers one after the other. Make it in `build`, call it in `predict` and `loss`.
 *
 * Weights start from He's normal distribution for relu-like activations, else from Glorot's uniform one; biases at 0.
 *
 * @returns A function from [..., inputs] to [..., last of units].
 *
 * @throws {TypeError} If there are no units.
 */
export function mlp(options: MlpOptions): Block {
  const { inputs, units, activation = "relu", outputActivation = "linear", name = "mlp" } = options;
  if (units.length === 0) {
    throw new TypeError(`Cannot build "${name}" as it needs at least one layer: found none`);
  }
  const layers = units.map((count, i) => {
    const isLast = i === units.length - 1;
    return dense({
      inputs: i === 0 ? inputs : units[i - 1]!,
      units: count,
      activation: isLast ? outputActivation : activation,
      name: `${name}/${i}`,
    });
  });
  return (x) => layers.reduce((value, layer) => layer(value), x);
}

/** Options of {@linkcode dense}. */
export interface DenseOptions {
  /** Length of the last dimension of the input. */
  readonly inputs: number;
  readonly units: number;
  /** @default "linear" */
  readonly activation?: Activation;
  /** @default true */
  readonly useBias?: boolean;
  /** Prefix of the names of its weights: `<name>/kernel`, `<name>/bias`. @default "dense" */
  readonly name?: string;
}

const RELU_LIKE: readonly Activation[] = ["relu", "leakyRelu", "elu", "gelu", "geluTanh", "silu", "softplus"];

/** activation(x kernel + bias) along the last dimension. */
export function dense(options: DenseOptions): Block {
  const { inputs, units, activation = "linear", useBias = true, name = "dense" } = options;
  const initializer = RELU_LIKE.includes(activation)
    ? tf.initializers.heNormal({})
    : tf.initializers.glorotUniform({});
  const apply = activationOf(activation);
  const kernel = weight(`${name}/kernel`, [inputs, units], initializer);
  const bias = useBias ? weight(`${name}/bias`, [units]) : undefined;
  return (x) => {
    const rows = x.rank === 2 ? x : tf.reshape(x, [-1, inputs]);
    const product = tf.matMul(rows, kernel);
    const result = apply(bias ? tf.add(product, bias) : product);
    return x.rank === 2 ? result : tf.reshape(result, [...x.shape.slice(0, -1), units]);
  };
}

/** A trainable variable with a free name; zeros without an initializer. */
export function weight(
  name: string,
  shape: readonly number[],
  initializer?: { apply(shape: number[]): Tensor },
  trainable = true,
): tf.Variable {
  return tf.tidy(() => {
    const initial = initializer ? initializer.apply([...shape]) : tf.zeros([...shape]);
    return tf.variable(initial, trainable, freeName(name));
  });
}

/** The name, or the name with the first free number. */
function freeName(name: string): string {
  const taken = tf.engine().registeredVariables;
  if (!Object.hasOwn(taken, name)) return name;
  let i = 1;
  while (Object.hasOwn(taken, `${name}_${i}`)) i++;
  return `${name}_${i}`;
}
