/**
 * Ctrl-C and SIGTERM for tasks that train.
 *
 * @module
 */
import { endAllSandboxes } from "../../sandbox/host/host.ts";
import type { StopSignal } from "../../run/stages/request.ts";
import { EXIT } from "../terminal/exit_codes.ts";
import { showCursor, tell } from "../terminal/print.ts";
import { SignalCounter, startWatchdog, STOP_SIGNALS } from "./watchdog.ts";

/** Ctrl-C once: save and stop. Twice: stop now, at the latest after a second, whatever this thread does. */
export function stopOnSignals(isQuiet: boolean): StopSignal {
  const signal = stopSignal(isQuiet, () => {
    endAllSandboxes();
    showCursor();
    Deno.exit(EXIT.interrupted);
  });
  for (const name of STOP_SIGNALS) Deno.addSignalListener(name, () => signal.stop());
  const { onStop } = signal;
  // who asks to be told begins to compute
  signal.onStop = (callback) => {
    startWatchdog();
    onStop(callback);
  };
  return signal;
}

type Writable<T> = { -readonly [key in keyof T]: T[key] };

/**
 * A signal that is given by `stop()`; the second time it calls `end`. Calls that follow each other so closely that they
 * come from one Ctrl-C are one.
 *
 * @param now Milliseconds, for tests.
 */
export function stopSignal(
  isQuiet: boolean,
  end: () => void,
  now: () => number = () => performance.now(),
): Writable<StopSignal> & { stop(): void } {
  const counter = new SignalCounter();
  const callbacks: (() => void)[] = [];
  return {
    isStopped: false,
    onStop: (callback) => void callbacks.push(callback),
    stop() {
      if (!counter.isAnother(now())) return;
      if (this.isStopped) return end();
      this.isStopped = true;
      if (!isQuiet) tell(["", " stopping: saving a checkpoint; press Ctrl-C again to stop now"]);
      for (const callback of callbacks) callback();
    },
  };
}
