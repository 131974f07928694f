import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { Tensor } from "../engine/runtimes/types.ts";
import { hashState, isFingerprinted, lossBits } from "./fingerprint.ts";

const floats = (shape: number[], ...data: number[]): Tensor => ({
  dtype: "float32",
  shape,
  data: Float32Array.from(data),
});

Deno.test("isFingerprinted() takes powers of two and every fiftieth of the training", () => {
  const taken = (totalSteps: number): number[] =>
    Array.from({ length: 40 }, (_, i) => i + 1).filter((step) => isFingerprinted(step, totalSteps));
  assert.deepEqual(taken(1000), [1, 2, 4, 8, 16, 20, 32, 40]); // every 20 steps
  assert.equal(taken(50).length, 40, "each step of a short training");
});

Deno.test("lossBits() gives the bits of the float32", () => {
  // IEEE 754 single: 1 = 0x3f800000, -2 = 0xc0000000, 0 = 0
  assert.deepEqual([1, -2, 0].map(lossBits), ["3f800000", "c0000000", "00000000"]);
});

Deno.test("hashState() hashes names, types, shapes and bytes, sorted by name", () => {
  const expected = createHash("sha256")
    .update("a\0float32[2]\0").update(new Uint8Array(Float32Array.of(1, 2).buffer))
    .update("b\0float32[]\0").update(new Uint8Array(Float32Array.of(3).buffer))
    .digest("hex").slice(0, 32);
  assert.equal(hashState({ b: floats([], 3), a: floats([2], 1, 2) }), expected);
  for (const other of [floats([2], 1, 3), floats([1, 2], 1, 2)]) {
    assert.notEqual(hashState({ b: floats([], 3), a: other }), expected);
  }
});
