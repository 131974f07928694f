/**
 * The thread that {@linkcode startWatchdog} starts.
 *
 * @module
 */
import { workerData } from "node:worker_threads";
import { showCursor } from "../terminal/print.ts";
import { GRACE_MS, SignalCounter, type WatchdogData } from "./watchdog.ts";

const { groups, isRequeued, signals } = workerData as WatchdogData;
const counter = new SignalCounter(isRequeued);

/** Ends all at once. No exit code of ours: from a thread there is no other way than a signal. */
function end(): void {
  showCursor();
  for (const group of groups) if (group !== 0) kill(-group);
  kill(Deno.pid);
}

function kill(pid: number): void {
  try {
    Deno.kill(pid, "SIGKILL");
  } catch {
    // it has ended by itself
  }
}

for (const signal of signals) {
  Deno.addSignalListener(signal, () => {
    if (counter.hear(signal, performance.now()) === "end") setTimeout(end, GRACE_MS);
  });
}
setInterval(() => {}, 2 ** 30); // listening alone does not keep a thread alive
