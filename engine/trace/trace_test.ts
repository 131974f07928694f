import assert from "node:assert/strict";
import { NoRuleError, UnsupportedError } from "../../core/errors.ts";
import type { Batch, BuiltModel, StepContext } from "../../core/plugin.ts";
import type { Scalar, Tensor } from "../../core/tensor.ts";
import * as nn from "../nn/mod.ts";
import { encodeProgram } from "../program/encode.ts";
import { hashProgram } from "../program/hash.ts";
import { printProgram } from "../program/print.ts";
import { verifyProgram } from "../program/verify.ts";
import { referenceEngine } from "../runtimes/reference/reference.ts";
import type { Tensors } from "../runtimes/types.ts";
import * as tf from "../tf.ts";
import { traceModel, type TraceRequest } from "./trace.ts";

const REQUEST = {
  columns: {
    x: { shape: [3], dtype: "float32" },
    y: { shape: [2], dtype: "float32" },
  },
  inputs: ["x"],
  targets: ["y"],
  batchSize: 4,
  lastValidationBatch: 0,
  predictBatch: 8,
  seed: 1,
  purpose: "model/test",
} as const satisfies Omit<TraceRequest, "build">;

const trace = (build: () => BuiltModel, change: Partial<TraceRequest> = {}) =>
  traceModel({ ...REQUEST, build, ...change });

/** A model that only predicts. */
const predicting = (run: (x: Tensor, context: StepContext) => Tensor) => (): BuiltModel => ({
  predict: ({ x }, context) => ({ y: run(x!, context) }),
});

/** A model trained on the mean squared error. */
function training(
  forward: (x: Tensor, context: StepContext) => Tensor,
  optimizer: BuiltModel["optimizer"] = nn.sgd(),
): BuiltModel {
  const loss = ({ x, y }: Batch, context: StepContext) => ({
    loss: nn.meanSquaredError(y!, forward(x!, context)),
  });
  return {
    predict: ({ x }, context) => ({ y: forward(x!, context) }),
    loss,
    ...(optimizer ? { optimizer } : {}),
  };
}

const linear = () => {
  const layer = nn.dense({ inputs: 3, units: 2, name: "linear" });
  return training(layer);
};

Deno.test("traceModel() records the whole training step", async () => {
  const { programs } = await trace(linear);
  assert.equal(
    printProgram(programs["step"]!, { scopes: true }),
    `program "step"
inputs
  %0: float32[4,3] = batch "x"
  %1: float32[4,2] = batch "y"
  %2: float32[] = scalar "learningRate"
state
  $linear/kernel: float32[3,2]
  $linear/bias: float32[2]
constants
  #0: float32[4,2] = [0.125, 0.125, 0.125, 0.125, 0.125, 0.125, 0.125, 0.125]
nodes
  %3: float32[4,2] = BatchMatMul(%0, $linear/kernel) {transposeA: false, transposeB: false}  // matMul
  %4: float32[4,2] = Add(%3, $linear/bias)  // add
  %5: float32[4,2] = Sub(%4, %1)  // sub
  %6: float32[4,2] = Square(%5)  // square
  %7: float32[] = Mean(%6) {axis: [0,1], keepDims: false}  // mean
  %8: float32[4,2] = Multiply(%5, 2)  // gradient of square
  %9: float32[4,2] = Multiply(#0, %8)  // gradient of square
  %10: float32[2] = Sum(%9) {axis: [0], keepDims: false}  // gradient of add
  %11: float32[3,2] = BatchMatMul(%0, %9) {transposeA: true, transposeB: false}  // gradient of matMul
  %12: float32[3,2] = Multiply(%11, %2)  // mul
  %13: float32[3,2] = Sub($linear/kernel, %12)  // sub
  %14: float32[2] = Multiply(%10, %2)  // mul
  %15: float32[2] = Sub($linear/bias, %14)  // sub
outputs
  loss = %7
updates
  $linear/kernel = %13
  $linear/bias = %15
`,
  );
});

Deno.test("traceModel() makes the programs that the model has", async () => {
  const names = async (build: () => BuiltModel, change: Partial<TraceRequest> = {}) =>
    Object.keys((await trace(build, change)).programs);
  assert.deepEqual(await names(linear), ["step", "validate", "predict"]);
  assert.deepEqual(await names(linear, { lastValidationBatch: 3 }), [
    "step",
    "validate",
    "validate_tail",
    "predict",
  ]);
  assert.deepEqual(await names(predicting((x) => tf.neg(x))), ["predict"]);
  const further = () => ({
    ...linear(),
    programs: {
      decode: { inputs: { z: { shape: [2] } }, run: ({ z }: Batch) => ({ w: tf.square(z!) }) },
    },
  });
  assert.deepEqual(await names(further), ["step", "validate", "predict", "decode"]);
});

Deno.test("traceModel() gives each program its batch size", async () => {
  const { programs } = await trace(linear, { lastValidationBatch: 3 });
  const rows = Object.fromEntries(
    Object.values(programs).map((
      program,
    ) => [program.name, program.values[program.inputs[0]!.value]!.shape[0]]),
  );
  assert.deepEqual(rows, { step: 4, validate: 4, validate_tail: 3, predict: 8 });
});

Deno.test("traceModel() gives equal programs, names and initial values each time, other values with another seed", async () => {
  const layers = () => {
    const model = tf.sequential({
      layers: [
        tf.layers.dense({ units: 5, inputShape: [3], activation: "relu" }),
        tf.layers.dropout({ rate: 0.5 }),
        tf.layers.dense({ units: 2, name: "head" }),
      ],
    });
    return training((x, { training }) => model.apply(x, { training }) as Tensor, nn.adam());
  };
  const [first, second, other] = [await trace(layers), await trace(layers), await trace(layers, { seed: 2 })];
  const texts = ({ programs }: typeof first) => Object.values(programs).map(encodeProgram);
  assert.deepEqual(texts(second), texts(first));
  assert.deepEqual(second.state, first.state);
  assert.deepEqual(
    Object.values(other.programs).map(hashProgram),
    Object.values(first.programs).map(hashProgram),
  );
  assert.notDeepEqual(other.state, first.state);
  assert.deepEqual(Object.keys(first.state), [
    "dense_Dense1/kernel",
    "dense_Dense1/bias",
    "head/kernel",
    "head/bias",
    "adam/beta1Power",
    "adam/beta2Power",
    "adam/m/dense_Dense1/kernel",
    "adam/v/dense_Dense1/kernel",
    "adam/m/dense_Dense1/bias",
    "adam/v/dense_Dense1/bias",
    "adam/m/head/kernel",
    "adam/v/head/kernel",
    "adam/m/head/bias",
    "adam/v/head/bias",
  ]);
});

Deno.test("traceModel() leaves tfjs as it was, also after an error", async () => {
  const variable = tf.variable(tf.scalar(3), true, "linear/kernel");
  const before = { tensors: tf.memory().numTensors, backend: tf.getBackend(), random: Math.random };
  await trace(linear);
  await assert.rejects(trace(predicting((x) => tf.add(x, x.dataSync()[0]!))));
  assert.equal(tf.memory().numTensors, before.tensors);
  assert.equal(tf.getBackend(), before.backend);
  assert.equal(Math.random, before.random);
  assert.equal(tf.engine().registeredVariables["linear/kernel"], variable);
  assert.equal(tf.randomUniform([2]).dataSync().length, 2);
  variable.dispose();
});

Deno.test("traceModel() can be called twice at once", async () => {
  const [first, second] = await Promise.all([trace(linear), trace(linear)]);
  assert.equal(hashProgram(first.programs["step"]!), hashProgram(second.programs["step"]!));
});

Deno.test("traceModel() builds layers on first use", async () => {
  const { programs, state } = await trace(() => {
    const layer = tf.layers.dense({ units: 2 });
    return training((x) => layer.apply(x) as Tensor);
  });
  assert.deepEqual(Object.keys(state), ["dense_Dense1/kernel", "dense_Dense1/bias"]);
  assert.ok(state["dense_Dense1/kernel"]!.data.some((value) => value !== 0));
  assert.equal(programs["step"]!.updates.length, 2);
});

Deno.test("traceModel() keeps moving averages as state that training updates", async () => {
  const { programs } = await trace(() => {
    const norm = tf.layers.batchNormalization({});
    return training((x, { training }) => tf.slice(norm.apply(x, { training }) as Tensor, [0, 0], [-1, 2]));
  });
  const updates = programs["step"]!.updates.map((update) => update.state);
  assert.ok(updates.includes("batch_normalization_BatchNormalization1/moving_mean"), `${updates}`);
  assert.deepEqual(programs["validate"]!.updates, []);
  assert.deepEqual(programs["predict"]!.updates, []);
});

Deno.test("traceModel() traces the optimizers of tfjs unchanged, with named slots", async () => {
  const optimizers: { readonly [name: string]: [() => tf.Optimizer, string] } = {
    sgd: [() => tf.train.sgd(0.1), ""],
    momentum: [() => tf.train.momentum(0.1, 0.9), "momentum/momentum/linear/kernel"],
    adam: [() => tf.train.adam(0.1), "adam/m/linear/kernel"],
    adamax: [() => tf.train.adamax(0.1), "adamax/v/linear/kernel"],
    rmsprop: [() => tf.train.rmsprop(0.1), "rmsprop/rms/linear/kernel"],
    adagrad: [() => tf.train.adagrad(0.1), "adagrad/accumulator/linear/kernel"],
    adadelta: [() => tf.train.adadelta(0.1), "adadelta/accum_grad/linear/kernel"],
  };
  for (const [name, [make, slot]] of Object.entries(optimizers)) {
    const { programs, state } = await trace(() => {
      const optimizer = make();
      return { ...linear(), optimizer: optimizer as unknown as NonNullable<BuiltModel["optimizer"]> };
    });
    assert.ok(programs["step"]!.updates.some((update) => update.state === "linear/kernel"), name);
    if (slot) assert.ok(Object.hasOwn(state, slot), `${name}: ${Object.keys(state)}`);
  }
});

Deno.test("traceModel() traces a step of several minimizations", async () => {
  const { programs, state } = await trace(() => {
    const [generator, critic] = [
      nn.dense({ inputs: 3, units: 2, name: "g" }),
      nn.dense({ inputs: 2, units: 1, name: "c" }),
    ];
    const variables = (prefix: string) =>
      Object.values(tf.engine().registeredVariables).filter((variable) => variable.name.startsWith(prefix));
    const [first, second] = [
      nn.adam({ variables: variables("g/") }),
      nn.adam({ variables: variables("c/") }),
    ];
    return {
      predict: ({ x }) => ({ y: generator(x!) }),
      step({ x, y }, { learningRate }) {
        const made = () => critic(generator(x!));
        const loss = first.minimize(() => tf.neg(tf.mean(made())) as Scalar, learningRate);
        const other = second.minimize(
          () => tf.sub(tf.mean(made()), tf.mean(critic(y!))) as Scalar,
          learningRate,
        );
        return { loss, critic: other };
      },
    };
  });
  const updated = new Set(programs["step"]!.updates.map((update) => update.state));
  assert.deepEqual(Object.keys(programs), ["step", "predict"]);
  assert.ok(updated.has("adam/m/g/kernel") && updated.has("adam_1/m/c/kernel"), `${[...updated]}`);
  assert.ok(!Object.hasOwn(state, "adam/m/c/kernel"));
});

Deno.test("traceModel() computes what is known at once", async () => {
  const { programs } = await trace(predicting((x) => {
    const eye = tf.linalg.qr(tf.eye(3))[1] as Tensor;
    return tf.mul(x, tf.sum(tf.abs(eye)).dataSync()[0]!);
  }));
  assert.equal(programs["predict"]!.nodes.length, 1);
});

Deno.test("traceModel() writes long uniform constants as Fill", async () => {
  const { programs } = await trace(predicting((x) => tf.concat([x, tf.ones([8, 100])], 1)));
  assert.deepEqual(programs["predict"]!.nodes.map((node) => node.kernel), ["Fill", "Concat"]);
});

const randomInputs = async (build: () => BuiltModel, program = "predict") =>
  (await trace(build)).programs[program]!.inputs
    .filter((input) => input.role === "random")
    .map((input) => `${input.name} ${input.distribution}`);

Deno.test("traceModel() turns random numbers into inputs, seeded or not", async () => {
  const draws: ((x: Tensor, context: StepContext) => Tensor)[] = [
    (x, context) => tf.add(x, context.randomUniform([8, 3])),
    (x, context) => tf.add(x, context.randomNormal([8, 3])),
    (x) => tf.add(x, tf.randomUniform([8, 3], -1, 1)),
    (x) => tf.add(x, tf.randomNormal([8, 3], 2, 3, "float32", 7)),
    (x) => tf.add(x, tf.randomStandardNormal([8, 3])),
    (x) => tf.add(x, tf.cast(tf.randomUniformInt([8, 3], 0, 9), "float32")),
    (x) => tf.dropout(x, 0.5),
    (x) => tf.dropout(x, 0.5, undefined, 7),
  ];
  const names: string[] = [];
  for (const draw of draws) names.push(...await randomInputs(predicting(draw)));
  assert.deepEqual(names, [
    "random/1 uniform",
    "random/1 normal",
    "random/1 uniform",
    "random/1/seed 7 normal",
    "random/1 normal",
    "random/1 uniform",
    "random/1 uniform",
    "random/1 uniform",
  ]);
});

Deno.test("traceModel() turns the random numbers of layers into inputs, in training only", async () => {
  const layers: (() => tf.layers.Layer)[] = [
    () => tf.layers.dropout({ rate: 0.5, seed: 3 }),
    () => tf.layers.gaussianNoise({ stddev: 0.5 }),
    () => tf.layers.gaussianDropout({ rate: 0.5 }),
    () => tf.layers.alphaDropout({ rate: 0.5 }),
  ];
  for (const make of layers) {
    const build = () => {
      const [layer, head] = [make(), nn.dense({ inputs: 3, units: 2 })];
      return training((x, { training }) => head(layer.apply(x, { training }) as Tensor));
    };
    assert.equal((await randomInputs(build, "step")).length, 1, layer(make));
    assert.equal((await randomInputs(build, "validate")).length, 0, layer(make));
  }
});

const layer = (make: () => tf.layers.Layer) => make().getClassName();

Deno.test("traceModel() scales the noise of layers as they do", async () => {
  // GaussianNoise adds stddev r; GaussianDropout multiplies by 1 + sqrt(rate / (1 - rate)) r.
  const values = async (make: () => tf.layers.Layer) => {
    const { programs, state } = await trace(() => {
      const one = make();
      return { predict: ({ x }) => ({ y: one.apply(x!, { training: true }) as Tensor }) };
    }, { predictBatch: 1 });
    const session = await referenceEngine.open(state);
    const executable = await session.compile(programs["predict"]!);
    const { y } = await executable.run({
      x: { dtype: "float32", shape: [1, 3], data: new Float32Array([1, 2, 3]) },
      "random/1": { dtype: "float32", shape: [1, 3], data: new Float32Array([1, 0, -1]) },
    });
    return Array.from(y!.data as Float32Array, (value) => Math.round(value * 1e4) / 1e4);
  };
  assert.deepEqual(await values(() => tf.layers.gaussianNoise({ stddev: 0.5 })), [1.5, 2, 2.5]);
  assert.deepEqual(await values(() => tf.layers.gaussianDropout({ rate: 0.2 })), [1.5, 2, 1.5]);
});

const runKernel = tf.engine().runKernel.bind(tf.engine()) as (...args: unknown[]) => Tensor;

const REFUSED: { readonly [what: string]: [(x: Tensor) => Tensor, RegExp] } = {
  "truncatedNormal": [
    (x) => tf.add(x, tf.truncatedNormal([1])),
    /Cannot trace "truncatedNormal".*use randomNormal/,
  ],
  "randomGamma": [(x) => tf.add(x, tf.randomGamma([1], 1)), /Cannot trace "randomGamma"/],
  "rand": [(x) => tf.add(x, tf.rand([1], () => 0.5)), /Cannot trace "rand"/],
  "multinomial": [
    (x) => tf.add(x, tf.cast(tf.multinomial(tf.tensor1d([0, 1]), 1), "float32")),
    /Cannot trace "multinomial".*gumbelSoftmax/,
  ],
  "Math.random": [(x) => tf.add(x, Math.random()), /found Math\.random; use context\.randomUniform/],
  "dataSync": [
    (x) => tf.add(x, x.dataSync()[0]!),
    /Cannot read a tensor in "predict" as a model function is traced once/,
  ],
  "arraySync in a layer": [
    (x) => tf.add(x, (tf.relu(x).arraySync() as number[][])[0]![0]!),
    /Cannot read a tensor/,
  ],
  "complex numbers": [
    (x) => tf.real(tf.cast(x, "complex64")),
    /programs hold float32, int32 and bool: found complex64/,
  ],
  "kernels whose shape depends on data": [
    (x) => tf.unique(tf.reshape(x, [-1])).values,
    /Cannot trace kernel "Unique" as the shape of the result depends on data.*reached from "unique" with float32\[24\]/,
  ],
  "kernels that take lists of tensors": [
    (x) =>
      runKernel("RaggedGather", { paramsNestedSplits: [x], paramsDenseValues: x, indices: x }, {
        outputRaggedRank: 1,
      }),
    /Cannot trace kernel "RaggedGather" as sparse and ragged tensors are not part of a program/,
  ],
  "variables made on each call": [
    (x) => tf.add(x, tf.variable(tf.scalar(1))),
    /a variable must be created once/,
  ],
  "variables with computed values": [
    (x) => tf.add(x, tf.variable(tf.mean(x))),
    /its initial value must be known while tracing: found float32\[\] computed in "predict"; create it in build/,
  ],
};

for (const [what, [run, message]] of Object.entries(REFUSED)) {
  Deno.test(`traceModel() rejects ${what}`, async () => {
    await assert.rejects(trace(predicting(run)), (error: Error) => {
      assert.ok(error instanceof UnsupportedError, error.stack!);
      assert.match(error.message, message);
      assert.doesNotMatch(error.message, /\n/);
      return true;
    });
  });
}

Deno.test("traceModel() rejects data read later", async () => {
  let read: Promise<unknown> | undefined;
  await trace(predicting((x) => {
    read = x.data();
    read.catch(() => {});
    return x;
  }));
  await assert.rejects(read!, UnsupportedError);
});

Deno.test("traceModel() rejects numbers that change from pass to pass", async () => {
  let calls = 0;
  await assert.rejects(trace(predicting((x) => tf.add(x, calls++))), {
    name: "UnsupportedError",
    message: /two passes must record the same program: found random numbers or a counter frozen into it/,
  });
});

Deno.test("traceModel() rejects a kernel without a rule", async () => {
  tf.registerKernel({ kernelName: "Novel" as "Add", backendName: "trace", kernelFunc: () => [] });
  try {
    const { traceBackend } = await import("./backend.ts");
    const backend = await traceBackend();
    await assert.rejects(
      trace(predicting((x) => {
        return backend.call("Novel", { x }, {}) as unknown as Tensor;
      })),
      (error: Error) => {
        assert.ok(error instanceof NoRuleError);
        assert.match(
          error.message,
          /Cannot trace kernel "Novel" as it has no rule: reached from "predict" with float32\[8,3\]/,
        );
        return true;
      },
    );
  } finally {
    tf.unregisterKernel("Novel" as "Add", "trace");
  }
});

const WRONG: { readonly [what: string]: [() => unknown, RegExp] } = {
  "a number in place of a tensor": [
    () => ({ predict: () => ({ y: 3 }) }),
    /"predict" as "y" must be a tensor: found a number/,
  ],
  "a bare tensor": [
    () => ({ predict: ({ x }: Batch) => x }),
    /must return tensors by name: found one tensor float32\[8,3\]/,
  ],
  "a promise": [
    () => ({ predict: () => Promise.resolve({}) }),
    /must return tensors by name: found a promise/,
  ],
  "a loss that is not a scalar": [
    () => ({ ...linear(), loss: ({ x }: Batch) => ({ loss: x }) }),
    /Cannot trace "loss" as "loss" must be a float32 scalar, the mean over the batch: found float32\[4,3\]/,
  ],
  "a loss of another name": [
    () => ({ ...linear(), loss: ({ x }: Batch) => ({ cost: tf.mean(x!) }) }),
    /Cannot trace "loss" as it must return \{loss, \.\.\.\}: found cost/,
  ],
  "a loss without an optimizer": [
    () => ({ ...linear(), optimizer: undefined }),
    /Cannot trace "step" as a model with a loss must have an optimizer: found none/,
  ],
  "a program with the name of another": [
    () => ({ ...linear(), programs: { step: { inputs: {}, run: () => ({}) } } }),
    /Cannot trace program "step" as the name is taken/,
  ],
  "a program whose name is no file name": [
    () => ({ ...linear(), programs: { "../step": { inputs: {}, run: () => ({}) } } }),
    /Cannot trace program "\.\.\/step" as a name is a letter, then letters/,
  ],
  "shapes that do not fit": [
    () => ({ predict: ({ x }: Batch) => ({ y: tf.add(x!, tf.ones([5, 7])) }) }),
    /Cannot infer "Add" as shapes must broadcast: found \[8,3\], \[5,7\]; reached from "add"/,
  ],
};

for (const [what, [build, message]] of Object.entries(WRONG)) {
  Deno.test(`traceModel() rejects ${what}`, async () => {
    await assert.rejects(trace(build as () => BuiltModel), { name: "TypeError", message });
  });
}

Deno.test("traceModel() rejects a column without a type", async () => {
  await assert.rejects(trace(linear, { inputs: ["x", "z"] }), {
    name: "TypeError",
    message: 'Cannot trace a model as every column must have a type: found none for "z"',
  });
});

Deno.test("a traced model learns", async () => {
  const { programs, state } = await trace(() => {
    const net = nn.mlp({ inputs: 3, units: [16, 2], activation: "tanh" });
    return training(net, nn.adam());
  }, { batchSize: 32 });
  for (const program of Object.values(programs)) verifyProgram(program);
  const session = await referenceEngine.open(state);
  const step = await session.compile(programs["step"]!);
  const x = Float32Array.from({ length: 96 }, (_, i) => Math.sin(i * 1.7));
  const y = Float32Array.from(
    { length: 64 },
    (_, i) => x[3 * (i >> 1)]! * (i % 2 ? 1 : x[3 * (i >> 1) + 1]!),
  );
  const inputs: Tensors = {
    x: { dtype: "float32", shape: [32, 3], data: x },
    y: { dtype: "float32", shape: [32, 2], data: y },
    learningRate: { dtype: "float32", shape: [], data: new Float32Array([0.02]) },
  };
  const losses: number[] = [];
  for (let i = 0; i < 150; i++) losses.push(Number((await step.run(inputs))["loss"]!.data[0]));
  assert.ok(losses.at(-1)! < losses[0]! / 20, `${losses[0]} to ${losses.at(-1)}`);
  await session.dispose();
});
