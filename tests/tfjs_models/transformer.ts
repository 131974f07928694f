/**
 * A small transformer that tells classes of sequences apart, with a layer of its own for attention: plain tfjs.
 *
 * @module
 */
import * as tf from "beamline/tf";

/** Sizes of the model. */
export const SEQUENCE = { vocabulary: 20, length: 12, classes: 3 } as const;

const SIZE = 16;
const HEADS = 2;

/** Attention of a sequence to itself. */
class SelfAttention extends tf.layers.Layer {
  static className = "SelfAttention";
  #projections: tf.LayerVariable[] = [];

  override build(inputShape: tf.Shape): void {
    const size = inputShape[inputShape.length - 1]!;
    const glorot = tf.initializers.glorotUniform({});
    this.#projections = ["query", "key", "value", "output"].map((name) =>
      this.addWeight(name, [size, size], "float32", glorot)
    );
    this.built = true;
  }

  override computeOutputShape(inputShape: tf.Shape): tf.Shape {
    return inputShape;
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => {
      const x = (Array.isArray(inputs) ? inputs[0]! : inputs) as tf.Tensor3D;
      const [batch, length, size] = x.shape;
      const weights = this.#projections.map((one) => one.read() as tf.Tensor2D);
      const project = (value: tf.Tensor3D, weight: tf.Tensor2D) =>
        value.reshape<tf.Tensor2D>([batch * length, size]).matMul(weight).reshape<tf.Tensor3D>([
          batch,
          length,
          size,
        ]);
      const heads = (value: tf.Tensor3D) =>
        value.reshape<tf.Tensor4D>([batch, length, HEADS, size / HEADS]).transpose([0, 2, 1, 3]);
      const [q, k, v] = weights.slice(0, 3).map((weight) => heads(project(x, weight)));
      const scores = tf.matMul(q!, k!, false, true).div(Math.sqrt(size / HEADS)).softmax();
      const mixed = tf.matMul(scores, v!).transpose([0, 2, 1, 3]).reshape<tf.Tensor3D>([batch, length, size]);
      return project(mixed, weights[3]!);
    });
  }
}

/** Where a token stands in its sequence, added to what it is. */
class PositionEmbedding extends tf.layers.Layer {
  static className = "PositionEmbedding";
  #table: tf.LayerVariable | undefined;

  override build(inputShape: tf.Shape): void {
    const [, length, size] = inputShape as [number, number, number];
    this.#table = this.addWeight(
      "table",
      [length, size],
      "float32",
      tf.initializers.randomNormal({ stddev: 0.02 }),
    );
    this.built = true;
  }

  override computeOutputShape(inputShape: tf.Shape): tf.Shape {
    return inputShape;
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const x = Array.isArray(inputs) ? inputs[0]! : inputs;
    return x.add(this.#table!.read());
  }
}

/** Tokens to probabilities of classes. */
export function createTransformer(): tf.LayersModel {
  const tokens = tf.input({ shape: [SEQUENCE.length], dtype: "int32" });
  let h = tf.layers.embedding({ inputDim: SEQUENCE.vocabulary, outputDim: SIZE }).apply(
    tokens,
  ) as tf.SymbolicTensor;
  h = new PositionEmbedding({}).apply(h) as tf.SymbolicTensor;
  for (let block = 0; block < 2; block++) {
    const attended = new SelfAttention({}).apply(
      tf.layers.layerNormalization().apply(h),
    ) as tf.SymbolicTensor;
    h = tf.layers.add().apply([h, attended]) as tf.SymbolicTensor;
    const inner = tf.layers.dense({ units: 2 * SIZE, activation: "relu" });
    const outer = tf.layers.dense({ units: SIZE });
    const fed = outer.apply(inner.apply(tf.layers.layerNormalization().apply(h))) as tf.SymbolicTensor;
    h = tf.layers.add().apply([
      h,
      tf.layers.dropout({ rate: 0.1 }).apply(fed) as tf.SymbolicTensor,
    ]) as tf.SymbolicTensor;
  }
  const pooled = tf.layers.globalAveragePooling1d().apply(h);
  const outputs = tf.layers.dense({ units: SEQUENCE.classes, activation: "softmax" }).apply(pooled);
  return tf.model({ inputs: tokens, outputs: outputs as tf.SymbolicTensor });
}
