import assert from "node:assert/strict";
import { curveFigure, overlayMapFigure, panelsFigure, rocFigure } from "../mod.ts";

const text = (name: string, simulated = false) => ({
  name,
  title: `Title of ${name}`,
  caption: "A probe.",
  simulated,
});
const curve = (name: string, simulated = false) =>
  curveFigure({
    ...text(name, simulated),
    x: { label: "x" },
    y: { label: "y" },
    series: [{ label: "a", x: [0, 1], y: [0, 1] }],
    width: 300,
    height: 200,
  });

Deno.test("panelsFigure() puts panels into a grid, each under its title, with its own ids", async () => {
  const { svg, data } = await panelsFigure({
    ...text("grid"),
    columns: 2,
    panels: [curve("one"), curve("two"), curve("three")],
  });
  // Two panels of 300 with a gap of 8; two rows of 200 + 20 with a gap of 8.
  assert.match(svg, /viewBox="0 0 608 448"/);
  assert.match(svg, /<svg x="308" y="20" /);
  assert.match(svg, /<svg x="0" y="248" /);
  for (const name of ["one", "two", "three"]) {
    assert.ok(svg.includes(`Title of ${name}</text>`));
    assert.ok(svg.includes(`id="${name}-title"`));
  }
  assert.deepEqual((data as { name: string }[]).map(({ name }) => name), ["one", "two", "three"]);
});

Deno.test("panelsFigure() marks simulated data once for all panels", async () => {
  const { svg } = await panelsFigure({ ...text("grid", true), panels: [curve("one"), curve("two")] });
  assert.equal(svg.split(">simulated<").length - 1, 1);
});

Deno.test("panelsFigure() rejects no panel, and two of one name", async () => {
  await assert.rejects(panelsFigure({ ...text("grid"), panels: [] }), RangeError);
  await assert.rejects(panelsFigure({ ...text("grid"), panels: [curve("one"), curve("one")] }), {
    name: "RangeError",
    message: 'Cannot draw figure "grid" as every panel must have its own name: found "one" twice',
  });
});

const perfect = {
  label: "perfect",
  falsePositiveRates: [0, 0, 1],
  truePositiveRates: [0, 1, 1],
};
const blind = { label: "blind", falsePositiveRates: [0, 0.5, 1], truePositiveRates: [0, 0.5, 1] };

Deno.test("rocFigure() shows a logarithmic inset where a curve saturates", async () => {
  const saturated = await rocFigure({ ...text("roc"), curves: [perfect, blind] });
  assert.match(saturated.svg, /logarithmic/);
  const plain = await rocFigure({ ...text("roc"), curves: [blind] });
  assert.doesNotMatch(plain.svg, /logarithmic/);
  assert.doesNotMatch(saturated.svg, /NaN|Infinity|undefined/);
});

Deno.test("rocFigure() leaves out points on a straight line and keeps the corners", async () => {
  const { data } = await rocFigure({ ...text("roc"), curves: [perfect, blind] });
  const { curves } = data as { curves: { falsePositiveRates: number[] }[] };
  assert.deepEqual(curves.map(({ falsePositiveRates }) => falsePositiveRates), [[0, 0, 1], [0, 1]]);
});

Deno.test("rocFigure() rejects rates outside 0 to 1 and curves of different lengths", async () => {
  const over = { ...blind, truePositiveRates: [0, 1.5, 1] };
  await assert.rejects(rocFigure({ ...text("roc"), curves: [over] }), {
    message: 'Cannot draw figure "roc" as the rates of curve "blind" must lie in 0..1: found 1.5',
  });
  const short = { ...blind, truePositiveRates: [0, 1] };
  await assert.rejects(rocFigure({ ...text("roc"), curves: [short] }), TypeError);
});

const map = {
  ...text("overlay"),
  x: { label: "column" },
  y: { label: "row" },
  rows: 2,
  columns: 2,
  base: [1, 10, 0, 100],
  logBase: true,
  colorLabel: "attention",
};

Deno.test("overlayMapFigure() draws base cells in grays, and the overlay more opaque for larger values", async () => {
  const { svg } = await overlayMapFigure({ ...map, overlay: [0, 0.5, 0, 1] });
  assert.match(svg, /fill="#e1e1e1"/); // lightest gray: the smallest positive value
  assert.match(svg, /fill="#3c3c3c"/); // darkest gray
  assert.match(svg, /opacity="0.85"/);
  assert.doesNotMatch(svg, /NaN|undefined/);
});

Deno.test("overlayMapFigure() rejects a negative overlay and another number of cells", async () => {
  await assert.rejects(overlayMapFigure({ ...map, overlay: [0, -1, 0, 1] }), {
    message: 'Cannot draw figure "overlay" as the overlay must not be negative: found -1',
  });
  await assert.rejects(overlayMapFigure({ ...map, overlay: [0, 1] }), TypeError);
});
