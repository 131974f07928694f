/**
 * Losses: means over the batch (and over all other dimensions), as scalars.
 *
 * @module
 */
import type { Scalar, Tensor } from "../../core/tensor.ts";
import * as tf from "../tf.ts";

/** Mean of (prediction - truth)². Both of one shape. */
export function meanSquaredError(truth: Tensor, prediction: Tensor): Scalar {
  mustAgree("meanSquaredError", truth, prediction);
  return tf.mean(tf.square(tf.sub(prediction, truth)));
}

/** Mean of |prediction - truth|. Both of one shape. */
export function meanAbsoluteError(truth: Tensor, prediction: Tensor): Scalar {
  mustAgree("meanAbsoluteError", truth, prediction);
  return tf.mean(tf.abs(tf.sub(prediction, truth)));
}

/**
 * Mean of e²/2 where |e| <= delta, of delta (|e| - delta/2) beyond, with e = prediction - truth.
 *
 * @param delta Where the square becomes straight, in the unit of truth; positive.
 *
 * @see Huber (1964), doi:10.1214/aoms/1177703732
 */
export function huber(truth: Tensor, prediction: Tensor, delta = 1): Scalar {
  mustAgree("huber", truth, prediction);
  if (!(delta > 0)) throw new RangeError(`Cannot compute huber as delta must be positive: found ${delta}`);
  const size = tf.abs(tf.sub(prediction, truth));
  const square = tf.minimum(size, delta);
  // square²/2 + delta (size - square): the second term is 0 inside.
  return tf.mean(tf.add(tf.mul(tf.square(square), 0.5), tf.mul(tf.sub(size, square), delta)));
}

/**
 * Mean over rows of -Σ truth log softmax(logits), along the last dimension.
 *
 * @param truth Shape [..., class]; probabilities that add up to 1, such as one-hot rows.
 * @param logits Shape [..., class]; any real numbers. No overflow: log-softmax is computed from differences.
 */
export function softmaxCrossEntropy(truth: Tensor, logits: Tensor): Scalar {
  mustAgree("softmaxCrossEntropy", truth, logits);
  return tf.neg(tf.mean(tf.sum(tf.mul(truth, tf.logSoftmax(logits)), -1)));
}

/**
 * Mean of -(t log s + (1-t) log(1-s)) with s = sigmoid(logit), in the form max(x, 0) - x t + log(1 + exp(-|x|)),
 * which cannot overflow.
 *
 * @param truth Any shape; probabilities in [0, 1].
 * @param logits The same shape; any real numbers.
 */
export function binaryCrossEntropyFromLogits(truth: Tensor, logits: Tensor): Scalar {
  mustAgree("binaryCrossEntropyFromLogits", truth, logits);
  const smooth = tf.log1p(tf.exp(tf.neg(tf.abs(logits))));
  return tf.mean(tf.add(tf.sub(tf.relu(logits), tf.mul(logits, truth)), smooth));
}

function mustAgree(name: string, truth: Tensor, prediction: Tensor): void {
  if (truth.shape.join() === prediction.shape.join()) return;
  throw new TypeError(
    `Cannot compute ${name} as truth and prediction must have one shape: found [${truth.shape}] and [${prediction.shape}]`,
  );
}
