/**
 * What a run notes while it goes on: the phase it is in, the seconds of each, warnings.
 *
 * @module
 */
import type { Warning } from "../../core/types.ts";
import type { Phase, RunListener } from "./request.ts";

/** The journal of one run. */
export class Journal {
  readonly warnings: Warning[] = [];
  readonly #seconds: { [phase: string]: number } = {};
  #phase: Phase | undefined;

  /**
   * @param listener Hears where phases begin and end.
   * @param now Milliseconds of any clock that does not run backwards.
   */
  constructor(readonly listener: RunListener, readonly now: () => number = () => performance.now()) {}

  /** The phase that is going on, or that failed. */
  get phase(): Phase | undefined {
    return this.#phase;
  }

  /** Seconds of every phase that has ended. */
  get seconds(): { readonly [phase: string]: number } {
    return this.#seconds;
  }

  /** Notes that no phase is going on. */
  rest(): void {
    this.#phase = undefined;
  }

  /** Adds a warning. */
  warn(...warnings: readonly Warning[]): void {
    this.warnings.push(...warnings);
  }

  /**
   * Does the work of a phase and notes how long it took.
   *
   * @param secondsBefore Seconds of it in an earlier part of the same run.
   */
  async during<T>(phase: Phase, work: () => Promise<T>, secondsBefore = 0): Promise<T> {
    const started = this.now();
    this.#phase = phase;
    this.listener.onPhase?.(phase, "begins");
    const result = await work();
    const seconds = (this.now() - started) / 1000;
    this.#seconds[phase] = seconds + secondsBefore;
    this.listener.onPhase?.(phase, "ends", seconds);
    return result;
  }
}
