import assert from "node:assert/strict";
import { assertClose } from "../fixtures/samples.ts";
import { fitLeastSquares, type LeastSquaresProblem } from "./fit.ts";

const decay: LeastSquaresProblem = {
  x: [0, 1, 2, 3, 4, 5, 6, 7],
  y: [10.2, 6.9, 4.7, 3.4, 2.1, 1.7, 1.0, 0.9],
  errors: [0.5, 0.4, 0.3, 0.3, 0.2, 0.2, 0.1, 0.2],
  model: ([a, k]) => (t) => a! * Math.exp(-k! * t),
  gradient: ([a, k]) => (t) => [Math.exp(-k! * t), -a! * t * Math.exp(-k! * t)],
  start: [8, 1],
};

Deno.test("fitLeastSquares() agrees with scipy.optimize.curve_fit in parameters, covariance and chi2", () => {
  // fixtures/fits.py, "decay", scipy 1.10.1; its derivatives are finite differences, good to about 1e-8.
  const fit = fitLeastSquares(decay);
  assert.ok(fit.hasConverged);
  assert.equal(fit.ndf, 6);
  assertClose(fit.parameters[0]!, 10.126034374835784, 1e-7);
  assertClose(fit.parameters[1]!, 0.3776665856003737, 1e-7);
  assertClose(fit.covariance![0]![0]!, 0.14914782036520038, 1e-6);
  assertClose(fit.covariance![0]![1]!, 0.0038143044211293962, 1e-6);
  assertClose(fit.covariance![1]![1]!, 0.000193299065332808, 1e-6);
  assertClose(fit.chi2, 2.5087440096640705, 1e-10);
});

Deno.test("fitLeastSquares() does not depend on the units of the parameters", () => {
  for (const unit of [1e-6, 1e6]) {
    const fit = fitLeastSquares({
      ...decay,
      y: Array.from(decay.y, (y) => y * unit),
      errors: Array.from(decay.errors, (error) => error * unit),
      start: [8 * unit, 1],
    });
    assert.ok(fit.hasConverged);
    assertClose(fit.parameters[0]!, 10.126034374835784 * unit, 1e-7);
    assertClose(fit.chi2, 2.5087440096640705, 1e-10);
  }
});

Deno.test("fitLeastSquares() solves a linear problem exactly", () => {
  const fit = fitLeastSquares({
    x: [0, 1, 2, 3],
    y: [1, 3, 5, 7],
    errors: [1, 2, 3, 4],
    model: ([a, b]) => (x) => a! + b! * x,
    gradient: () => (x) => [1, x],
    start: [0, 0],
  });
  assert.ok(fit.hasConverged);
  assertClose(fit.parameters[0]!, 1, 1e-9);
  assertClose(fit.parameters[1]!, 2, 1e-9);
});

Deno.test("fitLeastSquares() reports degenerate parameters", () => {
  const fit = fitLeastSquares({
    ...decay,
    model: ([a, b]) => () => a! + b!,
    gradient: () => () => [1, 1],
  });
  assert.equal(fit.hasConverged, false);
  assert.equal(fit.covariance, undefined);
});

Deno.test("fitLeastSquares() reports a curve that is not finite", () => {
  const fit = fitLeastSquares({ ...decay, model: () => () => NaN });
  assert.equal(fit.hasConverged, false);
});

Deno.test("fitLeastSquares() rejects fewer points than parameters", () => {
  assert.throws(() => fitLeastSquares({ ...decay, x: [1], y: [1], errors: [1] }), {
    name: "RangeError",
    message: "Cannot fit a curve as there must be as many points as parameters: found 1 for 2",
  });
});
