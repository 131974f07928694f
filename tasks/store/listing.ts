/**
 * Runs as a table and as JSON: what they are called, how far they are, their size, the numbers that matter.
 *
 * @module
 */
import { ConfigError } from "../../core/errors.ts";
import { formatBytes, formatEstimate, formatSeconds, formatSpread } from "../../core/format.ts";
import { nearestName } from "../../core/names.ts";
import { decodeMetrics, encodeMetrics, type StoredMetric } from "../../core/not_finite.ts";
import { MAX_RECORD_BYTES, parseRecord } from "../../core/record_shapes.ts";
import type { Metric, Metrics } from "../../core/types.ts";
import { readPlainText } from "../../files/plain_file.ts";
import { sizeBelow } from "../../files/size.ts";
import type { RunDirectory } from "../../run/store/run_directory.ts";
import { textTable } from "../terminal/text_table.ts";
import type { FoundRun } from "./selection.ts";

/** A run with its size and its numbers. */
export interface MeasuredRun extends FoundRun {
  /** Bytes of its folder. */
  readonly bytes: number;
  /** Of the files of its folder that can be read; none where it has no results. */
  readonly metrics: Metrics;
}

/** Columns of metrics that one plugin has in the table, and all together. */
const COLUMNS_PER_PLUGIN = 3;
const COLUMNS = 6;
/** Metrics of one run in JSON where the plugin declares none. */
const LISTED = 100;
/** Characters of a note in the table. */
const NOTE = 40;

/** Reads what is shown of a run. */
export async function measure(found: FoundRun): Promise<MeasuredRun> {
  return { ...found, bytes: await sizeBelow(found.run.path), metrics: metricsOf(found.run) };
}

function metricsOf(run: RunDirectory): Metrics {
  try {
    const path = run.file("metrics.json");
    const stored = parseRecord("metrics.json", readPlainText(path, MAX_RECORD_BYTES), path);
    return decodeMetrics(stored as unknown as { readonly [key: string]: StoredMetric });
  } catch {
    return {}; // not there, or damaged: the report of the run says so
  }
}

/** Keys of a run's metrics that matter, in order: those that the plugin declares, else those without a method. */
function headlineOf({ run: { record }, metrics }: MeasuredRun): string[] {
  const declared = (record.headline ?? []).filter((key) => Object.hasOwn(metrics, key));
  return declared.length > 0
    ? declared
    : Object.keys(metrics).filter((key) => !key.includes(".")).slice(0, LISTED);
}

/** Columns that every list has: title, and text of a run. */
const FIXED: readonly (readonly [title: string, text: (run: MeasuredRun) => string])[] = [
  ["plugin", ({ run }) => run.record.plugin.name],
  ["id", ({ run }) => run.record.id],
  ["status", ({ state }) => state],
  ["action", ({ run }) => run.record.action],
  ["time", ({ run }) => formatSeconds(secondsOf(run))],
  ["size", ({ bytes }) => formatBytes(bytes)],
  ["seed", ({ run }) => String(run.record.seed)],
];

/** Columns that a list has where some run fills them. */
const LABELS: typeof FIXED = [
  ["name", ({ run }) => run.record.name ?? ""],
  ["tags", ({ run }) => (run.record.tags ?? []).join(", ")],
  ["note", ({ run }) => shortened(run.record.note ?? "")],
];

function secondsOf({ record }: RunDirectory): number {
  return Math.max(0, Object.values(record.seconds).reduce((sum, seconds) => sum + seconds, 0));
}

function shortened(note: string): string {
  const [first = "", ...rest] = note.split("\n");
  return first.length > NOTE ? `${first.slice(0, NOTE - 3)}...` : rest.length > 0 ? `${first} ...` : first;
}

/**
 * The lines of the table.
 *
 * @param sorted Key of the metric that the runs are sorted by; it comes first.
 */
export function runsTable(runs: readonly MeasuredRun[], sorted?: string): string[] {
  const labels = LABELS.filter(([, text]) => runs.some((run) => text(run) !== ""));
  const keys = columnsOf(runs, sorted);
  const numbers = keys.map((key): typeof FIXED[number] => {
    const units = new Set(runs.flatMap(({ metrics }) => metrics[key]?.unit ?? []));
    const [only = ""] = units.size === 1 ? units : [];
    const isMixed = units.size > 1;
    const title = only === "" || only === "1" ? key : `${key} [${only}]`;
    return [title, ({ metrics }) => estimate(metrics[key], isMixed)];
  });
  const columns = [...FIXED, ...labels, ...numbers];
  return textTable(columns.map(([title]) => title), runs.map((run) => columns.map(([, text]) => text(run))));
}

function estimate(metric: Metric | undefined, hasUnit: boolean): string {
  if (!metric) return "";
  const { value, error, unit, spread } = metric;
  const text = formatEstimate(value, error, hasUnit ? unit : "1");
  return typeof spread === "number" ? `${text}, spread ${formatSpread(spread)}` : text;
}

function columnsOf(runs: readonly MeasuredRun[], sorted: string | undefined): string[] {
  const byPlugin = new Map<string, string[]>();
  for (const one of runs) {
    const { name } = one.run.record.plugin;
    const keys = headlineOf(one).slice(0, COLUMNS_PER_PLUGIN);
    byPlugin.set(name, [...new Set([...byPlugin.get(name) ?? [], ...keys])].slice(0, COLUMNS_PER_PLUGIN));
  }
  const isMetric = sorted !== undefined && runs.some(({ metrics }) => Object.hasOwn(metrics, sorted));
  return [...new Set([...(isMetric ? [sorted] : []), ...[...byPlugin.values()].flat()])].slice(0, COLUMNS);
}

/** A run as `--json` lists it; its record cannot take the place of what was found out about it. */
export function runJson(one: MeasuredRun, sorted?: string): unknown {
  const { run, state, bytes, metrics } = one;
  const keys = new Set([
    ...(sorted !== undefined && Object.hasOwn(metrics, sorted) ? [sorted] : []),
    ...headlineOf(one),
  ]);
  const shown = Object.fromEntries([...keys].map((key) => [key, metrics[key]!]));
  return { ...run.record, run: run.path, status: state, bytes, metrics: encodeMetrics(shown) };
}

/** What runs can be sorted by besides metrics. */
const ORDERS: { readonly [key: string]: (a: MeasuredRun, b: MeasuredRun) => number } = {
  created: () => 0, // as they are found
  time: (a, b) => secondsOf(b.run) - secondsOf(a.run),
  size: (a, b) => b.bytes - a.bytes,
  name: (a, b) =>
    Number(a.run.record.name === undefined) - Number(b.run.record.name === undefined) ||
    (a.run.record.name ?? "").localeCompare(b.run.record.name ?? "", "en"),
};

/** How good a value is, the smaller the better; what a metric does not say is sorted from below. */
const RANKS: { readonly [better in Metric["better"]]: (value: number) => number } = {
  lower: (value) => value,
  higher: (value) => -value,
  zero: Math.abs,
  none: (value) => value,
};

/**
 * Sorts runs by a metric, the best first and those without a value last; or by time, size (largest first) or name.
 *
 * @throws {ConfigError} If no run has the metric.
 */
export function sortRuns(runs: readonly MeasuredRun[], key: string | undefined): MeasuredRun[] {
  if (key === undefined) return [...runs];
  const better = runs.flatMap(({ metrics }) => Object.hasOwn(metrics, key) ? [metrics[key]!.better] : [])[0];
  if (better !== undefined) {
    const rank = RANKS[better] ?? RANKS.none;
    const rankOf = ({ metrics }: MeasuredRun): number => {
      const value = Object.hasOwn(metrics, key) ? metrics[key]!.value : NaN;
      return Number.isNaN(value) ? Infinity : rank(value);
    };
    return runs.toSorted((a, b) => rankOf(a) === rankOf(b) ? 0 : rankOf(a) < rankOf(b) ? -1 : 1);
  }
  const order = Object.hasOwn(ORDERS, key) ? ORDERS[key] : undefined;
  if (order) return runs.toSorted(order);
  const known = [...new Set([...runs.flatMap(headlineOf), ...Object.keys(ORDERS)])];
  const all = new Set([...known, ...runs.flatMap(({ metrics }) => Object.keys(metrics))]);
  const nearest = nearestName(key, all);
  throw new ConfigError(
    `Cannot sort by "${key}" as one of the runs must have this metric: none has; there are ${
      known.slice(0, 12).join(", ")
    }${nearest ? `; did you mean "${nearest}"?` : ""}`,
  );
}
