import assert from "node:assert/strict";
import { column, fakeExecutable } from "../../tests/support/training.ts";
import { batchSizeOf, columnsOf, randomInputs, scalarInputs } from "./inputs.ts";

const PROGRAM = fakeExecutable([
  { name: "weights", role: "batch", shape: [5] },
  { name: "x", role: "batch", shape: [8, 3] },
  { name: "learningRate", role: "scalar", shape: [] },
  { name: "random/1", role: "random", shape: [2, 500], distribution: "normal" },
  { name: "random/2", role: "random", shape: [1000], distribution: "uniform" },
], () => ({}));
const KEY = { seed: 1, purpose: "network", epoch: 2, step: 3 };

Deno.test("columnsOf() picks the columns that a program reads", () => {
  const columns = { x: column(1), weights: column(2), unused: column(3) };
  assert.deepEqual(columnsOf(PROGRAM, columns), { weights: columns.weights, x: columns.x });
});

Deno.test("batchSizeOf() is the first dimension of the first input that is not given whole", () => {
  assert.equal(batchSizeOf(PROGRAM), 5);
  assert.equal(batchSizeOf(PROGRAM, ["weights"]), 8);
  assert.equal(batchSizeOf(fakeExecutable([], () => ({}))), 1);
});

Deno.test("scalarInputs() fills the learning rate", () => {
  assert.deepEqual(scalarInputs(PROGRAM, 0.5), {
    learningRate: { dtype: "float32", shape: [], data: Float32Array.of(0.5) },
  });
});

Deno.test("randomInputs() repeats for equal keys and differs in each part of the key", () => {
  const bytes = (key: typeof KEY): string => JSON.stringify(randomInputs(PROGRAM, key));
  assert.equal(bytes(KEY), bytes({ ...KEY }));
  const others = [{ seed: 2 }, { purpose: "other" }, { epoch: 3 }, { step: 4 }];
  const all = [KEY, ...others.map((change) => ({ ...KEY, ...change }))].map(bytes);
  assert.equal(new Set(all).size, 5);
});

Deno.test("randomInputs() draws the distribution that the program asks for, each input from its own stream", () => {
  const tensors = randomInputs(PROGRAM, KEY);
  assert.deepEqual(Object.keys(tensors), ["random/1", "random/2"]);
  const [normal, uniform] = Object.values(tensors).map(({ data }) => [...data as Float32Array]);
  assert.deepEqual(tensors["random/1"]!.shape, [2, 500]);
  const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  // fixed numbers of a fixed key; five standard errors of a mean of 1000: 5 / sqrt(1000) and 5 / sqrt(12000)
  assert.ok(Math.abs(mean(normal!)) < 0.16);
  assert.ok(Math.abs(mean(uniform!) - 0.5) < 0.046);
  assert.ok(normal!.some((value) => value < 0));
  assert.ok(uniform!.every((value) => value >= 0 && value < 1));
});
