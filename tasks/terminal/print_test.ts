import assert from "node:assert/strict";
import { printed } from "../../tests/support/printed.ts";
import { paint, print, printJson, tell } from "./print.ts";

Deno.test("paint() adds codes where colors are shown, and nothing where they are not", () => {
  assert.equal(paint("a", "red", true), "\x1b[31ma\x1b[0m");
  assert.equal(paint("a", "bold", true), "\x1b[1ma\x1b[0m");
  assert.equal(paint("a", "red", false), "a");
});

Deno.test("print() and printJson() write to standard output, tell() to standard error", async () => {
  const { stdout, stderr } = await printed(() => {
    print("result");
    printJson({ a: [1, null], b: "two\nlines" });
    tell("beside it");
  });
  assert.equal(stdout, `result\n{"a":[1,null],"b":"two\\nlines"}`);
  assert.equal(stderr, "beside it");
});
