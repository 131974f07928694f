import assert from "node:assert/strict";
import { randomFor } from "../../core/random.ts";
import { assertClose, residualSample } from "../fixtures/samples.ts";
import { coreGaussian, type CoreOptions } from "./gaussian.ts";
import { mean, standardDeviation } from "../summary/summary.ts";

const random = (purpose: string) => randomFor({ seed: 23, purpose });

function normals(count: number, center: number, sigma: number, purpose = "data"): Float64Array<ArrayBuffer> {
  const source = random(purpose);
  return Float64Array.from({ length: count }, () => source.normal(center, sigma));
}

Deno.test("coreGaussian() agrees with scipy.optimize.curve_fit on the same bins", () => {
  // fixtures/fits.py, "core", scipy 1.10.1; its derivatives are finite differences, good to about 1e-7.
  const x = residualSample();
  assertClose(x.reduce((sum, value) => sum + value, 0), 386.55695800781245, 1e-12);
  const cases: [CoreOptions, [number, number], number[], number[], number, number][] = [
    [
      { range: [-1, 1] },
      [-0.1333333333333333, 0.18000000000000016],
      [486.8574439819773, 0.017848647279371608, 0.10451460912929283],
      [0.0010997885482619185, 0.0014000752667364838],
      50.301654385048145,
      44,
    ],
    [
      { range: [-1, 1], weighting: "inverse" },
      [-0.1333333333333333, 0.18000000000000016],
      [490.4995586854962, 0.01880044004784916, 0.10404010229555838],
      [0.0014233233456313781, 0.001969267666554354],
      51.56663019661893,
      44,
    ],
    [
      { range: [-0.5, 0.5], bins: 60 },
      [-0.13333333333333336, 0.19999999999999996],
      [1209.3861343714855, 0.018757581715806583, 0.10663145093776878],
      [0.0010972481857889232, 0.0013276986178718186],
      19.822329928882546,
      17,
    ],
  ];
  for (const [options, window, [amplitude, center, sigma], [meanError, sigmaError], chi2, ndf] of cases) {
    const fit = coreGaussian(x, options);
    assert.deepEqual([fit.isReliable, fit.note], [true, undefined]);
    assertClose(fit.window[0], window[0], 1e-12);
    assertClose(fit.window[1], window[1], 1e-12);
    assertClose(fit.amplitude, amplitude!, 1e-6);
    assertClose(fit.mean.value, center!, 1e-6);
    assertClose(fit.sigma.value, sigma!, 1e-6);
    assertClose(fit.mean.error!, meanError!, 1e-5);
    assertClose(fit.sigma.error!, sigmaError!, 1e-5);
    assert.equal(fit.sigma.errorKind, "fit");
    assertClose(fit.chi2, chi2, 1e-6);
    assert.equal(fit.ndf, ndf);
  }
});

Deno.test("coreGaussian() finds center and width of a Gaussian with honest errors", () => {
  const pulls: number[] = [];
  const widths: number[] = [];
  for (let i = 0; i < 60; i++) {
    const fit = coreGaussian(normals(20_000, 0.05, 0.1, `set ${i}`), { range: [-1, 1] });
    assert.ok(fit.isReliable, fit.note);
    pulls.push((fit.sigma.value - 0.1) / fit.sigma.error!);
    widths.push(fit.sigma.value);
  }
  // 60 pulls: width known to 9 %; the window depends on the counts, which adds a little to the scatter.
  assertClose(standardDeviation(pulls), 1, 0.35);
  assertClose(mean(widths), 0.1, 0.01);
});

Deno.test("coreGaussian() ignores tails that spoil the standard deviation", () => {
  const x = normals(20_000, 0, 0.1);
  for (let i = 0; i < 600; i++) x[i] = 0.9 * Math.sign(x[i]!);
  assert.ok(standardDeviation(x) > 0.17);
  const fit = coreGaussian(x, { range: [-1, 1] });
  assert.ok(fit.isReliable, fit.note);
  assertClose(fit.sigma.value, 0.1, 0.04);
});

Deno.test("coreGaussian() follows shifts and scales and does not depend on the order", () => {
  const x = normals(20_000, 0.03, 0.1);
  const fit = coreGaussian(x, { range: [-1, 1] });
  // Powers of two keep every edge and every value exact.
  const scaled = coreGaussian(x.map((value) => 4 * value), { range: [-4, 4] });
  assertClose(scaled.sigma.value, 4 * fit.sigma.value, 1e-9);
  assertClose(scaled.mean.value, 4 * fit.mean.value, 1e-9);
  assertClose(scaled.sigma.error!, 4 * fit.sigma.error!, 1e-6);
  const mirrored = coreGaussian(x.map((value) => -value), { range: [-1, 1] });
  assertClose(mirrored.sigma.value, fit.sigma.value, 1e-6);
  assertClose(mirrored.mean.value, -fit.mean.value, 1e-6);
  const shuffled = Float64Array.from(random("order").permutation(x.length), (i) => x[i]!);
  assert.deepEqual(coreGaussian(shuffled, { range: [-1, 1] }), fit);
});

Deno.test("coreGaussian() warns of a second peak", () => {
  for (const [share, distance] of [[0.5, 0.5], [0.4, 0.25], [0.45, 0.13]] as const) {
    const sigma = distance / 5;
    const x = normals(20_000, 0, sigma);
    for (let i = 0; i < share * x.length; i++) x[i]! += distance;
    const fit = coreGaussian(x, { range: [-1, 1] });
    assert.equal(fit.isReliable, false);
    assert.match(fit.note!, /there is a second peak of \d+ % of the first/);
  }
});

Deno.test("coreGaussian() does not take fluctuations or a small side peak for a second peak", () => {
  for (let i = 0; i < 40; i++) {
    const count = 300 * 2 ** (i % 8);
    const { note } = coreGaussian(normals(count, 0, 0.3, `single ${i}`), { range: [-1, 1] });
    assert.ok(!note?.includes("second peak"), `${count} rows: ${note}`);
  }
  const x = normals(20_000, 0, 0.05);
  for (let i = 0; i < 4000; i++) x[i]! += 0.5;
  assert.equal(coreGaussian(x, { range: [-1, 1] }).note, undefined);
});

Deno.test("coreGaussian() says why a width is not reliable", () => {
  const flat = (() => {
    const source = random("flat");
    return Float64Array.from({ length: 60_000 }, () => 2 * source.uniform() - 1);
  })();
  const cases: [string, Float64Array, CoreOptions, RegExp][] = [
    ["outside", normals(1000, 5, 0.1), { range: [-1, 1] }, /^no row lies in the range/],
    [
      "mostly outside",
      normals(20_000, 0.8, 0.3),
      { range: [-1, 0.7] },
      /only \d+ % of the rows lie in the range/,
    ],
    ["at the edge", normals(20_000, 0.95, 0.1), { range: [-1, 1] }, /the core reaches the edge of the range/],
    ["one bin", normals(20_000, 0.003, 0.0001), { range: [-1, 1] }, /^only 1 bins above the threshold/],
    ["few rows", normals(200, 0, 0.1), { range: [-1, 1] }, /the highest bin holds only \d+ rows/],
    ["flat", flat, { range: [-2, 2], bins: 100 }, /^no Gaussian fits the core; width taken from its window/],
    [
      "falling",
      flat.map((value) => -0.3 - 0.2 * Math.log((value + 1) / 2)),
      { range: [-1, 1] },
      /^no Gaussian fits/,
    ],
    ["uncertain", normals(3000, 0, 1.2), { range: [-1, 1] }, /the width is known to \d+ % only/],
    [
      "spike",
      flat.map((value, i) => i % 25 === 0 ? 0.02 * value : 0.5 * value),
      { range: [-1, 1] },
      /not Gaussian/,
    ],
  ];
  for (const [name, values, options, note] of cases) {
    const fit = coreGaussian(values, options);
    assert.equal(fit.isReliable, false, name);
    assert.match(fit.note ?? "", note, name);
    for (const number of [fit.mean.value, fit.sigma.value, fit.amplitude, fit.chi2]) {
      assert.ok(Number.isFinite(number), name);
    }
  }
});

Deno.test("coreGaussian() falls back on all rows when none is in range, and on the window when it is too short", () => {
  const far = coreGaussian([10, 11, 12, 13, 14], { range: [-1, 1] });
  assert.deepEqual(far.mean, { value: 12, error: null, errorKind: "none" });
  assertClose(far.sigma.value, 4 * 0.68 / 2, 1e-12);
  // A single bin of 1/150 over 2 sqrt(2 ln(1/0.3)).
  const short = coreGaussian(new Float64Array(100).fill(0.001), { range: [-1, 1] });
  assertClose(short.sigma.value, 2 / 300 / (2 * Math.sqrt(2 * Math.log(1 / 0.3))), 1e-9);
  assert.equal(short.sigma.error, null);
});

Deno.test("coreGaussian() rejects empty input and options out of range", () => {
  assert.throws(() => coreGaussian([], { range: [-1, 1] }), {
    name: "RangeError",
    message: "Cannot fill a histogram as there must be values: found none",
  });
  assert.throws(() => coreGaussian([1], { range: [-1, 1], threshold: 1 }), {
    name: "RangeError",
    message: "Cannot fit a core as the threshold must be in (0, 1): found 1",
  });
});
