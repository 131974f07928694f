/**
 * Limits how much of what a hook prints reaches the host: a plugin may print without end, but must not fill
 * the host's memory, its records or the user's terminal.
 *
 * @module
 */
import type { SandboxLimits } from "../protocol/limits.ts";
import type { HookEvent } from "../protocol/messages.ts";

/** Lets events of one hook pass up to the limits; says once that the rest is dropped. */
export class EventGate {
  #characters = 0;
  #warnings = 0;
  #progress = { second: -1, count: 0 };
  readonly #told = new Set<string>();

  constructor(
    readonly limits: Pick<SandboxLimits, "logCharacters" | "warnings" | "progressPerSecond">,
  ) {}

  /**
   * What is passed on of an event: the event, nothing, or a warning in its place.
   *
   * @param milliseconds Any clock that does not run backwards.
   */
  pass(event: HookEvent, milliseconds: number): HookEvent[] {
    if (event.event === "progress") return this.#passProgress(milliseconds) ? [event] : [];
    if (event.event === "log") {
      this.#characters += event.text.length + 1;
      const { logCharacters } = this.limits;
      if (this.#characters <= logCharacters) return [event];
      return this.#tell(
        "log-limit",
        `the hook printed more than ${logCharacters} characters; the rest is dropped`,
      );
    }
    if (++this.#warnings <= this.limits.warnings) return [event];
    return this.#tell(
      "warning-limit",
      `the hook gave more than ${this.limits.warnings} warnings; the rest is dropped`,
    );
  }

  #passProgress(milliseconds: number): boolean {
    const second = Math.floor(milliseconds / 1000);
    if (second !== this.#progress.second) this.#progress = { second, count: 0 };
    return ++this.#progress.count <= this.limits.progressPerSecond;
  }

  #tell(code: string, message: string): HookEvent[] {
    if (this.#told.has(code)) return [];
    this.#told.add(code);
    return [{ event: "warn", code, message }];
  }
}
