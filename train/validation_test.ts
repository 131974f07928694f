import assert from "node:assert/strict";
import type { Executable, Tensors } from "../engine/runtimes/types.ts";
import { column, fakeExecutable, floats } from "../tests/support/training.ts";
import { meanOverRows } from "./validation.ts";

/** A program that gives the mean of x over a batch of so many rows, and notes what it was given. */
function meanOf(rows: number, seen: number[][] = []): Executable {
  return fakeExecutable([{ name: "x", role: "batch", shape: [rows] }], ({ x }) => {
    const values = [...x!.data as Float32Array];
    seen.push(values);
    return { mean: floats([], values.reduce((sum, value) => sum + value, 0) / rows) };
  });
}

Deno.test("meanOverRows() counts each row once: whole batches, then the rest by its rows", async () => {
  const seen: number[][] = [];
  const means = await meanOverRows({ x: column(1, 2, 3, 4, 15) }, {
    whole: meanOf(2, seen),
    tail: meanOf(1, seen),
  });
  assert.deepEqual(seen, [[1, 2], [3, 4], [15]]);
  assert.deepEqual(means, { mean: 5 }); // 25 / 5
});

Deno.test("meanOverRows() needs no program for the rest when batches fit", async () => {
  assert.deepEqual(await meanOverRows({ x: column(1, 2, 3, 6) }, { whole: meanOf(2) }), { mean: 3 });
});

Deno.test("meanOverRows() gives the program's other inputs by the first row of the batch", async () => {
  const given: Tensors[] = [];
  const whole = fakeExecutable([{ name: "x", role: "batch", shape: [2] }], (inputs) => {
    given.push(inputs);
    return { mean: inputs.from! };
  });
  const extra = (_program: Executable, from: number): Tensors => ({ from: floats([], from) });
  const columns = { x: column(1, 2, 3, 4), unused: column(0, 0, 0, 0) };
  assert.deepEqual(await meanOverRows(columns, { whole, extra }), { mean: 1 }); // of 0 and 2
  assert.deepEqual(given.map((inputs) => Object.keys(inputs).sort()), [["from", "x"], ["from", "x"]]);
});
