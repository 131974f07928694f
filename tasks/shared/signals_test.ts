import assert from "node:assert/strict";
import type { StopReason } from "../../run/stages/request.ts";
import { printed } from "../../tests/support/printed.ts";
import { Stop } from "./signals.ts";
import { SAME_SIGNAL_MS } from "./watchdog.ts";

/** A stop with a clock that the test turns, and what was heard of it. */
function stopAt(isRequeued: boolean) {
  const heard: string[] = [];
  const clock = { now: 0 };
  const end = (reason: StopReason) => void heard.push(`end by ${reason.by}, ${reason.isRequeued}`);
  const stop = new Stop({ isQuiet: false, isRequeued }, end, () => clock.now);
  return { stop, heard, clock };
}

Deno.test("Stop.hear() stops once, calls everybody, and ends at the second time", async () => {
  const { stop, heard, clock } = stopAt(false);
  stop.onStop(() => void heard.push("first"));
  stop.onStop(() => void heard.push("second"));
  assert.equal(stop.isStopped, false);
  const { stderr } = await printed(() => stop.hear("SIGINT"));
  assert.equal(stop.isStopped, true);
  assert.match(stderr, /saving a checkpoint; press Ctrl-C again to stop now/);
  assert.deepEqual(heard, ["first", "second"]);
  clock.now += SAME_SIGNAL_MS; // the same Ctrl-C, passed on by `deno task`
  stop.hear("SIGINT");
  assert.deepEqual(heard, ["first", "second"]);
  clock.now += 1;
  assert.equal((await printed(() => stop.hear("SIGINT"))).stderr, "");
  assert.deepEqual(heard, ["first", "second", "end by SIGINT, false"]);
});

Deno.test("Stop.hear() gives the reason, and with --requeue another turn to what a scheduler sends", async () => {
  const signals = ["SIGINT", "SIGHUP", "SIGTERM", "SIGUSR1", "SIGUSR2"] as const;
  const turns = async (isRequeued: boolean): Promise<readonly unknown[]> => {
    const found: unknown[] = [];
    for (const signal of signals) {
      const { stop } = stopAt(isRequeued);
      stop.onStop(() => {});
      await printed(() => stop.hear(signal));
      assert.equal(stop.reason?.by, signal);
      assert.equal(stop.reason?.text, `it was interrupted by ${signal}`);
      found.push(stop.reason?.isRequeued);
    }
    return found;
  };
  assert.deepEqual(await turns(false), [false, false, false, false, false]);
  assert.deepEqual(await turns(true), [false, false, true, true, true]);
});

Deno.test("Stop.hear() ends the process where nobody has asked to be told", () => {
  const { stop, heard } = stopAt(true);
  stop.hear("SIGTERM");
  assert.deepEqual(heard, ["end by SIGTERM, true"]);
});

Deno.test("Stop.hear() ends with the reason of the stop", async () => {
  const { stop, heard, clock } = stopAt(true);
  stop.onStop(() => {});
  await printed(() => stop.hear("SIGUSR1"));
  clock.now += 2 * SAME_SIGNAL_MS;
  stop.hear("SIGINT");
  assert.deepEqual(heard, ["end by SIGUSR1, true"]);
});

Deno.test("Stop.hear() says nothing when it is quiet", async () => {
  const stop = new Stop({ isQuiet: true, isRequeued: false }, () => {});
  stop.onStop(() => {});
  assert.equal((await printed(() => stop.hear("SIGINT"))).stderr, "");
});

Deno.test("Stop.stopAfter() stops when the command has taken its time, and asks for another turn", async () => {
  const { stop, heard, clock } = stopAt(false);
  clock.now = 1995; // the command began 1.995 s ago
  const { stderr } = await printed(async () => {
    const stopped = new Promise<void>((resolve) => stop.onStop(resolve));
    stop.stopAfter(2, "2s");
    const keepsAlive = setTimeout(() => {}, 5000);
    await stopped;
    clearTimeout(keepsAlive);
  });
  assert.match(stderr, /time limit of 2s reached: saving a checkpoint; press Ctrl-C to stop now/);
  assert.deepEqual(stop.reason, {
    by: "time-limit",
    text: "its time limit of 2s was reached",
    isRequeued: true,
  });
  clock.now += 10;
  stop.hear("SIGTERM"); // a scheduler that ends the job; nobody waits
  assert.deepEqual(heard, []);
  clock.now += 2 * SAME_SIGNAL_MS;
  stop.hear("SIGINT");
  assert.deepEqual(heard, ["end by time-limit, true"]);
});

Deno.test("Stop forgets its time limit when it is disposed of", async () => {
  const { stop, heard } = stopAt(false);
  {
    using limited = stop;
    limited.stopAfter(0.01, "10 ms");
  }
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual([stop.isStopped, heard], [false, []]);
});
