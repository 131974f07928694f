/**
 * The four training steps that are measured: the models of `peers/torch_peer.py`, written with tfjs.
 *
 * @module
 */
import type { BuiltModel } from "../core/plugin.ts";
import type { Scalar, Tensor as TfTensor, Variable } from "../core/tensor.ts";
import { adam, gelu, mlp } from "../engine/nn/mod.ts";
import type { Tensor, Tensors } from "../engine/runtimes/types.ts";
import * as tf from "../engine/tf.ts";
import type { ColumnType, TracedModel } from "../engine/trace/trace.ts";
import { traceModel } from "../engine/trace/trace.ts";

/** A training step to measure. */
export interface Workload {
  readonly name: "mlp" | "vit" | "cnn" | "vae";
  /** Rows of the measured step. */
  readonly batchSize: number;
  readonly learningRate: number;
  readonly columns: { readonly [name: string]: ColumnType };
  readonly inputs: readonly string[];
  readonly targets: readonly string[];
  build(): BuiltModel;
}

const float = (...shape: number[]): ColumnType => ({ shape, dtype: "float32" });

/** A weight with uniform values of the given standard deviation. */
function weight(name: string, shape: number[], deviation: number): Variable {
  const most = deviation * Math.sqrt(3);
  return tf.variable(tf.randomUniform(shape, -most, most), true, name);
}

/** The number of rows of a batch. */
function rowsOf(x: TfTensor): number {
  return x.shape[0]!;
}

interface Linear {
  readonly kernel: Variable;
  readonly bias: Variable;
}

function linear(name: string, inputs: number, units: number): Linear {
  return {
    kernel: weight(`${name}/kernel`, [inputs, units], Math.sqrt(1 / (3 * inputs))),
    bias: weight(`${name}/bias`, [units], Math.sqrt(1 / (3 * inputs))),
  };
}

/** The last axis of x times the kernel, plus the bias. */
function apply({ kernel, bias }: Linear, x: TfTensor): TfTensor {
  const [inputs, units] = kernel.shape as [number, number];
  const rows = tf.reshape(x, [-1, inputs]);
  return tf.reshape(tf.add(tf.matMul(rows, kernel), bias), [...x.shape.slice(0, -1), units]);
}

/** 25-64-128-256-128-64-32-3 with relu, mean squared error. */
const perceptron: Workload = {
  name: "mlp",
  batchSize: 64,
  learningRate: 1e-5,
  columns: { x: float(25), y: float(3) },
  inputs: ["x"],
  targets: ["y"],
  build() {
    const net = mlp({ inputs: 25, units: [64, 128, 256, 128, 64, 32, 3] });
    return {
      predict: ({ x }) => ({ y: net(x!) }),
      loss: ({ x, y }) => ({ loss: tf.losses.meanSquaredError(y!, net(x!)) as Scalar }),
      optimizer: adam(),
    };
  },
};

/** 64 x 64 x 1: four convolutions 3 x 3 with stride 2 (16, 32, 64, 64), dense 64, 2; mean squared error. */
const convolutional: Workload = {
  name: "cnn",
  batchSize: 32,
  learningRate: 1e-3,
  columns: { x: float(64, 64, 1), y: float(2) },
  inputs: ["x"],
  targets: ["y"],
  build() {
    const channels = [1, 16, 32, 64, 64];
    const layers = channels.slice(1).map((count, i) => ({
      filter: weight(`conv${i}/filter`, [3, 3, channels[i]!, count], Math.sqrt(1 / (27 * channels[i]!))),
      bias: weight(`conv${i}/bias`, [count], Math.sqrt(1 / (27 * channels[i]!))),
    }));
    const [hidden, head] = [linear("hidden", 1024, 64), linear("head", 64, 2)];
    const forward = (x: TfTensor) => {
      const image = layers.reduce(
        (h, { filter, bias }) =>
          tf.relu(tf.add(tf.conv2d(h as tf.Tensor4D, filter as unknown as tf.Tensor4D, 2, "same"), bias)),
        x,
      );
      return apply(head, tf.relu(apply(hidden, tf.reshape(image, [rowsOf(x), 1024]))));
    };
    return {
      predict: ({ x }) => ({ y: forward(x!) }),
      loss: ({ x, y }) => ({ loss: tf.losses.meanSquaredError(y!, forward(x!)) as Scalar }),
      optimizer: adam(),
    };
  },
};

/** 64 x 72 pixels in patches of 8 x 8; dimension 64, 4 heads, depth 4, inner dimension 128, gelu; binary cross entropy. */
const transformer: Workload = {
  name: "vit",
  batchSize: 64,
  learningRate: 1e-3,
  columns: { x: float(64, 72), y: float() },
  inputs: ["x"],
  targets: ["y"],
  build() {
    const [size, heads, depth, inner, patch, tokens] = [64, 4, 4, 128, 8, 72];
    const norm = (name: string) => ({
      scale: tf.variable(tf.ones([size]), true, `${name}/scale`),
      offset: tf.variable(tf.zeros([size]), true, `${name}/offset`),
    });
    const normalize = (x: TfTensor, { scale, offset }: ReturnType<typeof norm>) => {
      const { mean, variance } = tf.moments(x, -1, true);
      return tf.add(tf.mul(tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, 1e-5))), scale), offset);
    };
    const embed = linear("embed", patch * patch, size);
    const position = weight("position", [1, tokens, size], 0.02);
    const blocks = Array.from({ length: depth }, (_, i) => ({
      norm1: norm(`block${i}/norm1`),
      qkv: linear(`block${i}/qkv`, size, 3 * size),
      out: linear(`block${i}/out`, size, size),
      norm2: norm(`block${i}/norm2`),
      up: linear(`block${i}/up`, size, inner),
      down: linear(`block${i}/down`, inner, size),
    }));
    const [last, head] = [norm("norm"), linear("head", size, 1)];
    const attention = (x: TfTensor, qkv: Linear) => {
      const parts = tf.reshape(apply(qkv, x), [rowsOf(x), tokens, 3, heads, size / heads]);
      const [q, k, v] = tf.unstack(tf.transpose(parts, [2, 0, 3, 1, 4])) as [TfTensor, TfTensor, TfTensor];
      const scores = tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(size / heads));
      const mixed = tf.transpose(tf.matMul(tf.softmax(scores), v), [0, 2, 1, 3]);
      return tf.reshape(mixed, [rowsOf(x), tokens, size]);
    };
    const forward = (x: TfTensor) => {
      const patches = tf.transpose(tf.reshape(x, [rowsOf(x), 8, patch, 9, patch]), [0, 1, 3, 2, 4]);
      let h: TfTensor = tf.add(
        apply(embed, tf.reshape(patches, [rowsOf(x), tokens, patch * patch])),
        position,
      );
      for (const block of blocks) {
        h = tf.add(h, apply(block.out, attention(normalize(h, block.norm1), block.qkv)));
        h = tf.add(h, apply(block.down, gelu(apply(block.up, normalize(h, block.norm2)))));
      }
      return tf.reshape(apply(head, normalize(tf.mean(h, 1), last)), [rowsOf(x)]);
    };
    return {
      predict: ({ x }) => ({ y: forward(x!) }),
      loss: ({ x, y }) => ({ loss: tf.losses.sigmoidCrossEntropy(y!, forward(x!)) as Scalar }),
      optimizer: adam(),
    };
  },
};

/** 44 x 44 x 1: three convolutions 4 x 4 of 32, latent 16 with a condition of 8, the mirrored decoder; leaky relu. */
const autoencoder: Workload = {
  name: "vae",
  batchSize: 64,
  learningRate: 1e-4,
  columns: { x: float(44, 44, 1), condition: float(8) },
  inputs: ["x", "condition"],
  targets: [],
  build() {
    const leaky = (x: TfTensor) => tf.leakyRelu(x, 0.1);
    const filter = (name: string, shape: [number, number, number, number]) =>
      weight(name, shape, Math.sqrt(1 / (48 * shape[2]))) as unknown as tf.Tensor4D;
    const down = [1, 32, 32].map((count, i) => ({
      filter: filter(`down${i}`, [4, 4, count, 32]),
      stride: i === 2 ? 3 : 2,
    }));
    const up = [32, 32, 1].map((count, i) => ({
      filter: filter(`up${i}`, [4, 4, count, 32]),
      stride: i === 0 ? 3 : 2,
    }));
    const encoder = [linear("encode0", 512, 512), linear("encode1", 512, 512), linear("encode2", 512, 32)];
    const decoder = [linear("decode0", 24, 512), linear("decode1", 512, 512), linear("decode2", 512, 512)];
    const border = [[0, 0], [1, 1], [1, 1], [0, 0]] as [number, number][];
    const encode = (x: TfTensor) => {
      const image = down.reduce(
        (h, layer) => leaky(tf.conv2d(tf.pad(h, border) as tf.Tensor4D, layer.filter, layer.stride, "valid")),
        x,
      );
      const flat = tf.reshape(image, [rowsOf(x), 512]);
      return apply(encoder[2]!, leaky(apply(encoder[1]!, leaky(apply(encoder[0]!, flat)))));
    };
    const sizes = [11, 22, 44];
    const decode = (z: TfTensor) => {
      const flat = decoder.reduce((h, layer) => leaky(apply(layer, h)), z);
      return up.reduce((h, layer, i) => {
        const size = sizes[i]!;
        const channels = layer.filter.shape[2];
        const shape = [rowsOf(z), size + 2, size + 2, channels] as [number, number, number, number];
        const full = tf.conv2dTranspose(h as tf.Tensor4D, layer.filter, shape, layer.stride, "valid");
        return leaky(tf.slice(full, [0, 1, 1, 0], [rowsOf(z), size, size, channels]));
      }, tf.reshape(flat, [rowsOf(z), 4, 4, 32]) as TfTensor);
    };
    const forward = ({ x, condition }: { readonly [name: string]: TfTensor }) => {
      const [mean, logVariance] = tf.split(encode(x!), 2, 1) as [TfTensor, TfTensor];
      const noise = tf.randomNormal([rowsOf(mean), 16]);
      const z = tf.add(mean, tf.mul(noise, tf.exp(tf.mul(logVariance, 0.5))));
      return { y: decode(tf.concat([z, condition!], 1)), mean, logVariance };
    };
    return {
      predict: (batch) => ({ y: forward(batch).y }),
      loss: (batch) => {
        const { y, mean, logVariance } = forward(batch);
        const reconstruction = tf.div(tf.sum(tf.square(tf.sub(y, batch["x"]!))), rowsOf(y));
        const terms = tf.sub(tf.sub(tf.add(1, logVariance), tf.square(mean)), tf.exp(logVariance));
        return { loss: tf.sub(reconstruction, tf.mul(0.5, tf.div(tf.sum(terms), rowsOf(y)))) as Scalar };
      },
      optimizer: adam(),
    };
  },
};

/** All workloads, the smallest first. */
export const WORKLOADS: readonly Workload[] = [perceptron, transformer, convolutional, autoencoder];

/** The step of a workload at a batch size, and its initial state. */
export function traceWorkload(workload: Workload, batchSize = workload.batchSize): Promise<TracedModel> {
  const { columns, inputs, targets } = workload;
  return traceModel({
    build: () => workload.build(),
    columns,
    inputs,
    targets,
    batchSize,
    lastValidationBatch: 0,
    predictBatch: batchSize,
    seed: 1,
    purpose: `bench/${workload.name}`,
  });
}

/** Inputs of a step: uniform numbers that differ from call to call, zeros and ones for the labels of the transformer. */
export function workloadInputs(workload: Workload, { programs }: TracedModel, salt = 0): Tensors {
  const program = programs["step"]!;
  return Object.fromEntries(program.inputs.map(({ name, value }, i): [string, Tensor] => {
    const { shape } = program.values[value]!;
    const size = shape.reduce((a, b) => a * b, 1);
    const unit = (k: number) => ((k + 1) * 0.6180339887498949 + (i + 7 * salt) * 0.7548776662466927) % 1;
    const data = Float32Array.from({ length: size }, (_, k) => 2 * unit(k) - 1);
    if (name === "learningRate") data.fill(workload.learningRate);
    if (workload.name === "vit" && name === "y") data.forEach((_, k) => data[k] = k % 2);
    return [name, { dtype: "float32", shape, data }];
  }));
}
