/** Models in plain tf.layers, by people who never heard of Beamline: they trace and train as they are. */
import assert from "node:assert/strict";
import * as tf from "beamline/tf";
import type { BuiltModel } from "../../core/plugin.ts";
import { randomFor } from "../../core/random.ts";
import { sizeOf } from "../../core/types.ts";
import type { Program } from "../../engine/program/types.ts";
import { engineByName } from "../../engine/runtimes/engines.ts";
import type { Tensor, Tensors } from "../../engine/runtimes/types.ts";
import { type ColumnType, type TracedModel, traceModel } from "../../engine/trace/trace.ts";
import { autoencoderLoss, createDecoder, createEncoder } from "./autoencoder.ts";
import { convNetLoss, createConvNet } from "./mnist_convnet.ts";
import { createTransformer, SEQUENCE } from "./transformer.ts";

interface Example {
  readonly columns: { readonly [name: string]: ColumnType };
  readonly inputs: readonly string[];
  readonly targets: readonly string[];
  build(): BuiltModel;
  /** The share of the first losses below which the last must be. Cross entropy with gray pixels cannot become zero. */
  readonly share: number;
  /** The columns of a batch. */
  batch(rows: number): Tensors;
}

/** tfjs's own optimizer, which its users would write. */
const adam = (rate: number) => tf.train.adam(rate) as unknown as NonNullable<BuiltModel["optimizer"]>;

const float = (shape: readonly number[], at: (i: number) => number): Tensor => ({
  dtype: "float32",
  shape,
  data: Float32Array.from({ length: sizeOf(shape) }, (_, i) => at(i)),
});

/** A bright square whose place depends on the class of the row, on noise. */
function images(rows: number, side: number, classes: number): Tensor {
  const random = randomFor({ seed: 1, purpose: "images" });
  return float([rows, side, side, 1], (i) => {
    const [row, y, x] = [Math.floor(i / side ** 2) % classes, Math.floor(i / side) % side, i % side];
    const [top, left] = [2 + row % 4 * Math.floor(side / 5), 2 + Math.floor(row / 4) * Math.floor(side / 4)];
    const isInside = y >= top && y < top + 4 && x >= left && x < left + 4;
    return 0.2 * random.uniform() + (isInside ? 0.8 : 0);
  });
}

const oneHot = (rows: number, classes: number) =>
  float([rows, classes], (i) => Number(i % classes === Math.floor(i / classes) % classes));

const EXAMPLES: { readonly [name: string]: Example } = {
  "the MNIST convnet": {
    columns: { x: { shape: [28, 28, 1], dtype: "float32" }, y: { shape: [10], dtype: "float32" } },
    inputs: ["x"],
    targets: ["y"],
    build() {
      const model = createConvNet();
      const forward = (x: tf.Tensor, training: boolean) => model.apply(x, { training }) as tf.Tensor;
      return {
        predict: ({ x }) => ({ y: model.predict(x!) as tf.Tensor }),
        loss: ({ x, y }, { training }) => ({ loss: convNetLoss(y!, forward(x!, training)) }),
        optimizer: adam(2e-3),
      };
    },
    share: 0.6,
    batch: (rows) => ({ x: images(rows, 28, 10), y: oneHot(rows, 10) }),
  },
  "a simple transformer": {
    columns: { x: { shape: [SEQUENCE.length], dtype: "int32" }, y: { shape: [3], dtype: "float32" } },
    inputs: ["x"],
    targets: ["y"],
    build() {
      const model = createTransformer();
      const forward = (x: tf.Tensor, training: boolean) => model.apply(x, { training }) as tf.Tensor;
      return {
        predict: ({ x }) => ({ y: forward(x!, false) }),
        loss: ({ x, y }, { training }) => ({ loss: convNetLoss(y!, forward(x!, training)) }),
        optimizer: adam(5e-3),
      };
    },
    share: 0.6,
    // A class has tokens of its own among those that all have.
    batch(rows) {
      const random = randomFor({ seed: 2, purpose: "tokens" });
      const data = Int32Array.from(
        { length: rows * SEQUENCE.length },
        (_, i) => random.uniform() < 0.4 ? Math.floor(i / SEQUENCE.length) % 3 : 3 + random.integer(17),
      );
      return { x: { dtype: "int32", shape: [rows, SEQUENCE.length], data }, y: oneHot(rows, 3) };
    },
  },
  "a variational autoencoder": {
    columns: { x: { shape: [16, 16, 1], dtype: "float32" } },
    inputs: ["x"],
    targets: [],
    build() {
      const [encoder, decoder] = [createEncoder(), createDecoder()];
      const forward = (x: tf.Tensor) => {
        const [mean, logVariance, z] = encoder.apply(x) as [tf.Tensor, tf.Tensor, tf.Tensor];
        return { mean, logVariance, decoded: decoder.apply(z) as tf.Tensor };
      };
      return {
        predict: ({ x }) => ({ y: forward(x!).decoded }),
        loss({ x }) {
          const { decoded, mean, logVariance } = forward(x!);
          return { loss: autoencoderLoss(x!, decoded, mean, logVariance) };
        },
        optimizer: adam(5e-3),
      };
    },
    share: 0.7,
    batch: (rows) => ({ x: images(rows, 16, 8) }),
  },
};

function trace({ build, columns, inputs, targets }: Example, rows: number): Promise<TracedModel> {
  return traceModel({
    build,
    columns,
    inputs,
    targets,
    batchSize: rows,
    lastValidationBatch: 0,
    predictBatch: rows,
    seed: 4,
    purpose: "test",
  });
}

/** What a program takes besides columns: numbers drawn for this step, the learning rate. */
function drawn(program: Program, step: number): Tensors {
  const others = program.inputs.filter(({ role }) => role !== "batch");
  return Object.fromEntries(others.map(({ name, role, value, distribution }): [string, Tensor] => {
    const { shape } = program.values[value]!;
    const data = new Float32Array(sizeOf(shape));
    const random = randomFor({ seed: 9, purpose: name, step });
    if (role === "scalar") data.fill(1e-3);
    else if (distribution === "normal") random.fillNormal(data);
    else random.fillUniform(data);
    return [name, { dtype: "float32", shape, data }];
  }));
}

/** Losses of steps on one batch. */
async function train(engine: string, example: Example, rows: number, steps: number): Promise<number[]> {
  const { programs, state } = await trace(example, rows);
  const session = await (await engineByName(engine)).open(state);
  const step = await session.compile(programs["step"]!);
  const losses: number[] = [];
  for (let i = 0; i < steps; i++) {
    const { loss } = await step.run({ ...example.batch(rows), ...drawn(step.program, i) });
    losses.push(Number(loss!.data[0]));
  }
  await session.dispose();
  return losses;
}

/** A few steps of float32 rounding in other orders of summation. */
const TOLERANCE = 1e-3;

for (const [name, example] of Object.entries(EXAMPLES)) {
  Deno.test(`native trains ${name} in plain tf.layers: its loss falls`, async () => {
    const losses = await train("native", example, 30, 60);
    assert.ok(losses.every(Number.isFinite), `${losses}`);
    const mean = (list: readonly number[]) => list.reduce((a, b) => a + b) / list.length;
    const [first, last] = [mean(losses.slice(0, 5)), mean(losses.slice(-5))];
    assert.ok(last < example.share * first, `${first} to ${last}`);
  });

  Deno.test(`native trains ${name} as the reference does`, async () => {
    const [actual, expected] = [
      await train("native", example, 3, 3),
      await train("reference", example, 3, 3),
    ];
    actual.forEach((loss, i) => {
      const difference = Math.abs(loss - expected[i]!);
      assert.ok(
        difference <= TOLERANCE * Math.abs(expected[i]!),
        `step ${i}: ${loss}, expected ${expected[i]}`,
      );
    });
  });
}
