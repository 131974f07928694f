import assert from "node:assert/strict";
import { plainText } from "./messages.ts";

Deno.test("plainText() makes characters that command a terminal visible", () => {
  assert.equal(plainText("a\u001b[2Jb\u009bc\u202ed\u0007"), "a\ufffd[2Jb\ufffdc\ufffdd\ufffd");
  assert.deepEqual(plainText({ "k\u0000": ["x\r\ny", 1, null, true] }), {
    "k\ufffd": ["x\ny", 1, null, true],
  });
});

Deno.test("plainText() keeps text of every language, tabs and line feeds", () => {
  const text = "µ ± χ²/ndf\tΔE\n日本語 עברית 👩‍🔬";
  assert.equal(plainText(text), text);
});
