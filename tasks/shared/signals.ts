/**
 * What stops a task that trains: signals and `--time`.
 *
 * @module
 */
import { endAllSandboxes } from "../../sandbox/host/host.ts";
import type { StopReason, StopSignal } from "../../run/stages/request.ts";
import { watchLaunchers } from "./launchers.ts";
import { EXIT } from "../terminal/exit_codes.ts";
import { showCursor, tell } from "../terminal/print.ts";
import {
  SCHEDULER_SIGNALS,
  SignalCounter,
  startWatchdog,
  STOP_SIGNALS,
  type StopSignalName,
} from "./watchdog.ts";

/** How a stop is announced and what it means. */
export interface StopOptions {
  readonly isQuiet: boolean;
  /** Whether the signals of a scheduler end the run with the exit code that asks for another turn. */
  readonly isRequeued: boolean;
}

/** A signal that can be given, until it is disposed of. */
export interface TaskStop extends StopSignal, Disposable {
  /** Stops the run when the command, which began with the process, has taken this many seconds. */
  stopAfter(seconds: number, text: string): void;
}

/**
 * The signals of this process, and the time limit, as one. Before anybody asks to be told there is nothing to save: a
 * stop ends the process.
 */
export function stopOnSignals(options: StopOptions): TaskStop {
  const endNow = (reason: StopReason): never => {
    endAllSandboxes();
    showCursor();
    Deno.exit(reason.isRequeued ? EXIT.checkpointed : EXIT.interrupted);
  };
  const stop = new Stop(options, endNow);
  const signals = STOP_SIGNALS.filter((name) => name !== "SIGHUP" || !isHangupIgnored());
  const listeners = STOP_SIGNALS.map((name) =>
    // one that is ignored is listened to as well: Deno would end the process on it once it listens to any other
    [name, signals.includes(name) ? () => stop.hear(name) : () => {}] as const
  );
  for (const [name, listener] of listeners) Deno.addSignalListener(name, listener);
  stop.onDispose = () => {
    for (const [name, listener] of listeners) Deno.removeSignalListener(name, listener);
  };
  // who asks to be told begins to compute
  stop.onFirst = () => {
    startWatchdog({ isRequeued: options.isRequeued, signals });
    watchLaunchers(() => stop.abandon());
  };
  return stop;
}

/** The longest time that a timer of the platform takes. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** A signal that is given by a signal of the system or by the clock; see {@linkcode SignalCounter}. */
export class Stop implements TaskStop {
  readonly #counter: SignalCounter;
  readonly #callbacks: (() => void)[] = [];
  #reason: StopReason | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Called before the first callback is taken. */
  onFirst: () => void = () => {};
  onDispose: () => void = () => {};

  /**
   * @param end Ends the process; with the reason of the stop.
   * @param now Milliseconds, for tests.
   */
  constructor(
    readonly options: StopOptions,
    readonly end: (reason: StopReason) => void,
    readonly now: () => number = () => performance.now(),
  ) {
    this.#counter = new SignalCounter(options.isRequeued);
  }

  get isStopped(): boolean {
    return this.#reason !== undefined;
  }

  get reason(): StopReason | undefined {
    return this.#reason;
  }

  onStop(callback: () => void): void {
    if (this.#callbacks.length === 0) this.onFirst();
    this.#callbacks.push(callback);
  }

  /** Takes a signal of the system. */
  hear(signal: StopSignalName): void {
    const asked = this.#counter.hear(signal, this.now());
    const isRequeued = this.options.isRequeued && SCHEDULER_SIGNALS.includes(signal);
    const reason = { by: signal, text: `it was interrupted by ${signal}`, isRequeued };
    if (asked === "end") this.end(this.#reason ?? reason);
    else if (asked === "stop") this.#stop(reason, " stopping");
  }

  stopAfter(seconds: number, text: string): void {
    const left = Math.max(0, seconds * 1000 - this.now());
    this.#timer = setTimeout(() => {
      if (left > MAX_TIMER_MS) return this.stopAfter(seconds, text);
      this.#counter.noteStop();
      const reason = { by: "time-limit", text: `its time limit of ${text} was reached`, isRequeued: true };
      this.#stop(reason, ` time limit of ${text} reached`);
    }, Math.min(left, MAX_TIMER_MS));
    Deno.unrefTimer(Number(this.#timer));
  }

  /** Stops the run as the command that it was started with is gone. */
  abandon(): void {
    this.#counter.noteStop();
    const text = "the command that it was started with was killed";
    this.#stop({ by: "launcher-killed", text, isRequeued: false }, ` ${text}`);
  }

  #stop(reason: StopReason, what: string): void {
    if (this.isStopped) return;
    this.#reason = reason;
    if (this.#callbacks.length === 0) return this.end(reason);
    const again = reason.by === "SIGINT" ? "press Ctrl-C again" : "press Ctrl-C";
    if (!this.options.isQuiet) tell(["", `${what}: saving a checkpoint; ${again} to stop now`]);
    for (const callback of this.#callbacks) callback();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.onDispose();
  }
}

/**
 * Whether this process was started so that it outlives its terminal, as `nohup` does it. Asked of `ps`, as no permission
 * but all of them reads it from the system.
 */
function isHangupIgnored(): boolean {
  try {
    const args = ["-o", "ignored=", "-p", String(Deno.pid)];
    const { stdout } = new Deno.Command("ps", { args, stderr: "null" }).outputSync();
    const mask = new TextDecoder().decode(stdout).trim();
    return /^[0-9a-fA-F]+$/.test(mask) && (BigInt(`0x${mask}`) & 1n) === 1n; // bit n - 1 of signal n; SIGHUP is 1
  } catch {
    return false; // no such program, or not to be run
  }
}
