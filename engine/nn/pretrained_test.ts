import assert from "node:assert/strict";
import type { NdArray } from "../../core/types.ts";
import * as tf from "../tf.ts";
import { traceModel } from "../trace/trace.ts";
import { loadWeights } from "./pretrained.ts";
import { mlp } from "./mlp.ts";

const array = (shape: readonly number[], first: number): NdArray => ({
  dtype: "float64",
  shape,
  data: Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => first + i),
});

const network = () =>
  tf.sequential({
    layers: [
      tf.layers.dense({ units: 2, inputShape: [3], name: "base" }),
      tf.layers.dense({ units: 1, inputShape: [2] }),
    ],
  });

const WEIGHTS = {
  "base/kernel:0": array([3, 2], 0),
  "base/bias": array([2], 10),
  "dense_Dense1/kernel": array([2, 1], 20),
  "dense_Dense1/bias": array([1], 30),
};

Deno.test("loadWeights() fills layers by name, generated names by their order", () => {
  for (let i = 0; i < 2; i++) { // the second network has other numbers in tfjs
    const model = network();
    const report = loadWeights(model, WEIGHTS);
    assert.deepEqual(report, {
      taken: ["base/kernel", "base/bias", "dense_Dense1/kernel", "dense_Dense1/bias"],
      missing: [],
      otherShape: [],
      unused: [],
    });
    const values = model.getWeights().map((weight) => [...weight.dataSync()]);
    assert.deepEqual(values, [[0, 1, 2, 3, 4, 5], [10, 11], [20, 21], [30]]);
  }
});

Deno.test("loadWeights() takes what fits when asked, and tells what it left", () => {
  const model = network();
  const { "base/bias": bias } = WEIGHTS;
  const source = { "base/bias": bias, "base/kernel": array([2, 3], 0), extra: bias };
  assert.deepEqual(loadWeights([model.layers[0]!, model.layers[1]!], source, { partial: true }), {
    taken: ["base/bias"],
    missing: ["dense_Dense1/kernel", "dense_Dense1/bias"],
    otherShape: [{ name: "base/kernel", expected: [3, 2], found: [2, 3] }],
    unused: ["extra"],
  });
});

Deno.test("loadWeights() builds a layer that knows the shape of its input", () => {
  const layer = tf.layers.dense({ units: 2, inputShape: [3] });
  loadWeights(layer, { "dense_Dense1/kernel": array([3, 2], 1), "dense_Dense1/bias": array([2], 0) });
  // (1, 1, 1) times the columns (1, 3, 5) and (2, 4, 6), plus (0, 1)
  assert.deepEqual([...(layer.apply(tf.ones([1, 3])) as tf.Tensor).dataSync()], [9, 13]);
});

Deno.test("loadWeights() looks under other names, and takes variables and tensors", () => {
  const w = tf.variable(tf.zeros([2]), true, "w of the test");
  const n = tf.variable(tf.zeros([1], "int32"), false, "n of the test", "int32");
  const source = {
    "fc.weight": tf.tensor1d([1, 2]),
    count: { dtype: "int64", shape: [1], data: BigInt64Array.of(7n) },
  };
  const sourceName = (name: string) => (name.startsWith("w") ? "fc.weight" : "count");
  loadWeights([w, n], source as { [name: string]: NdArray | tf.Tensor }, { sourceName });
  assert.deepEqual([[...w.dataSync()], [...n.dataSync()]], [[1, 2], [7]]);
  const large = { count: { dtype: "int64", shape: [1], data: BigInt64Array.of(2n ** 40n) } as const };
  assert.throws(() => loadWeights(n, large, { sourceName }), RangeError);
});

Deno.test("loadWeights() rejects what does not fit, and changes nothing then", () => {
  const model = network();
  const before = model.getWeights()[1]!.dataSync();
  assert.throws(() => loadWeights(model, { "base/bias": array([2], 5), x: array([1], 0) }), {
    name: "TypeError",
    message: 'Cannot load weights as every one must fit by name and shape: 3 missing ("base/kernel", ' +
      '"dense_Dense1/kernel", "dense_Dense1/bias"), 1 unused ("x"); {partial: true} takes what fits',
  });
  assert.deepEqual(model.getWeights()[1]!.dataSync(), before);
  assert.throws(
    () => loadWeights(model, { x: array([1], 0) }, { partial: true }),
    /at least one must fit .* none of 4/,
  );
  assert.throws(
    () => loadWeights(tf.layers.dense({ units: 1, name: "later" }), {}),
    /layer "later" must be built/,
  );
});

Deno.test("loadWeights() in build gives the initial state, under the names of the state", async () => {
  const trace = (given?: { readonly [name: string]: NdArray }) =>
    traceModel({
      build() {
        const model = network();
        const block = mlp({ inputs: 1, units: [2, 1] });
        if (given) loadWeights("all", given);
        return { predict: ({ x }) => ({ y: block(model.apply(x!) as tf.Tensor) }) };
      },
      columns: { x: { shape: [3], dtype: "float32" } },
      inputs: ["x"],
      targets: [],
      batchSize: 1,
      lastValidationBatch: 0,
      predictBatch: 1,
      seed: 1,
      purpose: "model/test",
    });
  const { state } = await trace();
  const other = Object.fromEntries(
    Object.entries(state).map(([name, { shape }], i) => [name, array(shape, i)]),
  );
  const { state: loaded } = await trace(other);
  assert.deepEqual(Object.keys(loaded), Object.keys(other));
  for (const [name, { data }] of Object.entries(loaded)) {
    assert.deepEqual([...data], [...other[name]!.data], name);
  }
});
