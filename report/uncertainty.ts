/**
 * How sure a value is, when it is compared with another one.
 *
 * @module
 */
import type { Metric } from "../core/types.ts";

/**
 * One standard deviation of a value in a comparison; 0 where it has no error. Of a mean over runs the larger of the error of
 * one and their spread: with few runs neither says how sure the mean is, and a difference within it is no difference.
 */
export function uncertaintyOf({ error, spread }: Pick<Metric, "error" | "spread">): number {
  return Math.max(error ?? 0, spread ?? 0);
}
