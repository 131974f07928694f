/**
 * Results of comparisons, and the wording and tolerances that they share.
 *
 * @module
 */
import type { Pair, Result } from "./types.ts";

/** Metrics agree when they are not further apart than this many combined standard errors, ... */
export const TOLERANCE_ERRORS = 3;
/** ... or than this fraction of the larger one; the losses of the first steps likewise. */
export const TOLERANCE_SHARE = 0.01;

/** Nothing to compare. */
export function skipped(detail: string): Result {
  return { state: "skipped", detail };
}

/** Equal bits. */
export function equal(detail: string): Result {
  return { state: "equal", detail };
}

/** Not what is promised. */
export function different(detail: string): Result {
  return { state: "different", detail };
}

/** A difference in bits, which counts only where equal bits are promised. */
export function otherBits({ isLoose }: Pick<Pair, "isLoose">, detail: string): Result {
  return { state: isLoose ? "other bits" : "different", detail };
}

/** A number of things: "1 file", "2 files". */
export function count(n: number, thing: string): string {
  return `${n} ${thing}${n === 1 ? "" : "s"}`;
}

/** How far apart two numbers are, as a fraction of the larger one. */
export function shareApart(a: number, b: number): number {
  return a === b ? 0 : Math.abs(a - b) / Math.max(Math.abs(a), Math.abs(b));
}

/** A fraction in percent, two digits. */
export function percent(share: number): string {
  return `${(100 * share).toPrecision(2)} %`;
}
