/**
 * Corners of numbers in traced functions: the same values on every engine, and these ones. `special_test.ts` compares single
 * kernels; here whole functions go through tracer and passes, with gradients, constants and random inputs.
 */
import assert from "node:assert/strict";
import type { BuiltModel } from "../../core/plugin.ts";
import type { Tensor as TfTensor } from "../../core/tensor.ts";
import { sgd } from "../../engine/nn/mod.ts";
import { engineByName } from "../../engine/runtimes/engines.ts";
import type { Tensor, Tensors } from "../../engine/runtimes/types.ts";
import * as tf from "../../engine/tf.ts";
import { type TracedModel, traceModel } from "../../engine/trace/trace.ts";
import { numbers, tensor } from "./harness.ts";

const ENGINES = ["native", "wasm", "reference"] as const;

type Batch = { readonly [name: string]: TfTensor };

/** Traces what `build` gives, for columns that hold these inputs. */
function traced(build: () => BuiltModel, given: Tensors): Promise<TracedModel> {
  const rows = Object.values(given)[0]!.shape[0]!;
  return traceModel({
    build,
    columns: Object.fromEntries(
      Object.entries(given).map((
        [name, { dtype, shape }],
      ) => [name, { dtype: dtype as "float32", shape: shape.slice(1) }]),
    ),
    inputs: Object.keys(given),
    targets: [],
    batchSize: rows,
    lastValidationBatch: 0,
    predictBatch: rows,
    seed: 0,
    purpose: "corners",
  });
}

/** What a function gives on each engine; random inputs are filled with a spread of numbers. */
async function results(
  f: (batch: Batch) => TfTensor,
  given: Tensors,
): Promise<readonly (readonly number[])[]> {
  const { programs: { predict }, state } = await traced(
    () => ({ predict: (batch: Batch) => ({ y: f(batch) }) }) as BuiltModel,
    given,
  );
  const inputs = Object.fromEntries(predict!.inputs.map(({ name, role, value }): [string, Tensor] => {
    const { shape } = predict!.values[value]!;
    return [name, role === "random" ? numbers(shape, 0, 1) : given[name]!];
  }));
  const found: number[][] = [];
  for (const name of ENGINES) {
    const session = await (await engineByName(name)).open(state, {});
    try {
      const { y } = await (await session.compile(predict!)).run(inputs);
      found.push(Array.from(y!.data, Number));
    } finally {
      await session.dispose();
    }
  }
  return found;
}

const floats = (shape: number[], ...data: number[]) => ({ x: tensor("float32", shape, data) });
const ints = (...data: number[]) => ({ x: tensor("int32", [data.length], data) });
const { NaN: N, POSITIVE_INFINITY: I } = Number;

/** 64 numbers a row, of which one in the beginning, the middle or at the end is NaN. */
const LONG = floats(
  [4, 64],
  ...Array.from({ length: 256 }, (_, i) => (i % 64 === [0, 31, 62, 63][i >> 6] ? N : i % 64)),
);

/** dy is 1 everywhere. */
const slope = (f: (x: TfTensor) => TfTensor) => ({ x }: Batch) => tf.grad(f)(x!);

const TIES = floats([3, 3], 3, 3, 1, 1, N, 2, -I, I, 0);
const ENDS = ints(2147483647, -2147483648, 7, -7);
const whole = (n: number) => tf.scalar(n, "int32");

/** The last digit of float32: arctan 1 of ONNX Runtime is 1 unit off. */
const LAST_DIGIT = 2 ** -23;

/** Functions, what they are given, and what they give. */
const CORNERS: readonly (readonly [string, (batch: Batch) => TfTensor, Tensors, readonly number[]])[] = [
  ["max() of rows with a NaN", ({ x }) => tf.max(x!, 1), LONG, [N, N, N, N]],
  ["min() of rows with a NaN", ({ x }) => tf.min(x!, 1), LONG, [N, N, N, N]],
  ["max() of columns", ({ x }) => tf.tile(tf.max(x!, 0, true), [3, 1]), TIES, [3, N, 2, 3, N, 2, 3, N, 2]],
  ["argMax() is the first NaN", ({ x }) => tf.argMax(x!, 1), floats([2, 4], 1, I, N, N, 1, 3, 3, 2), [2, 1]],
  ["argMin() is the first NaN", ({ x }) => tf.argMin(x!, 1), floats([2, 4], 1, -I, N, N, 1, 0, 0, 2), [2, 1]],
  ["topk() takes NaN for infinite", ({ x }) => tf.topk(x!, 2).values, floats([1, 4], 5, N, I, 1), [N, I]],
  ["topk() of equals", ({ x }) => tf.topk(x!, 3, false).indices, floats([1, 4], 5, N, I, N), [1, 2, 3]],
  ["sign()", ({ x }) => tf.sign(x!), floats([4], N, -2, 0, I), [N, -1, 0, 1]],
  [
    "maxPool()",
    ({ x }) => tf.maxPool(x as tf.Tensor4D, 2, 2, "valid"),
    floats([1, 2, 4, 1], 1, N, -I, -I, 2, 3, -I, -I),
    [N, -I],
  ],
  [
    "relu(), relu6() and clipByValue()",
    ({ x }) => tf.addN([tf.relu(x!), tf.relu6(x!), tf.clipByValue(x!, 0, 1)]),
    floats([3], N, 9, -I),
    [N, 16, 0],
  ],
  [
    "a product with bias and activation",
    ({ x }) => tf.relu(tf.add(tf.matMul(x as tf.Tensor2D, tf.ones([2, 1])), 1)),
    floats([2, 2], 1, N, -3, 1),
    [N, 0],
  ],
  [
    "atan2() of infinities and signed zeros",
    ({ x }) => tf.atan2(x!, tf.reverse(x!)),
    floats([4], I, -0, -0, I),
    [Math.fround(Math.PI / 4), -Math.fround(Math.PI), -Math.fround(Math.PI), Math.fround(Math.PI / 4)],
  ],
  ["mod() of a small and a large number", ({ x }) => tf.mod(x!, -3e9), floats([3], 1, -1, N), [-3e9, -1, N]],
  ["pow() of 1 and -1", ({ x }) => tf.pow(tf.tensor1d([1, -1, 0, -8]), x!), floats([4], N, I, 0, 1 / 3), [
    1,
    1,
    1,
    N,
  ]],
  ["all() of none", ({ x }) => tf.all(tf.greater(tf.slice(x!, [0, 0], [3, 0]), 0), 1), TIES, [1, 1, 1]],
  ["any() of none", ({ x }) => tf.any(tf.greater(tf.slice(x!, [0, 0], [3, 0]), 0), 1), TIES, [0, 0, 0]],
  ["the gradient of max() of equals and of NaN", slope((x) => tf.max(x, 1)), TIES, [
    1,
    1,
    0,
    N,
    N,
    N,
    0,
    1,
    0,
  ]],
  ["the gradient of min() of equals and of NaN", slope((x) => tf.min(x, 1)), TIES, [
    0,
    0,
    1,
    N,
    N,
    N,
    1,
    0,
    0,
  ]],
  ["the gradient of abs()", slope((x) => tf.abs(x)), floats([4], 0, -2, 3, N), [-1, -1, 1, N]],
  [
    "the gradient of sigmoidCrossEntropy() where logits are 0",
    slope((x) => tf.losses.sigmoidCrossEntropy(tf.tensor2d([[1, 0, 0.25, 1]]), x, 1, 0, tf.Reduction.SUM)),
    floats([1, 4], 0, 0, 0, N),
    [-0.5, 0.5, 0.25, N],
  ],
  [
    "the gradient of maxPool()",
    slope((x) => tf.maxPool(x as tf.Tensor4D, 2, 2, "valid")),
    floats([1, 2, 4, 1], 1, N, -I, -I, 2, 2, -I, -I),
    [0, 0, 1, 0, 1, 0, 0, 0],
  ],
  ["div() of int32 by 0 and -1", ({ x }) => tf.div(x!, tf.tensor1d([0, -1, 2, 2], "int32")), ENDS, [
    0,
    -2147483648,
    3,
    -4,
  ]],
  ["floorDiv() of floats by 0", ({ x }) => tf.floorDiv(x!, 0), floats([3], 1, -1, N), [0, 0, 0]],
  ["mod() of int32 by 0 and -1", ({ x }) => tf.mod(x!, tf.tensor1d([0, -1, 4, 4], "int32")), ENDS, [
    0,
    0,
    3,
    1,
  ]],
  ["int32 wraps in products", ({ x }) => tf.mul(x!, whole(65537)), ENDS, [
    2147418111,
    -2147483648,
    458759,
    -458759,
  ]],
  ["int32 wraps in powers", ({ x }) => tf.pow(x!, whole(5)), ENDS, [2147483647, 0, 16807, -16807]],
  [
    "powers of int32 with exponents as data",
    ({ x }) => tf.pow(tf.tensor1d([2, 3, -1, 7], "int32"), x!),
    ints(31, 40, -3, -1),
    [-2147483648, 689956897, -1, 0],
  ],
  ["int32 wraps in sums", ({ x }) => tf.sum(x!, 0, true).tile([4]), ENDS, [-1, -1, -1, -1]],
  ["int32 wraps in prod()", ({ x }) => tf.prod(x!, 0, true).tile([4]), ints(65536, 65537, 3, 1), [
    196608,
    196608,
    196608,
    196608,
  ]],
  [
    "a cast of what int32 has not",
    ({ x }) => tf.cast(x!, "int32"),
    floats([6], 3e9, N, -1.7, I, -I, 2147483648),
    [-1294967296, 0, -1, 0, 0, -2147483648],
  ],
  [
    "a cast to int32 and back",
    ({ x }) => tf.cast(tf.cast(x!, "int32"), "float32"),
    floats([3], 3e9, N, -1.7),
    [-1294967296, 0, -1],
  ],
  ["a cast to bool", ({ x }) => tf.cast(tf.cast(x!, "bool"), "int32"), floats([4], N, 0, -0, 0.5), [
    1,
    0,
    0,
    1,
  ]],
  [
    "a folded product of int32",
    ({ x }) => {
      const same = tf.add(tf.zerosLike(x!), whole(123456789));
      return tf.mul(same, same);
    },
    ints(1, 2),
    [-1757895751, -1757895751],
  ],
  ["a folded division of int32 by 0", ({ x }) => tf.div(tf.onesLike(x!), tf.zerosLike(x!)), ints(1, 2), [
    0,
    0,
  ]],
  ["a folded cast", ({ x }) => tf.cast(tf.mul(tf.onesLike(x!), 3e9), "int32"), floats([2], 1, 2), [
    -1294967296,
    -1294967296,
  ]],
  ["a constant sign()", ({ x }) => tf.add(x!, tf.sign(tf.tensor1d([N, -2]))), floats([2], 0, 0), [N, -1]],
  ["scales that meet", ({ x }) => tf.mul(1e30, tf.mul(x!, 1e30)), floats([2], 1e-30, 0), [
    Math.fround(1e30),
    0,
  ]],
  [
    "a quotient by a number whose inverse is too small",
    ({ x }) => tf.div(x!, 3e38),
    floats([2], 3e38, 1.5e38),
    [1, 0.5],
  ],
  ["oneHot() of what is outside", ({ x }) => tf.oneHot(x as tf.Tensor1D, 2), ints(-1, 2147483647, 1), [
    0,
    0,
    0,
    0,
    0,
    1,
  ]],
  [
    "unsortedSegmentSum() of ids outside",
    ({ x }) => tf.unsortedSegmentSum(tf.tensor1d([1, N, 3]), x as tf.Tensor1D, 3),
    ints(0, -1, 7),
    [1, 0, 0],
  ],
];

for (const [name, f, given, expected] of CORNERS) {
  Deno.test(`${name} is the same on ${ENGINES.join(", ")}`, async () => {
    for (const [i, found] of (await results(f, given)).entries()) {
      const isSame = (value: number, n: number) =>
        Number.isNaN(n)
          ? Number.isNaN(value)
          : value === n || Math.abs(value - n) <= LAST_DIGIT * Math.abs(n);
      const matches = found.length === expected.length &&
        found.every((value, k) => isSame(value, expected[k]!));
      assert.ok(matches, `${ENGINES[i]}: ${found}, expected ${expected}`);
    }
  });
}

/** Functions of the index that is outside. */
const OUTSIDE: { readonly [name: string]: (indices: TfTensor) => TfTensor } = {
  gather: (i) => tf.gather(tf.tensor1d([1, 2, 3]), i as tf.Tensor1D),
  "gather with batches": (i) =>
    tf.gather(tf.tensor2d([[1, 2, 3]]), tf.reshape(i, [1, 2]) as tf.Tensor2D, 1, 1),
  gatherND: (i) => tf.gatherND(tf.ones([3, 2]), tf.stack([i, tf.zerosLike(i)], 1)),
  scatterND: (i) => tf.scatterND(tf.expandDims(i, 1), tf.ones([2]), [3]),
  sparseToDense: (i) => tf.sparseToDense(i, tf.ones([2]), [3], tf.scalar(0)),
  tensorScatterUpdate: (i) => tf.tensorScatterUpdate(tf.ones([3]), tf.expandDims(i, 1), tf.ones([2])),
};

for (const [name, f] of Object.entries(OUTSIDE)) {
  for (const index of [-1, 3]) {
    Deno.test(`${name} refuses index ${index}, known or not`, async () => {
      for (const engine of ENGINES) {
        const given = ints(0, index);
        const { programs: { predict }, state } = await traced(
          () => ({ predict: ({ x }: Batch) => ({ y: f(x!) }) }) as BuiltModel,
          given,
        );
        const session = await (await engineByName(engine)).open(state, {});
        const executable = await session.compile(predict!);
        await assert.rejects(() => executable.run(given), {
          name: "RangeError",
          message: /^Cannot (run|compute) .* as indices /,
        });
        await session.dispose();
      }
      const known = ({ x }: Batch) => tf.add(tf.sum(x!), f(tf.tensor1d([0, index], "int32")));
      await assert.rejects(results(known, floats([1], 0)), {
        name: "RangeError",
        message: /^Cannot compute .* must lie in 0 to 2/,
      });
      const withData = ({ x }: Batch) => tf.gather(x!, tf.tensor1d([0, index], "int32"));
      await assert.rejects(results(withData, floats([3], 0, 1, 2)), {
        name: "RangeError",
        message: /reached from "gather"/,
      });
    });
  }
}

for (const name of ["max", "min", "mean", "argMax", "argMin", "logSumExp"] as const) {
  Deno.test(`${name}() of no elements is refused while tracing`, async () => {
    const none = ({ x }: Batch) => tf[name](tf.slice(x!, [0, 0], [3, 0]), 1);
    await assert.rejects(results(none, TIES), {
      name: "TypeError",
      message: /there must be an element along the axes/,
    });
  });
}

Deno.test("random integers are those of tfjs, and of randomUniformInt() all alike", async () => {
  const many = 4096;
  const draw = (f: () => TfTensor) =>
    results(({ x }) => tf.add(f(), tf.cast(tf.sum(x!), "int32")), floats([1], 0));
  const shares = (data: readonly number[], from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, i) => data.filter((n) => n === from + i).length / data.length);
  for (const data of await draw(() => tf.randomUniformInt([many], -3, 3))) {
    // Evenly spread numbers: counts are off by a few at most.
    for (const share of shares(data, -3, 2)) assert.ok(Math.abs(share - 1 / 6) < 0.005, `${share}`);
  }
  for (const data of await draw(() => tf.randomUniform([many], -3, 3, "int32"))) {
    const expected = [1 / 6, 1 / 6, 1 / 3, 1 / 6, 1 / 6];
    shares(data, -2, 2).forEach((share, i) =>
      assert.ok(Math.abs(share - expected[i]!) < 0.005, `${i}: ${share}`)
    );
  }
  // The inputs are spread over 0 to 1, whatever distribution is asked for.
  for (const data of await draw(() => tf.randomNormal([many], -0.5, 1, "int32"))) {
    assert.deepEqual([...new Set(data.map((n) => n + 0))], [0]);
  }
  for (const data of await draw(() => tf.randomUniformInt([many], 1e9, 1e9 + 3))) {
    assert.deepEqual([...new Set(data)].sort(), [1e9, 1e9 + 1, 1e9 + 2]);
  }
  assert.throws(() => tf.randomUniformInt([1], 3, 3), RangeError);
  assert.throws(() => tf.randomUniformInt([1], 0, 2 ** 25), RangeError);
});

Deno.test("a NaN in a batch reaches the loss through min(), and the weights", async () => {
  const given = {
    x: tensor("float32", [2, 3], [1, N, 3, 4, 5, N]),
    y: tensor("float32", [2, 3], [0, 0, 0, 0, 0, 0]),
  };
  const { programs: { step }, state } = await traced(() => {
    const w = tf.variable(tf.ones([3, 1]));
    const loss = ({ x, y }: Batch) => ({
      loss: tf.mean(tf.min(tf.abs(tf.sub(tf.add(x!, tf.sum(tf.mul(w, 0))), y!)), 1)) as tf.Scalar,
    });
    return { loss, optimizer: sgd() } as unknown as BuiltModel;
  }, given);
  for (const name of ENGINES) {
    const session = await (await engineByName(name)).open(state, {});
    const executable = await session.compile(step!);
    const outputs = await executable.run({ ...given, learningRate: tensor("float32", [], [0.1]) });
    assert.ok(Number.isNaN(outputs["loss"]!.data[0]), name);
    const weights = Object.values(await session.state()).flatMap(({ data }) => Array.from(data, Number));
    assert.ok(weights.every(Number.isNaN), `${name}: ${weights}`);
    await session.dispose();
  }
});

Deno.test("the gradient of cropAndResize() is refused by name", async () => {
  const crop = (x: TfTensor) =>
    tf.image.cropAndResize(x as tf.Tensor4D, tf.tensor2d([[0, 0, 1, 1]]), tf.tensor1d([0], "int32"), [2, 2]);
  await assert.rejects(results(slope(crop), floats([1, 2, 2, 1], 1, 2, 3, 4)), {
    name: "UnsupportedError",
    message: /^Cannot compute gradients as kernel "CropAndResize" must have one: /,
  });
});
