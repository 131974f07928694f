import assert from "node:assert/strict";
import { randomFor } from "../../core/random.ts";
import { bootstrap, bootstrapOf } from "./bootstrap.ts";
import { assertClose } from "../fixtures/samples.ts";
import { halfWidth, mean } from "./summary.ts";

const random = (purpose: string) => randomFor({ seed: 17, purpose });

Deno.test("bootstrap() finds the error of a mean", () => {
  const source = random("data");
  const x = Float64Array.from({ length: 2000 }, () => source.normal(3, 2));
  const found = bootstrapOf(x, mean, { random: random("rows"), replicas: 1000 });
  assert.equal(found.value, mean(x));
  assert.equal(found.errorKind, "bootstrap");
  // sigma/sqrt(n); the bootstrap error itself is good to 1/sqrt(2000) = 2.2 %, and sigma of this sample to 1.6 %.
  assertClose(found.error!, 2 / Math.sqrt(2000), 0.1);
});

Deno.test("bootstrap() finds the error of a half-width", () => {
  const source = random("data");
  const x = Float64Array.from({ length: 5000 }, () => source.normal());
  const found = bootstrapOf(x, halfWidth, { random: random("rows"), replicas: 400 });
  // Asymptotic: var = (p(1-p) - p²) / (2 n f²) with p = 0.16 and f the density at the quantile, 0.24331.
  const p = 0.16;
  assertClose(found.error!, Math.sqrt((p * (1 - p) - p * p) / (2 * 5000)) / 0.24331, 0.15);
});

Deno.test("bootstrap() draws rows together, so that differences keep their correlation", () => {
  const source = random("data");
  const a = Float64Array.from({ length: 1000 }, () => source.normal());
  const b = a.map((value) => value + 0.01 * source.normal());
  const difference = bootstrap(1000, (rows) => {
    let sum = 0;
    for (const row of rows) sum += b[row]! - a[row]!;
    return sum / rows.length;
  }, { random: random("rows") });
  assertClose(difference.error!, 0.01 / Math.sqrt(1000), 0.25);
});

Deno.test("bootstrap() is the same for the same stream, and scales with the values", () => {
  const x = [3, 1, 4, 1, 5, 9, 2, 6];
  const once = bootstrapOf(x, mean, { random: random("rows") });
  assert.deepEqual(bootstrapOf(x, mean, { random: random("rows") }), once);
  const scaled = bootstrapOf(x.map((value) => 10 - 2 * value), mean, { random: random("rows") });
  assertClose(scaled.error!, 2 * once.error!, 1e-12);
});

Deno.test("bootstrap() gives no error for constant samples", () => {
  assert.deepEqual(bootstrapOf([5], mean, { random: random("rows") }), {
    value: 5,
    error: 0,
    errorKind: "bootstrap",
  });
});

Deno.test("bootstrap() rejects no rows, too few replicas and a statistic that is not finite", () => {
  const cases: [() => unknown, string][] = [
    [
      () => bootstrap(0, () => 1, { random: random("rows") }),
      "Cannot bootstrap a statistic as there must be rows: found 0",
    ],
    [
      () => bootstrap(3, () => 1, { random: random("rows"), replicas: 1 }),
      "Cannot bootstrap a statistic as there must be at least 2 replicas: found 1",
    ],
    [
      () => bootstrap(3, () => NaN, { random: random("rows") }),
      "Cannot bootstrap a statistic as it must be finite: found NaN for all rows",
    ],
    [
      () => bootstrapOf([], mean, { random: random("rows") }),
      "Cannot bootstrap a statistic as there must be values: found none",
    ],
  ];
  for (const [act, message] of cases) assert.throws(act, { name: "RangeError", message });
});
