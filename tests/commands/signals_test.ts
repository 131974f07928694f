/** Runs that are stopped from outside: by keys of a terminal, signals, and the clock; all of it is in `validate`. */
import assert from "node:assert/strict";
import { taskArguments } from "../support/killing.ts";
import { withTempDir } from "../support/plugins.ts";
import { assertSaved, MOMENTS, onlyRun, record, until } from "../support/stopping.ts";
import { DENO, IGNORED, LONG, NEXT, NPX, testCtrlC, testKilled, testSignal } from "../support/stop_tests.ts";
import { Terminal } from "../support/terminals.ts";
import { LINE, names, places, ROOT, task, writeTrial } from "../support/trial.ts";

testCtrlC("train", DENO, LONG);
testCtrlC("train", NPX, LONG);
testSignal("SIGTERM", ["--requeue"], 85);
testSignal("SIGHUP", [], 130);
testKilled("SIGKILL", DENO);

Deno.test({
  name: "a run is saved when its terminal is closed",
  ignore: IGNORED,
  async fn() {
    await withTempDir(async (directory) => {
      const plugin = await writeTrial(directory);
      const { out, flags } = places(directory);
      const terminal = new Terminal([...DENO, "task", "run", plugin, ...LONG, ...flags]);
      await until("the run begins", async () => await onlyRun(out) !== undefined);
      const run = (await onlyRun(out))!;
      await until("train", () => MOMENTS.train!(run));
      await until("the bar is drawn", () => terminal.text.includes("ETA"));
      terminal.close();
      await terminal.end();
      await until("the run is saved", async () => (await record(run)).status !== "running");
      await until("its report is written", async () => (await names(run)).includes("ro-crate-metadata.json"));
      await until("it has ended", async () => !(await names(run)).includes("lock"));
      assert.equal((await assertSaved(run, "SIGHUP")).phase, "train");
    });
  },
});

Deno.test("run --time saves a checkpoint and ends with exit code 85, and resume --time goes on", async () => {
  await withTempDir(async (directory) => {
    const plugin = await writeTrial(directory);
    const { out, cache, flags } = places(directory);
    const first = await task("run", plugin, ...LONG, "--time", "4s", ...flags);
    assert.equal(first.code, 85, first.stderr);
    assert.match(first.stderr, /time limit of 4s reached: saving a checkpoint/);
    assert.match(first.stderr, /as its time limit of 4s was reached: a checkpoint was saved at step \d+/);
    const run = (await onlyRun(out))!;
    assert.match(first.stderr, NEXT);
    assert.equal((await assertSaved(run, "time-limit")).phase, "train");
    const again = await task("resume", run, "--cache", cache, "--time", "00:00:04", "--json", "--quiet");
    assert.equal(again.code, 85, again.stderr);
    assert.equal(JSON.parse(again.stdout).status, "interrupted");
    const { stopped = [], resumed = [] } = await record(run);
    assert.deepEqual(stopped.map(({ by, phase }) => [by, phase]), [
      ["time-limit", "train"],
      ["time-limit", "train"],
    ]);
    assert.ok(resumed[0]!.steps.slope! > 0);
  });
});

/** A training step of native code that takes longer than anybody waits. */
const ENDLESS_STEP = LINE.body!.replace(
  "loss: ({ x, y }) => ({",
  `loss: ({ x, y }) => {
        let big = tf.mul(tf.ones([3000, 3000]), tf.mean(x));
        for (let i = 0; i < 60; i++) big = tf.matMul(big, tf.tanh(big));
        return {`,
).replace(
  "tf.losses.meanSquaredError(y, layer.apply(x)) }),",
  "tf.add(tf.losses.meanSquaredError(y, layer.apply(x)), tf.mul(0, tf.mean(tf.tanh(big)))) }; },",
);

Deno.test({
  name: "a second signal ends a run whose step hears none, within two seconds, and it can be resumed",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await withTempDir(async (directory) => {
      const plugin = await writeTrial(directory, { body: ENDLESS_STEP });
      const { out, flags } = places(directory);
      const args = taskArguments(["run", plugin, ...flags, "--engine", "native"]);
      const child = new Deno.Command(Deno.execPath(), {
        args,
        cwd: ROOT,
        stdin: "null",
        stdout: "null",
        stderr: "piped",
      }).spawn();
      let text = "";
      const reading = (async () => {
        for await (const bytes of child.stderr) text += new TextDecoder().decode(bytes);
      })();
      await until("the models are traced", () => text.includes("traced"));
      await new Promise((resolve) => setTimeout(resolve, 1000));
      child.kill("SIGINT");
      await new Promise((resolve) => setTimeout(resolve, 1200));
      const second = performance.now();
      child.kill("SIGINT");
      const { code, signal } = await child.status;
      await reading;
      assert.deepEqual([code, signal], [137, "SIGKILL"], text);
      // a second for the main thread, and one for a machine with other work
      assert.ok(performance.now() - second < 2000 + 3000, `${performance.now() - second} ms`);
      const listed = await task("runs", "--out", out, "--json");
      assert.equal(JSON.parse(listed.stdout).runs[0].status, "killed");
    });
  },
});
