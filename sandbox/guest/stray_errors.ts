/**
 * Errors that nobody waits for: rejected promises without a handler, exceptions of timers and other callbacks. The
 * process would end with them.
 *
 * @module
 */
import type { ErrorMessage } from "../protocol/messages.ts";

/** Hears of an error, and what threw it. */
export type StrayListener = (thrown: unknown, kind: NonNullable<ErrorMessage["stray"]>) => void;

/** Tells of every such error from now on, in place of ending the process; returns what ends that. */
export function hearStrayErrors(listener: StrayListener): () => void {
  const onRejection = (event: PromiseRejectionEvent): void => {
    event.preventDefault();
    listener(event.reason, "promise");
  };
  const onError = (event: ErrorEvent): void => {
    event.preventDefault();
    listener(event.error ?? event.message, "callback");
  };
  globalThis.addEventListener("unhandledrejection", onRejection);
  globalThis.addEventListener("error", onError);
  return () => {
    globalThis.removeEventListener("unhandledrejection", onRejection);
    globalThis.removeEventListener("error", onError);
  };
}

/** Waits until rejections that have happened by now have been told of: they are after the microtasks. */
export function afterRejections(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
