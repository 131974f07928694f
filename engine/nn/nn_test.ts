import assert from "node:assert/strict";
import type { Optimizer, StepContext } from "../../core/plugin.ts";
import type { Scalar, Tensor } from "../../core/tensor.ts";
import * as tf from "../tf.ts";
import fixture from "./fixtures/blocks.json" with { type: "json" };
import * as nn from "./mod.ts";

/** The same numbers as `values` in fixtures/blocks.py. */
function values(shape: number[], shift = 0): Tensor {
  const size = shape.reduce((product, length) => product * length, 1);
  return tf.tensor(Float32Array.from({ length: size }, (_, i) => Math.sin(1.3 * i + shift)), shape);
}

/** A context whose random numbers are all `value`. */
const context = (training: boolean, value = 0.5): StepContext => ({
  training,
  learningRate: tf.scalar(0.1),
  randomUniform: (shape) => tf.fill([...shape], value),
  randomNormal: (shape) => tf.fill([...shape], value),
});

function assertClose(actual: ArrayLike<number>, expected: readonly number[], tolerance: number): void {
  assert.equal(actual.length, expected.length);
  expected.forEach((value, i) => {
    const error = Math.abs(actual[i]! - value);
    assert.ok(error <= tolerance * (1 + Math.abs(value)), `[${i}]: ${actual[i]} instead of ${value}`);
  });
}

/** Runs without leaving tensors or variables behind. */
function isolated(run: () => void): void {
  tf.tidy(run);
  tf.disposeVariables();
}

const OPTIMIZERS: { readonly [name in keyof typeof fixture.optimizers]: () => Optimizer } = {
  adam: () => nn.adam({ beta1: 0.8, beta2: 0.95, epsilon: 1e-3 }),
  // PyTorch decays every parameter.
  adamw: () => nn.adamw({ weightDecay: 0.1, decays: () => true }),
  sgd: () => nn.sgd(),
  momentum: () => nn.sgd({ momentum: 0.9 }),
  nesterov: () => nn.sgd({ momentum: 0.9, nesterov: true }),
  clipped: () => nn.sgd({ clipNorm: 0.3 }),
};

for (const [name, make] of Object.entries(OPTIMIZERS)) {
  Deno.test(`${name}() makes the steps of PyTorch`, () => {
    isolated(() => {
      const optimizer = make();
      const w = tf.variable(values([3, 2], 1), true, "w");
      const b = tf.variable(values([2], 2), true, "b");
      const [x, t] = [values([4, 3], 3), values([4, 2], 4)];
      const losses: number[] = [];
      for (let step = 0; step < 6; step++) {
        const loss = () => nn.meanSquaredError(t, tf.add(tf.matMul(x, w), b));
        losses.push(optimizer.minimize(loss, tf.scalar(step < 3 ? 0.1 : 0.05)).dataSync()[0]!);
      }
      const expected = fixture.optimizers[name as "adam"];
      // float32 over 6 steps.
      assertClose(losses, expected.losses, 1e-5);
      assertClose(w.dataSync(), expected.w, 1e-5);
      assertClose(b.dataSync(), expected.b, 1e-5);
    });
  });
}

Deno.test("adamw() shrinks matrices, not vectors", () => {
  isolated(() => {
    const [w, b] = [tf.variable(tf.ones([1, 1])), tf.variable(tf.ones([1]))];
    // A loss with gradient 0: only the decay moves.
    const flat = () => tf.mul(tf.add(tf.sum(w), tf.sum(b)), 0) as Scalar;
    nn.adamw({ weightDecay: 0.5 }).minimize(flat, tf.scalar(0.1));
    assertClose([w.dataSync()[0]!, b.dataSync()[0]!], [0.95, 1], 1e-7);
  });
});

Deno.test("adam() updates only the given variables", () => {
  isolated(() => {
    const [w, v] = [tf.variable(tf.scalar(1)), tf.variable(tf.scalar(1))];
    nn.adam({ variables: [w] }).minimize(() => tf.mul(w, v) as Scalar, tf.scalar(0.1));
    assertClose([w.dataSync()[0]!, v.dataSync()[0]!], [0.9, 1], 1e-5);
  });
});

Deno.test("adam() rejects a decay of 1", () => {
  assert.throws(() => nn.adam({ beta1: 1 }), {
    name: "RangeError",
    message: 'Cannot make an optimizer as "beta1" must be at least 0 and below 1: found 1',
  });
});

Deno.test("sgd() leaves gradients of norm 0 alone when it clips", () => {
  isolated(() => {
    const w = tf.variable(tf.ones([2]));
    nn.sgd({ clipNorm: 1 }).minimize(() => tf.mul(tf.sum(w), 0) as Scalar, tf.scalar(0.1));
    assertClose(w.dataSync(), [1, 1], 0);
  });
});

const oneHot = () => tf.oneHot(tf.tensor1d([0, 2, 3], "int32"), 4).toFloat();

type Function = (...inputs: Tensor[]) => Tensor;

/** Functions with their input shapes; the same as in fixtures/blocks.py. */
const FUNCTIONS: { readonly [name: string]: [() => Function, number[][]] } = {
  gelu: [() => (x) => nn.gelu(tf.mul(x!, 3)), [[12]]],
  geluTanh: [() => (x) => nn.geluTanh(tf.mul(x!, 3)), [[12]]],
  silu: [() => (x) => nn.silu(tf.mul(x!, 3)), [[12]]],
  meanSquaredError: [() => (t, x) => nn.meanSquaredError(t!, x!), [[3, 2], [3, 2]]],
  meanAbsoluteError: [() => (t, x) => nn.meanAbsoluteError(t!, x!), [[3, 2], [3, 2]]],
  huber: [() => (t, x) => nn.huber(t!, tf.mul(x!, 2), 0.7), [[3, 4], [3, 4]]],
  softmaxCrossEntropy: [() => (x) => nn.softmaxCrossEntropy(oneHot(), tf.mul(x!, 20)), [[3, 4]]],
  binaryCrossEntropyFromLogits: [() => (x) => nn.binaryCrossEntropyFromLogits(oneHot(), tf.mul(x!, 50)), [[
    3,
    4,
  ]]],
  layerNorm: [
    () => {
      const norm = nn.layerNorm({ units: 4 });
      return (x) => norm(x!);
    },
    [[3, 4]],
  ],
  groupNorm: [
    () => {
      const norm = nn.groupNorm({ channels: 4, groups: 2 });
      return (x) => norm(x!);
    },
    [[2, 3, 2, 4]],
  ],
  batchNorm: [
    () => {
      const norm = nn.batchNorm({ channels: 4 });
      return (x) => norm(x!, context(true));
    },
    [[2, 3, 2, 4]],
  ],
};

for (const [name, [make, shapes]] of Object.entries(FUNCTIONS)) {
  Deno.test(`${name}() has the value and gradient of PyTorch`, () => {
    isolated(() => {
      const run = make();
      const inputs = shapes.map((shape, i) => values(shape, i));
      const output = run(...inputs);
      const gradients = tf.grads((...varied: Tensor[]) => {
        const y = run(...varied);
        return tf.sum(tf.mul(y, values(y.shape, 9)));
      })(inputs);
      const expected = fixture[name as "gelu"];
      // float32; the error function of tfjs is an approximation with an error of 1.5e-7.
      assertClose(output.dataSync(), expected.value, 2e-5);
      gradients.forEach((gradient, i) => assertClose(gradient.dataSync(), expected.gradients[i]!, 5e-5));
    });
  });
}

Deno.test("binaryCrossEntropyFromLogits() and softmaxCrossEntropy() stay finite for huge logits", () => {
  isolated(() => {
    const logits = tf.tensor2d([[1e4, -1e4]]);
    const [right, wrong] = [tf.tensor2d([[1, 0]]), tf.tensor2d([[0, 1]])];
    assertClose(nn.binaryCrossEntropyFromLogits(right, logits).dataSync(), [0], 0);
    assertClose(nn.binaryCrossEntropyFromLogits(wrong, logits).dataSync(), [1e4], 0);
    assertClose(nn.softmaxCrossEntropy(right, logits).dataSync(), [0], 0);
    assertClose(nn.softmaxCrossEntropy(wrong, logits).dataSync(), [2e4], 0);
  });
});

Deno.test("huber() rejects shapes that differ, and a delta of 0", () => {
  isolated(() => {
    assert.throws(() => nn.huber(tf.ones([2]), tf.ones([3])), {
      name: "TypeError",
      message: "Cannot compute huber as truth and prediction must have one shape: found [2] and [3]",
    });
    assert.throws(() => nn.huber(tf.ones([2]), tf.ones([2]), 0), RangeError);
  });
});

Deno.test("multiHeadAttention() has the value and gradient of PyTorch", () => {
  isolated(() => {
    const attend = nn.multiHeadAttention({ units: 6, heads: 2, name: "a" });
    const names = ["a/qkv/kernel", "a/qkv/bias", "a/output/kernel", "a/output/bias"];
    const parameters = names.map((name) => tf.engine().registeredVariables[name]!);
    parameters.forEach((parameter, i) => parameter.assign(values(parameter.shape, i + 1)));
    const x = tf.variable(values([2, 3, 6]), true, "x");
    const run = () => {
      const { output, maps } = attend(x);
      return tf.concat([tf.reshape(output, [-1]), tf.reshape(maps, [-1])], 0);
    };
    assertClose(run().dataSync(), fixture.attention.value, 2e-5);
    const { grads } = tf.variableGrads(() => tf.sum(tf.mul(run(), values(run().shape, 9))) as Scalar);
    ["x", ...names].forEach((name, i) =>
      // The key bias has the gradient 0 up to rounding.
      assertClose(grads[name]!.dataSync(), fixture.attention.gradients[i]!, 1e-4)
    );
  });
});

Deno.test("multiHeadAttention() hides what the bias hides, and attends to another sequence", () => {
  isolated(() => {
    const attend = nn.multiHeadAttention({ units: 4, heads: 2, memoryUnits: 3 });
    const hide = tf.tensor([0, -1e9, 0, 0, 0], [1, 1, 1, 5]);
    const { output, maps } = attend(values([2, 3, 4]), { memory: values([2, 5, 3]), bias: hide });
    assert.deepEqual(output.shape, [2, 3, 4]);
    assert.deepEqual(maps.shape, [2, 2, 3, 5]);
    assert.ok(tf.max(tf.slice(maps, [0, 0, 0, 1], [-1, -1, -1, 1])).dataSync()[0]! === 0);
    assertClose(tf.sum(maps, -1).dataSync(), Array(12).fill(1), 1e-6);
  });
});

Deno.test("multiHeadAttention() rejects units that the heads do not divide", () => {
  assert.throws(() => nn.multiHeadAttention({ units: 7, heads: 2 }), {
    name: "RangeError",
    message: 'Cannot build "attention" as units must be a multiple of heads: found 7 and 2',
  });
});

Deno.test("transformerBlock(), classToken() and positionEmbedding() keep shapes", () => {
  isolated(() => {
    const [token, place] = [nn.classToken({ units: 8 }), nn.positionEmbedding({ rows: 5, units: 8 })];
    const block = nn.transformerBlock({ units: 8, heads: 2, dropout: 0.1 });
    const { output, maps } = block(place(token(values([3, 4, 8]))), { context: context(true) });
    assert.deepEqual([output.shape, maps.shape], [[3, 5, 8], [3, 2, 5, 5]]);
  });
});

Deno.test("dropout() scales what it keeps, in training only", () => {
  isolated(() => {
    const x = tf.ones([4]);
    const drawn = { ...context(true), randomUniform: () => tf.tensor1d([0, 0.24, 0.25, 0.9]) };
    assertClose(nn.dropout(x, 0.25, drawn).dataSync(), [0, 0, 4 / 3, 4 / 3], 1e-6);
    assert.equal(nn.dropout(x, 0.25, context(false)), x);
    assert.throws(() => nn.dropout(x, 1, drawn), RangeError);
  });
});

Deno.test("standardize() and unstandardize() are inverse", () => {
  isolated(() => {
    const x = tf.tensor2d([[1, 20], [3, 40]]);
    const scaled = nn.standardize(x, [2, 30], [1, 10]);
    assertClose(scaled.dataSync(), [-1, -1, 1, 1], 1e-7);
    assertClose(nn.unstandardize(scaled, [2, 30], [1, 10]).dataSync(), [1, 20, 3, 40], 1e-6);
    assert.throws(() => nn.standardize(x, 0, 0), RangeError);
  });
});

Deno.test("reparametrize() samples with gradients for mean and variance", () => {
  isolated(() => {
    const [mean, logVariance] = [tf.scalar(1), tf.scalar(Math.log(4))];
    const sample = (m: Tensor, v: Tensor) => nn.reparametrize(m, v, context(true, 0.5));
    assertClose(sample(mean, logVariance).dataSync(), [2], 1e-6);
    const gradients = tf.grads(sample)([mean, logVariance]);
    // d/dm = 1; d/d(log variance) = sigma r / 2 = 0.5.
    assertClose(gradients.map((gradient) => gradient.dataSync()[0]!), [1, 0.5], 1e-6);
  });
});

Deno.test("gumbelSoftmax() is finite for every uniform number, and one-hot when hard", () => {
  isolated(() => {
    const logits = tf.tensor2d([[1, 2, 0]]);
    for (const uniform of [0, 0.5, 1 - 2 ** -24]) {
      const soft = nn.gumbelSoftmax(logits, context(true, uniform), { temperature: 0.5 });
      assertClose([tf.sum(soft).dataSync()[0]!], [1], 1e-6);
    }
    const hard = (x: Tensor) => nn.gumbelSoftmax(x, context(true), { hard: true });
    assertClose(hard(logits).dataSync(), [0, 1, 0], 0);
    const slope = (run: (x: Tensor) => Tensor) =>
      tf.grad((x: Tensor) => tf.sum(tf.mul(run(x), values([1, 3]))))(logits).dataSync();
    const soft = slope((x) => nn.gumbelSoftmax(x, context(true)));
    assertClose(slope(hard), Array.from(soft), 1e-7);
  });
});

Deno.test("stopGradient() keeps the value and has no gradient", () => {
  isolated(() => {
    const x = tf.scalar(3);
    assertClose(nn.stopGradient(x).dataSync(), [3], 0);
    const slope = tf.grad((y: Tensor) => tf.mul(y, nn.stopGradient(y)))(x);
    assertClose(slope.dataSync(), [3], 0);
  });
});

Deno.test("batchNorm() follows the batch in training and uses the averages after", () => {
  isolated(() => {
    const norm = nn.batchNorm({ channels: 1, momentum: 0.5, epsilon: 0, name: "n" });
    norm(tf.tensor2d([[1], [3]]), context(true));
    const variables = tf.engine().registeredVariables;
    // mean 2, variance 1: averages 0.5 x 0 + 0.5 x 2 and 0.5 x 1 + 0.5 x 1.
    assertClose(variables["n/movingMean"]!.dataSync(), [1], 1e-6);
    assertClose(variables["n/movingVariance"]!.dataSync(), [1], 1e-6);
    assertClose(norm(tf.tensor2d([[4]]), context(false)).dataSync(), [3], 1e-6);
  });
});

Deno.test("convBlock() and transposedConvBlock() are inverse in shape", () => {
  isolated(() => {
    const down = nn.convBlock({
      inputs: 1,
      filters: 4,
      strides: 2,
      normalization: "batch",
      activation: "silu",
    });
    const up = nn.transposedConvBlock({ inputs: 4, filters: 1, activation: "linear" });
    const small = down(values([2, 6, 8, 1]), context(true));
    assert.deepEqual(small.shape, [2, 3, 4, 4]);
    assert.deepEqual(up(small, context(true)).shape, [2, 6, 8, 1]);
    const valid = nn.transposedConvBlock({ inputs: 4, filters: 2, kernelSize: [4, 3], padding: "valid" });
    assert.deepEqual(valid(small, context(true)).shape, [2, 8, 9, 2]);
  });
});

Deno.test("spectralNorm() divides by the largest singular value", () => {
  isolated(() => {
    // Singular values 3 and 1.
    const kernel = tf.variable(tf.tensor2d([[3, 0], [0, 1], [0, 0]]), true, "k");
    const normalize = nn.spectralNorm(kernel, { iterations: 30 });
    assertClose(normalize(context(true)).dataSync(), [1, 0, 0, 1 / 3, 0, 0], 1e-5);
    assertClose(normalize(context(false)).dataSync(), [1, 0, 0, 1 / 3, 0, 0], 1e-5);
    // f = sum of c W/σ with σ = W[0][0]: df/dW[0][0] = -c[1][1] W[1][1]/σ², df/dW[1][1] = c[1][1]/σ.
    const weights = tf.tensor2d([[5, 0], [0, 2], [0, 0]]);
    const { grads } = tf.variableGrads(() => tf.sum(tf.mul(normalize(context(false)), weights)) as Scalar);
    assertClose(grads["k"]!.dataSync(), [-2 / 9, 0, 0, 2 / 3, 0, 0], 1e-4);
  });
});

Deno.test("mlp() maps the last dimension", () => {
  isolated(() => {
    const net = nn.mlp({ inputs: 3, units: [5, 2], activation: "elu", outputActivation: "sigmoid" });
    assert.deepEqual(net(values([4, 3])).shape, [4, 2]);
    assert.deepEqual(net(values([4, 7, 3])).shape, [4, 7, 2]);
    assert.deepEqual(Object.keys(tf.engine().registeredVariables), [
      "mlp/0/kernel",
      "mlp/0/bias",
      "mlp/1/kernel",
      "mlp/1/bias",
    ]);
    assert.throws(() => nn.mlp({ inputs: 3, units: [] }), TypeError);
  });
});

Deno.test("activation() rejects an unknown name", () => {
  assert.throws(
    () => nn.activation("swish" as "silu"),
    /Cannot use activation "swish" as it must be one of linear, relu/,
  );
});

Deno.test("gelu() has a second derivative: (2 - x²) φ(x)", async () => {
  const x = tf.tensor1d([-2, -0.5, 0, 1, 2.5]);
  const second = tf.grad((x) => tf.grad((x) => nn.gelu(x) as tf.Tensor)(x));
  const found = await second(x).data();
  [...await x.data()].forEach((x, i) => {
    const expected = (2 - x * x) * Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);
    assert.ok(Math.abs(found[i]! - expected) < 1e-5, `${found[i]}, expected ${expected}`);
  });
});
