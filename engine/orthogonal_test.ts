import assert from "node:assert/strict";
import { randomFor } from "../core/random.ts";
import { orthonormalColumns } from "./orthogonal.ts";
import * as tf from "./tf.ts";

/** The largest deviation of QᵀQ from the identity. */
function deviation(q: ArrayLike<number>, rows: number, columns: number): number {
  let most = 0;
  for (let a = 0; a < columns; a++) {
    for (let b = 0; b < columns; b++) {
      let product = 0;
      for (let i = 0; i < rows; i++) product += q[i * columns + a]! * q[i * columns + b]!;
      most = Math.max(most, Math.abs(product - (a === b ? 1 : 0)));
    }
  }
  return most;
}

Deno.test("orthonormalColumns() gives the Q of tfjs with the signs of its initializer", () => {
  const random = randomFor({ seed: 3, purpose: "test" });
  const matrix = Float32Array.from({ length: 12 * 5 }, () => random.normal());
  const q = orthonormalColumns(matrix, 12, 5);
  const [wanted, r] = tf.linalg.qr(tf.tensor2d(matrix, [12, 5])) as [tf.Tensor2D, tf.Tensor2D];
  const signs = Float32Array.from({ length: 5 }, (_, k) => Math.sign(r.dataSync()[k * 5 + k]!));
  const signed = tf.mul(wanted, tf.tensor1d(signs)).dataSync();
  // tfjs reflects in float32: some roundings of 6e-8 for each of 5 columns.
  for (let i = 0; i < q.length; i++) assert.ok(Math.abs(q[i]! - signed[i]!) < 2e-6, `${i}`);
  // float64: 12 terms of 1e-16, some reflections.
  assert.ok(deviation(q, 12, 5) < 1e-14);
});

Deno.test("orthonormalColumns() takes square, single and zero columns", () => {
  assert.deepEqual([...orthonormalColumns([3, 1, 0, -2], 2, 2)].map((x) => x + 0), [1, 0, 0, -1]);
  assert.deepEqual([...orthonormalColumns([-2], 1, 1)], [-1]);
  assert.ok(orthonormalColumns([0, 0, 0, 0, 0, 0], 3, 2).every(Number.isFinite));
});

Deno.test("the orthogonal initializer gives orthonormal rows or columns of each shape, times its gain", () => {
  for (const [shape, gain] of [[[64, 256], 1], [[8, 3], 2], [[3, 3, 4, 5], 1], [[5, 5], 1]] as const) {
    const columns = shape.at(-1)!;
    const rows = shape.slice(0, -1).reduce((product, length) => product * length, 1);
    const values = tf.initializers.orthogonal({ gain, seed: 4 }).apply([...shape]);
    assert.deepEqual(values.shape, [...shape]);
    const flat = tf.reshape(values, [rows, columns]);
    const q = tf.div(rows < columns ? tf.transpose(flat) : flat, gain).dataSync();
    // Rounded to float32: the squares of a column are off by some 1e-7 together.
    assert.ok(deviation(q, Math.max(rows, columns), Math.min(rows, columns)) < 1e-6, `${shape}`);
  }
});

Deno.test("an LSTM of 64 units is built at once, without a word, and with the same numbers each time", () => {
  const began = performance.now();
  const build = () =>
    tf.layers.lstm({
      units: 64,
      inputShape: [20, 50],
      recurrentInitializer: tf.initializers.orthogonal({ seed: 1 }),
    });
  const warn = console.warn;
  const said: unknown[] = [];
  console.warn = (...text) => said.push(text);
  try {
    const kernels = [build(), build()].map((layer) => {
      tf.sequential({ layers: [layer] });
      return layer.getWeights()[1]!.dataSync();
    });
    assert.deepEqual(kernels[0], kernels[1]);
    assert.deepEqual(said, []);
  } finally {
    console.warn = warn;
  }
  // Some 40 ms each; 8 s each with the operations of tfjs.
  assert.ok(performance.now() - began < 4000);
});
