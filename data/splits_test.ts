import assert from "node:assert/strict";
import { randomFor } from "../core/random.ts";
import { foldRows, splitRows } from "./splits.ts";

const order = (rows: number): Uint32Array => randomFor({ seed: 1, purpose: "split" }).permutation(rows);
const SHARES = { train: 0.8, validation: 0.1 };

Deno.test("splitRows() gives each row to one part, by shares", () => {
  for (const rows of [1, 2, 9, 10, 11, 1000]) {
    const { train, validation, test } = splitRows(order(rows), SHARES);
    assert.deepEqual([...train, ...validation, ...test], [...order(rows)], `${rows}`);
    assert.equal(train.length, Math.floor(0.8 * rows));
    assert.equal(validation.length, Math.floor(0.9 * rows) - train.length);
  }
});

Deno.test("splitRows() tests each row in one of the folds, and never what it trains on", () => {
  for (const [rows, count] of [[10, 5], [11, 5], [103, 10], [7, 7]] as const) {
    const tested: number[] = [];
    for (let index = 0; index < count; index++) {
      const { train, validation, test } = splitRows(order(rows), SHARES, { index, count });
      assert.equal(new Set([...train, ...validation, ...test]).size, rows);
      assert.equal(train.length + validation.length + test.length, rows);
      assert.ok(Math.abs(test.length - rows / count) < 1);
      assert.ok(Math.abs(validation.length - (rows - test.length) / 9) <= 0.5); // 0.1 of 0.9
      tested.push(...test);
    }
    assert.deepEqual(tested, [...order(rows)]);
  }
});

Deno.test("foldRows() begins the rest with what follows the part that is tested", () => {
  const { test, rest } = foldRows(Uint32Array.of(5, 6, 7, 8, 9), { index: 1, count: 5 });
  assert.deepEqual([[...test], [...rest]], [[6], [7, 8, 9, 5]]);
});

Deno.test("splitRows() and foldRows() refuse parts that would be empty", () => {
  assert.throws(
    () => splitRows(order(10), { train: 0.9, validation: 0.1 }),
    /must leave some for the test: found 0.9/,
  );
  assert.throws(() => splitRows(order(10), { train: NaN, validation: 0.1 }), RangeError);
  assert.throws(() => foldRows(order(3), { index: 0, count: 4 }), /Cannot make 4 folds .*: found 3 in all/);
});
