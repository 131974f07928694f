/**
 * Histograms of one quantity, drawn as steps over each other, with fitted curves.
 *
 * @module
 */
import type { Figure, Json } from "../../core/types.ts";
import { layoutStage, resolveRange } from "../marks/axes.ts";
import type { Range } from "../marks/axes.ts";
import { openCanvas } from "../marks/dom.ts";
import type { Canvas, Mark } from "../marks/dom.ts";
import {
  checkLength,
  checkNotEmpty,
  checkOptions,
  extent,
  finishFigure,
  finiteNumbers,
  increasingEdges,
} from "../marks/figure.ts";
import type { Axis, FigureOptions, NumberArray } from "../marks/figure.ts";
import type { LegendEntry } from "../marks/legend.ts";
import { seriesStyle } from "../marks/theme.ts";
import type { SeriesStyle } from "../marks/theme.ts";
import { shortNumber } from "../marks/text.ts";

/** One histogram of a {@linkcode histogramFigure}. */
export interface HistogramSeries {
  readonly label: string;
  /** Bin edges, increasing: one more than counts. */
  readonly edges: NumberArray;
  /** Rows per bin, not negative. */
  readonly counts: NumberArray;
  /** A fitted curve in the units of the counts. */
  readonly curve?: { readonly x: NumberArray; readonly y: NumberArray; readonly label: string };
}

/** Options of {@linkcode histogramFigure}. */
export interface HistogramOptions extends FigureOptions {
  readonly x: Axis;
  /** @default "rows per 0.02 cm" from the bin width, or "share of rows per bin" when normalized */
  readonly y?: Axis;
  readonly series: readonly HistogramSeries[];
  /** Divides each histogram (and its curve) by its sum. @default false */
  readonly normalize?: boolean;
}

/** Fits are smooth, wide and pale, so that they differ from the thin steps without color. */
const FIT_LINE = { width: 4, opacity: 0.55 };

/** A histogram after its checks. */
interface Checked {
  readonly label: string;
  readonly edges: number[];
  readonly counts: number[];
  readonly curve: { readonly x: number[]; readonly y: number[]; readonly label: string } | undefined;
  readonly style: SeriesStyle;
}

/**
 * Step histograms over each other, each with an optional fitted curve in the same color. A single histogram is filled.
 *
 * @throws {RangeError} If there is no histogram, or one is empty, not finite, negative or has edges that do not increase.
 * @throws {TypeError} If a histogram has not one edge more than counts.
 */
export async function histogramFigure(options: HistogramOptions): Promise<Figure> {
  checkOptions(options);
  const { name } = options;
  checkNotEmpty(name, "histogram", options.series.length);
  const series = options.series.map((one, i) => checkSeries(name, one, i, options.normalize ?? false));
  const yAxis = options.y ?? defaultY(options, series);
  const x = resolveRange(name, options.x, extent(series.flatMap(({ edges }) => edges)));
  const y = resolveRange(name, yAxis, extentY(series, yAxis.log ?? false), { pad: 0.06, hasZero: true });
  const stage = layoutStage(options, { x, y, legend: legendOf(series) });
  const canvas = await openCanvas();
  const marks = series.flatMap((one) => seriesMarks(canvas, one, y, series.length === 1));
  const { width, height, frame } = stage;
  const drawing = { width, height, right: frame.right, markup: stage.draw(canvas, marks) };
  return finishFigure(options, drawing, histogramData(options.x, yAxis, series));
}

function checkSeries(figure: string, series: HistogramSeries, index: number, normalize: boolean): Checked {
  const what = `histogram "${series.label}"`;
  const edges = increasingEdges(figure, `edges of ${what}`, series.edges);
  const counts = finiteNumbers(figure, `counts of ${what}`, series.counts);
  checkLength(figure, `counts of ${what}`, counts.length, edges.length - 1);
  const negative = counts.find((count) => count < 0);
  if (negative !== undefined) {
    throw new RangeError(
      `Cannot draw figure "${figure}" as the counts of ${what} must not be negative: found ${negative}`,
    );
  }
  const sum = counts.reduce((total, count) => total + count, 0);
  const scale = normalize && sum > 0 ? 1 / sum : 1;
  const curve = series.curve && {
    x: finiteNumbers(figure, `x of the curve of ${what}`, series.curve.x),
    y: finiteNumbers(figure, `y of the curve of ${what}`, series.curve.y).map((value) => value * scale),
    label: series.curve.label,
  };
  if (curve) checkLength(figure, `y of the curve of ${what}`, curve.y.length, curve.x.length);
  return {
    label: series.label,
    edges,
    counts: counts.map((count) => count * scale),
    curve,
    style: seriesStyle(index),
  };
}

/** "rows per 0.02 cm" when all bins are of one width. */
function defaultY({ x, normalize }: HistogramOptions, series: readonly Checked[]): Axis {
  const rows = normalize ? "share of rows" : "rows";
  const widths = series.flatMap(({ edges }) => edges.slice(1).map((edge, i) => edge - edges[i]!));
  const [low, high] = extent(widths);
  if (high - low > 1e-6 * high) return { label: `${rows} per bin` };
  const unit = x.unit === undefined || x.unit === "1" ? "" : ` ${x.unit}`;
  return { label: `${rows} per ${shortNumber(high)}${unit}` };
}

/** A logarithmic axis starts below the smallest bin that is not empty; empty bins lie below the frame. */
function extentY(series: readonly Checked[], isLog: boolean): [number, number] {
  const values = series.flatMap(({ counts, curve }) => extent([...counts, ...(curve?.y ?? [])]));
  const [, high] = extent(values);
  if (!isLog) return [0, high > 0 ? high : 1];
  const [smallest] = extent(series.flatMap(({ counts }) => counts.filter((count) => count > 0)));
  return Number.isFinite(smallest) ? [smallest * 0.6, high * 1.3] : [0.1, 1];
}

function legendOf(series: readonly Checked[]): LegendEntry[] {
  return series.flatMap(({ label, curve, style }) => [
    {
      label,
      color: style.color,
      line: { width: 1.5, dash: style.dash },
      ...(series.length === 1 && { bandOpacity: 0.15 }),
    },
    ...(curve ? [{ label: curve.label, color: style.color, line: { ...FIT_LINE, dash: undefined } }] : []),
  ]);
}

function seriesMarks({ Plot }: Canvas, series: Checked, y: Range, isFilled: boolean): Mark[] {
  const { edges, counts, curve, style } = series;
  const floor = y.isLog ? y.domain[0] / 10 : 0;
  const lift = (value: number): number => Math.max(value, floor);
  const stepX = edges.flatMap((edge) => [edge, edge]);
  const stepY = [floor, ...counts.flatMap((count) => [lift(count), lift(count)]), floor];
  const rows = { length: stepX.length };
  const dash = style.dash === undefined ? {} : { strokeDasharray: style.dash };
  const marks: Mark[] = [];
  if (isFilled) {
    const area = { x: stepX, y1: stepX.map(() => floor), y2: stepY };
    marks.push(Plot.areaY(rows, { ...area, fill: style.color, fillOpacity: 0.15, clip: true }));
  }
  const outline = {
    stroke: style.color,
    strokeWidth: 1.5,
    strokeLinejoin: "miter",
    ...dash,
    clip: true,
  } as const;
  marks.push(Plot.line(rows, { x: stepX, y: stepY, ...outline }));
  if (curve) {
    const line = { x: curve.x, y: curve.y.map(lift), stroke: style.color };
    const look = { strokeWidth: FIT_LINE.width, strokeOpacity: FIT_LINE.opacity, clip: true } as const;
    marks.push(Plot.line({ length: curve.x.length }, { ...line, ...look }));
  }
  return marks;
}

function histogramData(x: Axis, y: Axis, series: readonly Checked[]): Json {
  return {
    x: { label: x.label, unit: x.unit ?? "1" },
    y: { label: y.label, unit: y.unit ?? "1" },
    series: series.map(({ label, edges, counts, curve }) => ({
      label,
      edges,
      counts,
      ...(curve && { curve: { label: curve.label, x: curve.x, y: curve.y } }),
    })),
  };
}
