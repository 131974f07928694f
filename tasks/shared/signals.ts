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
  const callbacks: (() => void)[] = [];
  const signal = { isStopped: false, onStop: (callback: () => void) => void callbacks.push(callback) };
  const stop = (): void => {
    if (signal.isStopped) {
      endAllSandboxes();
      Deno.exit(EXIT.interrupted);
    }
    signal.isStopped = true;
    if (!isQuiet) tell("\n stopping: saving a checkpoint; press Ctrl-C again to stop now");
    for (const callback of callbacks) callback();
  };
  for (const name of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(name, stop);
  return signal;
}
