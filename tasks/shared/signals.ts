/**
 * Ctrl-C and SIGTERM for tasks that train.
 *
 * @module
 */
import { endAllSandboxes } from "../../sandbox/host/host.ts";
import type { StopSignal } from "../../run/stages/request.ts";
import { EXIT } from "../terminal/exit_codes.ts";
import { tell } from "../terminal/print.ts";

/** Ctrl-C once: save and stop. Twice: stop now. */
export function stopOnSignals(isQuiet: boolean): StopSignal {
  const signal = stopSignal(isQuiet, () => {
    endAllSandboxes();
    Deno.exit(EXIT.interrupted);
  });
  for (const name of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(name, () => signal.stop());
  return signal;
}

/** A signal that is given by `stop()`; the second time it calls `end`. */
export function stopSignal(isQuiet: boolean, end: () => void): StopSignal & { stop(): void } {
  const callbacks: (() => void)[] = [];
  return {
    isStopped: false,
    onStop: (callback) => void callbacks.push(callback),
    stop() {
      if (this.isStopped) return end();
      (this as { isStopped: boolean }).isStopped = true;
      if (!isQuiet) tell(["", " stopping: saving a checkpoint; press Ctrl-C again to stop now"]);
      for (const callback of callbacks) callback();
    },
  };
}
