/** `kill -9` at thirty random moments of a run, then `resume`: nothing may be lost, nothing may differ. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { randomFor } from "beamline";
import { killAt, outcomeOf, resumed, type Victim } from "../support/killing.ts";
import { withTempDir } from "../support/plugins.ts";
import { task, writeTrial } from "../support/trial.ts";

const SEED = 20_261_121;
const VICTIMS: readonly Victim[] = ["host", "sandbox", "tree"];

/** Runs a command once undisturbed, then until it was ended at `times` random moments, and resumes it each time. */
async function killOften(
  plugin: string,
  reference: string,
  args: readonly string[],
  times: number,
  directory: string,
): Promise<void> {
  const cache = ["--cache", join(directory, "cache")];
  const flags = [...args, "--checkpoint-seconds", "0", ...cache];
  await task("info", reference, ...cache); // what is cached on first use would stretch the first run
  const begun = performance.now();
  const whole = await task(
    "run",
    reference,
    ...flags,
    "--out",
    join(directory, "whole"),
    "--json",
    "--quiet",
  );
  const duration = performance.now() - begun;
  assert.equal(whole.code, 0, whole.stderr);
  const expected = outcomeOf(JSON.parse(whole.stdout).run);
  const random = randomFor({ seed: SEED, purpose: `kill/${plugin}` });
  const states: { [state: string]: number } = {};
  let longest = duration;
  for (let [i, killed] = [0, 0]; killed < times; i++) {
    const killable = {
      args: [reference, ...flags],
      resumeArgs: cache,
      plugin,
      out: join(directory, `kill-${i}`),
    };
    const victim = VICTIMS[i % VICTIMS.length]!;
    const delayMs = random.uniform() * longest;
    const { run, state } = await killAt(killable, delayMs, victim);
    states[state] = (states[state] ?? 0) + 1;
    if (state !== "finished") killed++;
    else if (victim !== "sandbox") longest = delayMs; // it came too late; a sandbox may not have been there
    assert.ok(i < 4 * times, "the moments must lie within the run");
    await resumed(run, killable);
    const moment = `${victim} ended ${delayMs.toFixed(0)} ms after run.json, state ${state}`;
    assert.deepEqual(outcomeOf(run), expected, moment);
    await Deno.remove(killable.out, { recursive: true });
  }
  console.log(`${plugin}: killed ${times} times, ${JSON.stringify(states)}`);
}

Deno.test("resume ends with the bytes of the undisturbed run after kill -9 at 30 random moments", async () => {
  await withTempDir(async (directory) => {
    const args = ["--epochs", "40", "--schedule", "plateau", "--schedule-epochs", "2"];
    await killOften("trial", await writeTrial(directory), args, 30, directory);
  });
});

Deno.test("resume ends with the bytes of the undisturbed run after kill -9 of ecal", async () => {
  await withTempDir(async (directory) => {
    await killOften("ecal", "ecal", ["--events", "3000", "--epochs", "3"], 3, directory);
  });
});
