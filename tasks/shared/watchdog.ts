/**
 * What ends a process whose main thread hears nothing, as a step computes in native code: a thread that counts signals
 * and, at the latest a second after the second one, kills every sandbox and the process itself. The run is then what a
 * killed one is, and can be resumed.
 *
 * @module
 */
import { Worker } from "node:worker_threads";
import { sandboxGroups } from "../../sandbox/host/groups.ts";

/** Signals that stop a run. */
export const STOP_SIGNALS = ["SIGINT", "SIGTERM"] as const;

/**
 * Milliseconds in which signals count as one: Ctrl-C reaches a task of `deno task` twice, from the terminal and passed on
 * by `deno task`.
 */
export const SAME_SIGNAL_MS = 500;

/** Milliseconds that the main thread has to end the process by itself. */
export const GRACE_MS = 1000;

/** What the thread is given. */
export interface WatchdogData {
  /** Process groups of the sandboxes that live, 0 in places that are free; shared. */
  readonly groups: Int32Array;
}

/** Counts signals: says when one is another than that before. */
export class SignalCounter {
  #last = -Infinity;

  /** Whether this signal counts; `now` in milliseconds of any clock that does not run backwards. */
  isAnother(now: number): boolean {
    const isAnother = now - this.#last > SAME_SIGNAL_MS;
    if (isAnother) this.#last = now;
    return isAnother;
  }
}

let watchdog: Worker | undefined;

/** Starts the thread, once; it does not keep the process alive. */
export function startWatchdog(): void {
  if (watchdog) return;
  const workerData: WatchdogData = { groups: sandboxGroups() };
  watchdog = new Worker(new URL("./watchdog_thread.ts", import.meta.url), { workerData });
  watchdog.on("error", () => {}); // signals are heard by the main thread, too
  watchdog.unref();
}
