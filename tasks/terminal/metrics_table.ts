/**
 * Metrics as a text table: one row per quantity, one column per method (the model and its baselines).
 *
 * @module
 */
import { formatEstimate, formatSpread } from "../../core/format.ts";
import type { Metric, Metrics } from "../../core/types.ts";
import type { Description } from "../../sandbox/protocol/description.ts";
import { textTable } from "./text_table.ts";

/** Rows and columns that a terminal shows; the report has the others. */
const SHOWN_ROWS = 200;
const SHOWN_METHODS = 12;
/** Dots of a name that may end its method; more are part of the key. */
const MOST_DOTS = 32;

/** The numbers that matter; all of them where the plugin declares none, as far as a terminal can show them. */
export function metricsTable(metrics: Metrics, declared: Description["metrics"]): string[] {
  const keys = declared.length > 0
    ? declared.map(({ key }) => key)
    : [...new Set(Object.keys(metrics).map(baseOf))];
  const all = methodsOf(metrics, keys);
  const methods = all.slice(0, SHOWN_METHODS);
  const present = keys.filter((key) =>
    methods.some((method) => Object.hasOwn(metrics, method === "" ? key : `${method}.${key}`))
  );
  const rows = present.slice(0, SHOWN_ROWS).flatMap((key) => {
    const found = methods.map((method) => metrics[method === "" ? key : `${method}.${key}`]);
    const first = found.find((metric) => metric !== undefined);
    if (!first) return [];
    const label = declared.find((declaration) => declaration.key === key)?.label ?? first.label ?? key;
    const cells = found.map((metric) => metric ? cellOf(metric) : "");
    return [[label, ...cells, first.unit === "1" ? "" : first.unit]];
  });
  const header = methods.map((method) => method === "" ? "model" : method.replaceAll("_", " "));
  const left = [
    ...present.length > SHOWN_ROWS ? [`${present.length - SHOWN_ROWS} more metrics`] : [],
    ...all.length > SHOWN_METHODS ? [`${all.length - SHOWN_METHODS} more methods`] : [],
  ];
  return [
    ...textTable(["", ...header, "unit"], rows),
    ...left.length > 0 ? [`... ${left.join(" and ")} in the report`] : [],
  ];
}

/** "0.83 ± 0.12", and of a mean over runs their spread. */
function cellOf({ value, error, spread }: Metric): string {
  const text = formatEstimate(value, error, "");
  return typeof spread === "number" ? `${text}, spread ${formatSpread(spread)}` : text;
}

/** The key without its method: "centroid.rms_x" is the "rms_x" of the method "centroid". */
function baseOf(name: string): string {
  return name.slice(name.indexOf(".") + 1);
}

/** Methods under which one of the keys is found, the model ("") first. */
function methodsOf(metrics: Metrics, keys: readonly string[]): string[] {
  const found = new Set<string>();
  for (const key of keys) if (key in metrics) found.add("");
  const places = new Map(keys.map((key, i) => [key, i]));
  for (const name of Object.keys(metrics)) {
    const [key] = suffixesOf(name).filter((suffix) => places.has(suffix))
      .sort((a, b) => places.get(a)! - places.get(b)!);
    if (key) found.add(name.slice(0, -key.length - 1));
  }
  return [...found];
}

/** What follows each dot of a name. */
function suffixesOf(name: string): string[] {
  const parts = name.split(".", MOST_DOTS);
  return parts.slice(1).map((_, i) => name.slice(parts.slice(0, i + 1).join(".").length + 1));
}
