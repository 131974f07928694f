import assert from "node:assert/strict";
import { withTempDir } from "../../tests/support/plugins.ts";
import { GRACE_MS, SAME_SIGNAL_MS, SignalCounter } from "./watchdog.ts";

const HERE = new URL(".", import.meta.url);

/** A process that listens, starts what shall die with it, and then computes without end, hearing nothing. */
const SOURCE = `
import { noteGroup } from "${new URL("../../sandbox/host/groups.ts", HERE)}";
import { stopOnSignals } from "${new URL("signals.ts", HERE)}";
stopOnSignals(true).onStop(() => {});
const child = new Deno.Command("sleep", { args: ["60"], detached: true }).spawn();
noteGroup(child.pid);
await new Promise((resolve) => setTimeout(resolve, 1500));
console.log(child.pid);
for (;;);
`;

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Whether a process runs; one that has ended and that nobody waited for does not. */
async function isAlive(pid: number): Promise<boolean> {
  const { stdout } = await new Deno.Command("ps", { args: ["-o", "stat=", "-p", String(pid)] }).output();
  return /^[^Z]/.test(new TextDecoder().decode(stdout).trim());
}

Deno.test("SignalCounter counts signals that follow each other closely as one", () => {
  const counter = new SignalCounter();
  const times = [0, 10, SAME_SIGNAL_MS, SAME_SIGNAL_MS + 1, SAME_SIGNAL_MS + 2, 5000];
  assert.deepEqual(times.map((time) => counter.isAnother(time)), [true, false, false, true, false, true]);
});

Deno.test({
  name:
    "startWatchdog() ends a process that hears nothing a second after the second signal, and its sandboxes",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await withTempDir(async (directory) => {
      await Deno.writeTextFile(`${directory}/busy.ts`, SOURCE);
      const child = new Deno.Command(Deno.execPath(), {
        args: [
          "run",
          "-A",
          "--no-check",
          "--config",
          new URL("../../deno.json", HERE).pathname,
          `${directory}/busy.ts`,
        ],
        stdout: "piped",
        stderr: "inherit",
      }).spawn();
      let isOver = false;
      const status = child.status.then((status) => {
        isOver = true;
        return status;
      });
      const reader = child.stdout.getReader();
      const { value } = await reader.read();
      const sandbox = Number(new TextDecoder().decode(value));
      assert.ok(await isAlive(sandbox));
      child.kill("SIGINT");
      await wait(20);
      child.kill("SIGINT"); // the same Ctrl-C, passed on by `deno task`
      await wait(GRACE_MS + 1000);
      assert.equal(isOver, false);
      const second = performance.now();
      child.kill("SIGINT");
      const { signal } = await status;
      assert.equal(signal, "SIGKILL");
      // the grace of a second; the rest is for a machine with other work
      assert.ok(performance.now() - second < GRACE_MS + 20_000);
      assert.equal(await isAlive(sandbox), false);
      await reader.cancel();
    });
  },
});
