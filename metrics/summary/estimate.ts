/**
 * From an estimate to an entry of `metrics.json`.
 *
 * @module
 */
import type { Estimate, Metric } from "../../core/types.ts";

/** What describes a metric besides its value. */
export type MetricFacts = Pick<Metric, "unit" | "better" | "rows" | "split" | "label">;

/**
 * An estimate with its unit, its direction and the rows it was computed from.
 *
 * @throws {RangeError} If the value or the error is not finite, as `metrics.json` could not hold it.
 */
export function toMetric(estimate: Estimate, facts: MetricFacts): Metric {
  const { value, error, errorKind } = estimate;
  if (!Number.isFinite(value) || !(error === null || Number.isFinite(error))) {
    throw new RangeError(
      `Cannot record metric "${
        facts.label ?? facts.split
      }" as its value and error must be finite: found ${value} and ${error}`,
    );
  }
  return { value, error, errorKind, ...facts };
}

/** A value without an error. */
export function exactly(value: number): Estimate {
  return { value, error: null, errorKind: "none" };
}
