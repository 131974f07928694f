/**
 * Attention and transformers. Sequences are [batch, row, unit].
 *
 * @module
 */
import type { StepContext } from "../../core/plugin.ts";
import type { Tensor } from "../../core/tensor.ts";
import * as tf from "../tf.ts";
import type { Activation } from "./activations.ts";
import { dropout, layerNorm } from "./basics.ts";
import { type Block, dense, weight } from "./mlp.ts";

/** Options of {@linkcode multiHeadAttention}. */
export interface AttentionOptions {
  /** Length of the last dimension of the input, and of the output; a multiple of `heads`. */
  readonly units: number;
  readonly heads: number;
  /** Length of the last dimension of the memory that is attended to. @default the input attends to itself */
  readonly memoryUnits?: number;
  /** Share of the attention weights dropped in training. @default 0 */
  readonly dropout?: number;
  /** Prefix of the names of its weights. @default "attention" */
  readonly name?: string;
}

/** What attention gives. */
export interface Attended {
  /** Shape [batch, row, units]. */
  readonly output: Tensor;
  /** How much each row attends to each row of the memory: [batch, head, row, memory row]; rows add up to 1. */
  readonly maps: Tensor;
}

/** What an attention call may be given beside its input. */
export interface AttentionInputs {
  /** Shape [batch, memory row, memoryUnits]. @default the input */
  readonly memory?: Tensor;
  /** Added to the scores before the softmax, broadcast to [batch, head, row, memory row]; -1e9 hides. */
  readonly bias?: Tensor;
  /** Needed for dropout. */
  readonly context?: StepContext;
}

/**
 * softmax(q kᵀ / √d) v per head, with q, k, v and the output made by dense layers; d = units / heads.
 *
 * @throws {RangeError} If the units are not a multiple of the heads.
 *
 * @see Vaswani et al. (2017), arXiv:1706.03762, section 3.2
 */
export function multiHeadAttention(
  options: AttentionOptions,
): (x: Tensor, inputs?: AttentionInputs) => Attended {
  const { units, heads, memoryUnits, dropout: rate = 0, name = "attention" } = options;
  if (units % heads !== 0) {
    throw new RangeError(
      `Cannot build "${name}" as units must be a multiple of heads: found ${units} and ${heads}`,
    );
  }
  const isSelf = memoryUnits === undefined;
  const query = dense({
    inputs: units,
    units: isSelf ? 3 * units : units,
    name: `${name}/${isSelf ? "qkv" : "query"}`,
  });
  const keyValue = isSelf
    ? undefined
    : dense({ inputs: memoryUnits, units: 2 * units, name: `${name}/keyValue` });
  const output = dense({ inputs: units, units, name: `${name}/output` });
  const width = units / heads;
  return (x, { memory, bias, context } = {}) => {
    const parts = keyValue
      ? [...perHead(query(x), heads, width, 1), ...perHead(keyValue(memory ?? x), heads, width, 2)]
      : perHead(query(x), heads, width, 3);
    const [q, k, v] = parts as [Tensor, Tensor, Tensor];
    const scores = tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(width)); // [batch, head, row, memory row]
    const maps = tf.softmax(bias ? tf.add(scores, bias) : scores);
    const kept = rate > 0 && context ? dropout(maps, rate, context) : maps;
    const joined = tf.transpose(tf.matMul(kept, v), [0, 2, 1, 3]); // [batch, row, head, width]
    return { output: output(tf.reshape(joined, [...x.shape.slice(0, 2), units])), maps };
  };
}

/** Splits [batch, row, count x units] into `count` tensors [batch, head, row, width]. */
function perHead(x: Tensor, heads: number, width: number, count: number): Tensor[] {
  const [batch, rows] = x.shape as [number, number];
  const split = tf.transpose(tf.reshape(x, [batch, rows, count, heads, width]), [2, 0, 3, 1, 4]);
  return tf.unstack(split, 0);
}

/** Options of {@linkcode classToken} and {@linkcode positionEmbedding}. */
export interface EmbeddingOptions {
  readonly units: number;
  /** Standard deviation of the initial values. @default 0.02 */
  readonly sigma?: number;
  /** Name of its weight. @default the function's name */
  readonly name?: string;
}

/** Puts one trained row in front: [batch, row, units] becomes [batch, row + 1, units]. */
export function classToken({ units, sigma = 0.02, name = "classToken" }: EmbeddingOptions): Block {
  const token = weight(name, [1, 1, units], normal(sigma));
  return (x) => tf.concat([tf.tile(token, [x.shape[0]!, 1, 1]), x], 1);
}

/** Adds a trained vector to each row: shape [batch, rows, units]. */
export function positionEmbedding(
  { rows, units, sigma = 0.02, name = "positions" }: EmbeddingOptions & { readonly rows: number },
): Block {
  const positions = weight(name, [1, rows, units], normal(sigma));
  return (x) => tf.add(x, positions);
}

const normal = (stddev: number) => tf.initializers.randomNormal({ mean: 0, stddev });

/** Options of {@linkcode transformerBlock}. */
export interface TransformerOptions extends AttentionOptions {
  /** Units of the hidden layer of the network after the attention. @default 4 x units */
  readonly hidden?: number;
  /** @default "gelu" */
  readonly activation?: Activation;
}

/**
 * h = x + attention(norm(x)), then h + mlp(norm(h)): normalization before each part.
 *
 * @see Xiong et al. (2020), arXiv:2002.04745, figure 1(b)
 */
export function transformerBlock(
  options: TransformerOptions,
): (x: Tensor, inputs?: AttentionInputs) => Attended {
  const { units, hidden = 4 * units, activation = "gelu", dropout: rate = 0, name = "transformer" } = options;
  const firstNorm = layerNorm({ units, name: `${name}/norm0` });
  const attend = multiHeadAttention({ ...options, name: `${name}/attention` });
  const secondNorm = layerNorm({ units, name: `${name}/norm1` });
  const widen = dense({ inputs: units, units: hidden, activation, name: `${name}/hidden` });
  const narrow = dense({ inputs: hidden, units, name: `${name}/output` });
  return (x, inputs = {}) => {
    const drop = (y: Tensor) => (rate > 0 && inputs.context ? dropout(y, rate, inputs.context) : y);
    const { output, maps } = attend(firstNorm(x), inputs);
    const middle = tf.add(x, drop(output));
    return { output: tf.add(middle, drop(narrow(widen(secondNorm(middle))))), maps };
  };
}
