/**
 * The network: the source's dense network with a choice of what stands before and behind it.
 *
 * @module
 */
import type { Batch, BuildContext, BuiltModel, ModelDefinition, Scalar, Tensor } from "beamline";
import { adam, adamw, layerNorm, mlp, standardize } from "beamline/nn";
import * as tf from "beamline/tf";
import { CELLS, WINDOW } from "./clusters.ts";
import type { Config } from "./config.ts";
import { PITCH_CM } from "./shower.ts";

/** Hidden layers of the source, in units of `width`: 64-128-256-128-64-32 at width 64. */
const SHAPE = [1, 2, 4, 2, 1, 0.5] as const;

/** What the loss expects of a good reconstruction: sigma_x = a / sqrt(E) (+) b in cm, the same for ln E. E in GeV. */
const EXPECTED = { position: { a: 0.55, b: 0.05 }, energy: { a: 0.07, b: 0.015 } } as const;
/** Pulls beyond this weigh linearly, so that conversions and other outliers do not rule the fit. */
const HUBER_DELTA = 1.5;

/** Middle of the window in window coordinates, cm. */
const MIDDLE_CM = PITCH_CM * (WINDOW - 1) / 2;
/** Typical size of absolute positions, cm. */
const ABSOLUTE_CM = 40;
/**
 * Inputs are max(0, ln(cell / sum) + 4.6) / 2: in the logarithm the flanks of a shower are straight lines. Cells below
 * 1 % of the cluster are cut off: tried with 0.4 % and 0.15 %, half-widths of x at stage 2 grew by 2 and 6 %.
 */
const LOG_RANGE = 4.6;

/** Physical quantities of a batch, shape [row] each. */
interface Quantities {
  readonly x: Tensor;
  readonly y: Tensor;
  readonly energy: Tensor;
}

/** A network with its scaling. */
interface Recipe {
  /** Quantities in cm and GeV from cells [row, 25] and corner [row, 2]. */
  predict(cells: Tensor, corner: Tensor): Quantities;
  loss(predicted: Quantities, truth: Quantities): { readonly loss: Scalar; readonly [name: string]: Scalar };
}

/** The model of the plugin. */
export const network: ModelDefinition<Config> = {
  title: "dense network on the 25 cells of a window",
  inputs: () => ["cells", "corner"],
  targets: () => ["x_truth", "y_truth", "energy_truth"],
  outputs: {
    x: { unit: "cm", description: "impact from the centre of the window's lower left cell" },
    y: { unit: "cm", description: "impact from the centre of the window's lower left cell" },
    energy: { unit: "GeV", description: "photon energy" },
    x_absolute: { unit: "cm", description: "impact in the calorimeter" },
    y_absolute: { unit: "cm", description: "impact in the calorimeter" },
  },
  build,
};

function build(config: Config, _context: BuildContext): BuiltModel {
  const recipe = config.network === "source" ? sourceRecipe(config) : defaultRecipe(config);
  const predict = ({ cells, corner }: Batch) => recipe.predict(cells!, corner!);
  return {
    predict(batch) {
      const { x, y, energy } = predict(batch);
      const [cornerX, cornerY] = columnsOf(batch.corner!, 2) as [Tensor, Tensor];
      return { x, y, energy, x_absolute: tf.add(x, cornerX), y_absolute: tf.add(y, cornerY) };
    },
    loss: (batch) =>
      recipe.loss(predict(batch), { x: batch.x_truth!, y: batch.y_truth!, energy: batch.energy_truth! }),
    optimizer: config.network === "source"
      ? adam({ epsilon: 1e-7 })
      : adamw({ weightDecay: config.weightDecay, clipNorm: 5 }),
  };
}

function unitsOf(config: Config): number[] {
  return [...SHAPE.map((factor) => Math.max(1, Math.round(factor * config.width))), 3];
}

/** Columns of a [row, n] tensor as [row] tensors. */
function columnsOf(tensor: Tensor, count: number): Tensor[] {
  return Array.from({ length: count }, (_, i) => tf.squeeze(tf.slice(tensor, [0, i], [-1, 1]), [1]));
}

/**
 * Logarithms of the cells' shares and of their sum; positions from the middle of the window; energy as a factor on the
 * sum of the cells; pulls of x, y and ln E with Huber's loss.
 */
function defaultRecipe(config: Config): Recipe {
  const inputs = CELLS + 1 + (config.absolutePosition ? 2 : 0);
  const net = mlp({ inputs, units: unitsOf(config), activation: "relu" });
  return {
    predict(cells, corner) {
      const sum = tf.sum(cells, 1, true);
      const shares = tf.div(cells, sum);
      const shape = tf.div(tf.relu(tf.add(tf.log(tf.add(shares, 1e-9)), LOG_RANGE)), 2);
      const scale = tf.sub(tf.log(sum), 4); // ln of the sum in units of 55 GeV
      const position = config.absolutePosition ? [tf.div(corner, ABSOLUTE_CM)] : [];
      const output = net(tf.concat([shape, scale, ...position], 1));
      const [x, y, factor] = columnsOf(output, 3) as [Tensor, Tensor, Tensor];
      return {
        x: tf.add(tf.mul(x, PITCH_CM), MIDDLE_CM),
        y: tf.add(tf.mul(y, PITCH_CM), MIDDLE_CM),
        energy: tf.mul(tf.squeeze(sum, [1]), tf.exp(tf.mul(factor, 0.2))),
      };
    },
    loss(predicted, truth) {
      const expected = ({ a, b }: { readonly a: number; readonly b: number }) =>
        tf.sqrt(tf.add(tf.div(a * a, truth.energy), b * b));
      const positionError = expected(EXPECTED.position);
      const x = huber(tf.div(tf.sub(predicted.x, truth.x), positionError));
      const y = huber(tf.div(tf.sub(predicted.y, truth.y), positionError));
      const energy = huber(tf.div(tf.log(tf.div(predicted.energy, truth.energy)), expected(EXPECTED.energy)));
      const position = tf.add(x, y) as Scalar;
      return { loss: tf.add(position, energy), position, energy };
    },
  };
}

/** Huber's loss of pulls around zero. */
function huber(pulls: Tensor): Scalar {
  const size = tf.abs(pulls);
  const square = tf.minimum(size, HUBER_DELTA);
  return tf.mean(tf.add(tf.mul(tf.square(square), 0.5), tf.mul(tf.sub(size, square), HUBER_DELTA)));
}

/**
 * The source as written: raw cell energies, normalized as in each of its stages, outputs in (cm, cm, GeV) and their
 * mean squared error, in which energies weigh a thousand times more than positions.
 */
function sourceRecipe(config: Config): Recipe {
  const inputs = CELLS + (config.absolutePosition ? 2 : 0);
  const normalize = sourceNormalization(config.stage, inputs);
  const net = mlp({ inputs, units: unitsOf(config), activation: "relu" });
  return {
    predict(cells, corner) {
      const features = config.absolutePosition ? tf.concat([cells, corner], 1) : cells;
      const [x, y, energy] = columnsOf(net(normalize(features)), 3) as [Tensor, Tensor, Tensor];
      return { x, y, energy };
    },
    loss(predicted, truth) {
      const square = (name: keyof Quantities) => tf.mean(tf.square(tf.sub(predicted[name], truth[name])));
      const [x, y, energy] = [square("x"), square("y"), square("energy")];
      const position = tf.div(tf.add(x, y), 3) as Scalar;
      return { loss: tf.add(position, tf.div(energy, 3)), position, energy: tf.div(energy, 3) as Scalar };
    },
  };
}

/**
 * Stage 1: LayerNormalization (epsilon of Keras), which takes the energy out of the input. Stage 2: none. Stage 3: the
 * fixed mean 3.9 and "variance" 16.2, of which the layer takes the root although 16.2 is the standard deviation.
 */
function sourceNormalization(stage: Config["stage"], inputs: number): (x: Tensor) => Tensor {
  if (stage === "1") return layerNorm({ units: inputs, epsilon: 1e-3 });
  if (stage === "2") return (x) => x;
  return (x) => standardize(x, 3.9, Math.sqrt(16.2));
}
