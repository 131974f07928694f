import assert from "node:assert/strict";
import type { NdArray } from "../../core/types.ts";
import type { Executable } from "../../engine/runtimes/types.ts";
import { fakeExecutable, type FakeInput, floats } from "../../tests/support/training.ts";
import { asColumn, runOver, type RunOverOptions, type Sums } from "./run_over.ts";

const array = (shape: number[], ...data: number[]): NdArray => floats(shape, ...data);
const BATCH: FakeInput = { name: "x", role: "batch", shape: [2, 1] };

/** Gives x doubled, by row, and notes the batches and the inputs that were unchanged. */
function doubling(batches: number[][], unchanged: (readonly string[])[] = []): Executable {
  const fake = fakeExecutable([BATCH, { name: "w", role: "batch", shape: [3] }], ({ x }) => {
    const values = [...x!.data as Float32Array];
    batches.push(values);
    return { y: floats([2, 1], ...values.map((value) => 2 * value)) };
  });
  return {
    ...fake,
    run: (inputs, same = []) => {
      unchanged.push(same);
      return fake.run(inputs);
    },
  };
}

/** The sum of x over a batch. */
const SUMMING = ((): Executable => {
  const fake = fakeExecutable([BATCH], ({ x }) => {
    const [a, b] = x!.data as Float32Array;
    return { total: floats([1], a! + b!) };
  });
  return { ...fake, program: { ...fake.program, name: "summing", outputs: [{ name: "total", value: 0 }] } };
})();

const run = (executable: Executable, x: NdArray, options: RunOverOptions = {}, w = array([3], 1, 2, 3)) =>
  runOver({ executable, inputs: { x, w }, random: { seed: 0, purpose: "test" }, ...options });

Deno.test("runOver() pads the last batch with its last row and cuts the padding off", async () => {
  const batches: number[][] = [];
  const { y } = await run(doubling(batches), array([3, 1], 1, 2, 3), { shared: ["w"] });
  assert.deepEqual(batches, [[1, 2], [3, 3]]);
  assert.deepEqual(y, array([3, 1], 2, 4, 6));
});

Deno.test("runOver() says after the first batch that shared inputs are unchanged", async () => {
  const unchanged: (readonly string[])[] = [];
  await run(doubling([], unchanged), array([5, 1], 1, 2, 3, 4, 5), { shared: ["w"] });
  assert.deepEqual(unchanged, [[], ["w"], ["w"]]);
});

Deno.test("runOver() adds sums up in float64, padding counted as zero", async () => {
  const { total } = await run(SUMMING, array([3, 1], 1, 2, 4), { sums: ["total"] });
  assert.deepEqual(total, { dtype: "float64", shape: [1], data: Float64Array.of(7) });
});

Deno.test("runOver() goes on with the sums of earlier calls", async () => {
  const into: Sums = new Map();
  await run(SUMMING, array([3, 1], 1, 2, 4), { sums: ["total"], into });
  const { total } = await run(SUMMING, array([1, 1], 10), { sums: ["total"], into });
  assert.deepEqual([...total!.data], [17]);
});

Deno.test("runOver() rejects outputs that are not sums where sums are carried on", async () => {
  await assert.rejects(run(SUMMING, array([1, 1], 1), { into: new Map() }), {
    name: "TypeError",
    message: 'Cannot accumulate program "summing" as all its outputs must be sums: found "total"',
  });
});

Deno.test("runOver() rejects rows and shared inputs of another shape", async () => {
  await assert.rejects(run(doubling([]), array([2, 4], 1, 2, 3, 4, 5, 6, 7, 8), { shared: ["w"] }), {
    name: "TypeError",
    message: 'Cannot run program "fake" as rows of "x" must have shape [1]: found [4]',
  });
  await assert.rejects(run(doubling([]), array([2, 1], 1, 2), { shared: ["w"] }, array([2], 1, 2)), {
    name: "TypeError",
    message: 'Cannot run program "fake" as "w" must have shape [3]: found [2]',
  });
});

Deno.test("asColumn() names the axes of an array", () => {
  const { dims, unit } = asColumn(array([1, 2, 1], 1, 2));
  assert.deepEqual({ dims, unit }, { dims: ["row", "axis_1", "axis_2"], unit: "1" });
});
