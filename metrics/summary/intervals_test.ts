import assert from "node:assert/strict";
import { assertClose } from "../fixtures/samples.ts";
import { wilsonInterval } from "./intervals.ts";

Deno.test("wilsonInterval() agrees with the formula evaluated in numpy", () => {
  // fixtures/summary.py, numpy 1.24.2.
  const cases = [
    [0, 10, 1, 0, 0.09090909090909091],
    [3, 10, 1, 0.1788208207567646, 0.45754281560687166],
    [10, 10, 1, 0.9090909090909091, 1],
    [450, 1000, 1.959963984540054, 0.4194153840742968, 0.4809672917742588],
    [1, 2, 3, 0.04773298313335461, 0.9522670168666454],
  ] as const;
  for (const [successes, trials, z, low, high] of cases) {
    const found = wilsonInterval(successes, trials, { z });
    assert.equal(found.value, successes / trials);
    assertClose(found.low, low, 1e-14, 1e-16);
    assertClose(found.high, high, 1e-14);
    assertClose(found.error!, (high - low) / 2, 1e-14);
    assert.equal(found.errorKind, "wilson");
  }
});

Deno.test("wilsonInterval() covers about as often as it says", () => {
  // Exact coverage at p = 0.3, n = 50, summed over the binomial distribution.
  let coverage = 0;
  let probability = 0.7 ** 50;
  for (let k = 0; k <= 50; k++) {
    const { low, high } = wilsonInterval(k, 50);
    if (low <= 0.3 && 0.3 <= high) coverage += probability;
    probability *= (50 - k) / (k + 1) * 0.3 / 0.7;
  }
  assertClose(coverage, 0.683, 0, 0.05);
});

Deno.test("wilsonInterval() mirrors successes and failures", () => {
  const a = wilsonInterval(7, 31);
  const b = wilsonInterval(24, 31);
  assertClose(a.low, 1 - b.high, 1e-14);
  assertClose(a.high, 1 - b.low, 1e-14);
});

Deno.test("wilsonInterval() rejects impossible fractions", () => {
  for (const [successes, trials] of [[1, 0], [-1, 5], [6, 5], [NaN, 5]] as const) {
    assert.throws(() => wilsonInterval(successes, trials), {
      name: "RangeError",
      message:
        `Cannot compute an interval as a fraction is between 0 and 1 of at least one trial: found ${successes} of ${trials}`,
    });
  }
  assert.throws(() => wilsonInterval(1, 2, { z: 0 }), {
    name: "RangeError",
    message: "Cannot compute an interval as z must be positive: found 0",
  });
});
