import assert from "node:assert/strict";
import { textTable } from "./text_table.ts";

Deno.test("textTable() makes columns as wide as their widest cell, numbers to the right", () => {
  assert.deepEqual(
    textTable(["name", "rows", "value"], [["a", "12", "1.5 ± 0.2"], ["longer", "3", "-1e-3"]]),
    [
      "name    rows      value",
      "------  ----  ---------",
      "a         12  1.5 ± 0.2",
      "longer     3      -1e-3",
    ],
  );
});

Deno.test("textTable() writes a column to the left when one cell is no number, and fills missing cells", () => {
  assert.deepEqual(
    textTable(["a", "b"], [["1", "x"], ["none"], ["", "22"]]),
    ["a     b", "----  --", "1     x", "none", "      22"],
  );
});

Deno.test("textTable() without rows is its header", () => {
  assert.deepEqual(textTable(["key", "size"], []), ["key  size", "---  ----"]);
});

Deno.test("textTable() keeps what a cell holds in the cell", () => {
  assert.deepEqual(textTable(["a\x1b[2K", "b"], [["x\nforged", "\u202e\u200b"], ["1", "2"]]), [
    "a\ufffd[2K     b",
    "--------  --",
    "x forged  \ufffd\ufffd",
    "1         2",
  ]);
});

Deno.test("textTable() takes more rows than a call takes arguments", () => {
  assert.equal(textTable(["a"], Array.from({ length: 200_000 }, () => ["1"])).length, 200_002);
});
