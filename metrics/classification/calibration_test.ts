import assert from "node:assert/strict";
import { randomFor } from "../../core/random.ts";
import { assertClose } from "../fixtures/samples.ts";
import { classifierDivergence } from "./calibration.ts";

const random = () => randomFor({ seed: 1, purpose: "divergence" });

Deno.test("classifierDivergence() is 1 for a classifier that knows, 0 for one that guesses", () => {
  const known = classifierDivergence([1, 0, 1, 0], [1, 0, 1, 0], { random: random() });
  assert.deepEqual([known.value, known.error, known.errorKind], [1, 0, "bootstrap"]);
  // 1 - ln 2 / ln 2
  assertClose(classifierDivergence([0.5, 0.5], [1, 0], { random: random() }).value, 0, 1e-15);
});

Deno.test("classifierDivergence() is 1 + log2 of a probability that is always given to the truth", () => {
  assertClose(
    classifierDivergence([0.75, 0.25, 0.75], [1, 0, 1], { random: random() }).value,
    1 + Math.log2(0.75),
    1e-15,
  );
});

Deno.test("classifierDivergence() cuts the term of a certain mistake at 100", () => {
  assertClose(classifierDivergence([0, 0], [1, 1], { random: random() }).value, 1 - 100 / Math.LN2, 1e-15);
});

Deno.test("classifierDivergence() has the standard error of a mean of terms", () => {
  // 800 rows in 1000 are right with 0.8, so a term is -ln 0.8 or -ln 0.2
  const labels = Array.from({ length: 1000 }, (_, i) => i % 2);
  const probabilities = labels.map((label, i) => i % 10 < 8 === (label === 1) ? 0.8 : 0.2);
  const { value, error } = classifierDivergence(probabilities, labels, { random: random(), replicas: 2000 });
  assertClose(value, 1 + 0.8 * Math.log2(0.8) + 0.2 * Math.log2(0.2), 1e-12);
  const wanted = Math.sqrt(0.8 * 0.2 / 1000) * Math.log2(0.8 / 0.2);
  // 2000 replicas know it to 1 / sqrt(4000) = 1.6 %: four of those
  assert.ok(Math.abs(error! / wanted - 1) < 0.064, `${error} for ${wanted}`);
});

Deno.test("classifierDivergence() refuses labels of another length, and no rows", () => {
  assert.throws(() => classifierDivergence([0.5], [1, 0], { random: random() }), TypeError);
  assert.throws(() => classifierDivergence([], [], { random: random() }), RangeError);
});
