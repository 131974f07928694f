/**
 * One number from those of several runs: their mean, their spread, and the error of one.
 *
 * @module
 */
import type { Metric, Metrics } from "../../core/types.ts";

/**
 * Metrics of a group. A value is the mean over the members that gave a number, `spread` their standard deviation (with one
 * less than their number in the denominator), `error` the root mean square of their errors: what one run states for itself,
 * such as the statistical error of its test rows. The spread is what training with another seed, or on other folds, changes.
 *
 * @param members Metrics of each member.
 * @returns Every key that a member has, in the order of the first.
 */
export function combineMetrics(members: readonly Metrics[]): Metrics {
  const keys = new Set(members.flatMap((metrics) => Object.keys(metrics)));
  return Object.fromEntries([...keys].map((key) => {
    const found = members.flatMap((metrics) => Object.hasOwn(metrics, key) ? [metrics[key]!] : []);
    return [key, combine(found)];
  }));
}

function combine(found: readonly Metric[]): Metric {
  const values = found.map(({ value }) => value).filter((value) => Number.isFinite(value));
  const errors = found.flatMap(({ error }) => error === null || !Number.isFinite(error) ? [] : [error]);
  const hasErrors = errors.length === found.length;
  const [first] = found as [Metric];
  return {
    ...first,
    value: values.length > 0 ? meanOf(values) : first.value,
    error: hasErrors ? Math.sqrt(meanOf(errors.map((error) => error ** 2))) : null,
    errorKind: hasErrors ? first.errorKind : "none",
    rows: Math.round(meanOf(found.map(({ rows }) => rows))),
    spread: standardDeviation(values),
    members: values.length,
  };
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Null for fewer than two. */
function standardDeviation(values: readonly number[]): number | null {
  if (values.length < 2) return null;
  const mean = meanOf(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
}
