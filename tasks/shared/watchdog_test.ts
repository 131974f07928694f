import assert from "node:assert/strict";
import { withTempDir } from "../../tests/support/plugins.ts";
import { GRACE_MS, SAME_SIGNAL_MS, SignalCounter } from "./watchdog.ts";

const HERE = new URL(".", import.meta.url);

/** A process that listens, starts what shall die with it, and then computes without end, hearing nothing. */
const SOURCE = `
import { noteGroup } from "${new URL("../../sandbox/host/groups.ts", HERE)}";
import { stopOnSignals } from "${new URL("signals.ts", HERE)}";
stopOnSignals({ isQuiet: true, isRequeued: false }).onStop(() => {});
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

/** What a sequence of signals asks for, each with the milliseconds since the one before. */
function heard(isRequeued: boolean, signals: readonly (readonly [signal: string, after: number])[]): string {
  const counter = new SignalCounter(isRequeued);
  let now = 0;
  return signals.map(([signal, after]) => counter.hear(signal, now += after)).join(" ");
}

const LATER = SAME_SIGNAL_MS + 1;

Deno.test("SignalCounter.hear() counts signals that follow each other closely as one", () => {
  const INT = (after: number) => ["SIGINT", after] as const;
  assert.equal(heard(false, [INT(0), INT(10), INT(SAME_SIGNAL_MS - 10), INT(1)]), "stop nothing nothing end");
  assert.equal(heard(false, [["SIGTERM", 0], ["SIGHUP", 50], ["SIGHUP", 50]]), "stop nothing nothing");
});

Deno.test("SignalCounter.hear() ends for a person that waits, not for a scheduler", () => {
  const cases: readonly (readonly [isRequeued: boolean, signals: string, asked: string])[] = [
    [false, "INT INT", "stop end"],
    [false, "TERM TERM", "stop end"],
    [false, "INT TERM", "stop end"],
    [false, "TERM INT", "stop end"],
    [false, "HUP HUP", "stop stop"],
    [false, "HUP TERM TERM", "stop stop end"],
    [false, "USR1 TERM", "stop stop"], // Slurm: the warning, then the end of the job
    [false, "USR1 TERM TERM", "stop stop end"],
    [false, "USR1 USR2 USR1", "stop stop stop"],
    [false, "USR1 INT", "stop end"],
    [true, "TERM TERM TERM", "stop stop stop"],
    [true, "USR1 TERM", "stop stop"],
    [true, "TERM INT", "stop end"],
    [true, "INT TERM INT", "stop stop end"],
  ];
  for (const [isRequeued, signals, asked] of cases) {
    const sequence = signals.split(" ").map((name) => [`SIG${name}`, LATER] as const);
    assert.equal(heard(isRequeued, sequence), asked, `${signals}${isRequeued ? " --requeue" : ""}`);
  }
});

Deno.test("SignalCounter.hear() ends at the first Ctrl-C after another stop", () => {
  const counter = new SignalCounter(false);
  counter.noteStop();
  assert.equal(counter.hear("SIGTERM", 0), "stop");
  assert.equal(counter.hear("SIGINT", LATER), "end");
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
