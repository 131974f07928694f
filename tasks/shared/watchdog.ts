/**
 * Signals that stop a run, and what ends a process whose main thread hears none, as a step computes in native code: a
 * thread that counts signals and, at the latest a second after the one that ends, kills every sandbox and the process
 * itself. The run is then what a killed one is, and can be resumed.
 *
 * @module
 */
import { Worker } from "node:worker_threads";
import { sandboxGroups } from "../../sandbox/host/groups.ts";

/** Signals that stop a run. On Windows there are others, of which Deno knows the first two. */
export const STOP_SIGNALS = Deno.build.os === "windows"
  ? ["SIGINT", "SIGHUP"] as const
  : ["SIGINT", "SIGHUP", "SIGTERM", "SIGUSR1", "SIGUSR2"] as const;

/** A signal that stops a run. */
export type StopSignalName = (typeof STOP_SIGNALS)[number];

/** Signals by which a scheduler says that the time of a job is over, with `--requeue`. */
export const SCHEDULER_SIGNALS: readonly string[] = ["SIGTERM", "SIGUSR1", "SIGUSR2"];

/**
 * Milliseconds in which signals count as one: Ctrl-C reaches a task of `deno task` twice, from the terminal and passed on
 * by `deno task`, and a terminal that closes sends more.
 */
export const SAME_SIGNAL_MS = 1000;

/** Milliseconds that the main thread has to end the process by itself. */
export const GRACE_MS = 1000;

/** What the thread is given. */
export interface WatchdogData {
  /** Process groups of the sandboxes that live, 0 in places that are free; shared. */
  readonly groups: Int32Array;
  readonly isRequeued: boolean;
  readonly signals: readonly StopSignalName[];
}

/** What a signal asks for: nothing new, as it is the one before once more; to save and stop; to end at once. */
export type Asked = "nothing" | "stop" | "end";

/**
 * Counts signals. The first asks to save and stop. After it SIGINT asks to end at once, and so does SIGTERM if it, or
 * SIGINT, came before: then a person is waiting. Any other signal, and with `--requeue` SIGTERM, only ever asks to save:
 * a scheduler sends several of them before it kills.
 */
export class SignalCounter {
  #last = -Infinity;
  #isStopped = false;
  /** Whether a person asked for the stop. */
  #isWaitedFor = false;

  /** @param isRequeued Whether SIGTERM is the scheduler's. */
  constructor(readonly isRequeued: boolean) {}

  /** What this signal asks for; `now` in milliseconds of any clock that does not run backwards. */
  hear(signal: string, now: number): Asked {
    if (now - this.#last <= SAME_SIGNAL_MS) return "nothing";
    this.#last = now;
    const isOfPerson = signal === "SIGINT" || signal === "SIGTERM" && !this.isRequeued;
    const isEnd = signal === "SIGINT" ? this.#isStopped : isOfPerson && this.#isWaitedFor;
    this.#isStopped = true;
    this.#isWaitedFor ||= isOfPerson;
    return isEnd ? "end" : "stop";
  }

  /** Notes that the run was stopped by something else than a signal. */
  noteStop(): void {
    this.#isStopped = true;
  }
}

let watchdog: Worker | undefined;

/** Starts the thread, once; it does not keep the process alive. */
export function startWatchdog(options: Pick<WatchdogData, "isRequeued" | "signals">): void {
  if (watchdog) return;
  const workerData: WatchdogData = { ...options, groups: sandboxGroups() };
  watchdog = new Worker(new URL("./watchdog_thread.ts", import.meta.url), { workerData });
  watchdog.on("error", () => {}); // signals are heard by the main thread, too
  watchdog.unref();
}
