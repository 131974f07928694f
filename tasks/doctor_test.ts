import assert from "node:assert/strict";
import { join } from "node:path";
import { withTempDir } from "../tests/support/plugins.ts";
import { names } from "../tests/support/trial.ts";
import { checkLine, toolCheck, writableCheck } from "./doctor.ts";

Deno.test("checkLine() tells what is there, what is missing and what is wrong; a remedy only where it helps", () => {
  const check = { what: "git", found: "2.1", remedy: "package git" };
  assert.equal(checkLine({ ...check, ok: true }), "ok       git          2.1");
  assert.equal(
    checkLine({ ...check, ok: false, isOptional: true }),
    "missing  git          2.1; package git",
  );
  assert.equal(checkLine({ ...check, ok: false }), "ERROR    git          2.1; package git");
});

Deno.test("toolCheck() takes the first line of a version, and finds a program missing", async () => {
  const tool = { args: ["--version"], purpose: "a test", remedy: "none" };
  const deno = await toolCheck({ ...tool, program: Deno.execPath() });
  assert.ok(deno.ok);
  assert.match(deno.found, /^deno \d+\.\d+\.\d+ .*\(a test\)$/);
  const missing = await toolCheck({ ...tool, program: "beamline-no-such-program" });
  assert.deepEqual([missing.ok, missing.found, missing.isOptional], [false, "not found (a test)", true]);
});

Deno.test("writableCheck() leaves nothing behind, and keeps a folder that is there", async () => {
  await withTempDir(async (directory) => {
    assert.equal((await writableCheck(join(directory, "new"))).ok, true);
    assert.deepEqual(await names(directory), []);
    await Deno.mkdir(join(directory, "old"));
    assert.equal((await writableCheck(join(directory, "old"))).ok, true);
    assert.deepEqual(await names(directory), ["old"]);
    assert.deepEqual(await names(join(directory, "old")), []);
  });
});

Deno.test("writableCheck() fails below a file, and names another way", async () => {
  await withTempDir(async (directory) => {
    await Deno.writeTextFile(join(directory, "file"), "");
    const { ok, remedy } = await writableCheck(join(directory, "file", "runs"));
    assert.equal(ok, false);
    assert.match(remedy!, /^choose another folder with --/);
  });
});
