import assert from "node:assert/strict";
import { randomFor } from "../../core/random.ts";
import { assertClose } from "../fixtures/samples.ts";
import { profile } from "./profile.ts";
import { mean, standardDeviation } from "./summary.ts";

Deno.test("profile() computes the statistic of y in each bin of x", () => {
  const x = [0, 0.5, 1, 1.5, 3, 4, -1, 9];
  const y = [10, 20, 1, 3, 7, 9, 100, 100];
  const found = profile(x, y, { edges: [0, 1, 3, 4], statistic: mean, minimumRows: 1 });
  assert.deepEqual(found, {
    centers: [0.5, 2, 3.5],
    low: [0, 1, 3],
    high: [1, 3, 4],
    counts: [2, 2, 2],
    values: [15, 2, 8].map((value) => ({ value, error: null, errorKind: "none" })),
  });
});

Deno.test("profile() leaves out bins with too few rows", () => {
  const found = profile([0.5, 0.6, 2.5], [1, 2, 3], { edges: [0, 1, 2, 3], statistic: mean, minimumRows: 2 });
  assert.deepEqual(found.counts, [2]);
  assert.deepEqual(found.centers, [0.5]);
  assert.deepEqual(profile([0.5], [1], { edges: [0, 1], statistic: mean }).centers, []);
});

Deno.test("profile() gives bootstrap errors that follow the standard deviation in each bin", () => {
  const random = randomFor({ seed: 8, purpose: "profile" });
  const x = Float64Array.from({ length: 20_000 }, () => random.uniform());
  const y = x.map((value) => random.normal(value, 0.1 + value));
  const edges = [0, 0.25, 0.5, 0.75, 1];
  const found = profile(x, y, { edges, statistic: mean, random, replicas: 400 });
  found.values.forEach((value, bin) => {
    const inside = y.filter((_, row) => x[row]! >= edges[bin]! && x[row]! < edges[bin + 1]!);
    assert.equal(value.value, mean(inside));
    // 400 replicas: 3.5 %.
    assertClose(value.error!, standardDeviation(inside) / Math.sqrt(inside.length), 0.15);
  });
});

Deno.test("profile() rejects columns of different length and edges that do not increase", () => {
  assert.throws(() => profile([1], [1, 2], { edges: [0, 1], statistic: mean }), {
    name: "TypeError",
    message: "Cannot compute a profile as rows must correspond: found 1 and 2",
  });
  for (const edges of [[0], [1, 1], [1, 0], [0, NaN], []]) {
    assert.throws(() => profile([1], [1], { edges, statistic: mean }), {
      name: "RangeError",
      message: `Cannot compute a profile as at least two edges must increase: found [${edges.join(", ")}]`,
    });
  }
});
