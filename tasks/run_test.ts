import assert from "node:assert/strict";
import { join } from "node:path";
import { ConfigError, NotFoundError } from "../core/errors.ts";
import { BUILT_IN_PLUGINS } from "../plugins/mod.ts";
import { withTempDir } from "../tests/support/plugins.ts";
import { printed } from "../tests/support/printed.ts";
import { existingFiles } from "./shared/experiment.ts";
import { run } from "./run.ts";

Deno.test("run() prints its flags and the plugins when it is asked for help without one", async () => {
  for (const flag of ["--help", "-h"]) {
    const { value, stdout } = await printed(() => run([flag]));
    assert.equal(value, 0);
    assert.match(stdout, /^Usage: deno task run <plugin\|path> \[action\] \[file\.\.\.\] \[flags\]/);
    for (const name of Object.keys(BUILT_IN_PLUGINS)) assert.ok(stdout.includes(name));
  }
});

Deno.test("run() refuses flags in place of a plugin, in one line", async () => {
  for (const args of [[], ["--seed", "1"]]) {
    await assert.rejects(run(args), (error: Error) => {
      assert.ok(error instanceof ConfigError);
      assert.match(
        error.message,
        /^Cannot run as the first argument must name a plugin: .* found; plugins: /,
      );
      assert.ok(!error.message.includes("\n"));
      return true;
    });
  }
});

Deno.test("existingFiles() makes paths absolute, and refuses one that is not there", async () => {
  await withTempDir(async (directory) => {
    const file = join(directory, "a");
    await Deno.writeTextFile(file, "");
    assert.deepEqual(await existingFiles([join(directory, ".", "a")]), [file]);
    assert.deepEqual(await existingFiles([]), []);
    await assert.rejects(existingFiles([file, join(directory, "b")]), NotFoundError);
  });
});
