import assert from "node:assert/strict";
import { numbers, ProgramBuilder, tensor } from "../../tests/conformance/harness.ts";
import { encodeOnnx } from "../onnx/encode.ts";
import { lower } from "../onnx/lower.ts";
import type { Program } from "../program/types.ts";
import { GraphCache } from "../runtimes/graphs/graph_cache.ts";
import { GraphSession } from "../runtimes/graphs/graph_session.ts";
import type { Ort } from "../runtimes/graphs/ort_types.ts";
import { openOrt, openPackage } from "../runtimes/native/ort.ts";
import type { Tensors } from "../runtimes/types.ts";

/** A linear fit by gradient descent: loss, prediction by row, and an update of the weights. */
function fit(): Program {
  const b = new ProgramBuilder("fit");
  const x = b.input("x", { dtype: "float32", shape: [6, 3] });
  const y = b.input("y", { dtype: "float32", shape: [6, 1] });
  const w = b.state("w", { dtype: "float32", shape: [3, 1] });
  const product = { transposeA: false, transposeB: false };
  const prediction = b.node("BatchMatMul", [x, w], product);
  const error = b.node("Sub", [prediction, y], {});
  b.output("prediction", prediction);
  b.output("loss", b.node("Mean", [b.node("Square", [error], {})], { axis: [0, 1], keepDims: false }));
  const slope = b.node("BatchMatMul", [x, error], { ...product, transposeA: true });
  b.update("w", b.node("Sub", [w, b.node("Multiply", [slope, b.scalar(0.05)], {})], {}));
  return b.program();
}

const INPUTS: Tensors = { x: numbers([6, 3]), y: numbers([6, 1], -1, 1, 2) };
const STATE: Tensors = { w: tensor("float32", [3, 1], [0.1, -0.2, 0.3]) };

/** Losses, last predictions and weights of ten steps in so many shards. */
async function train(shards: number, open: () => Promise<Ort> = openOrt) {
  const backend = {
    engine: "native",
    ort: await open(),
    threads: shards,
    threadsFor: () => 1,
    shardsFor: () => shards,
    graphs: new GraphCache(),
  };
  const session = new GraphSession(backend, STATE);
  const step = await session.compile(fit());
  const losses: number[] = [];
  let prediction: readonly number[] = [];
  for (let i = 0; i < 10; i++) {
    const outputs = await step.run(INPUTS);
    losses.push(outputs["loss"]!.data[0] as number);
    prediction = [...outputs["prediction"]!.data] as number[];
  }
  const weights = [...(await session.state())["w"]!.data] as number[];
  await session.dispose();
  return { losses, prediction, weights };
}

Deno.test("GraphSession gives the numbers of the whole in shards, the same bits each time", async () => {
  const whole = await train(1);
  for (const shards of [2, 3]) {
    const found = await train(shards);
    for (const key of ["losses", "prediction", "weights"] as const) {
      found[key].forEach((value, i) =>
        assert.ok(Math.abs(value - whole[key][i]!) < 1e-6, `${key} in ${shards} shards`)
      );
    }
    assert.deepEqual(await train(shards), found);
    // One shard after the other, where one thread makes all calls.
    assert.deepEqual(await train(shards, openPackage), found);
  }
});

Deno.test("together() throws what a call of another thread failed with, when all are done", async () => {
  const ort = await openOrt();
  if (!ort.together) return; // through the package's binding there is one thread
  const { graph } = lower(fit());
  const names = {
    inputs: graph.inputs.map(({ name }) => name),
    outputs: graph.outputs.map(({ name }) => name),
  };
  const model = await ort.load(encodeOnnx(graph), names, { threads: 1 });
  const tensors = (shapes: readonly (readonly number[])[]) =>
    shapes.map((shape) => ort.tensor("float32", shape));
  const outputs = () => tensors(graph.outputs.map(({ shape }) => shape));
  const right = model.bind(tensors(graph.inputs.map(({ shape }) => shape)), outputs());
  const wrong = model.bind(tensors([[5, 3], [6, 1], [3, 1]]), outputs());
  const together = await ort.together(2);
  together([right, right]);
  assert.throws(() => together([right, wrong]), {
    name: "InternalError",
    message: /^Cannot run graph as ONNX Runtime refused: .*invalid dimensions/,
  });
  assert.throws(() => together([wrong, right]), { message: /invalid dimensions/ });
  together([right, right]);
  await model.dispose();
});
