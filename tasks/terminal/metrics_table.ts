/**
 * Metrics as a text table: one row per quantity, one column per method (the model and its baselines).
 *
 * @module
 */
import { formatEstimate } from "../../core/format.ts";
import type { Metrics } from "../../core/types.ts";
import type { Description } from "../../sandbox/protocol/description.ts";
import { textTable } from "./text_table.ts";

/** The numbers that matter; all of them where the plugin declares none. */
export function metricsTable(metrics: Metrics, declared: Description["metrics"]): string[] {
  const keys = declared.length > 0
    ? declared.map(({ key }) => key)
    : [...new Set(Object.keys(metrics).map(baseOf))];
  const methods = methodsOf(metrics, keys);
  const rows = keys.flatMap((key) => {
    const found = methods.map((method) => metrics[method === "" ? key : `${method}.${key}`]);
    const first = found.find((metric) => metric !== undefined);
    if (!first) return [];
    const label = declared.find((declaration) => declaration.key === key)?.label ?? first.label ?? key;
    const cells = found.map((metric) => metric ? formatEstimate(metric.value, metric.error, "") : "");
    return [[label, ...cells, first.unit === "1" ? "" : first.unit]];
  });
  const header = methods.map((method) => method === "" ? "model" : method.replaceAll("_", " "));
  return textTable(["", ...header, "unit"], rows);
}

/** The key without its method: "centroid.rms_x" is the "rms_x" of the method "centroid". */
function baseOf(name: string): string {
  return name.slice(name.indexOf(".") + 1);
}

/** Methods under which one of the keys is found, the model ("") first. */
function methodsOf(metrics: Metrics, keys: readonly string[]): string[] {
  const found = new Set<string>();
  for (const key of keys) if (key in metrics) found.add("");
  for (const name of Object.keys(metrics)) {
    const key = keys.find((candidate) => name.endsWith(`.${candidate}`));
    if (key) found.add(name.slice(0, -key.length - 1));
  }
  return [...found];
}
