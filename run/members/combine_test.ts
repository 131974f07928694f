import assert from "node:assert/strict";
import type { Metric } from "../../core/types.ts";
import { combineMetrics } from "./combine.ts";

const metric = (value: number, error: number | null = 0.1, more: Partial<Metric> = {}): Metric => ({
  value,
  error,
  errorKind: error === null ? "none" : "bootstrap",
  unit: "cm",
  better: "lower",
  rows: 100,
  split: "test",
  ...more,
});

Deno.test("combineMetrics() gives mean, standard deviation and the root mean square of the errors", () => {
  const { width } = combineMetrics([
    { width: metric(1, 0.3) },
    { width: metric(2, 0.4, { rows: 101 }) },
    { width: metric(6, 0.5, { rows: 103 }) },
  ]);
  // by hand: deviations -2, -1, 3, variance 14 / 2; squares of errors 0.09, 0.16, 0.25
  assert.equal(width!.value, 3);
  assert.ok(Math.abs(width!.spread! - Math.sqrt(7)) < 1e-15);
  assert.ok(Math.abs(width!.error! - Math.sqrt(0.5 / 3)) < 1e-15);
  assert.deepEqual([width!.members, width!.rows, width!.errorKind, width!.unit], [3, 101, "bootstrap", "cm"]);
});

Deno.test("combineMetrics() leaves out what is no number, and says over how many the mean is", () => {
  const { a, b, c } = combineMetrics([
    { a: metric(1), b: metric(NaN, null), c: metric(4) },
    { a: metric(NaN, null), b: metric(NaN, null) },
  ]);
  assert.deepEqual([a!.value, a!.spread, a!.members, a!.error], [1, null, 1, null]);
  assert.deepEqual([b!.value, b!.spread, b!.members], [NaN, null, 0]);
  assert.deepEqual([c!.value, c!.members], [4, 1]);
});
