import assert from "node:assert/strict";
import type { Metric, Metrics } from "../../core/types.ts";
import { metricsTable } from "./metrics_table.ts";

const metric = (value: number, error: number | null, unit = "cm", label?: string): Metric =>
  ({
    value,
    error,
    errorKind: error === null ? "none" : "bootstrap",
    unit,
    better: "lower",
    rows: 9,
    split: "test",
    label,
  }) as Metric;

const METRICS: Metrics = {
  "center_of_gravity.rms": metric(0.12, 0.02),
  rms: metric(0.1, 0.01),
  auc: metric(0.9, null, "1"),
  other: metric(5, null),
};

Deno.test("metricsTable() shows the declared metrics in their order, the model first, then each method", () => {
  const declared = [
    { key: "auc", label: "area", unit: "1", better: "higher" },
    { key: "rms", label: "width", unit: "cm", better: "lower" },
    { key: "absent", label: "not there", unit: "1", better: "lower" },
  ];
  assert.deepEqual(
    metricsTable(METRICS, declared),
    [
      "               model  center of gravity  unit",
      "-----  -------------  -----------------  ----",
      "area             0.9",
      "width  0.100 ± 0.010      0.120 ± 0.020  cm",
    ],
  );
});

Deno.test("metricsTable() shows all metrics where none is declared, by label or by key", () => {
  const table = metricsTable({ a: metric(1, null, "1", "first"), "m.b": metric(2, null) }, []);
  assert.deepEqual(table.map((line) => line.trimEnd()), [
    "       model  m  unit",
    "-----  -----  -  ----",
    "first      1",
    "b             2  cm",
  ]);
});

Deno.test("metricsTable() shows as many metrics and methods as a terminal can, and says how many are left", () => {
  const many = Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`b${i}.k${i}`, metric(i, null)]));
  const lines = metricsTable(many, []);
  assert.equal(lines.length, 2 + 12 + 1);
  assert.equal(lines.at(-1), "... 9988 more methods in the report");
  const rows = Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`k${i}`, metric(i, null)]));
  assert.equal(metricsTable(rows, []).at(-1), "... 9800 more metrics in the report");
});
