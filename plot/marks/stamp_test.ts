import assert from "node:assert/strict";
import { curveFigure } from "../mod.ts";
import { stampSimulated } from "./stamp.ts";

const CURVE = {
  name: "c",
  title: "C",
  caption: "c",
  x: { label: "x", unit: "1" },
  y: { label: "y", unit: "1" },
  series: [{ label: "a", x: [0, 1, 2], y: [0, 1, 0] }],
};

Deno.test("stampSimulated() adds a band with the word above a figure, and keeps what was drawn", async () => {
  const { svg } = await curveFigure({ ...CURVE, simulated: false });
  const stamped = stampSimulated(svg);
  const [, width, height] = /viewBox="0 0 (\d+) (\d+)"/.exec(svg)!;
  assert.ok(stamped.includes(`viewBox="0 -18 ${width} ${Number(height) + 18}"`));
  assert.ok(stamped.includes(`height="${Number(height) + 18}"`));
  assert.match(stamped, />simulated<\/text><\/svg>$/);
  assert.ok(stamped.includes(svg.slice(svg.indexOf("<title"), svg.lastIndexOf("</svg>"))));
});

Deno.test("stampSimulated() leaves a figure that says so itself, and is done once", async () => {
  const { svg } = await curveFigure({ ...CURVE, simulated: true });
  assert.equal(stampSimulated(svg), svg);
  const once = stampSimulated((await curveFigure({ ...CURVE, simulated: false })).svg);
  assert.equal(stampSimulated(once), once);
});

Deno.test("stampSimulated() leaves what it cannot measure", () => {
  for (const svg of ["", "<svg></svg>", '<svg viewBox="0 0 10"></svg>', '<svg viewBox="0 0 1 a"></svg>']) {
    assert.equal(stampSimulated(svg), svg);
  }
});

Deno.test("stampSimulated() draws at the figure's own scale", () => {
  const stamped = stampSimulated('<svg viewBox="0 0 2 1" width="200" height="100px"></svg>');
  assert.match(stamped, /viewBox="0 -0.18 2 1.18" width="200" height="118"/);
  assert.match(stamped, /font-size="0.1\d*"/);
});
