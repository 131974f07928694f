import assert from "node:assert/strict";
import {
  formatBytes,
  formatEstimate,
  formatNumber,
  formatSeconds,
  formatSpread,
  powerOfTen,
} from "./format.ts";

Deno.test("formatSpread() keeps the digits of an error", () => {
  const texts = [0.0123, 0.38, 3.14e-8, 1.234e7, 0, NaN].map(formatSpread);
  assert.deepEqual(texts, ["0.012", "0.4", "3.1×10⁻⁸", "1.2×10⁷", "0", "NaN"]);
});

Deno.test("formatEstimate() rounds by the rule of the Particle Data Group", () => {
  const cases: [number, number | null, string, string][] = [
    // One of each class: leading digits 119, 367 and 965.
    [0.827, 0.119, "1", "0.83 ± 0.12"],
    [0.827, 0.367, "1", "0.8 ± 0.4"],
    [0.827, 0.965, "1", "0.8 ± 1.0"],
    [0.05412, 0.00042, "cm", "0.0541 ± 0.0004 cm"],
    [0.05412, 0.00031, "cm", "0.05412 ± 0.00031 cm"],
    [12347, 230, "GeV", "12350 ± 230 GeV"],
    [12347, 960, "GeV", "12300 ± 1000 GeV"],
    [-0.00001, 0.02, "", "0.000 ± 0.020"],
    [1.204e-7, 2.9e-9, "s", "(1.204 ± 0.029)×10⁻⁷ s"],
    [3.2e8, 4e7, "1", "(3.2 ± 0.4)×10⁸"],
    [0, 0.01, "%", "0.000 ± 0.010 %"],
    [0.5, 0, "1", "0.5 ± 0"],
    [0.123456, null, "cm", "0.1235 cm"],
    [NaN, 0.1, "cm", "NaN cm"],
    [1, Infinity, "cm", "1 cm"],
  ];
  for (const [value, error, unit, text] of cases) assert.equal(formatEstimate(value, error, unit), text);
});

Deno.test("formatNumber() keeps significant digits and whole numbers", () => {
  const cases: [number, string][] = [
    [0, "0"],
    [20000, "20000"],
    [0.1 + 0.2, "0.3"],
    [99999.5, "100000"],
    [1234567, "1.235×10⁶"],
    [-0.00001234, "-1.234×10⁻⁵"],
    [0.99999, "1"],
    [Infinity, "Infinity"],
  ];
  for (const [value, text] of cases) assert.equal(formatNumber(value), text);
});

Deno.test("formatSeconds() changes its unit at the right places", () => {
  const cases: [number, string][] = [
    [0, "0ms"],
    [0.12, "120ms"],
    [0.9996, "1.00s"],
    [3.42, "3.42s"],
    [9.999, "10.0s"],
    [59.96, "1m 00s"],
    [65, "1m 05s"],
    [3599.6, "1h 00m"],
    [7623, "2h 07m"],
  ];
  for (const [seconds, text] of cases) assert.equal(formatSeconds(seconds), text);
  assert.throws(() => formatSeconds(-1), RangeError);
  assert.throws(() => formatSeconds(NaN), RangeError);
});

Deno.test("formatBytes() uses decimal units", () => {
  const cases: [number, string][] = [
    [0, "0 B"],
    [999, "999 B"],
    [1000, "1.0 kB"],
    [1536, "1.5 kB"],
    [999_600, "1.0 MB"],
    [972e6, "972 MB"],
    [3.2e12, "3.2 TB"],
  ];
  for (const [bytes, text] of cases) assert.equal(formatBytes(bytes), text);
  assert.throws(() => formatBytes(Infinity), RangeError);
});

Deno.test("powerOfTen() writes superscripts", () => {
  assert.deepEqual([0, 1, 2, -3, 12].map(powerOfTen), ["1", "10", "10²", "10⁻³", "10¹²"]);
});
