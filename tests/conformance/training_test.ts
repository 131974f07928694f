/**
 * Training on every engine: the same losses and weights as on the reference, and the same bits each time.
 */
import assert from "node:assert/strict";
import type { Scalar } from "../../core/tensor.ts";
import type { BuiltModel } from "../../core/plugin.ts";
import { adam, adamw, mlp, sgd } from "../../engine/nn/mod.ts";
import { engineByName } from "../../engine/runtimes/engines.ts";
import type { Engine, SessionOptions, Tensor, Tensors } from "../../engine/runtimes/types.ts";
import * as tf from "../../engine/tf.ts";
import { type TracedModel, traceModel } from "../../engine/trace/trace.ts";
import { assertClose, IMPLEMENTATIONS, numbers, tensor, type Tolerance } from "./harness.ts";

const ROWS = 16;
const STEPS = 20;

/** 20 steps of float32 rounding, in other orders of summation; Adam divides small numbers by small numbers. */
const TRAINED: Tolerance = { rtol: 2e-3, atol: 2e-5 };
const LOSSES: Tolerance = { rtol: 1e-4, atol: 1e-6 };

const OPTIMIZERS = {
  adam: () => adam(),
  "adamw with clipping": () => adamw({ clipNorm: 0.5, weightDecay: 0.1 }),
  "sgd with Nesterov momentum": () => sgd({ momentum: 0.9, nesterov: true }),
  "plain sgd": () => sgd(),
};

type Loss = (y: tf.Tensor, prediction: tf.Tensor) => tf.Tensor;

const LOSS: { readonly [name: string]: Loss } = {
  "mean squared error": (y, p) => tf.losses.meanSquaredError(y, p),
  "absolute difference": (y, p) => tf.losses.absoluteDifference(y, p),
  "Huber": (y, p) => tf.losses.huberLoss(y, p),
  "sigmoid cross entropy": (y, p) => tf.losses.sigmoidCrossEntropy(tf.cast(tf.greater(y, 0), "float32"), p),
  "softmax cross entropy": (y, p) => tf.losses.softmaxCrossEntropy(tf.softmax(y), p),
};

function trace(build: () => BuiltModel): Promise<TracedModel> {
  return traceModel({
    build,
    columns: { x: { shape: [5], dtype: "float32" }, y: { shape: [3], dtype: "float32" } },
    inputs: ["x"],
    targets: ["y"],
    batchSize: ROWS,
    lastValidationBatch: 0,
    predictBatch: 4,
    seed: 1,
    purpose: "test",
  });
}

function network(optimizer: () => ReturnType<typeof adam>, loss: Loss, activation: "relu" | "tanh" | "gelu") {
  return trace(() => {
    const net = mlp({ inputs: 5, units: [8, 7, 3], activation });
    return {
      predict: ({ x }) => ({ y: net(x!) }),
      loss: ({ x, y }) => ({ loss: loss(y!, net(x!)) as Scalar }),
      optimizer: optimizer(),
    };
  });
}

const rate = (value: number): Tensor => tensor("float32", [], [value]);
const batch = (i: number): Tensors => ({
  x: numbers([ROWS, 5], -2, 2, 1 + i),
  y: numbers([ROWS, 3], -1, 1, 50 + i),
  learningRate: rate(0.01),
});

async function train(
  engine: Engine,
  { programs, state }: TracedModel,
  options: SessionOptions = {},
): Promise<{ losses: Tensors; state: Tensors }> {
  const session = await engine.open(state, options);
  const step = await session.compile(programs["step"]!);
  const losses: number[] = [];
  for (let i = 0; i < STEPS; i++) losses.push(Number((await step.run(batch(i)))["loss"]!.data[0]));
  const trained = await session.state();
  await session.dispose();
  return { losses: { loss: tensor("float32", [STEPS], losses) }, state: trained };
}

for (const implementation of IMPLEMENTATIONS) {
  Deno.test(`${implementation.name} trains like the reference`, async (t) => {
    const [engine, reference] = await Promise.all([implementation.open(), engineByName("reference")]);
    const check = async (name: string, model: TracedModel) => {
      await t.step(name, async () => {
        const expected = await train(reference, model);
        const actual = await train(engine, model, implementation.options);
        assertClose(actual.losses, expected.losses, LOSSES, name);
        assertClose(actual.state, expected.state, TRAINED, name);
      });
    };
    for (const [name, optimizer] of Object.entries(OPTIMIZERS)) {
      await check(name, await network(optimizer, LOSS["mean squared error"]!, "relu"));
    }
    for (const [name, loss] of Object.entries(LOSS)) {
      await check(name, await network(() => sgd(), loss, "tanh"));
    }
    await check("gelu", await network(() => adam(), LOSS["mean squared error"]!, "gelu"));
  });

  Deno.test(`${implementation.name} gives the same bits in two sessions`, async () => {
    const engine = await implementation.open();
    const model = await network(() => adam(), LOSS["mean squared error"]!, "relu");
    const [first, second] = [
      await train(engine, model, implementation.options),
      await train(engine, model, implementation.options),
    ];
    assert.deepEqual(first, second);
  });
}

for (const name of ["native", "wasm", "reference"]) {
  Deno.test(`${name} shares the state of a session between programs`, async () => {
    const { programs, state } = await network(() => adam(), LOSS["mean squared error"]!, "relu");
    const session = await (await engineByName(name)).open(state);
    const predict = await session.compile(programs["predict"]!);
    const step = await session.compile(programs["step"]!);
    const x = numbers([4, 5]);
    const before = structuredClone(await predict.run({ x }));
    await step.run(batch(0));
    const after = structuredClone(await predict.run({ x }));
    assert.notDeepEqual(after, before);
    // Back to the first weights: the first predictions.
    const trained = await session.state();
    assert.deepEqual(Object.keys(trained), Object.keys(state));
    await session.load(state);
    assert.deepEqual(structuredClone(await predict.run({ x })), before);
    await session.load(trained);
    assert.deepEqual(structuredClone(await predict.run({ x })), after);
    // A session opened from a saved state goes on as the first one does.
    const other = await (await engineByName(name)).open(trained);
    const resumed = await other.compile(programs["step"]!);
    const [a, b] = [await step.run(batch(1)), await resumed.run(batch(1))];
    assert.deepEqual(structuredClone(a), structuredClone(b));
    assert.deepEqual(await session.state(), await other.state());
    await session.dispose();
    await other.dispose();
  });

  Deno.test(`${name} trains two parts of one session in turn`, async () => {
    const { programs, state } = await trace(() => {
      const [first, second] = [
        mlp({ inputs: 5, units: [4, 3], name: "first" }),
        mlp({ inputs: 3, units: [4, 3], name: "second" }),
      ];
      const variables = () => Object.values(tf.engine().registeredVariables);
      const of = (prefix: string) => variables().filter((v) => v.name.startsWith(prefix));
      const [a, b] = [
        sgd({ variables: of("first"), momentum: 0.5, name: "a" }),
        sgd({ variables: of("second"), name: "b" }),
      ];
      return {
        predict: ({ x }) => ({ y: second(first(x!)) }),
        step: ({ x, y }, { learningRate }) => {
          const loss = () => tf.losses.meanSquaredError(y!, second(first(x!))) as Scalar;
          const before = a.minimize(loss, learningRate!);
          return { loss: before, second: b.minimize(loss, learningRate!) };
        },
      };
    });
    const session = await (await engineByName(name)).open(state);
    const step = await session.compile(programs["step"]!);
    const losses: number[] = [];
    for (let i = 0; i < 30; i++) losses.push(Number((await step.run(batch(0)))["loss"]!.data[0]));
    assert.ok(losses[29]! < 0.9 * losses[0]!, `${losses[0]} to ${losses[29]}`);
    await session.dispose();
  });

  Deno.test(`${name} rejects inputs that are not the program's`, async () => {
    const { programs, state } = await network(() => sgd(), LOSS["mean squared error"]!, "relu");
    const session = await (await engineByName(name)).open(state);
    const predict = await session.compile(programs["predict"]!);
    await assert.rejects(predict.run({}), {
      name: "TypeError",
      message: 'Cannot run "predict" as input "x" must be given as float32[4,5]: found nothing',
    });
    await assert.rejects(predict.run({ x: numbers([4, 6]) }), {
      name: "TypeError",
      message: 'Cannot run "predict" with input "x" as it must be float32[4,5]: found float32[4,6]',
    });
    await assert.rejects(predict.run({ x: numbers([4, 5]), z: rate(1) }), {
      name: "TypeError",
      message: 'Cannot run "predict" as its inputs are "x": found "z"',
    });
    await assert.rejects(predict.run({ x: { ...numbers([4, 5]), data: new Float32Array(19) } }), {
      name: "TypeError",
      message:
        'Cannot run "predict" with input "x" as its data must be a Float32Array of 20 elements: found Float32Array of 19',
    });
    await assert.rejects(session.load({ nothing: rate(1) }), {
      name: "NotFoundError",
      message: 'Cannot load state as its names must exist in the session: found "nothing"',
    });
    await session.dispose();
  });

  Deno.test(`${name} rejects a program whose state is not in the session`, async () => {
    const { programs, state } = await network(() => sgd(), LOSS["mean squared error"]!, "relu");
    const rest = Object.fromEntries(Object.entries(state).slice(1));
    const session = await (await engineByName(name)).open(rest);
    await assert.rejects(session.compile(programs["predict"]!), {
      name: "NotFoundError",
      message: 'Cannot compile "predict" as its state must exist in the session: found no "mlp/0/kernel"',
    });
    await session.dispose();
  });
}
