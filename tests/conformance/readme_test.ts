import assert from "node:assert/strict";
import { README, withTables } from "./write_table.ts";

Deno.test("engine/README.md has the tables of the code: rules, refused kernels, traits", async () => {
  const text = await Deno.readTextFile(README);
  assert.equal(text, withTables(text), "run tests/conformance/write_table.ts");
});
