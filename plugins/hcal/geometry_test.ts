import assert from "node:assert/strict";
import { ACTIVE_CELLS, activeColumns, activeRows, COLUMNS, ietaOfRow, isActive, ROWS } from "./geometry.ts";

Deno.test("isActive() holds for 932 cells: 2 (9 x 36 + 2 x 71)", () => {
  let count = 0;
  for (let row = 0; row < ROWS; row++) {
    for (let column = 0; column < COLUMNS; column++) count += Number(isActive(row, column));
  }
  assert.equal(count, ACTIVE_CELLS);
  assert.equal(count, 2 * (9 * 36 + 2 * 71));
});

Deno.test("activeRows() are rows 3 to 13 and 50 to 60", () => {
  const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
  assert.deepEqual(activeRows(), [...range(3, 13), ...range(50, 60)]);
});

Deno.test("activeColumns() are all but the last at |ieta| 19 and 20, even ones beyond", () => {
  for (const row of [12, 13, 50, 51]) assert.deepEqual(activeColumns(row).length, 71);
  assert.equal(activeColumns(12).includes(71), false);
  for (const row of [3, 11, 52, 60]) {
    assert.deepEqual(activeColumns(row), Array.from({ length: 36 }, (_, i) => 2 * i));
  }
  assert.deepEqual(activeColumns(30), []);
});

Deno.test("ietaOfRow() is 32 less for negative ieta, 31 less for positive, and never zero", () => {
  assert.deepEqual([0, 3, 13, 31, 32, 50, 60, 63].map(ietaOfRow), [-32, -29, -19, -1, 1, 19, 29, 32]);
});
