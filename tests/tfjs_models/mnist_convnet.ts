/**
 * A network for handwritten digits, as a tutorial on tfjs would write it: nothing of Beamline in it.
 *
 * @module
 */
import * as tf from "beamline/tf";

/** 28 x 28 gray values to ten probabilities. */
export function createConvNet(): tf.Sequential {
  const model = tf.sequential();
  model.add(tf.layers.conv2d({
    inputShape: [28, 28, 1],
    kernelSize: 5,
    filters: 8,
    activation: "relu",
    kernelInitializer: "varianceScaling",
  }));
  model.add(tf.layers.maxPooling2d({ poolSize: 2, strides: 2 }));
  model.add(
    tf.layers.conv2d({ kernelSize: 5, filters: 16, activation: "relu", kernelInitializer: "heNormal" }),
  );
  model.add(tf.layers.batchNormalization());
  model.add(tf.layers.maxPooling2d({ poolSize: 2, strides: 2 }));
  model.add(tf.layers.flatten());
  model.add(tf.layers.dropout({ rate: 0.25 }));
  model.add(tf.layers.dense({ units: 10, activation: "softmax" }));
  return model;
}

/** Mean categorical cross entropy. */
export function convNetLoss(labels: tf.Tensor, probabilities: tf.Tensor): tf.Scalar {
  return tf.metrics.categoricalCrossentropy(labels, probabilities).mean();
}
