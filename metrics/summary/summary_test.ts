import assert from "node:assert/strict";
import { randomFor } from "../../core/random.ts";
import { assertClose, uniformSample } from "../fixtures/samples.ts";
import { halfWidth, mean, median, quantile, quantiles, rms, standardDeviation } from "./summary.ts";

// Expected numbers: fixtures/summary.py, numpy 1.24.2. 1e-14 is the rounding of sums over 1000 terms.

Deno.test("mean(), rms() and standardDeviation() agree with numpy", () => {
  const x = uniformSample();
  assert.deepEqual([...x.subarray(0, 3)], [-16.5625, -3.9375, -6.421875]);
  assertClose(mean(x), 0.650375, 1e-14);
  assertClose(rms(x), 19.185468756998908, 1e-14);
  assertClose(standardDeviation(x), 19.174441941948565, 1e-14);
  assertClose(standardDeviation(x, { correction: 1 }), 19.184036359332527, 1e-14);
});

Deno.test("quantile() agrees with numpy at both ends and between order statistics", () => {
  const expected = [
    [0, -32],
    [0.05, -29.0625],
    [0.16, -21.63625],
    [0.5, 0.2890625],
    [0.84, 23.762499999999996],
    [0.975, 30.921875],
    [1, 31.984375],
  ] as const;
  const x = uniformSample();
  const found = quantiles(x, expected.map(([p]) => p));
  expected.forEach(([p, value], i) => {
    assertClose(quantile(x, p), value, 1e-14);
    assertClose(found[i]!, value, 1e-14);
  });
  assertClose(median(x), 0.2890625, 1e-14);
});

Deno.test("halfWidth() agrees with numpy", () => {
  assertClose(halfWidth(uniformSample()), 22.699374999999996, 1e-14);
  assertClose(halfWidth(uniformSample(), 0.95), 30.633203125, 1e-14);
});

Deno.test("quantile() agrees with sorting for any order, ties and length", () => {
  const random = randomFor({ seed: 11, purpose: "quantile" });
  for (let round = 0; round < 200; round++) {
    const size = 1 + random.integer(60);
    const distinct = 1 + random.integer(size);
    const values = Array.from({ length: size }, () => random.integer(distinct) - 3);
    const sorted = [...values].sort((a, b) => a - b);
    for (const p of [0, 0.1, 0.5, random.uniform(), 1]) {
      const position = p * (size - 1);
      const k = Math.floor(position);
      const expected = sorted[k]! + (position - k) * ((sorted[k + 1] ?? sorted[k]!) - sorted[k]!);
      assertClose(quantile(values, p), expected, 1e-14, 1e-14);
    }
  }
  // Orders that are the worst for a naive pivot.
  const count = 100_001;
  const orders = [(i: number) => i, (i: number) => count - i, () => 5, (i: number) => Math.min(i, count - i)];
  for (const order of orders) median(Float64Array.from({ length: count }, (_, i) => order(i)));
});

Deno.test("mean() and the widths follow shifts and scales, and do not depend on the order", () => {
  const random = randomFor({ seed: 3, purpose: "summary" });
  const x = Float64Array.from({ length: 501 }, () => random.normal());
  const moved = x.map((value) => 5 - 3 * value);
  const shuffled = Float64Array.from(random.permutation(501), (i) => x[i]!);
  assertClose(mean(moved), 5 - 3 * mean(x), 1e-13);
  assertClose(median(moved), 5 - 3 * median(x), 1e-13);
  for (const spread of [standardDeviation, halfWidth] as const) {
    assertClose(spread(moved), 3 * spread(x), 1e-13);
    assertClose(spread(shuffled), spread(x), 1e-13);
  }
  assertClose(quantile(moved, 0.9), 5 - 3 * quantile(x, 0.1), 1e-13);
});

Deno.test("standardDeviation() keeps its digits far from zero", () => {
  assert.equal(standardDeviation([1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16]), Math.sqrt(22.5));
});

Deno.test("the statistics leave their input alone and take every kind of array", () => {
  const x = [3, 1, 2];
  assert.equal(median(x), 2);
  assert.deepEqual(x, [3, 1, 2]);
  assert.equal(median(Float32Array.of(3, 1, 2)), 2);
  assert.equal(mean(Float64Array.of(3, 1, 2)), 2);
  assert.equal(quantile([7], 0.3), 7);
  assert.equal(standardDeviation([7]), 0);
});

Deno.test("the statistics reject empty and non-finite input", () => {
  const cases: [() => unknown, string][] = [
    [() => mean([]), "Cannot compute a mean as there must be values: found none"],
    [
      () => rms([1, NaN]),
      "Cannot compute a root mean square as every value must be finite: found NaN at index 1 of 2",
    ],
    [
      () => halfWidth(Float32Array.of(1, Infinity)),
      "Cannot compute a quantile as every value must be finite: found Infinity at index 1 of 2",
    ],
    [() => quantile([1], 1.1), "Cannot compute a quantile as its probability must be in [0, 1]: found 1.1"],
    [() => halfWidth([1], 0), "Cannot compute a half-width as the share must be in (0, 1): found 0"],
    [
      () => standardDeviation([1], { correction: 1 }),
      "Cannot compute a standard deviation as there must be more than 1 values: found 1",
    ],
  ];
  for (const [act, message] of cases) assert.throws(act, { name: "RangeError", message });
});
