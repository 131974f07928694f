import assert from "node:assert/strict";
import { PAGE, withTable } from "./write_table.ts";

Deno.test("docs/security.md lists the attempts of the tests", async () => {
  const page = await Deno.readTextFile(PAGE);
  assert.equal(page, withTable(page), "run deno run --allow-read --allow-write tests/sandbox/write_table.ts");
});
