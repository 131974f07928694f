import assert from "node:assert/strict";
import type { BuiltModel } from "../../core/plugin.ts";
import type { Tensor as TfTensor } from "../../core/tensor.ts";
import { sizeOf } from "../../core/types.ts";
import { mlp } from "../nn/mod.ts";
import type { Program } from "../program/types.ts";
import { engineByName } from "../runtimes/engines.ts";
import { runOnnxFile } from "../runtimes/onnx_check.ts";
import type { Tensor, Tensors } from "../runtimes/types.ts";
import * as tf from "../tf.ts";
import { traceModel } from "../trace/trace.ts";
import { exportOnnx } from "./export.ts";
import type { FileFacts } from "./onnx_file.ts";

const FACTS: FileFacts = {
  producerVersion: "0.0.0",
  modelVersion: 1,
  description: "a test",
  metadata: { "beamline.run": "none" },
  notes: { y: "unit: cm" },
};

/** Sums of up to 600 products in another order. */
const TOLERANCE = 2e-6;

type Predict = NonNullable<BuiltModel["predict"]>;

async function traced(make: () => Predict, shape: readonly number[], rows: number) {
  const { programs, state } = await traceModel({
    build: () => ({ predict: make() }),
    columns: { x: { shape, dtype: "float32" } },
    inputs: ["x"],
    targets: [],
    batchSize: 2,
    lastValidationBatch: 0,
    predictBatch: rows,
    seed: 3,
    purpose: "test",
  });
  return { program: programs["predict"]!, state };
}

function uniform(shape: readonly number[]): Tensor {
  const data = Float32Array.from(
    { length: sizeOf(shape) },
    (_, i) => ((i + 1) * 0.6180339887498949) % 1 - 0.5,
  );
  return { dtype: "float32", shape, data };
}

async function ownNumbers(program: Program, state: Tensors, inputs: Tensors): Promise<Tensors> {
  const session = await (await engineByName("native")).open(state, { threads: 1 });
  const outputs = structuredClone(await (await session.compile(program)).run(inputs)) as Tensors;
  await session.dispose();
  return outputs;
}

/** The file from traces for 11 and 13 rows. */
async function exported(make: () => Predict, shape: readonly number[]) {
  const [a, b] = [await traced(make, shape, 11), await traced(make, shape, 13)];
  const traces = [{ program: a.program, rows: 11 }, { program: b.program, rows: 13 }] as const;
  return { ...exportOnnx(traces, a.state, FACTS), state: a.state };
}

/** The file must give at any number of rows what a trace for that number gives. */
async function checkRows(
  make: () => Predict,
  shape: readonly number[],
  counts = [1, 7, 11, 40],
): Promise<void> {
  const { onnx, inputs: [input], state } = await exported(make, shape);
  assert.deepEqual(input, { name: "x", dtype: "float32", shape: ["batch", ...shape] });
  for (const rows of counts) {
    const { program } = await traced(make, shape, rows);
    const inputs = { x: uniform([rows, ...shape]) };
    const expected = await ownNumbers(program, state, inputs);
    const actual = await runOnnxFile("native", onnx, inputs, expected);
    for (const [name, { data }] of Object.entries(expected)) {
      data.forEach((value, i) => {
        const found = Number(actual[name]!.data[i]);
        assert.ok(
          Math.abs(found - Number(value)) <= TOLERANCE * (1 + Math.abs(Number(value))),
          `${rows} rows, ${name}[${i}]: ${found}, expected ${value}`,
        );
      });
    }
  }
}

const weight = (name: string, ...shape: number[]) => tf.variable(tf.randomNormal(shape, 0, 0.3), true, name);

const MODELS: { readonly [name: string]: { readonly shape: number[]; make(): Predict } } = {
  "a dense network": {
    shape: [5],
    make: () => {
      const net = mlp({ inputs: 5, units: [8, 3] });
      return ({ x }) => ({ y: net(x!) });
    },
  },
  "extremes, places and integers": {
    shape: [6],
    make: () => {
      const table = weight("table", 9, 3);
      return ({ x }) => {
        const places = tf.cast(tf.add(tf.mul(x!, 8), 4), "int32");
        const rows = tf.gather(table, places);
        const { values, indices } = tf.topk(x!, 2);
        const shares = tf.mod(places, tf.expandDims(tf.argMax(x!, 1), 1));
        return {
          y: tf.add(tf.max(rows, [1, 2]), tf.min(x!, 1)),
          places: tf.cast(
            tf.add(tf.sum(tf.pow(shares, tf.scalar(3, "int32")), 1), tf.prod(indices, 1)),
            "float32",
          ),
          values,
          angles: tf.atan2(x!, tf.sign(tf.reverse(x!, 1))),
        };
      };
    },
  },
  "resized and cropped images": {
    shape: [4, 6, 2],
    make: () => ({ x }) => {
      const image = x as tf.Tensor4D;
      return {
        y: tf.image.resizeBilinear(image, [5, 3]),
        pooled: tf.maxPool(image, 2, 2, "valid"),
        windows: tf.maxPool(image, 3, 2, "same"),
      };
    },
  },
  "convolutions and a flattened image": {
    shape: [8, 9, 2],
    make: () => {
      const filter = weight("filter", 3, 3, 2, 4) as unknown as tf.Tensor4D;
      const back = weight("back", 3, 3, 2, 4) as unknown as tf.Tensor4D;
      return ({ x }) => {
        const h = tf.relu(tf.conv2d(x as tf.Tensor4D, filter, 1, "same"));
        const up = tf.conv2dTranspose(h, back, [x!.shape[0]!, 8, 9, 2], 1, "same");
        const small = tf.maxPool(up, 2, 2, "valid");
        return { y: tf.reshape(small, [x!.shape[0]!, -1]), mean: tf.mean(up, [1, 2]) };
      };
    },
  },
  "attention with a class token": {
    shape: [6, 4],
    make: () => {
      const qkv = weight("qkv", 4, 12);
      const token = weight("token", 1, 1, 4);
      return ({ x }) => {
        const rows = x!.shape[0]!;
        const tokens = tf.concat([tf.tile(token as TfTensor, [rows, 1, 1]), x!], 1);
        const parts = tf.reshape(tf.matMul(tf.reshape(tokens, [-1, 4]), qkv), [rows, 7, 3, 2, 2]);
        const [q, k, v] = tf.unstack(tf.transpose(parts, [2, 0, 3, 1, 4])) as [TfTensor, TfTensor, TfTensor];
        const mixed = tf.matMul(tf.softmax(tf.matMul(q, k, false, true)), v);
        return {
          y: tf.slice(tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [rows, 7, 4]), [0, 0, 0], [rows, 1, 4]),
        };
      };
    },
  },
  "lengths that rows are multiplied by": {
    shape: [3],
    make: () => ({ x }) => {
      const twice = tf.tile(x!, [2, 1]);
      return { y: tf.reshape(tf.concat([tf.zeros([x!.shape[0]!, 3]), x!], 1), [-1, 3]), twice };
    },
  },
};

for (const [name, { shape, make }] of Object.entries(MODELS)) {
  Deno.test(`exportOnnx() writes ${name} for any number of rows`, () => checkRows(make, shape));
}

Deno.test("exportOnnx() names the node that the number of rows is baked into", async () => {
  await assert.rejects(exported(() => ({ x }) => ({ y: tf.div(x!, x!.shape[0]!) }), [3]), {
    name: "UnsupportedError",
    message:
      /^Cannot open the batch dimension of "predict" as .+: node ".*" \((Mul|Div)\) does, as a constant in its input 1 depends on it$/,
  });
  await assert.rejects(
    exported(() => ({ x }) => ({ y: tf.add(x!, tf.reshape(tf.range(0, x!.shape[0]!), [-1, 1])) }), [3]),
    {
      name: "UnsupportedError",
      message: /: node ".*" \(Add\) does, as a constant in its input \d depends on it$/,
    },
  );
});

Deno.test("exportOnnx() rejects weights that are missing or of another type", async () => {
  const { program } = await traced(MODELS["a dense network"]!.make, [5], 11);
  const traces = [{ program, rows: 11 }, { program, rows: 13 }] as const;
  assert.throws(() => exportOnnx(traces, {}, FACTS), {
    name: "NotFoundError",
    message: 'Cannot export "predict" as its weights must be given: found no "mlp/0/kernel"',
  });
  assert.throws(() => exportOnnx(traces, { "mlp/0/kernel": uniform([5, 7]) }, FACTS), {
    name: "TypeError",
    message: 'Cannot export "predict" as weight "mlp/0/kernel" must be float32[5,8]: found float32[5,7]',
  });
});
