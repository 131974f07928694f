import assert from "node:assert/strict";
import {
  barFigure,
  cellGridFigure,
  curveFigure,
  darkFigureStyle,
  densityFigure,
  heatMapFigure,
  histogramFigure,
  learningCurveFigure,
} from "./mod.ts";
import { DARK_COLORS, SERIES_COLORS, seriesStyle } from "./marks/theme.ts";

const common = { name: "probe", title: "Probe", caption: "A probe.", simulated: false };
const axes = { x: { label: "energy", unit: "GeV" }, y: { label: "width", unit: "cm" } };
const line = { label: "a", x: [1, 2, 3], y: [1, 4, 9] };

/** The message of the error that a figure is refused with. */
async function refusal(figure: Promise<unknown>, type: new (...rest: never[]) => Error): Promise<string> {
  try {
    await figure;
  } catch (error) {
    assert.ok(error instanceof type, `${error}`);
    return error.message;
  }
  assert.fail("no error");
}

Deno.test("curveFigure() rejects a value that is not finite and names figure, series and index", async () => {
  const series = [{ label: "a", x: [1, 2, 3], y: [1, NaN, 9] }];
  assert.equal(
    await refusal(curveFigure({ ...common, ...axes, series }), RangeError),
    'Cannot draw figure "probe" as y of series "a" must hold finite numbers only: found NaN at index 1',
  );
});

Deno.test("curveFigure() rejects no series, an empty series and lengths that differ", async () => {
  assert.equal(
    await refusal(curveFigure({ ...common, ...axes, series: [] }), RangeError),
    'Cannot draw figure "probe" as it needs at least one series: found 0',
  );
  assert.equal(
    await refusal(curveFigure({ ...common, ...axes, series: [{ label: "a", x: [], y: [] }] }), RangeError),
    'Cannot draw figure "probe" as x of series "a" must not be empty: found 0 values',
  );
  assert.equal(
    await refusal(curveFigure({ ...common, ...axes, series: [{ ...line, error: [1] }] }), TypeError),
    'Cannot draw figure "probe" as error of series "a" must have 3 values: found 1',
  );
});

Deno.test("curveFigure() rejects a zero on a logarithmic axis", async () => {
  const series = [{ label: "a", x: [0, 1], y: [1, 2] }];
  assert.equal(
    await refusal(curveFigure({ ...common, ...axes, x: { label: "energy", log: true }, series }), RangeError),
    'Cannot draw figure "probe" as the logarithmic axis "energy" needs positive values: found 0',
  );
});

Deno.test("curveFigure() rejects a name that is not a file stem", async () => {
  assert.equal(
    await refusal(curveFigure({ ...common, ...axes, name: "../up", series: [line] }), RangeError),
    'Cannot draw figure "../up" as a figure name is lower-case letters, digits and "_": found "../up"',
  );
});

Deno.test("curveFigure() takes typed arrays and returns the data drawn as JSON", async () => {
  const series = [{
    label: "a",
    x: Float32Array.of(1, 2),
    y: Float64Array.of(3, 4),
    error: Float64Array.of(1, 1),
  }];
  const { data } = await curveFigure({
    ...common,
    ...axes,
    series,
    reference: [{ label: "goal", value: 2 }],
  });
  assert.deepEqual(JSON.parse(JSON.stringify(data)), {
    x: { label: "energy", unit: "GeV" },
    y: { label: "width", unit: "cm" },
    series: [{ label: "a", x: [1, 2], y: [3, 4], error: [1, 1] }],
    reference: [{ label: "goal", value: 2, axis: "y" }],
  });
});

Deno.test("curveFigure() escapes hostile labels, and titles its axes with units", async () => {
  const series = [{ ...line, label: `<script>alert("1")</script>` }];
  const { svg } = await curveFigure({ ...common, ...axes, title: "a < b & c", series });
  assert.doesNotMatch(svg, /<script/);
  assert.match(svg, /&lt;script&gt;alert\(&quot;1&quot;\)/);
  assert.match(svg, /<title id="probe-title">a &lt; b &amp; c<\/title>/);
  assert.match(svg, />energy \(GeV\)<.*>width \(cm\)</);
});

Deno.test("curveFigure() draws one point, a constant, and an error bar below a logarithmic axis", async () => {
  const y = { label: "rate", log: true };
  const series = [{ label: "a", x: [1], y: [2], error: [5] }, { label: "b", x: [1, 2], y: [3, 3] }];
  const { svg } = await curveFigure({ ...common, x: { label: "x" }, y, series });
  assert.doesNotMatch(svg, /NaN|Infinity/);
});

Deno.test("curveFigure() draws many thousand points", async () => {
  const x = Float64Array.from({ length: 200_000 }, (_, i) => i);
  const { svg } = await curveFigure({ ...common, ...axes, series: [{ label: "a", x, y: x.map(Math.sin) }] });
  assert.match(svg, /^<svg/);
});

Deno.test("histogramFigure() says what one bin is, and normalizes curve and counts in the same way", async () => {
  const edges = [0, 0.5, 1];
  const curve = { x: [0, 1], y: [4, 4], label: "fit" };
  const series = [{ label: "a", edges, counts: [1, 3], curve }];
  const plain = await histogramFigure({ ...common, x: axes.x, series });
  assert.match(plain.svg, />rows per 0.5 GeV</);
  const { svg, data } = await histogramFigure({ ...common, x: axes.x, series, normalize: true });
  assert.match(svg, />share of rows per 0.5 GeV</);
  assert.deepEqual((data as { series: unknown[] }).series[0], {
    label: "a",
    edges,
    counts: [0.25, 0.75],
    curve: { label: "fit", x: [0, 1], y: [1, 1] },
  });
});

Deno.test("histogramFigure() draws empty histograms, linear and logarithmic", async () => {
  for (const log of [false, true]) {
    const series = [{ label: "a", edges: [0, 1, 2], counts: [0, 0] }];
    const { svg } = await histogramFigure({ ...common, x: axes.x, y: { label: "rows", log }, series });
    assert.doesNotMatch(svg, /NaN|Infinity/);
  }
});

Deno.test("histogramFigure() rejects edges that do not increase and negative counts", async () => {
  const bad = histogramFigure({
    ...common,
    x: axes.x,
    series: [{ label: "a", edges: [0, 1, 1], counts: [1, 1] }],
  });
  assert.equal(
    await refusal(bad, RangeError),
    'Cannot draw figure "probe" as edges of histogram "a" must increase: found 1 after 1',
  );
  const negative = histogramFigure({
    ...common,
    x: axes.x,
    series: [{ label: "a", edges: [0, 1], counts: [-1] }],
  });
  assert.equal(
    await refusal(negative, RangeError),
    'Cannot draw figure "probe" as the counts of histogram "a" must not be negative: found -1',
  );
});

Deno.test("densityFigure() leaves empty bins blank and puts row 0 at the bottom", async () => {
  const edges = [0, 1, 2];
  const { svg } = await densityFigure({
    ...common,
    ...axes,
    edgesX: edges,
    edgesY: edges,
    counts: [5, 0, 0, 0],
  });
  const cells = [...svg.matchAll(/<path d="M([\d.]+),([\d.]+)h[\d.]+v(-?[\d.]+)h-[\d.]+z"/g)];
  assert.equal(cells.length, 1);
  assert.equal(Number(cells[0]![2]), 380 - 44, "starts at the bottom of the frame");
  assert.ok(Number(cells[0]![3]) < 0, "and goes up");
});

Deno.test("densityFigure() rejects counts that are all zero", async () => {
  const none = densityFigure({ ...common, ...axes, edgesX: [0, 1], edgesY: [0, 1], counts: [0] });
  assert.equal(
    await refusal(none, RangeError),
    'Cannot draw figure "probe" as its counts must not be negative and not all zero: found 0..0',
  );
});

Deno.test("heatMapFigure() rejects a wrong number of values, and a logarithmic scale without a positive one", async () => {
  const map = { ...common, x: { label: "x" }, y: { label: "y" }, rows: 2, columns: 2, colorLabel: "energy" };
  assert.equal(
    await refusal(heatMapFigure({ ...map, values: [1, 2, 3] }), TypeError),
    'Cannot draw figure "probe" as values must have 4 values: found 3',
  );
  assert.equal(
    await refusal(heatMapFigure({ ...map, values: [0, 0, 0, 0], logColor: true }), RangeError),
    'Cannot draw figure "probe" as a logarithmic color scale needs a positive value: found none',
  );
});

Deno.test("heatMapFigure() draws a constant and writes values in place when asked", async () => {
  const map = { ...common, x: { label: "x" }, y: { label: "y" }, rows: 1, columns: 2, colorLabel: "share" };
  const { svg } = await heatMapFigure({ ...map, values: [0.5, 0.5], showValues: true });
  assert.equal([...svg.matchAll(/>0\.5<\/text>/g)].length >= 2, true);
  assert.doesNotMatch(svg, /NaN|Infinity/);
});

Deno.test("cellGridFigure() puts row 0 on top and markers from the lower left cell", async () => {
  const values = [0, 0, 9, 0]; // 2x2: the lower left cell
  const panel = { title: "p", rows: 2, columns: 2, values, markers: [{ x: 0, y: 0, label: "truth" }] };
  const { svg } = await cellGridFigure({ ...common, panels: [panel], colorLabel: "energy", logColor: true });
  const cell = /<path d="M([\d.]+),([\d.]+)h([\d.]+)v([\d.]+)h-[\d.]+z"/.exec(svg)!;
  const [left, top, width, height] = cell.slice(1).map(Number) as [number, number, number, number];
  const frame = /<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)" stroke/.exec(svg)!;
  const [frameLeft, frameTop] = frame.slice(1).map(Number) as [number, number];
  assert.equal(left, frameLeft);
  assert.equal(top, frameTop + height);
  const radius = Math.min(5, Math.max(3, width * 0.2));
  const marker = `M${left + width / 2 - radius},${top + height / 2}a`;
  assert.ok(svg.includes(`d="${marker}`), marker);
});

Deno.test("barFigure() lays bars on their side when names are long", async () => {
  const groups = [{ label: "log-weighted centroid, corrected", value: 2, error: 0.1 }, {
    label: "b",
    value: 1,
  }];
  const options = { ...common, ...axes, width: 400 };
  const flat = await barFigure({ ...options, groups });
  const upright = await barFigure({
    ...options,
    groups: groups.map((group, i) => ({ ...group, label: `${i}` })),
  });
  const widthOf = (svg: string): number => Number(/aria-label="rect".*?width="([\d.]+)"/.exec(svg)![1]);
  assert.notEqual(widthOf(flat.svg), widthOf(upright.svg));
  assert.match(flat.svg, />log-weighted centroid, corrected</);
});

Deno.test("learningCurveFigure() marks the best epoch and leaves out what is not finite", async () => {
  const history = [1, 2, 3].flatMap((epoch) => [
    { step: epoch * 10, epoch, split: "train" as const, loss: epoch === 3 ? NaN : 1 / epoch },
    { step: epoch * 10, epoch, split: "validation" as const, loss: [2, 1, 1.5][epoch - 1]! },
  ]);
  const { caption, data } = await learningCurveFigure({ history, simulated: false });
  assert.equal(
    caption,
    "Loss against the epoch. The validation value is lowest at epoch 2. 1 values that are not finite are not drawn.",
  );
  const { series } = data as { series: { label: string; x: number[] }[] };
  assert.deepEqual(series.map(({ label, x }) => [label, x]), [["training", [1, 2]], ["validation", [
    1,
    2,
    3,
  ]]]);
});

Deno.test("learningCurveFigure() uses steps when an epoch has several records, and keeps models apart", async () => {
  const history = ["a", "b"].flatMap((model) =>
    [1, 2, 3, 4].map((step) => ({ step, epoch: 1, split: "train" as const, model, loss: 1 / step }))
  );
  const { data } = await learningCurveFigure({ history, simulated: false });
  const { series } = data as { series: { label: string; x: number[] }[] };
  assert.deepEqual(series.map(({ label }) => label), ["a, training", "b, training"]);
  assert.deepEqual(series[0]!.x, [1, 2, 3, 4]);
});

Deno.test("learningCurveFigure() rejects a history without values", async () => {
  assert.equal(
    await refusal(learningCurveFigure({ history: [], simulated: false }), RangeError),
    'Cannot draw figure "learning_curve" as the history must hold a finite "loss": found none in 0 records',
  );
});

Deno.test("seriesStyle() gives every one of many series its own look", () => {
  const looks = Array.from({ length: 30 }, (_, i) => JSON.stringify(seriesStyle(i)));
  assert.equal(new Set(looks).size, 30);
});

Deno.test("darkFigureStyle() covers every color of the series", () => {
  const css = darkFigureStyle();
  for (const color of SERIES_COLORS) {
    assert.ok(css.includes(`[stroke="${color}"]{stroke:${DARK_COLORS[color]}}`));
  }
});

/** Contrast of two colors as WCAG 2.2 defines it. */
function contrast(a: string, b: string): number {
  const luminance = (color: string): number =>
    [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16) / 255)
      .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
      .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i]!, 0);
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

Deno.test("series colors keep a contrast of 3:1 on light and on dark cards", () => {
  for (const color of SERIES_COLORS) {
    assert.ok(contrast(color, "#ffffff") >= 3, `${color} on white: ${contrast(color, "#ffffff")}`);
    const dark = DARK_COLORS[color]!;
    assert.ok(contrast(dark, DARK_COLORS["#ffffff"]!) >= 3, `${dark} on dark`);
  }
});

Deno.test("barFigure() draws marks as lines and makes room for them", async () => {
  const draw = (mark?: number) =>
    barFigure({
      name: "marked",
      title: "Bars",
      caption: "Bars with marks.",
      simulated: false,
      x: { label: "layer" },
      y: { label: "distance" },
      groups: [{ label: "0", value: 2, ...(mark !== undefined && { mark }) }, { label: "1", value: 1 }],
    });
  const [plain, marked] = [await draw(), await draw(40)];
  assert.deepEqual((marked.data as { groups: unknown[] }).groups[0], {
    label: "0",
    value: 2,
    error: null,
    mark: 40,
  });
  assert.ok(!plain.svg.includes(">40<") && marked.svg.includes(">40<"), "the axis reaches the mark");
  await assert.rejects(draw(NaN), RangeError);
});
