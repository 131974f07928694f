import assert from "node:assert/strict";
import { resolveRange, ticksOf } from "./axes.ts";
import { linearTicks, logTicks } from "./ticks.ts";
import { axisText, decimalText, escapeMarkup, shortNumber } from "./text.ts";

Deno.test("linearTicks() places round numbers inside, ends included", () => {
  assert.deepEqual(linearTicks(0, 1, 5).major, [0, 0.2, 0.4, 0.6, 0.8, 1]);
  assert.deepEqual(linearTicks(-0.1, 0.1, 4).labels, ["−0.10", "−0.05", "0.00", "0.05", "0.10"]);
  assert.deepEqual(linearTicks(0, 30, 3).major, [0, 10, 20, 30]);
  assert.deepEqual(linearTicks(0.3, 0.9, 6).major, [0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]);
});

Deno.test("linearTicks() labels large and small numbers in powers of ten", () => {
  assert.deepEqual(linearTicks(0, 4e6, 4).labels, ["0", "1×10⁶", "2×10⁶", "3×10⁶", "4×10⁶"]);
  assert.deepEqual(linearTicks(0, 4e-5, 4).labels, ["0", "1×10⁻⁵", "2×10⁻⁵", "3×10⁻⁵", "4×10⁻⁵"]);
  assert.deepEqual(linearTicks(0, 40000, 2).labels, ["0", "20\u2009000", "40\u2009000"]);
});

Deno.test("linearTicks() gives distinct labels on narrow ranges far from zero", () => {
  for (const [low, high] of [[100, 100.001], [0.0541, 0.0542], [-1e-9, 1e-9], [12345, 12346]] as const) {
    const { labels } = linearTicks(low, high, 5);
    assert.ok(labels.length >= 2, `${low}..${high}: ${labels}`);
    assert.equal(new Set(labels).size, labels.length, `${low}..${high}: ${labels}`);
  }
});

Deno.test("linearTicks() keeps to whole numbers on request", () => {
  assert.deepEqual(linearTicks(0.9, 3.1, 8, true), { major: [1, 2, 3], minor: [], labels: ["1", "2", "3"] });
  assert.deepEqual(linearTicks(0, 10, 2, true).minor, [1, 2, 3, 4, 6, 7, 8, 9]);
  assert.deepEqual(linearTicks(0, 8, 4, true).minor, []);
});

Deno.test("logTicks() labels powers of ten and puts bare ticks in between", () => {
  const { labels, minor } = logTicks(0.01, 100, 8);
  assert.deepEqual(labels, ["10⁻²", "10⁻¹", "1", "10", "10²"]);
  assert.equal(minor.length, 4 * 8);
  assert.deepEqual(logTicks(1e-12, 1e3, 5).labels, ["10⁻¹²", "10⁻⁸", "10⁻⁴", "1"]);
});

Deno.test("logTicks() labels short axes too", () => {
  assert.deepEqual(logTicks(1.5, 9, 5).labels, ["2", "5"]);
  assert.deepEqual(logTicks(0.0021, 0.0049, 5).labels, ["3×10⁻³", "4×10⁻³"]);
  assert.ok(logTicks(3.1, 3.4, 5).labels.length >= 2);
});

Deno.test("shortNumber() keeps significant digits", () => {
  const cases: [number, string][] = [
    [0, "0"],
    [0.5, "0.5"],
    [0.05412, "0.0541"],
    [-1234.6, "−1235"],
    [123456, "123\u2009456"],
    [1.234e-7, "1.23×10⁻⁷"],
    [-2e9, "−2×10⁹"],
    [100, "100"],
  ];
  for (const [value, text] of cases) assert.equal(shortNumber(value), text);
});

Deno.test("decimalText() and axisText() write numbers and units", () => {
  assert.equal(decimalText(-0.004, 2), "0.00");
  assert.equal(axisText("x residual", "cm"), "x residual (cm)");
  assert.equal(axisText("share", "1"), "share");
});

Deno.test("escapeMarkup() leaves nothing that opens a tag or ends an attribute", () => {
  assert.equal(escapeMarkup(`<a b="c" d='e'>&\u0000`), "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;\ufffd");
});

Deno.test("axes of the largest, smallest and closest numbers have some ticks, and end", () => {
  const ends: [number, number][] = [
    [-1e308, 1e308],
    [1e308, 1.7e308],
    [5e-324, 1e-323],
    [1, 1 + 2e-16],
    [1e16, 1e16 + 2],
    [1e17, 1e17 + 16],
    [-1e-310, 1e-310],
    [0, 5e-324],
    [1e-320, 1e308],
  ];
  for (const data of ends) {
    for (const log of [false, true]) {
      if (log && data[0] <= 0) continue;
      const range = resolveRange("trial", { label: "x", unit: "1", log }, data, { pad: 0.05 });
      const { major, minor, labels } = ticksOf(range, 400, 60);
      const found = `${data} ${log ? "log" : "linear"}: ${labels}`;
      assert.ok(range.domain.every(Number.isFinite) && range.domain[0] < range.domain[1], found);
      assert.ok(major.length + minor.length <= 4000 && major.every(Number.isFinite), found);
    }
  }
});
