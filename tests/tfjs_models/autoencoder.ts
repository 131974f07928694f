/**
 * A variational autoencoder of small images: encoder, decoder and a layer that draws, in plain tfjs.
 *
 * @module
 */
import * as tf from "beamline/tf";

const LATENT = 4;

/** mean + e^(log variance / 2) noise */
class Sampling extends tf.layers.Layer {
  static className = "Sampling";

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    return (inputShape as tf.Shape[])[0]!;
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => {
      const [mean, logVariance] = inputs as [tf.Tensor, tf.Tensor];
      return tf.randomNormal(mean.shape).mul(logVariance.mul(0.5).exp()).add(mean);
    });
  }
}

/** 16 x 16 images to mean, log variance and a drawn point. */
export function createEncoder(): tf.LayersModel {
  const image = tf.input({ shape: [16, 16, 1] });
  let h = tf.layers.conv2d({ filters: 8, kernelSize: 3, strides: 2, padding: "same", activation: "relu" })
    .apply(image);
  h = tf.layers.conv2d({ filters: 16, kernelSize: 3, strides: 2, padding: "same", activation: "relu" }).apply(
    h,
  );
  h = tf.layers.dense({ units: 32, activation: "relu" }).apply(tf.layers.flatten().apply(h));
  const mean = tf.layers.dense({ units: LATENT }).apply(h) as tf.SymbolicTensor;
  const logVariance = tf.layers.dense({ units: LATENT }).apply(h) as tf.SymbolicTensor;
  const z = new Sampling({}).apply([mean, logVariance]) as tf.SymbolicTensor;
  return tf.model({ inputs: image, outputs: [mean, logVariance, z] });
}

/** Points to images. */
export function createDecoder(): tf.LayersModel {
  const transposed = (filters: number, activation: "relu" | "sigmoid", strides: number) =>
    tf.layers.conv2dTranspose({ filters, kernelSize: 3, strides, padding: "same", activation });
  const model = tf.sequential();
  model.add(tf.layers.dense({ inputShape: [LATENT], units: 4 * 4 * 16, activation: "relu" }));
  model.add(tf.layers.reshape({ targetShape: [4, 4, 16] }));
  model.add(transposed(16, "relu", 2));
  model.add(transposed(8, "relu", 2));
  model.add(transposed(1, "sigmoid", 1));
  return model;
}

/** Binary cross entropy of the pixels, and the divergence of the points from a standard normal distribution. */
export function autoencoderLoss(
  image: tf.Tensor,
  decoded: tf.Tensor,
  mean: tf.Tensor,
  logVariance: tf.Tensor,
): tf.Scalar {
  return tf.tidy(() => {
    const pixels = tf.metrics.binaryCrossentropy(image, decoded).mean().mul(16 * 16);
    const divergence = logVariance.add(1).sub(mean.square()).sub(logVariance.exp()).sum(-1).mul(-0.5).mean();
    return pixels.add(divergence) as tf.Scalar;
  });
}
