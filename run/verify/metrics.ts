/**
 * Whether a repetition gave the same metrics.
 *
 * @module
 */
import { decodeMetrics, type StoredMetric } from "../../core/not_finite.ts";
import type { Metric, Metrics } from "../../core/types.ts";
import { exists } from "../../files/atomic.ts";
import { changedKeys } from "../provenance/environment_diff.ts";
import { readBoth } from "./files.ts";
import {
  count,
  different,
  equal,
  percent,
  shareApart,
  skipped,
  TOLERANCE_ERRORS,
  TOLERANCE_SHARE,
} from "./results.ts";
import type { Pair, Result } from "./types.ts";

/** Compares `metrics.json`: equal bits, or, where these are not promised, agreement within errors or a fraction. */
export async function compareMetrics(pair: Pair): Promise<Result> {
  if (!await exists(pair.before.file("metrics.json"))) return skipped("the run has none");
  const stored = await readBoth<{ readonly [key: string]: StoredMetric }>(
    pair.before,
    pair.now,
    "metrics.json",
  );
  const [then, today] = stored.map(decodeMetrics) as [Metrics, Metrics];
  const changed = changedKeys(...stored);
  if (changed.length === 0) return equal(count(Object.keys(then).length, "metric"));
  if (!pair.isLoose) return different(metricDifference(changed[0]!, then[changed[0]!], today[changed[0]!]));
  return withinTolerance(changed, then, today);
}

/** How the changed metrics agree; the first one that does not. */
function withinTolerance(changed: readonly string[], then: Metrics, today: Metrics): Result {
  const rules = { errors: 0, share: 0 };
  const outside: string[] = [];
  for (const key of changed) {
    const rule = agreement(then[key], today[key]);
    if (rule === undefined) outside.push(key);
    else rules[rule]++;
  }
  const total = Object.keys(then).length;
  const within = `${count(total, "metric")}: ${total - changed.length} equal, ${rules.errors} within ` +
    `${TOLERANCE_ERRORS} combined errors, ${rules.share} within ${100 * TOLERANCE_SHARE} %`;
  const [first] = outside;
  if (first === undefined) return { state: "agrees", detail: within };
  const difference = metricDifference(first, then[first], today[first]);
  return different(`${within}, ${outside.length} outside; ${difference}`);
}

/** The rule by which two metrics agree, if any. */
function agreement(a: Metric | undefined, b: Metric | undefined): "errors" | "share" | undefined {
  if (!a || !b || a.rows !== b.rows || a.unit !== b.unit) return undefined;
  if (isSame(a.value, b.value)) return "errors";
  const apart = Math.abs(a.value - b.value);
  if (apart <= TOLERANCE_ERRORS * Math.hypot(a.error ?? 0, b.error ?? 0)) return "errors";
  return shareApart(a.value, b.value) <= TOLERANCE_SHARE ? "share" : undefined;
}

/** Equal, or both NaN. */
function isSame(a: number, b: number): boolean {
  return a === b || Number.isNaN(a) && Number.isNaN(b);
}

function metricDifference(key: string, a: Metric | undefined, b: Metric | undefined): string {
  if (!a || !b) return `"${key}" ${a ? "is missing in the repetition" : "is not in the record"}`;
  const field = changedKeys({ ...a }, { ...b })[0] as keyof Metric;
  if (isSame(a.value, b.value)) return `"${key}" differs in ${field}: ${a[field]} then, ${b[field]} now`;
  if (!Number.isFinite(a.value - b.value)) return `"${key}" was ${a.value} and is ${b.value}`;
  const combined = Math.hypot(a.error ?? 0, b.error ?? 0);
  const errors = combined === 0
    ? "no error is known, "
    : `${(Math.abs(a.value - b.value) / combined).toPrecision(2)} combined errors, `;
  return `"${key}" was ${a.value} and is ${b.value}: ${errors}${percent(shareApart(a.value, b.value))} apart`;
}
