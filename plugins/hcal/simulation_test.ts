import assert from "node:assert/strict";
import { randomFor } from "../../core/random.ts";
import { rowProfiles } from "./baselines.ts";
import { CELLS, COLUMNS, isActive } from "./geometry.ts";
import { profileOf, simulatedRun, simulateSections } from "./simulation.ts";

const random = (purpose: string, position = {}) => randomFor({ seed: 3, purpose, ...position });

function maps(label: 0 | 1, difficulty: number, rows: number): Float64Array {
  return simulateSections(simulatedRun(label, { rows, difficulty, random }), 0, rows);
}

function momentsOf(values: Float64Array): { mean: number; std: number; max: number } {
  const mean = values.reduce((a, b) => a + b) / values.length;
  const std = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
  return { mean, std, max: values.reduce((a, b) => Math.max(a, b)) };
}

Deno.test("simulatedRun() fills the 932 cells of the mask in every image and no other", () => {
  for (const label of [0, 1] as const) {
    const found = maps(label, 0, 50);
    found.forEach((value, i) => {
      const cell = i % CELLS;
      assert.equal(value > 0, isActive(Math.floor(cell / COLUMNS), cell % COLUMNS));
    });
  }
});

Deno.test("simulatedRun() has the published mean and spread at difficulty 0", () => {
  // Published for 10,000 images: mean 157.14 and 181.08, standard deviation 364.31 and 362.53, maximum 1564.94 and 1091.97.
  // The row profiles behind the simulation are read off figures to 2 %.
  const [first, second] = [momentsOf(maps(0, 0, 300)), momentsOf(maps(1, 0, 1000))];
  const isNear = (found: number, published: number, share: number) =>
    assert.ok(Math.abs(found / published - 1) < share, `${found} is not within ${share} of ${published}`);
  isNear(first.mean, 157.14, 0.01);
  isNear(second.mean, 181.08, 0.01);
  isNear(first.std, 364.31, 0.01);
  isNear(second.std, 362.53, 0.01);
  isNear(first.max, 1564.94, 0.06);
  isNear(second.max, 1091.97, 0.06);
});

Deno.test("profileOf() goes from the published profile to that of the other run", () => {
  assert.deepEqual(profileOf(1, 1), profileOf(0, 0));
  assert.deepEqual(profileOf(0, 1), profileOf(0, 0));
  assert.equal(profileOf(0, 0)[0], 1260); // |ieta| = 29
  assert.equal(profileOf(1, 0)[0], 924);
  // An eighth of the difference is left at F = 1/2: 265 + (830 - 265)/8.
  assert.equal(profileOf(1, 0.5)[10], 265 + 565 / 8); // |ieta| = 19
});

Deno.test("simulatedRun() gives both runs the same row means at difficulty 1, but not the same cells", () => {
  const rows = 400;
  const [first, second] = [maps(0, 1, rows), maps(1, 1, rows)];
  const [a, b] = [rowProfiles(first), rowProfiles(second)];
  for (let feature = 0; feature < 22; feature++) {
    const column = (profiles: Float64Array) => profiles.filter((_, i) => i % 22 === feature);
    const [x, y] = [momentsOf(column(a)), momentsOf(column(b))];
    // Difference of two means of 400 sections, in standard errors; 22 features, so that 4 has odds of 1 in 700.
    assert.ok(Math.abs(x.mean - y.mean) < 4 * Math.hypot(x.std, y.std) / Math.sqrt(rows), `row ${feature}`);
  }
  const cell = 3 * COLUMNS + 34; // in a recalibrated region
  const means = [first, second].map((found) => {
    let sum = 0;
    for (let row = 0; row < rows; row++) sum += found[row * CELLS + cell]!;
    return sum / rows;
  });
  assert.ok(Math.abs(means[1]! / means[0]! - 1) > 0.01, `${means}`);
});

Deno.test("simulateSections() makes any range of sections alone", () => {
  const make = simulatedRun(1, { rows: 100, difficulty: 0.3, random });
  const all = simulateSections(make, 0, 100);
  assert.deepEqual(simulateSections(make, 40, 42), all.slice(40 * CELLS, 42 * CELLS));
});
