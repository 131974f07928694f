import assert from "node:assert/strict";
import { randomFor } from "../../core/random.ts";
import { CELLS } from "./geometry.ts";
import type { RunMaps } from "./map_files.ts";
import { nonZeroHistogram, randomSamples, studyRun } from "./study.ts";

/** A run of maps in memory. */
function runOf(maps: Float64Array<ArrayBuffer>): RunMaps {
  return {
    run: 1,
    rows: maps.length / CELLS,
    origin: "test",
    read: (from, to) => Promise.resolve(maps.slice(from * CELLS, to * CELLS)),
    close() {},
  };
}

/** As in fixtures/make_reference.py. */
const WAVES = Float64Array.from({ length: 3 * CELLS }, (_, i) => i % 5 === 0 ? 0 : Math.sin(i) * 100);

function isClose(found: number, expected: number, what: string): void {
  assert.ok(Math.abs(found - expected) <= 1e-12 * Math.abs(expected), `${what}: ${found} is not ${expected}`);
}

Deno.test("studyRun() reproduces numpy's statistics to 1e-12", async () => {
  const { statistics, meanMap, frequencyMap } = await studyRun(runOf(WAVES), () => {});
  // Printed by fixtures/make_reference.py, numpy 1.24.2. The mean is 1e-4 of the spread, so that 1e-12 of it is 1e-16 of
  // the values: the absolute tolerance is that of the spread.
  assert.ok(Math.abs(statistics.mean - 0.010095507310551652) < 1e-12 * 63);
  isClose(statistics.min, -99.99945207257291, "min");
  isClose(statistics.max, 99.99946200602122, "max");
  assert.equal(statistics.median, 0);
  isClose(statistics.std, 63.24483187421154, "std");
  isClose(statistics.zeroPercent, 20.00144675925926, "zeros");
  isClose(statistics.minSparsityPercent, 19.986979166666668, "fewest");
  isClose(statistics.maxSparsityPercent, 20.008680555555557, "most");
  assert.equal(statistics.images, 3);
  isClose(meanMap[7]!, (WAVES[7]! + WAVES[7 + CELLS]! + WAVES[7 + 2 * CELLS]!) / 3, "mean of a cell");
  // Cell 0 is zero in image 0 alone: 4608 and 9216 leave 3 and 1 when divided by 5.
  isClose(frequencyMap[0]!, 2 / 3, "frequency");
});

Deno.test("studyRun() finds a median that is not among the zeros", async () => {
  const shifted = WAVES.map((value) => value === 0 ? 0 : value + 50);
  const { statistics } = await studyRun(runOf(shifted), () => {});
  // Printed by fixtures/make_reference.py, numpy 1.24.2.
  isClose(statistics.median, 12.044803778329008, "median");
  isClose(statistics.mean, 40.00937212768093, "mean");
  isClose(statistics.std, 66.33349368467542, "std");
});

Deno.test("studyRun() takes the mean of the two middle values of an even number", async () => {
  const half = new Float64Array(CELLS).map((_, i) => i < CELLS / 2 ? -3 : 8);
  assert.equal((await studyRun(runOf(half), () => {})).statistics.median, 2.5);
  const zeros = new Float64Array(CELLS).map((_, i) => i < CELLS / 2 ? 0 : 8);
  assert.equal((await studyRun(runOf(zeros), () => {})).statistics.median, 4);
});

Deno.test("nonZeroHistogram() counts every value that is not zero once", async () => {
  const { edges, counts } = await nonZeroHistogram(runOf(WAVES), { range: [-100, 100], bins: 8 });
  assert.equal(counts.reduce((a, b) => a + b), WAVES.filter((value) => value !== 0).length);
  assert.deepEqual([...edges], [-100, -75, -50, -25, 0, 25, 50, 75, 100]);
});

Deno.test("randomSamples() gives different sections in order", async () => {
  const samples = await randomSamples(runOf(WAVES), 2, randomFor({ seed: 1, purpose: "test" }));
  assert.equal(samples.length, 2);
  assert.ok(samples[0]!.section < samples[1]!.section);
  const from = samples[0]!.section * CELLS;
  assert.deepEqual(samples[0]!.map, WAVES.slice(from, from + CELLS));
});
