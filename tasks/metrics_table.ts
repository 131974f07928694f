/**
 * Metrics as a text table: one row per quantity, one column per method (the model and its baselines).
 *
 * @module
 */
import { formatEstimate } from "../core/format.ts";
import type { Metrics } from "../core/types.ts";
import type { Description } from "../run/box/hooks.ts";
import { textTable } from "./terminal.ts";

/** The numbers that matter; all of them where the plugin declares none. */
export function metricsTable(metrics: Metrics, declared: Description["metrics"]): string {
  const keys = declared.length > 0
    ? declared.map(({ key }) => key).filter((key) => key in metrics)
    : Object.keys(metrics);
  const methods = methodsOf(metrics, keys);
  const rows = keys.map((key) => {
    const metric = metrics[key]!;
    const label = declared.find((declaration) => declaration.key === key)?.label ?? metric.label ?? key;
    const cells = ["", ...methods].map((method) => {
      const found = metrics[method === "" ? key : `${method}.${key}`];
      return found ? formatEstimate(found.value, found.error, "") : "";
    });
    return [label, ...cells, metric.unit === "1" ? "" : metric.unit];
  });
  return textTable(["", "model", ...methods.map((method) => method.replaceAll("_", " ")), "unit"], rows);
}

/** Prefixes under which one of the keys is found, in the order of the metrics. */
function methodsOf(metrics: Metrics, keys: readonly string[]): string[] {
  const found = new Set<string>();
  for (const name of Object.keys(metrics)) {
    const key = keys.find((candidate) => name.endsWith(`.${candidate}`));
    if (key) found.add(name.slice(0, -key.length - 1));
  }
  return [...found];
}
