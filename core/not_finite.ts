/**
 * NaN and infinities in JSON, which has no word for them: as `null` where a number is drawn or counted, as a
 * text beside it or in its place where it must be restored exactly.
 *
 * @module
 */
import type { Json, JsonObject, Metric, Metrics, TextTable, TrainingRecord } from "./types.ts";

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
  /** Only with a null value; absent in older runs. */
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

/** A metric on its way from a hook to the runner: JSON that loses nothing. */
export type SentMetric = Omit<Metric, "value" | "error"> & {
  readonly value: number | NotFinite;
  readonly error: number | NotFinite | null;
};

/** A metric of a hook as it is sent; what is no number stays, and is refused by the one who receives it. */
export function sendMetric(metric: Metric): SentMetric {
  const { value, error } = metric;
  return {
    ...metric,
    ...(typeof value === "number" ? { value: encodeNumber(value) } : {}),
    ...(typeof error === "number" ? { error: encodeNumber(error) } : {}),
  };
}

/** The metric that a hook sent. */
export function receiveMetric(sent: SentMetric): Metric {
  const { value, error } = sent;
  return { ...sent, value: decodeNumber(value), error: error === null ? null : decodeNumber(error) };
}

/** A table as it is sent: a number that is not finite is a text. */
export function sendTable(table: TextTable): TextTable {
  const cell = (value: string | number | null) => typeof value === "number" ? encodeNumber(value) : value;
  return { ...table, rows: table.rows.map((row) => row.map(cell)) };
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
