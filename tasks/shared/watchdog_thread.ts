/**
 * The thread that {@linkcode startWatchdog} starts.
 *
 * @module
 */
import { workerData } from "node:worker_threads";
import { showCursor } from "../terminal/print.ts";
import { GRACE_MS, SignalCounter, STOP_SIGNALS, type WatchdogData } from "./watchdog.ts";

const { groups } = workerData as WatchdogData;
const counter = new SignalCounter();
let count = 0;

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

for (const signal of STOP_SIGNALS) {
  Deno.addSignalListener(signal, () => {
    if (!counter.isAnother(performance.now())) return;
    if (++count === 2) setTimeout(end, GRACE_MS);
  });
}
setInterval(() => {}, 2 ** 30); // listening alone does not keep a thread alive
