import assert from "node:assert/strict";
import type { Tensor } from "../engine/runtimes/types.ts";
import { firstNonFinite, nonFiniteError } from "./nan_guard.ts";

const floats = (...data: number[]): Tensor => ({
  dtype: "float32",
  shape: [data.length],
  data: Float32Array.from(data),
});
const ints: Tensor = { dtype: "int32", shape: [1], data: Int32Array.of(7) };
const at = { model: "network", output: "loss", value: NaN, counters: { step: 12, epoch: 2 } };

Deno.test("firstNonFinite() names the first tensor with NaN or infinity", () => {
  assert.equal(firstNonFinite({ a: floats(1), n: ints, b: floats(0, NaN), c: floats(NaN) }), "b");
  assert.equal(firstNonFinite({ a: floats(1), b: floats(-Infinity) }), "b");
  assert.equal(firstNonFinite({ a: floats(1, 2), n: ints }), undefined);
});

Deno.test("nonFiniteError() names model, output, step, epoch and the tensor", () => {
  const error = nonFiniteError(at, { "dense/kernel": floats(NaN) });
  assert.equal(error.name, "ConfigError");
  assert.equal(
    error.message,
    'Cannot train "network" as "loss" must be finite: NaN at step 12 (epoch 3), ' +
      'the first tensor that is not finite is "dense/kernel"; try a lower --learning-rate',
  );
});

Deno.test("nonFiniteError() says when the parameters are still finite", () => {
  assert.match(
    nonFiniteError({ ...at, value: Infinity }, { w: floats(1) }).message,
    /: Infinity at step 12 \(epoch 3\), all parameters are still finite;/,
  );
});
