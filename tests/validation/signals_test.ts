/** Every way to stop a run from outside; and one Ctrl-C, fifty times in a terminal, through npx and without. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { taskArguments } from "../support/killing.ts";
import { withTempDir } from "../support/plugins.ts";
import {
  assertNothingLeft,
  assertSaved,
  MOMENTS,
  onlyRun,
  record,
  SLOW,
  until,
} from "../support/stopping.ts";
import { DENO, IGNORED, LONG, NPX, testCtrlC, testKilled, testSignal } from "../support/stop_tests.ts";
import { CTRL_C, Terminal } from "../support/terminals.ts";
import { LINE, names, places, ROOT, task, writeTrial } from "../support/trial.ts";

for (const through of [DENO, NPX]) {
  testCtrlC("prepare", through, LONG);
  testCtrlC("evaluate", through, ["--epochs", "3"]);
}
for (const signal of ["SIGHUP", "SIGTERM", "SIGUSR1", "SIGUSR2"] as const) testSignal(signal, [], 130);
for (const signal of ["SIGINT", "SIGHUP"] as const) testSignal(signal, ["--requeue"], 130);
for (const signal of ["SIGTERM", "SIGUSR1", "SIGUSR2"] as const) testSignal(signal, ["--requeue"], 85);
testKilled("SIGKILL", NPX);
testKilled("SIGTERM", NPX);

Deno.test({
  name: "one Ctrl-C in a terminal before the run begins leaves nothing, exit 130",
  ignore: IGNORED,
  async fn() {
    await withTempDir(async (directory) => {
      // a plugin that takes its time to say what it is
      const plugin = await writeTrial(directory, {
        head: `${LINE.head}\nawait new Promise((resolve) => setTimeout(resolve, 60_000));`,
      });
      const { out, cache, flags } = places(directory);
      const terminal = new Terminal([...DENO, "task", "run", plugin, ...flags]);
      await until("the plugin is loaded", async () => (await names(join(cache, "deno"))).length > 0);
      await new Promise((resolve) => setTimeout(resolve, 500));
      await terminal.type(CTRL_C);
      assert.equal(await terminal.end(), 130, terminal.text);
      assert.deepEqual(await names(out), []);
      await assertNothingLeft(cache);
    });
  },
});

Deno.test("run --time says what is kept where it ends in prepare, and refuses what is no duration", async () => {
  await withTempDir(async (directory) => {
    const plugin = await writeTrial(directory, {
      body: SLOW.body!.replace("1000", "60_000"),
    });
    const { out, flags } = places(directory);
    const { code, stderr } = await task("run", plugin, "--time", "6s", "--quiet", ...flags);
    assert.equal(code, 85, stderr);
    assert.match(stderr, /was reached: preparing the data begins anew when it is resumed\nnext: /);
    assert.equal((await assertSaved((await onlyRun(out))!, "time-limit")).phase, "prepare");
    const refused = await task("run", plugin, "--time", "90", ...flags);
    assert.equal(refused.code, 2);
    assert.match(
      refused.stderr,
      /^error: Cannot use --time as it must be a duration such as .*: found "90"\n$/,
    );
  });
});

Deno.test({
  name: "run goes on when its terminal is closed, where nohup started it without deno task",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await withTempDir(async (directory) => {
      const plugin = await writeTrial(directory, SLOW);
      const { out, flags } = places(directory);
      const args = [Deno.execPath(), ...taskArguments(["run", plugin, ...flags])];
      const options = { args, cwd: ROOT, stdin: "null", stdout: "null", stderr: "null" } as const;
      const child = new Deno.Command("nohup", options).spawn();
      await until("the run begins", async () => await onlyRun(out) !== undefined);
      child.kill("SIGHUP");
      assert.equal((await child.status).code, 0);
      assert.equal((await record((await onlyRun(out))!)).status, "finished");
    });
  },
});

/** Runs for each way. */
const TIMES = 50;

for (const [name, through] of [["deno", DENO], ["npx", NPX]] as const) {
  Deno.test({
    name: `one Ctrl-C in a terminal through ${name} saves ${TIMES} of ${TIMES} runs, exit 130`,
    ignore: IGNORED || through === undefined,
    async fn() {
      await withTempDir(async (directory) => {
        const plugin = await writeTrial(directory);
        const codes: number[] = [];
        for (let i = 0; i < TIMES; i++) {
          const { out, flags } = places(join(directory, String(i)));
          const terminal = new Terminal([...through!, "task", "run", plugin, ...LONG, ...flags]);
          await until("the run begins", async () => await onlyRun(out) !== undefined);
          const run = (await onlyRun(out))!;
          await until("train", () => MOMENTS.train!(run));
          await new Promise((resolve) => setTimeout(resolve, 20 * i)); // at another moment each time
          await terminal.type(CTRL_C);
          codes.push(await terminal.end());
          assert.equal((await assertSaved(run, "SIGINT")).phase, "train");
        }
        assert.deepEqual(codes, Array(TIMES).fill(130));
      });
    },
  });
}
