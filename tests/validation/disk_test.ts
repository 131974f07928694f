/** A disk that is full, at every kind of write: one clear error, exit code 2, and a run that goes on when there is space. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { outcomeOf } from "../support/killing.ts";
import { checkFull, fill, KIB, runsIn, withSmallDisk } from "../support/disks.ts";
import { task, writeTrial } from "../support/trial.ts";

Deno.test("a full disk for runs gives one clear error, and the run goes on when there is space", async (t) => {
  await withSmallDisk(t, 4 * 1024 * KIB, async (disk, directory) => {
    const plugin = await writeTrial(directory);
    const cache = ["--cache", join(directory, "cache")];
    const args = ["--epochs", "12", "--checkpoint-seconds", "0", "--quiet"];
    const whole = await task("run", plugin, ...args, ...cache, "--out", join(directory, "whole"), "--json");
    const expected = outcomeOf(JSON.parse(whole.stdout).run);
    const ends: string[] = [];
    // what a run needs in all is between the largest and the smallest of these
    for (
      const left of [0, 4, 16, 40, 80, 96, 112, 128, 160, 192, 224, 256, 288, 320].map((kib) => kib * KIB)
    ) {
      await fill(disk, left);
      const outcome = await task("run", plugin, ...args, ...cache, "--out", join(disk, "runs"));
      const runs = await runsIn(disk);
      if (outcome.code === 0) ends.push(`${left / KIB} KiB: finished`);
      else checkFull(outcome, `${left / KIB} KiB left`);
      await Deno.remove(join(disk, "filler"));
      for (const run of runs) {
        const files = [...Deno.readDirSync(run)].map(({ name }) => name);
        const listed = await task("runs", "--out", join(disk, "runs"), "--json");
        assert.equal(listed.code, 0, listed.stderr);
        assert.equal((await task("report", run)).code, 0);
        if (outcome.code !== 0) {
          ends.push(
            `${left / KIB} KiB: ${JSON.parse(listed.stdout).runs[0].status}, ${files.length} entries`,
          );
          const resumed = await task("resume", run, ...cache, "--quiet");
          assert.equal(resumed.code, 0, `${left / KIB} KiB: ${resumed.stderr}`);
        }
        assert.deepEqual(outcomeOf(run), expected, `${left / KIB} KiB left`);
        await Deno.remove(run, { recursive: true });
      }
      if (runs.length === 0) ends.push(`${left / KIB} KiB: nothing left behind`);
    }
    console.log(ends.join("\n"));
  });
});

Deno.test("a full disk for prepared data gives one clear error", async (t) => {
  await withSmallDisk(t, 24 * 1024 * KIB, async (disk, directory) => {
    const plugin = await writeTrial(directory);
    const places = ["--out", join(directory, "runs"), "--cache", join(disk, "cache")];
    const args = ["--epochs", "2", "--quiet", "--rows", "20000"];
    assert.equal((await task("run", plugin, ...args, "--seed", "1", ...places)).code, 0); // Deno's own cache is there
    for (const left of [0, 4, 16, 64, 128, 256, 512].map((kib) => kib * KIB)) {
      await fill(disk, left);
      const outcome = await task("run", plugin, ...args, "--seed", String(2 + left), ...places);
      if (outcome.code !== 0) checkFull(outcome, `${left / KIB} KiB left`);
      else console.log(`${left / KIB} KiB: finished`);
      await Deno.remove(join(disk, "filler"));
    }
    assert.equal((await task("run", plugin, ...args, "--seed", "2", ...places)).code, 0);
  });
});
