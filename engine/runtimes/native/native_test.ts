import assert from "node:assert/strict";
import { assertClose, numbers, ProgramBuilder, tensor } from "../../../tests/conformance/harness.ts";
import { adamw } from "../../nn/mod.ts";
import { perceptron } from "../perceptron_test_helpers.ts";
import { openFloatMode } from "../../workers/float_mode.ts";
import { openOrt } from "./ort.ts";
import { nativeEngine } from "./native.ts";
import { referenceEngine } from "../reference/reference.ts";
import { StateStore } from "../graphs/store.ts";
import { defaultThreads, multiplications, shardsFor, threadsFor } from "../threads.ts";
import type { Tensors } from "../types.ts";

const float = (...shape: number[]) => ({ dtype: "float32", shape } as const);

/** Adds the input to the state `total` and returns the new total. */
function counter() {
  const b = new ProgramBuilder("counter");
  const next = b.node("Add", [b.state("total", float(3)), b.input("x", float(3))], {});
  b.output("total", next);
  b.update("total", next);
  return b.program();
}

Deno.test("nativeEngine applies updates in order, run after run", async () => {
  const session = await nativeEngine.open({ total: tensor("float32", [3], [0, 10, 20]) });
  const step = await session.compile(counter());
  const x = tensor("float32", [3], [1, 2, 3]);
  for (let i = 1; i <= 5; i++) {
    const { total } = await step.run({ x });
    assert.deepEqual([...total!.data], [i, 10 + 2 * i, 20 + 3 * i]);
  }
  assert.deepEqual([...(await session.state())["total"]!.data], [5, 20, 35]);
  await session.dispose();
});

Deno.test("nativeEngine runs calls that were not awaited one after the other", async () => {
  const session = await nativeEngine.open({ total: tensor("float32", [3], [0, 0, 0]) });
  const step = await session.compile(counter());
  await Promise.all([1, 2, 3].map((n) => step.run({ x: tensor("float32", [3], [n, n, n]) })));
  assert.deepEqual([...(await session.state())["total"]!.data], [6, 6, 6]);
  await session.dispose();
});

Deno.test("nativeEngine copies the state that it is given", async () => {
  const total = tensor("float32", [3], [1, 1, 1]);
  const session = await nativeEngine.open({ total });
  total.data.fill(9);
  assert.deepEqual([...(await session.state())["total"]!.data], [1, 1, 1]);
  const copy = (await session.state())["total"]!;
  copy.data.fill(5);
  assert.deepEqual([...(await session.state())["total"]!.data], [1, 1, 1]);
  await session.dispose();
});

Deno.test("nativeEngine rejects thread counts that are none", async () => {
  for (const threads of [0, -1, 1.5, NaN]) {
    await assert.rejects(nativeEngine.open({}, { threads }), {
      name: "RangeError",
      message: `Cannot open session as threads must be an integer in 1..1024: found ${threads}`,
    });
  }
  const session = await nativeEngine.open({}, { threads: 2 });
  assert.equal(session.threads, 2);
  await session.dispose();
});

Deno.test("nativeEngine lets timers run between steps", async () => {
  const session = await nativeEngine.open({ total: tensor("float32", [3], [0, 0, 0]) });
  const step = await session.compile(counter());
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  const x = numbers([3]);
  for (let i = 0; i < 3000; i++) await step.run({ x });
  clearInterval(timer);
  assert.ok(ticks > 0);
  await session.dispose();
});

Deno.test("nativeEngine can be disposed of twice, and says so when it is used after", async () => {
  const session = await nativeEngine.open({ total: tensor("float32", [3], [0, 0, 0]) });
  const step = await session.compile(counter());
  await step.dispose();
  await step.dispose();
  await assert.rejects(step.run({ x: numbers([3]) }), {
    name: "InternalError",
    message: 'Cannot run "counter" as it must be open: it was disposed',
  });
  await session.dispose();
  await session.dispose();
});

Deno.test("nativeEngine leaves JavaScript its denormal numbers", async () => {
  const session = await nativeEngine.open({ total: tensor("float32", [3], [0, 0, 0]) });
  const step = await session.compile(counter());
  await step.run({ x: numbers([3]) });
  const tiny = new Float64Array([5e-324, 1e-310]);
  assert.ok(tiny[0]! > 0);
  assert.equal(tiny[1]! * 2, 2e-310);
  await session.dispose();
});

Deno.test("nativeEngine takes denormal numbers as zero during a run", async () => {
  if (!openFloatMode().canFlush) return;
  const b = new ProgramBuilder("decay");
  const m = b.state("m", float(2));
  b.update("m", b.node("Multiply", [m, b.scalar(0.9)], {}));
  const session = await nativeEngine.open({ m: tensor("float32", [2], [1e-40, 1]) }, { threads: 1 });
  const step = await session.compile(b.program());
  await step.run({});
  // 1e-40 is below the smallest normal float32, 1.2e-38; unflushed the product would be 9e-41.
  assert.deepEqual([...(await session.state())["m"]!.data], [0, Math.fround(0.9)]);
  await session.dispose();
});

Deno.test("nativeEngine gives the ONNX bytes of a program", async () => {
  const session = await nativeEngine.open({ total: tensor("float32", [3], [0, 0, 0]) });
  const step = await session.compile(counter());
  assert.ok(step.onnx && step.onnx.length > 50);
  await session.dispose();
});

Deno.test("StateStore lays tensors flat without changing them, once", async () => {
  const store = new StateStore(await openOrt(), {
    a: tensor("float32", [2, 2], [1, 2, 3, 4]),
    b: tensor("float32", [3], [5, 6, 7]),
    c: tensor("float32", [1], [8]),
  });
  const before = store.read();
  assert.ok(store.flatten("ab", ["a", "b"]));
  assert.deepEqual(store.read(), before);
  assert.deepEqual([...store.present("ab").data], [1, 2, 3, 4, 5, 6, 7]);
  // Writing a member writes the flat state, and the other way round, in both copies.
  store.write({ b: tensor("float32", [3], [0, 0, 9]) });
  assert.deepEqual([...store.present("ab").data], [1, 2, 3, 4, 0, 0, 9]);
  store.next("ab").data.fill(3);
  store.turn(["ab"]);
  assert.deepEqual([...store.present("a").data], [3, 3, 3, 3]);
  assert.deepEqual(Object.keys(store.read()), ["a", "b", "c"]);
  // The same flat state again is fine; another one with the same members is not.
  assert.ok(store.flatten("ab", ["a", "b"]));
  assert.ok(!store.flatten("ba", ["b", "a"]));
  assert.ok(!store.flatten("bc", ["b", "c"]));
  store.dispose();
});

Deno.test("StateStore turns a flat state once when its members are written one by one, and keeps the others", async () => {
  const store = new StateStore(await openOrt(), {
    a: tensor("float32", [2], [1, 2]),
    b: tensor("float32", [1], [3]),
    c: tensor("float32", [1], [4]),
  });
  assert.ok(store.flatten("abc", ["a", "b", "c"]));
  for (const round of [10, 20, 30]) {
    store.next("a").data.fill(round);
    store.next("b").data.fill(round + 1);
    store.turn(["a", "b"]);
    assert.deepEqual([...store.present("abc").data], [round, round, round + 1, 4]);
  }
  store.dispose();
});

Deno.test("nativeEngine trains with adamw as the reference does, whatever the order of updates", async () => {
  const model = await perceptron(adamw, "test/adamw");
  const step = model.programs["step"]!;
  // Weights decay and biases do not, so that they are two flat states. Where weights come first, each of them takes its part of
  // the slots, and the slots, all alike, are then written one by one.
  const isSlot = (name: string) => name.startsWith("adamw");
  const updates = step.updates.toSorted((a, b) => Number(isSlot(a.state)) - Number(isSlot(b.state)));
  const finals = [];
  for (const engine of [nativeEngine, referenceEngine]) {
    const session = await engine.open(model.state);
    const executable = await session.compile({ ...step, updates });
    for (let i = 0; i < 4; i++) {
      const learningRate = tensor("float32", [], [0.01]);
      await executable.run({ x: numbers([8, 3], -1, 1, i), y: numbers([8, 2], -1, 1, i + 9), learningRate });
    }
    finals.push(await session.state());
    await session.dispose();
  }
  const [native, reference] = finals as [Tensors, Tensors];
  assertClose(native, reference, { rtol: 1e-4, atol: 1e-6 });
});

Deno.test("shardsFor() keeps small programs whole, and those that hand over much", () => {
  // The steps of bench/workloads.ts: multiplications and numbers in the partial sums of a shard.
  assert.equal(shardsFor(16_345_088, 86_340, 2), 1); // perceptron
  assert.equal(shardsFor(2_359_308_288, 142_850, 2), 2); // transformer
  assert.equal(shardsFor(1_148_059_648, 1_146_401, 2), 2); // autoencoder
  assert.equal(shardsFor(1_148_059_648, 6_000_000, 2), 1);
});

Deno.test("threadsFor() gives small programs one thread", () => {
  const product = (rows: number) => {
    const b = new ProgramBuilder("product");
    const attrs = { transposeA: false, transposeB: true };
    b.output(
      "y",
      b.node("BatchMatMul", [b.input("x", float(rows, 64)), b.state("w", float(128, 64))], attrs),
    );
    return b.program();
  };
  assert.equal(multiplications(product(10)), 10 * 64 * 128);
  assert.equal(threadsFor(multiplications(product(10)), 4), 1);
  assert.equal(threadsFor(multiplications(product(100_000)), 4), 4);
  assert.ok(defaultThreads() >= 1 && defaultThreads() <= 4);
});

Deno.test("multiplications() counts convolutions and their gradients alike", () => {
  const b = new ProgramBuilder("conv");
  const window = { strides: [2, 2], pad: [[0, 0], [0, 1], [0, 1], [0, 0]], dataFormat: "NHWC" } as const;
  const [x, filter] = [b.input("x", float(2, 8, 8, 3)), b.state("f", float(3, 3, 3, 5))];
  const y = b.node("Conv2D", [x, filter], { ...window, dilations: [1, 1] });
  b.node("Conv2DBackpropInput", [y, filter], { ...window, inputShape: [2, 8, 8, 3] });
  b.node("Conv2DBackpropFilter", [x, y], { ...window, filterShape: [3, 3, 3, 5] });
  assert.equal(multiplications(b.program()), 3 * (2 * 4 * 4) * (3 * 3 * 3 * 5));
});
