import assert from "node:assert/strict";
import { randomFor } from "../../core/random.ts";
import { uniformSample } from "../fixtures/samples.ts";
import { binEdges, histogram, histogram2d } from "./histogram.ts";

// Expected counts: fixtures/summary.py, numpy 1.24.2.

Deno.test("histogram() agrees with numpy and counts values outside the range", () => {
  const { edges, counts, underflow, overflow } = histogram(uniformSample(), {
    range: [-20, 31.96875],
    bins: 12,
  });
  assert.deepEqual([...counts], [72, 64, 65, 69, 56, 54, 58, 64, 69, 74, 83, 79]);
  assert.deepEqual([underflow, overflow], [191, 2]);
  assert.deepEqual([edges.length, edges[0], edges[12]], [13, -20, 31.96875]);
});

Deno.test("histogram2d() agrees with numpy", () => {
  const x = uniformSample();
  const { counts, outside } = histogram2d(x.subarray(0, 500), x.subarray(500), {
    x: { range: [-20, 20], bins: 3 },
    y: { range: [-30, 30], bins: 4 },
  });
  assert.deepEqual([...counts], [23, 20, 20, 25, 15, 27, 24, 24, 24, 34, 26, 25]);
  assert.equal(outside, 500 - 287);
});

Deno.test("histogram() puts an edge into the bin above it, and the last edge into the last bin", () => {
  // 0.1 and 0.3 are not exact: the bin is decided by the edges themselves.
  for (const [low, high, bins] of [[0, 1, 10], [-0.3, 0.6, 9], [0.1, 0.7, 6], [-1, 1, 300]] as const) {
    const edges = binEdges({ range: [low, high], bins });
    const { counts } = histogram(edges, { range: [low, high], bins });
    assert.deepEqual([...counts], Array.from({ length: bins }, (_, i) => i === bins - 1 ? 2 : 1));
  }
});

Deno.test("histogram() loses no row", () => {
  const random = randomFor({ seed: 5, purpose: "histogram" });
  const values = Float64Array.from({ length: 10_000 }, () => random.normal());
  const { counts, underflow, overflow } = histogram(values, { range: [-0.5, 2], bins: 7 });
  assert.equal(counts.reduce((sum, count) => sum + count, underflow + overflow), 10_000);
  assert.equal(underflow, values.filter((x) => x < -0.5).length);
});

Deno.test("histogram() rejects a binning that is none, and values that are not finite", () => {
  const cases: [() => unknown, string][] = [
    [
      () => histogram([1], { range: [0, 1], bins: 0 }),
      "Cannot fill a histogram as the bins must be an integer from 1 to 1e7: found 0",
    ],
    [
      () => histogram([1], { range: [1, 1], bins: 3 }),
      "Cannot fill a histogram as its range must be increasing and finite: found [1, 1]",
    ],
    [
      () => histogram([], { range: [0, 1], bins: 3 }),
      "Cannot fill a histogram as there must be values: found none",
    ],
    [
      () => histogram([NaN], { range: [0, 1], bins: 3 }),
      "Cannot fill a histogram as every value must be finite: found NaN at index 0 of 1",
    ],
  ];
  for (const [act, message] of cases) assert.throws(act, { name: "RangeError", message });
  const axis = { range: [0, 1], bins: 2 } as const;
  assert.throws(() => histogram2d([1], [1, 2], { x: axis, y: axis }), {
    name: "TypeError",
    message: "Cannot fill a histogram as rows must correspond: found 1 and 2",
  });
});
