/**
 * The primary metrics: one row per metric, baselines beside the result.
 *
 * @module
 */
import { formatEstimate, formatSpread } from "../core/format.ts";
import { details, html, htmlTable, notice } from "./html.ts";
import type { Content, Markup } from "./html.ts";
import type { Metric } from "../core/types.ts";
import { uncertaintyOf } from "./uncertainty.ts";

/** One row: the result and what the baselines give. */
export interface HeadlineRow {
  readonly key: string;
  readonly label: string;
  /** By column; the result itself is under "". */
  readonly cells: ReadonlyMap<string, Metric>;
}

/** Metrics as rows and columns. */
export interface Headline {
  readonly rows: readonly HeadlineRow[];
  /** Prefixes of the baselines, in order of appearance. */
  readonly baselines: readonly string[];
}

/** Sorts metrics into rows: `prefix.key` is what the baseline `prefix` gives for `key`. */
export function arrangeMetrics(metrics: { readonly [key: string]: Metric }): Headline {
  const rows = new Map<string, Map<string, Metric>>();
  const baselines = new Set<string>();
  for (const [full, metric] of Object.entries(metrics)) {
    const dot = full.lastIndexOf(".");
    const prefix = dot > 0 ? full.slice(0, dot) : "";
    const key = dot > 0 ? full.slice(dot + 1) : full;
    if (prefix !== "") baselines.add(prefix);
    if (!rows.has(key)) rows.set(key, new Map());
    rows.get(key)!.set(prefix, metric);
  }
  const arranged = [...rows].map(([key, cells]) => ({
    key,
    label: cells.get("")?.label ?? words(key),
    cells,
  }));
  return { rows: arranged, baselines: [...baselines] };
}

/** How a value ranks among those of its row. */
export type Standing = "best" | "equal" | "behind" | "none";

/**
 * How the values of a row compare. The best stands alone only if every other differs from it by more than the two errors, or
 * spreads where those are larger, added in quadrature; those that do not are "equal". Values of other rows, splits or units than the first are not
 * compared ("none"), nor are metrics without a direction.
 */
export function standings({ cells }: HeadlineRow): Map<string, Standing> {
  const first = cells.get("") ?? [...cells.values()][0]!;
  const score = (metric: Metric): number | null => {
    const isSame = metric.split === first.split && metric.rows === first.rows && metric.unit === first.unit;
    if (!isSame || !Number.isFinite(metric.value)) return null;
    const { value } = metric;
    return { lower: value, higher: -value, zero: Math.abs(value), none: null }[first.better] ?? null;
  };
  const scores = [...cells].map(([column, metric]) => ({ column, metric, score: score(metric) }));
  const compared = scores.filter((entry) => entry.score !== null);
  const result = new Map<string, Standing>(scores.map(({ column }) => [column, "none"]));
  if (compared.length < 2) return result;
  const best = compared.reduce((a, b) => b.score! < a.score! ? b : a);
  const isEqual = (entry: typeof best): boolean =>
    entry.score! - best.score! <= Math.hypot(uncertaintyOf(entry.metric), uncertaintyOf(best.metric));
  const equal = compared.filter(isEqual);
  for (const { column } of compared) result.set(column, "behind");
  for (const { column } of equal) result.set(column, equal.length === 1 ? "best" : "equal");
  return result;
}

const BETTER_WORDS: { readonly [better: string]: string } = {
  lower: "lower is better",
  higher: "higher is better",
  zero: "closer to 0 is better",
};

const MARKS: { readonly [standing: string]: string } = { best: "best", equal: "equal within errors" };

/**
 * The tables and the sentences that say how to read them: first the metrics that the plugin names, the others behind a
 * fold.
 *
 * @param declared Keys of the metrics that matter, in order; all of them where it is empty.
 */
export function headlineSection(
  metrics: { readonly [key: string]: Metric },
  declared: readonly string[] = [],
): Markup[] {
  const { rows, baselines, named, left } = shownMetrics(metrics, declared);
  if (rows.length === 0) return [notice("No metrics were recorded.")];
  const main = named.length > 0 ? named : rows;
  const isMain = new Set(main);
  const others = rows.filter((row) => !isMain.has(row));
  const ranks = rows.map(standings);
  const notes = [
    left > 0 &&
    `${left} of ${Object.keys(metrics).length} metrics are not shown: metrics.json has all of them.`,
    errorSentence(Object.values(metrics)),
    baselines.length > 0 && comparisonSentence,
    baselines.length > 0 && balanceSentence(rows, ranks),
  ];
  return [
    ...metricTables("Metrics", main, baselines),
    html("p", { class: "note" }, notes.filter((note) => note !== false).join(" ")),
    ...(others.length === 0
      ? []
      : [details("All other metrics", metricTables("All other metrics", others, baselines))]),
  ];
}

/** What a page shows at most, so that it opens: rows, and methods that are compared. */
const MOST_ROWS = 1000;
const MOST_METHODS = 24;

/** The metrics that are shown, those that the plugin names first, and how many are left out. */
function shownMetrics(
  metrics: { readonly [key: string]: Metric },
  declared: readonly string[],
): Headline & { readonly named: readonly HeadlineRow[]; readonly left: number } {
  const all = arrangeMetrics(metrics);
  const baselines = all.baselines.slice(0, MOST_METHODS);
  const isShown = new Set(["", ...baselines]);
  const byKey = new Map(all.rows.map((row) => [row.key, row]));
  const first = [...new Set(declared)].flatMap((key) => byKey.get(key) ?? []);
  const isFirst = new Set(first);
  const order = all.rows.length > MOST_ROWS
    ? [...first, ...all.rows.filter((row) => !isFirst.has(row))]
    : all.rows;
  const cut = new Map<HeadlineRow, HeadlineRow>();
  for (const row of order) {
    if (cut.size === MOST_ROWS) break;
    const cells = new Map([...row.cells].filter(([prefix]) => isShown.has(prefix)));
    if (cells.size > 0) cut.set(row, { ...row, cells });
  }
  const rows = [...cut.values()];
  const shown = rows.reduce((sum, { cells }) => sum + cells.size, 0);
  return {
    rows,
    baselines,
    named: first.flatMap((row) => cut.get(row) ?? []),
    left: Object.keys(metrics).length - shown,
  };
}

/** Rows with baselines in one table, rows of the result alone in another: neither is wider than it must be. */
function metricTables(label: string, rows: readonly HeadlineRow[], baselines: readonly string[]): Markup[] {
  const isCompared = (row: HeadlineRow): boolean => row.cells.size > 1;
  const groups = [rows.filter(isCompared), rows.filter((row) => !isCompared(row))].filter((group) =>
    group.length > 0
  );
  return groups.map((group) => metricTable(label, group, baselines));
}

/** What is better, in small letters; nothing for a word that is not known. */
function betterNote(better: string): Markup | string {
  return Object.hasOwn(BETTER_WORDS, better) ? html("small", {}, BETTER_WORDS[better]!) : "";
}

function metricTable(label: string, rows: readonly HeadlineRow[], baselines: readonly string[]): Markup {
  const found = ["", ...baselines].filter((prefix) => rows.some(({ cells }) => cells.has(prefix)));
  const facts = rows.map(({ cells }) => cells.get("") ?? [...cells.values()][0]!);
  return htmlTable({
    label,
    columns: [
      { title: "metric" },
      ...found.map((prefix) => ({ title: prefix === "" ? "result" : words(prefix), isNumber: true })),
      { title: "unit" },
      { title: "rows", isNumber: true },
      { title: "split" },
    ],
    rows: rows.map((row, i) => {
      const rank = standings(row);
      return [
        [row.label, betterNote(facts[i]!.better)],
        ...found.map((prefix) => cell(row.cells.get(prefix), facts[i]!, rank.get(prefix))),
        facts[i]!.unit === "1" ? "" : facts[i]!.unit,
        facts[i]!.rows,
        facts[i]!.split,
      ];
    }),
  });
}

const comparisonSentence =
  "The best of a row is marked; values that differ from it by less than both errors added in " +
  "quadrature count as equal. Errors on the same rows are correlated, so that small real differences may hide among these.";

function cell(
  metric: Metric | undefined,
  first: Metric,
  standing: Standing | undefined,
): Content {
  if (metric === undefined) return "–";
  const value = formatEstimate(metric.value, metric.error, "1");
  const differing = [
    metric.unit !== first.unit && metric.unit,
    metric.rows !== first.rows && `${metric.rows} rows`,
    metric.split !== first.split && metric.split,
  ].filter((text) => text !== false).join(", ");
  const mark = MARKS[standing ?? "none"];
  const { spread, members } = metric;
  return [
    mark === undefined ? value : html("strong", {}, value),
    typeof spread === "number" && html("small", {}, `spread ${formatSpread(spread)} over ${members} runs`),
    mark !== undefined && html("small", { class: `mark ${standing}` }, mark),
    differing !== "" && html("small", {}, differing),
  ];
}

/** "Errors are one standard deviation: bootstrap, fit." */
function errorSentence(metrics: readonly Metric[]): string {
  const kinds = [...new Set(metrics.map(({ errorKind }) => errorKind).filter((kind) => kind !== "none"))];
  const means = metrics.some(({ spread }) => typeof spread === "number")
    ? " Values are means over runs, with the error of one run and the standard deviation (spread) of all; the larger one counts where values are compared."
    : "";
  if (kinds.length === 0) return `No errors were estimated.${means}`;
  return `Errors are one standard deviation (${kinds.join(", ")}).${means}`;
}

/** Says openly where the result is not the best. */
function balanceSentence(
  rows: readonly HeadlineRow[],
  ranks: readonly ReadonlyMap<string, Standing>[],
): string {
  const behind = rows.flatMap((row, i) => {
    if (ranks[i]!.get("") !== "behind") return [];
    const best = [...ranks[i]!].filter(([, standing]) => standing === "best" || standing === "equal");
    return [`${row.label} (${best.map(([prefix]) => words(prefix)).join(", ")})`];
  });
  const compared = ranks.filter((rank) => (rank.get("") ?? "none") !== "none").length;
  if (compared === 0) return "";
  if (behind.length === 0) {
    return `No baseline is better than the result in any of the ${compared} rows compared.`;
  }
  return `A baseline is better than the result in ${behind.length} of the ${compared} rows compared: ${
    behind.join("; ")
  }.`;
}

/** "log_centroid_corrected" as "log centroid corrected". */
function words(key: string): string {
  return key.replaceAll("_", " ").replaceAll(".", ", ");
}
