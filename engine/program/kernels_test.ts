import assert from "node:assert/strict";
import * as tf from "../tf.ts";
import { inferKernel, isKernel, KERNELS, REFUSED_KERNELS } from "./kernels.ts";
import type { ValueType } from "./types.ts";

const f = (...shape: number[]): ValueType => ({ dtype: "float32", shape });

Deno.test("KERNELS and REFUSED_KERNELS together name every kernel of tfjs", () => {
  // Every kernel that tfjs's own cpu backend or gradients know.
  const known = new Set(
    tf.getKernelsForBackend("cpu").map((kernel) => kernel.kernelName as string),
  );
  const missing = [...known].filter((name) => !isKernel(name) && !Object.hasOwn(REFUSED_KERNELS, name));
  assert.deepEqual(missing, []);
  const both = Object.keys(REFUSED_KERNELS).filter(isKernel);
  assert.deepEqual(both, []);
});

Deno.test("KERNELS entries do not exist beyond tfjs, apart from BroadcastTo, which tfjs composes", () => {
  const known = new Set(tf.getKernelsForBackend("cpu").map((kernel) => kernel.kernelName as string));
  assert.deepEqual(Object.keys(KERNELS).filter((name) => !known.has(name)), ["BroadcastTo"]);
});

Deno.test("inferKernel() broadcasts", () => {
  assert.deepEqual(inferKernel("Add", [f(2, 1, 3), f(4, 1)], {}), [f(2, 4, 3)]);
});

Deno.test("inferKernel() rejects shapes that do not broadcast, naming the kernel", () => {
  assert.throws(() => inferKernel("Add", [f(2), f(3)], {}), {
    name: "TypeError",
    message: 'Cannot infer "Add" as shapes must broadcast: found [2], [3]',
  });
});

Deno.test("inferKernel() rejects a wrong number of inputs", () => {
  assert.throws(() => inferKernel("Add", [f(2)], {}), {
    message: 'Cannot infer "Add" as it takes the inputs a, b: found 1 inputs',
  });
});

Deno.test("inferKernel() rejects unknown, missing and ill-typed attributes", () => {
  assert.throws(
    () => inferKernel("Add", [f(2), f(2)], { extra: 1 }),
    /it has no such attribute: found "extra"/,
  );
  assert.throws(
    () => inferKernel("Sum", [f(2)], { axis: [0] }),
    /attribute "keepDims" must be true or false/,
  );
  assert.throws(
    () => inferKernel("Sum", [f(2)], { axis: [-1], keepDims: false }),
    /attribute "axis" must be a list of non-negative integers: found \[-1\]/,
  );
});

Deno.test("inferKernel() rejects a missing input unless it is optional", () => {
  const attrs = { transposeA: false, transposeB: false, activation: "linear", leakyreluAlpha: 0 };
  assert.deepEqual(inferKernel("_FusedMatMul", [f(2, 3), f(3, 4), null, null], attrs), [f(2, 4)]);
  assert.throws(
    () => inferKernel("_FusedMatMul", [f(2, 3), null, null, null], attrs),
    /input "b" must be given: found null/,
  );
});
