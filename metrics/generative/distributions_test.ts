import assert from "node:assert/strict";
import { randomFor } from "../../core/random.ts";
import {
  chi2Distance,
  compareCounts,
  compareGroupedCounts,
  countsBetween,
  logEdges,
  separationPower,
} from "./distributions.ts";
import expected from "../fixtures/generative.json" with { type: "json" };
import { sines } from "../fixtures/sines.ts";
import { histogram } from "../summary/histogram.ts";

// Expected numbers: fixtures/generative.py (numpy 1.24.2).
function near(actual: number, wanted: number): void {
  assert.ok(Math.abs(actual - wanted) <= 1e-9 * Math.abs(wanted) + 1e-12, `${actual} is not ${wanted}`);
}

function firstColumn(which: number): Float64Array {
  return sines(which).data.filter((_, i) => i % 4 === 0);
}

const [P, Q] = [0, 1].map((which) => histogram(firstColumn(which), { range: [-2, 2], bins: 12 }).counts) as [
  Float64Array,
  Float64Array,
];

Deno.test("chi2Distance() and separationPower() agree with numpy", () => {
  near(chi2Distance(P, Q), expected.chi2);
  near(separationPower(P, Q), expected.separation);
  assert.equal(chi2Distance(P, P), 0);
  near(separationPower([1, 0], [0, 5]), 1);
  assert.throws(() => chi2Distance([1], [1, 2]), TypeError);
});

Deno.test("logEdges() and countsBetween() agree with numpy", () => {
  logEdges([0.015, 6912], 49).forEach((edge, i) => near(edge, expected.logEdges[i]!));
  const values = sines(0).data.map(Math.abs);
  assert.deepEqual(Array.from(countsBetween(values, logEdges([0.01, 10], 7))), expected.logCounts);
  assert.throws(() => logEdges([0, 1], 3), RangeError);
  assert.throws(() => countsBetween(values, [0, 2, 1]), RangeError);
});

Deno.test("compareCounts() has the values of the distances and errors of the size of their scatter", () => {
  const random = (purpose: string) => randomFor({ seed: 3, purpose });
  const { chi2, separation } = compareCounts(P, Q, { random: random("errors") });
  near(chi2.value, expected.chi2);
  near(separation.value, expected.separation);
  assert.ok(separation.error! > 0.01 && separation.error! < 0.2, `${separation.error}`);
  const groups = [P, Q].map((counts) => [counts.map((n) => n / 2), counts.map((n) => n / 2)]);
  const grouped = compareGroupedCounts(groups[0]!, groups[1]!, { random: random("groups") });
  near(grouped.separation.value, expected.separation);
  // equal groups cannot scatter
  near(grouped.separation.error!, 0);
  assert.throws(() => compareGroupedCounts([P], [Q], { random: random("one") }), RangeError);
});

Deno.test("compareCounts() has errors that cover the scatter of independent histograms", () => {
  const means = [20, 60, 120, 60, 20];
  const shifted = [10, 40, 110, 90, 40];
  const random = randomFor({ seed: 5, purpose: "scatter" });
  const draw = (of: readonly number[]): Float64Array => Float64Array.from(of, (mean) => random.poisson(mean));
  const found = Array.from({ length: 300 }, () => compareCounts(draw(means), draw(shifted), { random }));
  for (const key of ["chi2", "separation"] as const) {
    const values = found.map((one) => one[key].value);
    const center = values.reduce((sum, value) => sum + value, 0) / values.length;
    const scatter = Math.sqrt(
      values.reduce((sum, value) => sum + (value - center) ** 2, 0) / (values.length - 1),
    );
    const error = found.reduce((sum, one) => sum + one[key].error!, 0) / found.length;
    // the scatter of 300 values is known to 4 %: four of those, and some for the bootstrap's own bias
    assert.ok(Math.abs(error / scatter - 1) < 0.2, `${key}: ${error} for ${scatter}`);
  }
});
