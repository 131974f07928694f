/**
 * Vision transformers on occupancy maps: one with a dense network in each block, one with a mixture of experts.
 *
 * @module
 */
import type { BuiltModel, StepContext } from "beamline";
import {
  adamw,
  type Attended,
  binaryCrossEntropyFromLogits,
  type Block,
  classToken,
  dense,
  dropout,
  layerNorm,
  mlp,
  multiHeadAttention,
  positionEmbedding,
} from "beamline/nn";
import * as tf from "beamline/tf";
import type { InputScale } from "./data.ts";
import { COLUMNS, ROWS } from "./geometry.ts";

/** Size and training of a transformer. */
export interface TransformerConfig {
  /** Side of a patch in cells. */
  readonly patch: number;
  readonly dim: number;
  readonly depth: number;
  readonly heads: number;
  /** Hidden units of the dense networks as a multiple of `dim`. */
  readonly mlpRatio: number;
  readonly dropout: number;
  /** Networks per block of the mixture of experts. */
  readonly experts: number;
  /** `train`: log1p, centered and scaled by the training part. `log1p`: as the published solutions. */
  readonly scaling: "train" | "log1p";
  readonly weightDecay: number;
}

/** Values further from the center than this many scales are cut, so that hot cells do not blind the network. */
const CLIP = 5;
/** The sum over all gradients is scaled down to this norm: keeps an early step from throwing the training off. */
const CLIP_NORM = 1;

/** Patches down and across; cells beyond a whole number of patches are left out. */
export function patchGrid(patch: number): { down: number; across: number } {
  return { down: Math.floor(ROWS / patch), across: Math.floor(COLUMNS / patch) };
}

type AttentionBlock = (x: tf.Tensor, step: StepContext) => Attended;

/** Builds the transformer; `predict` gives the probability of run 357479 and its logit. */
export function buildTransformer(
  config: TransformerConfig,
  scale: InputScale,
  { isMixture, inputColumn = "occupancy", labelColumn = "label" }: {
    readonly isMixture: boolean;
    readonly inputColumn?: string;
    readonly labelColumn?: string;
  },
): BuiltModel {
  const { dim, depth, patch } = config;
  const { down, across } = patchGrid(patch);
  const tokens = down * across;
  const embed = dense({ inputs: patch * patch, units: dim, name: "patches" });
  const prepend = classToken({ units: dim });
  const place = positionEmbedding({ rows: tokens + 1, units: dim });
  const blocks = Array.from({ length: depth }, (_, i) => makeBlock(config, `block${i}`, isMixture));
  const norm = layerNorm({ units: dim, name: "norm" });
  const head = dense({ inputs: dim, units: 1, name: "head" });

  const forward = (maps: tf.Tensor, step: StepContext): { logit: tf.Tensor; maps: tf.Tensor[] } => {
    const rows = maps.shape[0]!;
    const cells = patchesOf(scaled(maps, config, scale), patch); // [row, token, cell]
    let x = dropout(place(prepend(embed(cells))), config.dropout, step);
    const attention: tf.Tensor[] = [];
    for (const block of blocks) {
      const attended = block(x, step);
      x = attended.output;
      attention.push(attended.maps);
    }
    const token = tf.reshape(tf.slice(x, [0, 0, 0], [rows, 1, dim]), [rows, dim]);
    return { logit: tf.reshape(head(norm(token)), [rows]), maps: attention };
  };

  return {
    predict: (batch, step) => {
      const { logit } = forward(batch[inputColumn]!, step);
      return { probability: tf.sigmoid(logit), logit };
    },
    loss: (batch, step) => {
      const { logit } = forward(batch[inputColumn]!, step);
      const truth = tf.cast(batch[labelColumn]!, "float32");
      const right = tf.equal(tf.greater(logit, 0), tf.greater(truth, 0.5));
      return {
        loss: binaryCrossEntropyFromLogits(truth, logit),
        accuracy: tf.mean(tf.cast(right, "float32")) as tf.Scalar,
      };
    },
    optimizer: adamw({ weightDecay: config.weightDecay, clipNorm: CLIP_NORM }),
    programs: {
      attention: {
        inputs: { [inputColumn]: { shape: [ROWS, COLUMNS] } },
        run: (batch, step) => {
          const { maps } = forward(batch[inputColumn]!, step);
          return { attention: tf.stack(maps.map((map) => classAttention(map, tokens)), 1) };
        },
      },
    },
  };
}

/** log1p of the occupancy, relative to the training part; a cell without hits stands at the center. */
function scaled(maps: tf.Tensor, config: TransformerConfig, { center, scale }: InputScale): tf.Tensor {
  const logs = tf.log1p(tf.relu(maps));
  if (config.scaling === "log1p") return logs;
  const centers = tf.reshape(tf.tensor1d([...center]), [1, ROWS, 1]);
  const hasHits = tf.cast(tf.greater(maps, 0), "float32");
  const values = tf.mul(tf.mul(tf.sub(logs, centers), 1 / scale), hasHits);
  return tf.clipByValue(values, -CLIP, CLIP);
}

/** [row, ieta, iphi] to [row, token, cell]; tokens run along iphi first. */
function patchesOf(maps: tf.Tensor, patch: number): tf.Tensor {
  const rows = maps.shape[0]!;
  const { down, across } = patchGrid(patch);
  const isWhole = down * patch === ROWS && across * patch === COLUMNS;
  const whole = isWhole ? maps : tf.slice(maps, [0, 0, 0], [rows, down * patch, across * patch]);
  const split = tf.reshape(whole, [rows, down, patch, across, patch]);
  return tf.reshape(tf.transpose(split, [0, 1, 3, 2, 4]), [rows, down * across, patch * patch]);
}

/**
 * A transformer block: h = x + attention(norm(x)), then h + network(norm(h)). Dropout acts on what the two parts give, not on
 * the attention weights, so that maps of training and prediction are alike.
 *
 * @see Dosovitskiy et al. (2021), arXiv:2010.11929, equations 2 and 3
 */
function makeBlock(config: TransformerConfig, name: string, isMixture: boolean): AttentionBlock {
  const { dim: units, heads, dropout: rate } = config;
  const firstNorm = layerNorm({ units, name: `${name}/norm0` });
  const attend = multiHeadAttention({ units, heads, name: `${name}/attention` });
  const secondNorm = layerNorm({ units, name: `${name}/norm1` });
  const network = isMixture ? mixtureOfExperts(config, name) : tokenNetwork(config, name);
  return (x, step) => {
    const { output, maps } = attend(firstNorm(x));
    const middle = tf.add(x, dropout(output, rate, step));
    return { output: tf.add(middle, dropout(network(secondNorm(middle)), rate, step)), maps };
  };
}

/** The same two dense layers for each token. */
function tokenNetwork({ dim: units, mlpRatio }: TransformerConfig, name: string): Block {
  return mlp({
    inputs: units,
    units: [Math.round(units * mlpRatio), units],
    activation: "gelu",
    name: `${name}/mlp`,
  });
}

/**
 * Several networks in place of one: each token takes their mean, weighted by a softmax of a linear function of itself.
 *
 * @see Jacobs, Jordan, Nowlan, Hinton (1991), "Adaptive mixtures of local experts", doi:10.1162/neco.1991.3.1.79
 */
function mixtureOfExperts(config: TransformerConfig, name: string): Block {
  const { dim, experts } = config;
  const route = dense({ inputs: dim, units: experts, name: `${name}/router` });
  const networks = Array.from({ length: experts }, (_, i) => tokenNetwork(config, `${name}/expert${i}`));
  return (x) => {
    const shares = tf.split(tf.softmax(route(x)), experts, 2); // one [row, token, 1] per expert
    return networks.map((network, i) => tf.mul(network(x), shares[i]!)).reduce((
      sum,
      part,
    ) => tf.add(sum, part));
  };
}

/** Attention of the class token to the patches, mean over the heads: [row, token]; rows add up to less than one. */
function classAttention(map: tf.Tensor, tokens: number): tf.Tensor {
  const [rows, heads] = map.shape as [number, number];
  const fromClass = tf.slice(map, [0, 0, 0, 1], [rows, heads, 1, tokens]);
  return tf.reshape(tf.mean(fromClass, 1), [rows, tokens]);
}
