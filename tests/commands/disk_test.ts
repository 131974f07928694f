/** A full disk at one write of a checkpoint; `tests/validation/disk_test.ts` has every kind of write. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { checkFull, fill, KIB, runsIn, withSmallDisk } from "../support/disks.ts";
import { task, writeTrial } from "../support/trial.ts";

Deno.test("run ends with exit code 2 on a full disk, and resume continues when there is space", async (t) => {
  await withSmallDisk(t, 2048 * KIB, async (disk, directory) => {
    const plugin = await writeTrial(directory);
    const cache = ["--cache", join(directory, "cache")];
    const args = [
      "--epochs",
      "4",
      "--checkpoint-seconds",
      "0",
      "--quiet",
      ...cache,
      "--out",
      join(disk, "runs"),
    ];
    await fill(disk, 160 * KIB);
    checkFull(await task("run", plugin, ...args), "160 KiB left");
    await Deno.remove(join(disk, "filler"));
    const [run] = await runsIn(disk);
    const resumed = await task("resume", run!, ...cache, "--quiet", "--json");
    assert.equal(resumed.code, 0, resumed.stderr);
    assert.equal(JSON.parse(resumed.stdout).status, "finished");
  });
});
