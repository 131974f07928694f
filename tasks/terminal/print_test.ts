import assert from "node:assert/strict";
import { printed } from "../../tests/support/printed.ts";
import { paint, print, printJson, tell } from "./print.ts";

Deno.test("paint() adds codes where colors are shown, and nothing where they are not", async () => {
  assert.equal(paint("a", "red", false), "a");
  const { stdout } = await printed(() => print([paint("a", "red", true), `x ${paint("b", "bold", true)} y`]));
  assert.equal(stdout, "\x1b[31ma\x1b[0m\nx \x1b[1mb\x1b[0m y");
});

Deno.test("print() and tell() let our colors pass, and no sequence or line end of what is printed", async () => {
  const hostile = "\x1b[31mRED\x1b[0m\x1b[2K\x1b]0;t\x07\x9b1A\u202e\u200b\r\nerror: forged\u2028x";
  const harmless = "\ufffd[31mRED\ufffd[0m\ufffd[2K\ufffd]0;t\ufffd\ufffd1A\ufffd\ufffd error: forged x";
  const { stdout, stderr } = await printed(() => {
    print(hostile);
    print(["a", paint(hostile, "red", true)]);
    tell(hostile);
  });
  assert.equal(stdout, `${harmless}\na\n\x1b[31m${harmless}\x1b[0m`);
  assert.equal(stderr, harmless);
});

Deno.test("printJson() leaves no control character, and the same value", async () => {
  const value = { "\x1b[2K\u202e": "\u0085\u2028\x7f\x9b" };
  const { stdout } = await printed(() => printJson(value));
  assert.match(stdout, /^[\x20-\x7e]+$/);
  assert.deepEqual(JSON.parse(stdout), value);
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
