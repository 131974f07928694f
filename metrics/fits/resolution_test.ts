import assert from "node:assert/strict";
import { randomFor } from "../../core/random.ts";
import { assertClose } from "../fixtures/samples.ts";
import { resolutionFit } from "./resolution.ts";
import { mean, standardDeviation } from "../summary/summary.ts";

const ENERGIES = [2, 5, 10, 20, 50, 100, 200];

// Expected numbers: fixtures/fits.py, scipy 1.10.1; its derivatives are finite differences, good to about 1e-7.

Deno.test("resolutionFit() agrees with scipy.optimize.curve_fit", () => {
  const points = [0.0573, 0.0351, 0.0255, 0.0206, 0.0153, 0.0141, 0.0128];
  const fit = resolutionFit(ENERGIES, points, points.map((point) => 0.02 * point));
  assertClose(fit.stochastic.value, 0.07098154468079693, 1e-6);
  assertClose(fit.constant.value, 0.011894421832664486, 1e-6);
  assertClose(fit.noise.value, 0.049068536701520775, 1e-6);
  assertClose(fit.stochastic.error!, 0.0018108712540025578, 1e-5);
  assertClose(fit.constant.error!, 0.0002339438462611101, 1e-5);
  assertClose(fit.noise.error!, 0.008410032333662163, 1e-5);
  assertClose(fit.chi2, 4.704951164873255, 1e-8);
  assert.deepEqual([fit.ndf, fit.isReliable, fit.note], [4, true, undefined]);
  assertClose(fit.curve(10), Math.hypot(0.07098154468 / Math.sqrt(10), 0.01189442183, 0.0049068536701), 1e-6);
});

Deno.test("resolutionFit() keeps a term at zero that the points would make negative", () => {
  const points = [0.0473, 0.0331, 0.0250, 0.0204, 0.0152, 0.0140, 0.0129];
  const errors = points.map((point) => 0.02 * point);
  const fit = resolutionFit(ENERGIES, points, errors);
  assert.deepEqual(fit.noise, { value: 0, error: null, errorKind: "none" });
  assertClose(fit.stochastic.value, 0.06767072107236152, 1e-6);
  assertClose(fit.constant.value, 0.012177697007156926, 1e-6);
  assertClose(fit.stochastic.error!, 0.0009211346085740771, 1e-5);
  assertClose(fit.chi2, 13.107668132877397, 1e-8);
  assert.equal(fit.note, "the noise term is at its lower bound 0");
  assert.equal(fit.ndf, 5);
  const two = resolutionFit(ENERGIES, points, errors, { terms: ["constant", "stochastic"] });
  assert.deepEqual([two.stochastic, two.constant, two.note], [fit.stochastic, fit.constant, undefined]);
});

Deno.test("resolutionFit() finds the terms of exact points of any unit", () => {
  for (const unit of [1, 1e3, 1e-3]) {
    const energies = ENERGIES.map((energy) => energy * unit);
    const points = ENERGIES.map((energy) => Math.hypot(0.6 / Math.sqrt(energy), 0.03, 0.2 / energy));
    const fit = resolutionFit(energies, points, points.map((point) => 0.01 * point));
    assert.ok(fit.isReliable, fit.note);
    assertClose(fit.stochastic.value, 0.6 * Math.sqrt(unit), 1e-8);
    assertClose(fit.constant.value, 0.03, 1e-8);
    assertClose(fit.noise.value, 0.2 * unit, 1e-8);
  }
});

Deno.test("resolutionFit() has honest errors", () => {
  const random = randomFor({ seed: 4, purpose: "resolution" });
  const truth = ENERGIES.map((energy) => Math.hypot(0.07 / Math.sqrt(energy), 0.012, 0.05 / energy));
  const pulls = { stochastic: [] as number[], constant: [] as number[], noise: [] as number[] };
  const expected = { stochastic: 0.07, constant: 0.012, noise: 0.05 };
  for (let i = 0; i < 200; i++) {
    const points = truth.map((point) => point * random.normal(1, 0.02));
    const fit = resolutionFit(ENERGIES, points, truth.map((point) => 0.02 * point));
    for (const term of ["stochastic", "constant", "noise"] as const) {
      if (fit[term].error) pulls[term].push((fit[term].value - expected[term]) / fit[term].error!);
    }
  }
  for (const values of Object.values(pulls)) {
    assert.ok(values.length > 190);
    // 200 pulls: width known to 5 %, mean to 0.07.
    assertClose(standardDeviation(values), 1, 0.25);
    assertClose(mean(values), 0, 0, 0.35);
  }
});

Deno.test("resolutionFit() says when the curve does not describe the points", () => {
  const fit = resolutionFit(ENERGIES, [0.01, 0.05, 0.01, 0.05, 0.01, 0.05, 0.01], new Array(7).fill(0.001));
  assert.equal(fit.isReliable, false);
  assert.match(fit.note!, /^the curve does not describe the points: chi2\/ndf \d+/);
});

Deno.test("resolutionFit() survives points that cannot separate the terms", () => {
  const fit = resolutionFit([10, 10, 10], [0.02, 0.021, 0.019], [0.001, 0.001, 0.001]);
  assertClose(fit.curve(10), 0.02, 1e-6);
});

Deno.test("resolutionFit() rejects columns that are too short or not positive", () => {
  const cases: [() => unknown, string, string][] = [
    [
      () => resolutionFit([1, 2], [0.1, 0.1], [0.1, 0.1]),
      "RangeError",
      "Cannot fit a resolution as there must be as many points as terms, and a term: found 2 points for 3 terms",
    ],
    [
      () => resolutionFit([1, 2, 3], [0.1, 0.1, 0], [0.1, 0.1, 0.1]),
      "RangeError",
      "Cannot fit a resolution as energies, resolutions and errors must be positive: found 0 at point 2",
    ],
    [
      () => resolutionFit([1, 2, 3], [0.1, 0.1], [0.1, 0.1, 0.1]),
      "TypeError",
      "Cannot fit a resolution as rows must correspond: found 3 and 2",
    ],
  ];
  for (const [act, name, message] of cases) assert.throws(act, { name, message });
});
