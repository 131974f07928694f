/** Runs that are ended by force: three moments; `tests/validation/kill_points_test.ts` has three hundred. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { killAt, outcomeOf, resumed, type Victim } from "../support/killing.ts";
import { withTempDir } from "../support/plugins.ts";
import { task, writeTrial } from "../support/trial.ts";

const MOMENTS: readonly { readonly delayMs: number; readonly victim: Victim }[] = [
  { delayMs: 0, victim: "host" },
  { delayMs: 800, victim: "sandbox" },
  { delayMs: 1600, victim: "tree" },
];

Deno.test("resume after kill -9 ends with the bytes of the run that was not killed", async () => {
  await withTempDir(async (directory) => {
    const plugin = await writeTrial(directory);
    const args = [
      "--epochs",
      "30",
      "--schedule",
      "plateau",
      "--schedule-epochs",
      "2",
      "--checkpoint-seconds",
      "0",
    ];
    const cache = ["--cache", join(directory, "cache")];
    const whole = await task(
      "run",
      plugin,
      ...args,
      ...cache,
      "--out",
      join(directory, "whole"),
      "--json",
      "--quiet",
    );
    assert.equal(whole.code, 0, whole.stderr);
    const expected = outcomeOf(JSON.parse(whole.stdout).run);
    for (const { delayMs, victim } of MOMENTS) {
      const killable = {
        args: [plugin, ...args, ...cache],
        resumeArgs: cache,
        plugin: "trial",
        out: join(directory, `${victim}-${delayMs}`),
      };
      const { run, state } = await killAt(killable, delayMs, victim);
      assert.ok(["killed", "failed", "finished"].includes(state), state);
      await resumed(run, killable);
      assert.deepEqual(outcomeOf(run), expected);
    }
  });
});
