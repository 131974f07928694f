import assert from "node:assert/strict";
import { DataError, PluginError } from "./errors.ts";
import { ASIDE_NUMBERS, asidePath, asideTarget, diskFailure } from "./writing.ts";

Deno.test("asideTarget() gives the name that asidePath() stands for, whatever the name and the number", () => {
  for (const name of ["report.html", "model.onnx.tmp", ".hidden", "a b\nc", "x.00000000.tmp", "12-é"]) {
    for (const number of [0, 1, 255, 2 ** 31, ASIDE_NUMBERS - 1]) {
      assert.equal(asideTarget(asidePath(name, number)), name);
    }
  }
});

Deno.test("asideTarget() knows no other name", () => {
  const others = [
    "report.html",
    "a.tmp",
    ".a.0.tmp",
    "a.0.tmp",
    "a.0000000g.tmp",
    ".00000000.tmp",
    "a.00000000.tmp.x",
  ];
  for (const name of others) assert.equal(asideTarget(name), undefined, name);
});

Deno.test("diskFailure() knows a full disk, a quota and a limit of sizes, and nothing else", () => {
  const failed = (code: string): Error => Object.assign(new Error(code), { code });
  const inSandbox = (text: string): Error => new PluginError(text, "trial", "trace");
  const full = "there is no space left";
  assert.equal(diskFailure(failed("ENOSPC")), full);
  assert.equal(diskFailure(failed("EDQUOT")), "the quota is used up");
  assert.equal(diskFailure(failed("EFBIG")), "the limit of a file's size is reached");
  assert.equal(diskFailure(new DataError("Cannot write", "a", { cause: failed("ENOSPC") })), full);
  assert.equal(diskFailure(inSandbox("Error: No space left on device (os error 28): writefile 'a'")), full);
  assert.equal(diskFailure(inSandbox("ENOSPC: no space left on device, write")), full);
  const others = [
    failed("ENOENT"),
    failed("EACCES"),
    new Error("no space left (os error 28)"),
    inSandbox("File too large (os error 27)"), // the limit of the sandbox
    null,
    undefined,
    "ENOSPC",
  ];
  for (const other of others) assert.equal(diskFailure(other), undefined);
});
