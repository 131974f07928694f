/**
 * NaN and infinities in JSON, which has no word for them: as `null` where a number is drawn or counted, as a text
 * beside it or in its place where it must come back as it was.
 *
 * @module
 */
import type { Json, JsonObject, Metric, Metrics, TrainingRecord } from "./types.ts";

/** How the numbers that JSON does not have are written as texts. */
export const NOT_FINITE = ["NaN", "Infinity", "-Infinity"] as const;

/** One of {@linkcode NOT_FINITE}. */
export type NotFinite = typeof NOT_FINITE[number];

/** A number as JSON: itself, or the text "NaN", "Infinity" or "-Infinity". */
export function encodeNumber(value: number): number | NotFinite {
  return Number.isFinite(value) ? value : String(value) as NotFinite;
}

/** The number that {@linkcode encodeNumber} wrote. */
export function decodeNumber(value: number | NotFinite): number {
  return Number(value);
}

/** A metric as it is stored: a value that is not finite is null, and `valueText` says what it was. */
export type StoredMetric = Omit<Metric, "value"> & {
  readonly value: number | null;
  /** Only beside a null value; absent in older runs. */
  readonly valueText?: NotFinite | undefined;
};

/** A metric for `metrics.json`; an error that is not finite is none. */
export function encodeMetric(metric: Metric): StoredMetric {
  const { value, error } = metric;
  const known = error !== null && Number.isFinite(error) ? error : null;
  if (Number.isFinite(value)) return { ...metric, error: known };
  return { ...metric, value: null, error: known, valueText: String(value) as NotFinite };
}

/** A metric of `metrics.json`; a null value without a text is NaN. */
export function decodeMetric({ valueText, ...metric }: StoredMetric): Metric {
  return { ...metric, value: metric.value ?? Number(valueText ?? "NaN") };
}

/** Metrics for `metrics.json`. */
export function encodeMetrics(metrics: Metrics): { [key: string]: StoredMetric } {
  return mapValues(metrics, encodeMetric);
}

/** The metrics of `metrics.json`. */
export function decodeMetrics(stored: { readonly [key: string]: StoredMetric }): Metrics {
  return mapValues(stored, decodeMetric);
}

/** A record as it comes back from `metrics.jsonl`, where NaN and infinities are null: they are NaN. */
export function decodeRecord(line: TrainingRecord | JsonObject): TrainingRecord {
  const values = Object.entries(line).map(([name, value]) => [name, isLost(value) ? NaN : value] as const);
  return Object.fromEntries(values) as unknown as TrainingRecord;
}

function isLost(value: Json | undefined): boolean {
  return value === null || typeof value === "number" && !Number.isFinite(value);
}

/** Without a prototype's setter on the way: a key may be "__proto__". */
function mapValues<A, B>(record: { readonly [key: string]: A }, map: (value: A) => B): { [key: string]: B } {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}
