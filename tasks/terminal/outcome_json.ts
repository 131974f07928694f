/**
 * The outcome of a run as the one object that `--json` prints.
 *
 * @module
 */
import { encodeMetrics } from "../../core/not_finite.ts";
import { labelsIn } from "../finding/label_flags.ts";
import type { RunOutcome } from "../../run/stages/request.ts";

/** Keys that mean the same in every output of a run, whatever a plugin calls its results. */
const OWN_KEYS: ReadonlySet<string> = new Set([
  "run",
  "status",
  "error",
  "name",
  "tags",
  "note",
  "metrics",
  "files",
  "results",
  "warnings",
]);

/**
 * What `--json` prints of a run. The plugin's results are under `results`, all of them, and also beside the keys of
 * Beamline, except those that have the name of one.
 */
export function outcomeJson(
  { run, metrics, files, results }: RunOutcome,
): { readonly [key: string]: unknown } {
  const { status } = run.record;
  const beside = Object.entries(results).filter(([key]) => !OWN_KEYS.has(key));
  return {
    run: run.path,
    status,
    ...labelsIn(run.record),
    metrics: encodeMetrics(metrics),
    ...(files.length > 0 ? { files } : {}),
    ...Object.fromEntries(beside),
    results,
  };
}
