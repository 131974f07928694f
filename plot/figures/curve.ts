/**
 * Curves and points with error bars and bands.
 *
 * @module
 */
import type { Figure, Json } from "../../core/types.ts";
import { layoutStage, resolveRange } from "../marks/axes.ts";
import type { Stage } from "../marks/axes.ts";
import { openCanvas } from "../marks/dom.ts";
import type { Canvas, Mark } from "../marks/dom.ts";
import {
  checkLength,
  checkNotEmpty,
  checkOptions,
  extent,
  finishFigure,
  finiteNumbers,
} from "../marks/figure.ts";
import type { Axis, FigureOptions, NumberArray } from "../marks/figure.ts";
import type { LegendEntry } from "../marks/legend.ts";
import { MUTED, seriesStyle, symbolPath } from "../marks/theme.ts";
import type { SeriesStyle } from "../marks/theme.ts";
import { tag } from "../marks/text.ts";

/** One series of a {@linkcode curveFigure}. */
export interface CurveSeries {
  readonly label: string;
  readonly x: NumberArray;
  readonly y: NumberArray;
  /** Half length of the error bar of each point, not negative. */
  readonly error?: NumberArray;
  /** A shaded band between two curves over the same `x`. */
  readonly band?: { readonly low: NumberArray; readonly high: NumberArray };
  /** @default "points" with errors, else "line" */
  readonly kind?: "line" | "points" | "both";
  /** Forces a dashed (true) or a solid (false) line. @default by position, so that lines differ without color */
  readonly dash?: boolean;
  /** Label of another series whose color this one takes, as for a fit to its points. */
  readonly like?: string;
}

/** A straight line across the frame, such as a goal or a published value. */
export interface ReferenceLine {
  readonly label: string;
  readonly value: number;
  /** The axis whose value it is: "y" draws a horizontal line. @default "y" */
  readonly axis?: "x" | "y";
}

/** Options of {@linkcode curveFigure}. */
export interface CurveOptions extends FigureOptions {
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly CurveSeries[];
  readonly reference?: readonly ReferenceLine[];
}

/** A series after its checks. */
interface Checked {
  readonly label: string;
  readonly x: number[];
  readonly y: number[];
  readonly error: number[] | undefined;
  readonly band: { readonly low: number[]; readonly high: number[] } | undefined;
  readonly hasLine: boolean;
  readonly hasPoints: boolean;
  readonly style: SeriesStyle;
}

const REFERENCE_DASHES = ["5 3", "1.5 2.5", "9 3 2 3"];
const BAND_OPACITY = 0.18;

/**
 * Curves, points with error bars, bands and reference lines in one frame.
 *
 * @throws {RangeError} If there is no series, a series is empty or not finite, or a logarithmic axis meets a value that
 * is not positive.
 * @throws {TypeError} If the arrays of a series differ in length.
 */
export async function curveFigure(options: CurveOptions): Promise<Figure> {
  checkOptions(options);
  checkNotEmpty(options.name, "series", options.series.length);
  const series = checkAll(options);
  const references = options.reference ?? [];
  finiteNumbers(options.name, "reference lines", [0, ...references.map(({ value }) => value)]);
  const isLogY = options.y.log ?? false;
  const x = resolveRange(options.name, options.x, extentX(series, references), {
    pad: series.some(({ hasPoints }) => hasPoints) ? 0.03 : 0,
  });
  const y = resolveRange(options.name, options.y, extentY(series, references, isLogY), { pad: 0.06 });
  const stage = layoutStage(options, { x, y, legend: legendOf(series, references) });
  const canvas = await openCanvas();
  const marks = [
    ...references.map((line, i) => referenceMark(canvas, line, i)),
    ...series.flatMap((one) => seriesMarks(canvas, one, y.domain[0], isLogY)),
  ];
  const over = series.filter(({ hasPoints }) => hasPoints).map((one) => pointMarkup(one, stage)).join("");
  const { width, height, frame } = stage;
  const drawing = { width, height, right: frame.right, markup: stage.draw(canvas, marks, { over }) };
  return finishFigure(options, drawing, curveData(options, series));
}

/** Styles are counted over the series that do not borrow theirs. */
function checkAll({ name, series }: CurveOptions): Checked[] {
  const owners = series.filter(({ like }) => like === undefined).map(({ label }) => label);
  return series.map((one) => {
    const owner = owners.indexOf(one.like ?? one.label);
    if (owner < 0) {
      throw new RangeError(
        `Cannot draw figure "${name}" as series "${one.label}" must be like a series with its own color: found no "${one.like}"`,
      );
    }
    return checkSeries(name, one, owner);
  });
}

function checkSeries(figure: string, series: CurveSeries, index: number): Checked {
  const what = `series "${series.label}"`;
  const x = finiteNumbers(figure, `x of ${what}`, series.x);
  const y = finiteNumbers(figure, `y of ${what}`, series.y);
  checkLength(figure, `y of ${what}`, y.length, x.length);
  const same = (name: string, values: NumberArray): number[] => {
    const numbers = finiteNumbers(figure, `${name} of ${what}`, values);
    checkLength(figure, `${name} of ${what}`, numbers.length, x.length);
    return numbers;
  };
  const error = series.error && same("error", series.error);
  const negative = error?.find((value) => value < 0);
  if (negative !== undefined) {
    throw new RangeError(
      `Cannot draw figure "${figure}" as the errors of ${what} must not be negative: found ${negative}`,
    );
  }
  const kind = series.kind ?? (error ? "points" : "line");
  const style = seriesStyle(index);
  const dash = series.dash === undefined ? style.dash : series.dash ? style.dash ?? "7 3" : undefined;
  return {
    label: series.label,
    x,
    y,
    error,
    band: series.band && { low: same("band", series.band.low), high: same("band", series.band.high) },
    hasLine: kind !== "points",
    hasPoints: kind !== "line",
    style: { ...style, dash },
  };
}

function extentX(series: readonly Checked[], references: readonly ReferenceLine[]): [number, number] {
  const lines = references.filter(({ axis }) => axis === "x").map(({ value }) => value);
  return extent([...series.flatMap(({ x }) => extent(x)), ...lines]);
}

/** On a logarithmic axis only the points themselves must be positive; bars and bands may reach below the frame. */
function extentY(
  series: readonly Checked[],
  references: readonly ReferenceLine[],
  isLog: boolean,
): [number, number] {
  const lines = references.filter(({ axis }) => axis !== "x").map(({ value }) => value);
  const points = extent([...series.flatMap(({ y }) => extent(y)), ...lines]);
  const around = series.flatMap(({ y, error, band }) => [
    ...(error ? y.flatMap((value, i) => [value - error[i]!, value + error[i]!]) : []),
    ...(band ? [...band.low, ...band.high] : []),
  ]).filter((value) => !isLog || value > points[0] / 10);
  return extent([...points, ...around]);
}

function legendOf(series: readonly Checked[], references: readonly ReferenceLine[]): LegendEntry[] {
  const entries: LegendEntry[] = series.map(({ label, style, hasLine, hasPoints, error, band }) => ({
    label,
    color: style.color,
    ...(hasLine && { line: { width: 1.8, dash: style.dash } }),
    ...(hasPoints && { symbol: style.symbol }),
    ...(error && { hasError: true }),
    ...(band && { bandOpacity: BAND_OPACITY }),
  }));
  const lines = references.map(({ label }, i) => ({
    label,
    color: MUTED,
    line: { width: 1.2, dash: REFERENCE_DASHES[i % REFERENCE_DASHES.length] },
  }));
  return [...entries, ...lines];
}

function referenceMark({ Plot }: Canvas, { value, axis }: ReferenceLine, index: number): Mark {
  const style = {
    stroke: MUTED,
    strokeWidth: 1.2,
    strokeDasharray: REFERENCE_DASHES[index % REFERENCE_DASHES.length]!,
    clip: true,
  };
  return axis === "x" ? Plot.ruleX([value], style) : Plot.ruleY([value], style);
}

function seriesMarks({ Plot }: Canvas, series: Checked, floor: number, isLogY: boolean): Mark[] {
  const { x, y, error, band, style } = series;
  const above = (value: number): number => isLogY && value <= 0 ? floor / 10 : value;
  const rows = { length: x.length };
  const marks: Mark[] = [];
  if (band) {
    const sides = { x, y1: band.low.map(above), y2: band.high.map(above) };
    marks.push(Plot.areaY(rows, { ...sides, fill: style.color, fillOpacity: BAND_OPACITY, clip: true }));
  }
  if (error) {
    const ends = {
      x,
      y1: y.map((value, i) => above(value - error[i]!)),
      y2: y.map((value, i) => value + error[i]!),
    };
    marks.push(Plot.ruleX(rows, { ...ends, stroke: style.color, strokeWidth: 1.3, clip: true }));
  }
  if (series.hasLine) {
    const dash = style.dash === undefined ? {} : { strokeDasharray: style.dash };
    marks.push(Plot.line(rows, { x, y, stroke: style.color, strokeWidth: 1.8, ...dash, clip: true }));
  }
  return marks;
}

/** All points of a series as one path, drawn by hand so that legend and data share their symbols. */
function pointMarkup({ x, y, style }: Checked, stage: Stage): string {
  const { left, right, top, bottom } = stage.frame;
  const radius = x.length > 200 ? 2 : 3.2;
  const paths = x.map((value, i) => [stage.x(value), stage.y(y[i]!)] as const)
    .filter(([px, py]) => px >= left - 1 && px <= right + 1 && py >= top - 1 && py <= bottom + 1)
    .map(([px, py]) => symbolPath(style.symbol, px, py, radius));
  return tag("path", { d: paths.join(""), fill: style.color });
}

function curveData({ x, y, reference = [] }: CurveOptions, series: readonly Checked[]): Json {
  const axis = ({ label, unit }: Axis): Json => ({ label, unit: unit ?? "1" });
  return {
    x: axis(x),
    y: axis(y),
    series: series.map(({ label, x, y, error, band }) => ({
      label,
      x,
      y,
      ...(error && { error }),
      ...(band && { band: { low: band.low, high: band.high } }),
    })),
    reference: reference.map(({ label, value, axis }) => ({ label, value, axis: axis ?? "y" })),
  };
}
