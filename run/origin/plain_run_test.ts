import assert from "node:assert/strict";
import { join } from "node:path";
import { DataError } from "../../core/errors.ts";
import { withTempDir } from "../../tests/support/plugins.ts";
import { storeRun } from "../../tests/support/stored_runs.ts";
import { isPlainRun, requirePlainRun } from "./plain_run.ts";

Deno.test("requirePlainRun() accepts a run of files and folders, also by a link to its store", async () => {
  await withTempDir(async (directory) => {
    const run = await storeRun(join(directory, "store"), {}, { "a/b/c.json": 1, "config.json": {} });
    await requirePlainRun(run, "report");
    await Deno.symlink("store", join(directory, "runs"));
    const linked = await storeRun(join(directory, "runs"), { id: "20260101T000000Z-00000000-0001" });
    assert.ok(await isPlainRun(linked));
  });
});

Deno.test("requirePlainRun() names a link at any depth, dangling ones and links to folders included", async () => {
  for (const place of ["link", "a/link", "a/b/c/link"]) {
    for (const target of ["/etc/passwd", "nothing", ".", "/"]) {
      await withTempDir(async (directory) => {
        const run = await storeRun(directory, {}, { "a/b/c/d.json": 1 });
        await Deno.symlink(target, run.file(place));
        await assert.rejects(requirePlainRun(run, "resume"), (error: Error) => {
          assert.ok(error instanceof DataError);
          assert.match(
            error.message,
            /^Cannot resume run ".*" as a run folder may hold plain files and folders/,
          );
          assert.ok(error.message.endsWith(`"${place}" is a symbolic link`));
          return true;
        });
      });
    }
  }
});

Deno.test({
  name: "requirePlainRun() refuses a pipe, which would be waited for",
  ignore: Deno.build.os === "windows",
  async fn() {
    await withTempDir(async (directory) => {
      const run = await storeRun(directory);
      const made = await new Deno.Command("mkfifo", { args: [run.file("lock")] }).output();
      assert.ok(made.success);
      await assert.rejects(requirePlainRun(run, "report"), /"lock" is a pipe, socket or device$/);
      assert.equal(await run.state(), "finished");
    });
  },
});
