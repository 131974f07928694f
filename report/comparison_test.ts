import assert from "node:assert/strict";
import { join } from "node:path";
import { withTempDir } from "../tests/support/plugins.ts";
import { compareDirectories, comparisonTables, renderComparison } from "./comparison.ts";

/** A run directory with what a comparison reads. */
async function writeRun(directory: string, i: number): Promise<string> {
  const run = join(directory, `run-${i}`);
  await Deno.mkdir(join(run, "figures"), { recursive: true });
  const write = (name: string, value: unknown) => Deno.writeTextFile(join(run, name), JSON.stringify(value));
  await write("run.json", {
    schema: "beamline-run/1",
    id: `20260101T00000${i % 10}Z-abcdef01-0000`,
    status: "finished",
    plugin: { name: "trial", title: "A trial" },
    action: "run",
    created: "2026-01-02T03:04:05.678Z",
    simulated: true,
    engine: { name: "native", threads: 1 },
    seed: i,
    headline: ["auc"],
  });
  await write("config.json", { values: { epochs: 3, model: { depth: i } } });
  const metric = { errorKind: "none", better: "higher", rows: 10, split: "test" };
  await write("metrics.json", {
    loss: { ...metric, value: 1 / (1 + i), error: null, unit: "1" },
    auc: { ...metric, value: 0.9 + 0.03 * i, error: 0.01, unit: "1" },
    "baseline.auc": { ...metric, value: 0.5, error: null, unit: "1" },
  });
  const lines = [1, 2].map((epoch) =>
    JSON.stringify({ step: epoch, epoch, split: "validation", loss: 1 / epoch })
  );
  await Deno.writeTextFile(join(run, "metrics.jsonl"), `${lines.join("\n")}\n{"step": 3, "ep`); // as of a killed run
  await write("figures/index.json", [{ name: "residual", title: "Residual", caption: "" }]);
  await write("figures/residual.json", {
    x: { label: "residual", unit: "cm" },
    series: [{ label: "network", edges: [0, 1, 2], counts: [3, 1 + i] }],
  });
  return run;
}

Deno.test("compareDirectories() finds what was set differently and puts the metrics that matter first", async () => {
  await withTempDir(async (directory) => {
    const comparison = await compareDirectories([await writeRun(directory, 0), await writeRun(directory, 1)]);
    assert.deepEqual(comparison.differences, { "model.depth": [0, 1], seed: [0, 1] });
    assert.deepEqual(comparison.metricKeys, ["auc", "loss", "baseline.auc"]);
    const tables = comparisonTables(comparison);
    assert.deepEqual(tables.map(({ name }) => name), ["runs", "differences", "metrics", "other-metrics"]);
    // 0.03 / sqrt(0.01^2 + 0.01^2) = 2.12
    assert.deepEqual(tables[2]!.rows, [["auc", "0.900 ± 0.010", "0.930 ± 0.010", "1", "2.1 σ"]]);
    assert.deepEqual(tables[3]!.rows.map((row) => row.at(-1)), ["", "equal"]);
  });
});

Deno.test("comparisonTables() calls runs by their names, and shows tags and notes where there are some", async () => {
  await withTempDir(async (directory) => {
    const [first, second] = [await writeRun(directory, 0), await writeRun(directory, 1)];
    const { schema: _schema, ...record } = JSON.parse(await Deno.readTextFile(join(first, "run.json")));
    const labels = { name: "a name of more than twenty-four", tags: ["x", "y"] };
    await Deno.writeTextFile(join(first, "run.json"), JSON.stringify({ ...record, ...labels }));
    const [table] = comparisonTables(await compareDirectories([first, second]));
    assert.deepEqual(table!.columns, ["run", "plugin", "status", "data", "seed", "folder", "tags"]);
    assert.deepEqual(table!.rows.map((row) => [row[0], row.at(-1)]), [
      ["A a name of more than twe…", "x, y"],
      ["B 20260101T000001Z", ""],
    ]);
  });
});

Deno.test("comparisonTables() gives each of many runs a row", async () => {
  await withTempDir(async (directory) => {
    const runs = await Promise.all(Array.from({ length: 9 }, (_, i) => writeRun(directory, i)));
    const [table, ...others] = comparisonTables(await compareDirectories(runs));
    assert.equal(others.length, 0);
    assert.deepEqual(table!.columns, ["run", "status", "model.depth", "seed", "auc"]);
    assert.equal(table!.rows.length, 9);
    assert.match(table!.note!, /2 more metrics/);
  });
});

Deno.test("renderComparison() overlays curves and residuals of 200 runs in under 3 s", async () => {
  await withTempDir(async (directory) => {
    const runs = await Promise.all(Array.from({ length: 200 }, (_, i) => writeRun(directory, i)));
    await renderComparison(await compareDirectories(runs.slice(0, 2))); // loads what draws
    const begun = performance.now();
    const html = await renderComparison(await compareDirectories(runs));
    const seconds = (performance.now() - begun) / 1000;
    assert.ok(seconds < 3, `${seconds} s`);
    assert.equal(html.match(/<svg/g)?.length, 2);
    assert.match(html, /The first 8 of 200 runs/);
    assert.match(html, /SIMULATED DATA/);
    assert.equal(/<script|https?:\/\/(?!www\.w3\.org)/.test(html), false);
  });
});

Deno.test("compareDirectories() rejects a folder without run.json and one with a damaged file", async () => {
  await withTempDir(async (directory) => {
    const good = await writeRun(directory, 0);
    await assert.rejects(compareDirectories([good, directory]), /must be a run directory: no run.json found/);
    await Deno.writeTextFile(join(good, "metrics.json"), "{");
    await assert.rejects(
      compareDirectories([good]),
      /its records must be whole: Cannot read "metrics.json" as it must be JSON/,
    );
  });
});
