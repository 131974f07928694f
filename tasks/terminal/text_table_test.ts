import assert from "node:assert/strict";
import { textTable } from "./text_table.ts";

Deno.test("textTable() makes columns as wide as their widest cell, numbers to the right", () => {
  assert.equal(
    textTable(["name", "rows", "value"], [["a", "12", "1.5 ± 0.2"], ["longer", "3", "-1e-3"]]),
    [
      "name    rows      value",
      "------  ----  ---------",
      "a         12  1.5 ± 0.2",
      "longer     3      -1e-3",
    ].join("\n"),
  );
});

Deno.test("textTable() writes a column to the left when one cell is no number, and fills missing cells", () => {
  assert.equal(
    textTable(["a", "b"], [["1", "x"], ["none"], ["", "22"]]),
    ["a     b", "----  --", "1     x", "none", "      22"].join("\n"),
  );
});

Deno.test("textTable() without rows is its header", () => {
  assert.equal(textTable(["key", "size"], []), "key  size\n---  ----");
});
