import assert from "node:assert/strict";
import type { Metric } from "../../core/types.ts";
import type { RunOutcome } from "../../run/stages/request.ts";
import { withTempDir } from "../../tests/support/plugins.ts";
import { storeRun } from "../../tests/support/stored_runs.ts";
import { outcomeJson } from "./outcome_json.ts";

const A = {
  value: 0.5,
  error: null,
  errorKind: "none",
  unit: "1",
  better: "lower",
  rows: 3,
  split: "test",
} as Metric;
/** Every key that Beamline may print of a run, of a run that failed, and of its labels. */
const SHADOWS = ["run", "status", "error", "metrics", "files", "results", "name", "tags", "note", "warnings"];

Deno.test("outcomeJson() keeps the keys of Beamline, and all results of the plugin under results", async () => {
  await withTempDir(async (directory) => {
    const run = await storeRun(directory);
    const results = JSON.parse(
      `{"n": 3, "__proto__": {"status": "x"}, ${SHADOWS.map((key) => `"${key}": "mine"`).join(", ")}}`,
    );
    const outcome = { run, metrics: { a: A }, tables: [], files: [], results } as unknown as RunOutcome;
    const json = JSON.parse(JSON.stringify(outcomeJson(outcome)));
    const { results: printed, ["__proto__"]: _proto, ...rest } = json;
    assert.deepEqual(rest, { run: run.path, status: "finished", metrics: { a: A }, n: 3 });
    assert.deepEqual(printed, results);
    const made = JSON.parse(JSON.stringify(outcomeJson({ ...outcome, files: ["/a"] })));
    assert.deepEqual(made.files, ["/a"]);
  });
});

Deno.test("outcomeJson() writes metrics that are not finite as metrics.json does", async () => {
  await withTempDir(async (directory) => {
    const run = await storeRun(directory);
    const metrics = { a: { ...A, value: NaN } };
    const outcome = { run, metrics, tables: [], files: [], results: {} } as unknown as RunOutcome;
    assert.deepEqual(outcomeJson(outcome).metrics, { a: { ...A, value: null, valueText: "NaN" } });
  });
});
