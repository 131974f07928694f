import assert from "node:assert/strict";
import type { Tensor } from "../../core/tensor.ts";
import { caseValues } from "../../tests/conformance/cases/case.ts";
import * as nn from "../nn/mod.ts";
import { referenceEngine } from "../runtimes/reference/reference.ts";
import type { Tensors } from "../runtimes/types.ts";
import * as tf from "../tf.ts";
import { traceModel } from "./trace.ts";

const { layers } = tf;

/** Layers of tfjs with the shape of a row; int32 rows where `max` is given. */
const LAYERS: { readonly [name: string]: readonly [() => tf.layers.Layer, number[], number?] } = {
  activation: [() => layers.activation({ activation: "swish" }), [5]],
  averagePooling1d: [() => layers.averagePooling1d({ poolSize: 2 }), [6, 2]],
  averagePooling2d: [() => layers.averagePooling2d({ poolSize: 2, padding: "same" }), [5, 5, 2]],
  averagePooling3d: [() => layers.averagePooling3d({ poolSize: 2 }), [4, 4, 4, 1]],
  batchNormalization: [() => layers.batchNormalization({}), [4, 3]],
  bidirectional: [
    () => layers.bidirectional({ layer: layers.lstm({ units: 2 }) as tf.RNN, mergeMode: "sum" }),
    [3, 2],
  ],
  conv1d: [() => layers.conv1d({ filters: 3, kernelSize: 3, padding: "same" }), [6, 2]],
  conv2d: [() => layers.conv2d({ filters: 3, kernelSize: 3, strides: 2, activation: "relu" }), [7, 7, 2]],
  "conv2d channelsFirst": [
    () => layers.conv2d({ filters: 3, kernelSize: 3, padding: "same", dataFormat: "channelsFirst" }),
    [2, 5, 5],
  ],
  "conv2d dilated": [() => layers.conv2d({ filters: 2, kernelSize: 3, dilationRate: 2, padding: "same" }), [
    7,
    7,
    1,
  ]],
  conv2dTranspose: [
    () => layers.conv2dTranspose({ filters: 2, kernelSize: 3, strides: 2, padding: "same" }),
    [4, 4, 3],
  ],
  conv3d: [() => layers.conv3d({ filters: 2, kernelSize: 2 }), [3, 4, 3, 1]],
  cropping2D: [() => layers.cropping2D({ cropping: [[1, 0], [1, 1]] }), [4, 5, 2]],
  dense: [() => layers.dense({ units: 3, activation: "softmax" }), [4]],
  "dense of a sequence": [() => layers.dense({ units: 3, activation: "tanh" }), [5, 4]],
  depthwiseConv2d: [() => layers.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 2 }), [5, 5, 2]],
  elu: [() => layers.elu({}), [5]],
  embedding: [() => layers.embedding({ inputDim: 7, outputDim: 3 }), [4], 7],
  flatten: [() => layers.flatten(), [2, 3]],
  globalAveragePooling1d: [() => layers.globalAveragePooling1d(), [4, 3]],
  globalAveragePooling2d: [() => layers.globalAveragePooling2d({}), [4, 4, 3]],
  globalMaxPooling2d: [() => layers.globalMaxPooling2d({}), [4, 4, 3]],
  gru: [() => layers.gru({ units: 3, returnSequences: true }), [4, 2]],
  layerNormalization: [() => layers.layerNormalization({}), [4, 3]],
  leakyReLU: [() => layers.leakyReLU({ alpha: 0.2 }), [5]],
  lstm: [() => layers.lstm({ units: 3 }), [4, 2]],
  maxPooling1d: [() => layers.maxPooling1d({ poolSize: 2 }), [6, 2]],
  maxPooling2d: [() => layers.maxPooling2d({ poolSize: 3, strides: 2, padding: "same" }), [5, 5, 2]],
  maxPooling3d: [() => layers.maxPooling3d({ poolSize: 2 }), [4, 4, 4, 1]],
  permute: [() => layers.permute({ dims: [2, 1] }), [3, 4]],
  prelu: [() => layers.prelu({ alphaInitializer: "glorotNormal" }), [3, 4]],
  reLU: [() => layers.reLU({ maxValue: 1 }), [6]],
  repeatVector: [() => layers.repeatVector({ n: 3 }), [4]],
  reshape: [() => layers.reshape({ targetShape: [3, 2] }), [6]],
  separableConv2d: [() => layers.separableConv2d({ filters: 3, kernelSize: 3 }), [5, 5, 2]],
  simpleRNN: [() => layers.simpleRNN({ units: 3 }), [4, 2]],
  softmax: [() => layers.softmax({}), [5]],
  thresholdedReLU: [() => layers.thresholdedReLU({ theta: 0.5 }), [6]],
  timeDistributed: [() => layers.timeDistributed({ layer: layers.dense({ units: 2 }) }), [3, 4]],
  upSampling2d: [() => layers.upSampling2d({ size: [2, 3] }), [3, 3, 2]],
  zeroPadding2d: [() => layers.zeroPadding2d({ padding: [[1, 0], [0, 2]] }), [3, 3, 2]],
};

const weighted = (y: Tensor) => tf.sum(tf.mul(y, tf.tensor(caseValues({ shape: y.shape }, 5), y.shape)));

/** The output of a layer, and the gradients for all weights and float32 inputs. */
function resultsOf(layer: ReturnType<(typeof LAYERS)[string][0]>, rows: Tensor): Tensor[] {
  const apply = (z: Tensor) => layer.apply(z) as Tensor;
  const output = layer.apply(rows, { training: false }) as Tensor;
  const gradients = layer.trainableWeights.length === 0
    ? []
    : Object.values(tf.variableGrads(() => weighted(apply(rows)) as tf.Scalar).grads);
  const byInput = rows.dtype === "int32" ? [] : [tf.grad((z: Tensor) => weighted(apply(z)))(rows)];
  return [output, ...gradients, ...byInput];
}

for (const [name, [make, shape, max]] of Object.entries(LAYERS)) {
  Deno.test(`traceModel() keeps value and gradient of tf.layers ${name}`, async () => {
    const rows = 2;
    const dtype = max === undefined ? "float32" : "int32";
    const range = max === undefined ? {} : { range: [0, max] as const };
    const whole = [rows, ...shape];
    const data = caseValues({ shape: whole, dtype, ...range }, 0);
    const x = () => tf.tensor(data, whole, dtype);
    let expected: number[][] = [];
    const { programs, state } = await traceModel({
      build() {
        const layer = make();
        // In build everything is known, so that tfjs computes at once.
        resultsOf(layer, x());
        expected = resultsOf(layer, x()).map((tensor) => Array.from(tensor.dataSync()));
        return {
          predict: ({ x }) => Object.fromEntries(resultsOf(layer, x!).map((tensor, i) => [`y${i}`, tensor])),
        };
      },
      columns: { x: { shape, dtype } },
      inputs: ["x"],
      targets: [],
      batchSize: rows,
      lastValidationBatch: 0,
      predictBatch: rows,
      seed: 3,
      purpose: "test",
    });
    const session = await referenceEngine.open(state);
    const given = { x: { dtype, shape: whole, data } };
    const outputs = await (await session.compile(programs["predict"]!)).run(given as Tensors);
    assert.ok(expected.length > 0);
    expected.forEach((numbers, i) => {
      const actual = outputs[`y${i}`]!.data;
      assert.equal(actual.length, numbers.length, `y${i}`);
      numbers.forEach((number, j) => {
        const error = Math.abs(actual[j]! - number);
        // The same kernels on the same numbers.
        assert.ok(error <= 2e-5 * (1 + Math.abs(number)), `y${i}[${j}]: ${actual[j]} instead of ${number}`);
      });
    });
    await session.dispose();
  });
}

Deno.test("traceModel() traces a functional model of several inputs, with merging layers", async () => {
  const { programs, state } = await traceModel({
    build() {
      const [a, b] = [tf.input({ shape: [4] }), tf.input({ shape: [4] })];
      const shared = layers.dense({ units: 3, name: "shared", activation: "relu" });
      const [left, right] = [shared.apply(a), shared.apply(b)] as tf.SymbolicTensor[];
      const merged = layers.concatenate().apply([
        layers.add().apply([left!, right!]) as tf.SymbolicTensor,
        layers.multiply().apply([left!, right!]) as tf.SymbolicTensor,
        layers.maximum().apply([left!, right!]) as tf.SymbolicTensor,
      ]);
      const output = layers.dense({ units: 1, name: "head" }).apply(merged) as tf.SymbolicTensor;
      const model = tf.model({ inputs: [a, b], outputs: output });
      const forward = (first: Tensor, second: Tensor, training: boolean) =>
        model.apply([first, second], { training }) as Tensor;
      return {
        predict: ({ a, b }, { training }) => ({ y: forward(a!, b!, training) }),
        loss: ({ a, b, t }, { training }) => ({ loss: nn.meanSquaredError(t!, forward(a!, b!, training)) }),
        optimizer: nn.adam(),
      };
    },
    columns: {
      a: { shape: [4], dtype: "float32" },
      b: { shape: [4], dtype: "float32" },
      t: { shape: [1], dtype: "float32" },
    },
    inputs: ["a", "b"],
    targets: ["t"],
    batchSize: 2,
    lastValidationBatch: 0,
    predictBatch: 2,
    seed: 0,
    purpose: "test",
  });
  assert.deepEqual(Object.keys(state).slice(0, 4), [
    "shared/kernel",
    "shared/bias",
    "head/kernel",
    "head/bias",
  ]);
  assert.equal(programs["step"]!.inputs.length, 4);
});
