/**
 * Several runs side by side: what was set differently, what came out, their curves over each other.
 *
 * @module
 */
import { basename, join } from "node:path";
import { DataError } from "../core/errors.ts";
import { formatEstimate, formatSpread } from "../core/format.ts";
import { safeParseJson } from "../core/json.ts";
import { isRecordFile, MAX_RECORD_BYTES, parseLine, parseRecord } from "../core/record_shapes.ts";
import type { ConfigRecord, FigureIndex, RunRecord } from "../core/records.ts";
import { decodeMetrics, decodeRecord, type StoredMetric } from "../core/not_finite.ts";
import type { Json, JsonObject, Metric, Metrics, TextTable, TrainingRecord } from "../core/types.ts";
import { pathBelow, readPlainText } from "../files/plain_file.ts";
import { curveFigure, histogramFigure } from "../plot/mod.ts";
import { details, html, Markup, markupOf, textTable } from "./html.ts";
import { reportStyle } from "./style.ts";
import { uncertaintyOf } from "./uncertainty.ts";

/** What a comparison reads of a run. */
export interface ReadRun {
  readonly directory: string;
  readonly record: RunRecord;
  readonly config: JsonObject;
  readonly metrics: Metrics;
  readonly history: readonly TrainingRecord[];
}

/** One run of a comparison. */
export interface ComparedRun extends ReadRun {
  /** Unique short text: "A", "B", ... and the id. */
  readonly label: string;
}

/** Several runs side by side. */
export interface Comparison {
  readonly runs: readonly ComparedRun[];
  /** Values that are not the same in all runs, by dotted path; one entry a run. */
  readonly differences: { readonly [path: string]: readonly Json[] };
  /** Metric keys found in any run: those that matter, the other results, baselines. */
  readonly metricKeys: readonly string[];
  /** How many of them matter. */
  readonly headlineCount: number;
}

/** Curves that can be distinguished in one figure. */
const MAX_CURVES = 8;
/** Runs that have a column each; more have a row each. */
const MAX_COLUMNS = 8;

/**
 * Reads the runs and finds what differs.
 *
 * @throws {DataError} If a `run.json` is missing or damaged.
 */
export async function compareDirectories(directories: readonly string[]): Promise<Comparison> {
  return comparisonOf(await Promise.all(directories.map(readForComparison)));
}

/** Finds what differs between runs. */
export function comparisonOf(read: readonly ReadRun[]): Comparison {
  const runs = read.map((run, i) => ({ ...run, label: `${letters(i)} ${shortName(run.record)}` }));
  const configs = runs.map(({ record, config }) => ({
    ...flatten(config),
    seed: record.seed,
    engine: record.engine ? `${record.engine.name}, ${record.engine.threads} threads` : null,
    plugin: record.plugin.name,
    action: record.action,
  }));
  const paths = [...new Set(configs.flatMap((config) => Object.keys(config)))];
  const differences = Object.fromEntries(
    paths.map((path) => [path, configs.map((config) => (config as JsonObject)[path] ?? null)] as const)
      .filter(([, values]) => new Set(values.map((value) => JSON.stringify(value))).size > 1),
  );
  const keys = [...new Set(runs.flatMap(({ metrics }) => Object.keys(metrics)))];
  const declared = new Set(runs.flatMap(({ record }) => record.headline ?? []));
  const headline = [...declared].filter((key) => keys.includes(key));
  const others = keys.filter((key) => !declared.has(key));
  const plain = others.filter((key) => !key.includes("."));
  const baselines = others.filter((key) => key.includes("."));
  return {
    runs,
    differences,
    metricKeys: [...headline, ...plain, ...baselines],
    headlineCount: headline.length,
  };
}

/**
 * Reads what a comparison needs of a run.
 *
 * @throws {DataError} If its `run.json` is missing, or a record of it is damaged.
 */
export async function readForComparison(directory: string): Promise<ReadRun> {
  const record = await readPart<RunRecord>(directory, "run.json");
  if (!record) {
    throw new DataError(
      `Cannot compare "${directory}" as it must be a run directory: no run.json found`,
      directory,
    );
  }
  const config = await readPart<ConfigRecord>(directory, "config.json");
  const lines = await readText(directory, "metrics.jsonl") ?? "";
  return {
    directory,
    record,
    config: config?.values ?? {},
    metrics: decodeMetrics(
      await readPart<{ readonly [key: string]: StoredMetric }>(directory, "metrics.json") ?? {},
    ),
    history: lines.split("\n").flatMap(readLine),
  };
}

/** A line of `metrics.jsonl`; one that is none, as the last one where the run was killed, is left out. */
function readLine(line: string): TrainingRecord[] {
  try {
    return [decodeRecord(parseLine("metrics.jsonl", line, "metrics.jsonl", 1) as JsonObject)];
  } catch {
    return [];
  }
}

/** Characters of a name in tables and legends. */
const SHORT_NAME = 24;

/** The name of a run, or when it began. */
function shortName({ id, name }: RunRecord): string {
  if (name === undefined) return id.slice(0, 16);
  return name.length <= SHORT_NAME ? name : `${name.slice(0, SHORT_NAME - 1)}…`;
}

/** A, B, ..., Z, AA, AB, ... */
function letters(i: number): string {
  const last = String.fromCharCode(65 + i % 26);
  return i < 26 ? last : letters(Math.floor(i / 26) - 1) + last;
}

/** The text of a plain file; undefined where it cannot be read. */
async function readText(directory: string, name: string): Promise<string | undefined> {
  return await Promise.try(() => readPlainText(pathBelow(directory, name), MAX_RECORD_BYTES)).catch(() =>
    undefined
  );
}

async function readPart<T>(directory: string, name: string): Promise<T | undefined> {
  const path = join(directory, name);
  const text = await readText(directory, name);
  if (text === undefined) return undefined;
  try {
    return (isRecordFile(name) ? parseRecord(name, text, name) : safeParseJson(text, name)) as unknown as T;
  } catch (cause) {
    throw new DataError(
      `Cannot compare "${directory}" as its records must be whole: ${(cause as Error).message}`,
      path,
      { cause },
    );
  }
}

function flatten(values: Json, prefix = ""): JsonObject {
  if (typeof values !== "object" || values === null || Array.isArray(values)) return { [prefix]: values };
  return Object.assign(
    {},
    ...Object.entries(values).map(([key, value]) => flatten(value, prefix === "" ? key : `${prefix}.${key}`)),
  );
}

/** The comparison as tables; with few runs each has a column, with many each has a row. */
export function comparisonTables(comparison: Comparison): TextTable[] {
  return comparison.runs.length > MAX_COLUMNS ? [rowTable(comparison)] : columnTables(comparison);
}

function shown(value: Json): string | number | null {
  return typeof value === "number" || typeof value === "string" || value === null
    ? value
    : JSON.stringify(value);
}

function estimate(metric: Metric | undefined): string {
  if (!metric) return "";
  const { value, error, spread } = metric;
  const text = formatEstimate(value, error, "1");
  return typeof spread === "number" ? `${text}, spread ${formatSpread(spread)}` : text;
}

function dataOf({ simulated }: RunRecord): string {
  return simulated === null ? "" : simulated ? "simulated" : "measured";
}

const ERRORS = "Errors are one standard deviation.";

/** One row a run: what was set differently, and the metrics that matter. */
function rowTable({ runs, differences, metricKeys, headlineCount }: Comparison): TextTable {
  const keys = metricKeys.slice(0, headlineCount > 0 ? headlineCount : MAX_COLUMNS);
  const unit = (key: string): string => {
    const found = runs.map(({ metrics }) => metrics[key]?.unit).find((unit) => unit !== undefined) ?? "1";
    return found === "1" ? "" : ` [${found}]`;
  };
  const left = metricKeys.length - keys.length;
  return {
    name: "runs",
    title: "Runs",
    columns: ["run", "status", ...Object.keys(differences), ...keys.map((key) => `${key}${unit(key)}`)],
    rows: runs.map(({ label, record, metrics }, i) => [
      label,
      record.status,
      ...Object.values(differences).map((values) => shown(values[i]!)),
      ...keys.map((key) => estimate(metrics[key])),
    ]),
    note: left > 0 ? `${ERRORS} ${left} more metrics are in the report of each run, and in --json.` : ERRORS,
  };
}

/** What users call runs, in columns where a run has it; the label of a run begins with its name. */
const LABELS = ["tags", "note"] as const;

function columnTables({ runs, differences, metricKeys, headlineCount }: Comparison): TextTable[] {
  const labels = runs.map(({ label }) => label);
  const labeled = LABELS.filter((key) => runs.some(({ record }) => record[key] !== undefined));
  const isPair = runs.length === 2;
  const metricTable = (name: string, title: string, keys: readonly string[]): TextTable => ({
    name,
    title,
    columns: ["metric", ...labels, "unit", ...(isPair ? ["apart"] : [])],
    rows: keys.map((key) => [
      key,
      ...runs.map(({ metrics }) => estimate(metrics[key])),
      runs.map(({ metrics }) => metrics[key]?.unit).find((unit) => unit !== undefined) ?? "",
      ...(isPair ? [apart(runs[0]!.metrics[key], runs[1]!.metrics[key])] : []),
    ]),
    note: isPair
      ? `${ERRORS} Apart: the difference in units of both errors (of means over runs: spreads, where larger) added in quadrature, as if they were independent.`
      : ERRORS,
  });
  const [first, others] = [metricKeys.slice(0, headlineCount), metricKeys.slice(headlineCount)];
  return [
    {
      name: "runs",
      title: "Runs",
      columns: ["run", "plugin", "status", "data", "seed", "folder", ...labeled],
      rows: runs.map(({ label, record, directory }) => [
        label,
        record.plugin.name,
        record.status,
        dataOf(record),
        record.seed,
        basename(directory),
        ...labeled.map((key) => [record[key] ?? []].flat().join(", ")),
      ]),
    },
    {
      name: "differences",
      title: "What was set differently",
      columns: ["value", ...labels],
      rows: Object.entries(differences).map(([path, values]) => [path, ...values.map(shown)]),
    },
    ...(first.length > 0 ? [metricTable("metrics", "Metrics", first)] : []),
    ...(others.length > 0
      ? [metricTable("other-metrics", first.length > 0 ? "Other metrics" : "Metrics", others)]
      : []),
  ];
}

/** The difference of two metrics in units of their combined error. */
function apart(a: Metric | undefined, b: Metric | undefined): string {
  if (!a || !b) return "";
  if (a.value === b.value || Number.isNaN(a.value) && Number.isNaN(b.value)) return "equal";
  const combined = Math.hypot(uncertaintyOf(a), uncertaintyOf(b));
  return combined === 0 || !Number.isFinite(a.value - b.value)
    ? ""
    : `${(Math.abs(a.value - b.value) / combined).toFixed(1)} σ`;
}

interface HistogramData {
  readonly x: { readonly label: string; readonly unit?: string };
  readonly series: readonly {
    readonly label: string;
    readonly edges: readonly number[];
    readonly counts: readonly number[];
  }[];
}

/** Learning curves, and the first histogram of every histogram figure that all runs have. */
async function overlays({ runs }: Comparison): Promise<{ readonly svg: string; readonly caption: string }[]> {
  const shown = runs.slice(0, MAX_CURVES);
  const left = runs.length > shown.length ? ` The first ${shown.length} of ${runs.length} runs.` : "";
  const simulated = shown.some(({ record }) => record.simulated === true);
  const found: { svg: string; caption: string }[] = [];
  const curves = shown.flatMap(({ label, history }) => {
    const validation = history.filter(({ split }) => split === "validation");
    const lines = validation.length > 0 ? validation : history;
    const points = lines.filter(({ loss }) => typeof loss === "number" && Number.isFinite(loss));
    return points.length === 0
      ? []
      : [{ label, x: points.map(({ epoch }) => epoch), y: points.map(({ loss }) => loss as number) }];
  });
  if (curves.length > 0) {
    const caption = `Validation loss against the epoch.${left}`;
    const isPositive = curves.every(({ y }) => y.every((value) => value > 0));
    const { svg } = await curveFigure({
      name: "learning_curves",
      title: "Learning curves",
      caption,
      simulated,
      x: { label: "epoch", whole: true },
      y: { label: "loss", log: isPositive },
      series: curves,
    });
    found.push({ svg, caption: `Learning curves. ${caption}` });
  }
  for (const { name, title } of await sharedFigures(shown)) {
    const data = await Promise.all(
      shown.map(({ directory }) => readPart<HistogramData>(directory, join("figures", `${name}.json`))),
    );
    if (!data.every((part) => part?.series?.[0]?.edges !== undefined)) continue;
    const caption = `${data[0]!.series[0]!.label} of each run, each divided by its sum.${left}`;
    const { svg } = await histogramFigure({
      name: `overlay_${name}`,
      title,
      caption,
      simulated,
      x: data[0]!.x,
      normalize: true,
      series: data.map((part, i) => ({
        label: shown[i]!.label,
        edges: part!.series[0]!.edges,
        counts: part!.series[0]!.counts,
      })),
    });
    found.push({ svg, caption: `${title}. ${caption}` });
  }
  return found;
}

/** Figures that every run has. */
async function sharedFigures(runs: readonly ComparedRun[]): Promise<FigureIndex> {
  const indices = await Promise.all(
    runs.map(({ directory }) => readPart<FigureIndex>(directory, "figures/index.json")),
  );
  const [first, ...others] = indices;
  return (first ?? []).filter(({ name }) =>
    others.every((index) => index?.some((figure) => figure.name === name))
  );
}

/** The comparison as one HTML document: nothing to fetch, no script. */
export async function renderComparison(comparison: Comparison): Promise<string> {
  const figures = await overlays(comparison);
  const tables = comparisonTables(comparison).filter(({ rows }) => rows.length > 0);
  const isShort = ({ name }: TextTable): boolean => name !== "other-metrics";
  const section = (table: TextTable): Markup => html("section", { id: table.name }, textTable(table));
  const names = [...new Set(comparison.runs.map(({ record }) => record.plugin.title))].join(", ");
  const title = `${comparison.runs.length} runs compared`;
  const isSimulated = comparison.runs.some(({ record }) => record.simulated === true);
  const head = html(
    "head",
    {},
    html("meta", { charset: "utf-8" }),
    html("meta", {
      "http-equiv": "Content-Security-Policy",
      content: "default-src 'none'; style-src 'unsafe-inline'; img-src data:",
    }),
    html("meta", { name: "viewport", content: "width=device-width, initial-scale=1" }),
    html("title", {}, title),
    html("style", {}, new Markup(reportStyle())),
  );
  const body = html(
    "body",
    {},
    html(
      "header",
      {},
      html("h1", {}, title),
      isSimulated && html("ul", { class: "badges" }, html("li", { class: "simulated" }, "SIMULATED DATA")),
      html("p", { class: "facts" }, names),
    ),
    html(
      "main",
      { id: "content" },
      tables.filter(isShort).map(section),
      figures.map(({ svg, caption }) =>
        html("section", {}, html("figure", {}, new Markup(svg), html("figcaption", {}, caption)))
      ),
      tables.filter((table) => !isShort(table)).map((table) =>
        html(
          "section",
          { id: table.name },
          details(`${table.title} (${table.rows.length})`, textTable(table)),
        )
      ),
    ),
  );
  return `<!doctype html>\n<html lang="${markupOf("en")}">\n${head.text}\n${body.text}\n</html>\n`;
}
