/**
 * ROC curves.
 *
 * @module
 */
import type { Figure } from "../../core/types.ts";
import { layoutStage, resolveRange } from "../marks/axes.ts";
import type { Stage } from "../marks/axes.ts";
import { openCanvas } from "../marks/dom.ts";
import type { Canvas, Mark } from "../marks/dom.ts";
import { checkLength, checkNotEmpty, checkOptions, finishFigure, finiteNumbers } from "../marks/figure.ts";
import type { FigureOptions, NumberArray } from "../marks/figure.ts";
import type { LegendEntry } from "../marks/legend.ts";
import { MUTED, PAPER, seriesStyle } from "../marks/theme.ts";
import { tag } from "../marks/text.ts";

/** One curve of a {@linkcode rocFigure}. */
export interface RocSeries {
  /** Such as "network, AUC 0.987 ± 0.002". */
  readonly label: string;
  /** Not decreasing, from 0 to 1. */
  readonly falsePositiveRates: NumberArray;
  /** Not decreasing, from 0 to 1. */
  readonly truePositiveRates: NumberArray;
}

/** Options of {@linkcode rocFigure}. */
export interface RocOptions extends FigureOptions {
  readonly curves: readonly RocSeries[];
  /** What counts as positive and negative, for the axes. @default "true positive rate", "false positive rate" */
  readonly positive?: string;
  readonly negative?: string;
  /**
   * A second frame with a logarithmic false positive rate, for classifiers that saturate the linear one.
   * @default whether a curve is above a true positive rate of 0.9 at a false positive rate of 0.1
   */
  readonly inset?: boolean;
}

interface Curve {
  readonly label: string;
  readonly x: readonly number[];
  readonly y: readonly number[];
}

/**
 * True against false positive rate, with the line of a blind guess. The inset shows the same curves down to half of the
 * smallest false positive rate that the rows can resolve; a curve that reaches beyond it ends at its left side.
 *
 * @throws {RangeError} If there is no curve, or one is empty, not finite, or outside [0, 1].
 * @throws {TypeError} If the rates of a curve differ in number.
 */
export async function rocFigure(options: RocOptions): Promise<Figure> {
  checkOptions(options);
  const { name } = options;
  checkNotEmpty(name, "curve", options.curves.length);
  const curves = options.curves.map((curve) => checkCurve(name, curve));
  const xAxis = { label: options.negative ?? "false positive rate" };
  const yAxis = { label: options.positive ?? "true positive rate" };
  const square: readonly [number, number] = [0, 1];
  const stage = layoutStage({ width: 560, height: 530, ...options }, {
    x: resolveRange(name, { ...xAxis, domain: square }, square),
    y: resolveRange(name, { ...yAxis, domain: square }, square),
    legend: legendOf(curves),
  });
  const canvas = await openCanvas();
  const chance = canvas.Plot.line({ length: 2 }, {
    x: [0, 1],
    y: [0, 1],
    stroke: MUTED,
    strokeWidth: 1.2,
    strokeDasharray: "1.5 2.5",
  });
  const inset = options.inset ?? curves.some((curve) => rateAt(curve, 0.1) > 0.9);
  const over = inset ? insetMarkup(name, canvas, curves, stage) : "";
  const markup = stage.draw(canvas, [chance, ...curveMarks(canvas, curves)], { over });
  const { width, height, frame } = stage;
  return finishFigure(options, { width, height, right: frame.right, markup }, {
    x: { label: xAxis.label, unit: "1" },
    y: { label: yAxis.label, unit: "1" },
    curves: curves.map(({ label, x, y }) => ({
      label,
      falsePositiveRates: x,
      truePositiveRates: y,
    })),
  });
}

function checkCurve(figure: string, curve: RocSeries): Curve {
  const what = `curve "${curve.label}"`;
  const x = finiteNumbers(figure, `false positive rates of ${what}`, curve.falsePositiveRates);
  const y = finiteNumbers(figure, `true positive rates of ${what}`, curve.truePositiveRates);
  checkLength(figure, `true positive rates of ${what}`, y.length, x.length);
  const bad = [...x, ...y].find((rate) => rate < 0 || rate > 1);
  if (bad !== undefined) {
    throw new RangeError(
      `Cannot draw figure "${figure}" as the rates of ${what} must lie in 0..1: found ${bad}`,
    );
  }
  const kept = corners(x, y);
  return { label: curve.label, x: kept.map((i) => x[i]!), y: kept.map((i) => y[i]!) };
}

/** Points where the curve turns; those on a straight line between their neighbors change nothing. */
function corners(x: readonly number[], y: readonly number[]): number[] {
  const kept = [0];
  for (let i = 1; i < x.length - 1; i++) {
    const last = kept.at(-1)!;
    const cross = (x[i]! - x[last]!) * (y[i + 1]! - y[i]!) - (x[i + 1]! - x[i]!) * (y[i]! - y[last]!);
    if (Math.abs(cross) > 1e-12) kept.push(i);
  }
  if (x.length > 1) kept.push(x.length - 1);
  return kept;
}

/** The true positive rate at a false positive rate. */
function rateAt({ x, y }: Curve, rate: number): number {
  let found = 0;
  x.forEach((value, i) => value <= rate ? found = Math.max(found, y[i]!) : undefined);
  return found;
}

function legendOf(curves: readonly Curve[]): LegendEntry[] {
  return curves.map(({ label }, i) => {
    const { color, dash } = seriesStyle(i);
    return { label, color, line: { width: 1.8, dash } };
  });
}

function curveMarks({ Plot }: Canvas, curves: readonly Curve[]): Mark[] {
  return curves.map(({ x, y }, i) => {
    const { color, dash } = seriesStyle(i);
    const dashes = dash === undefined ? {} : { strokeDasharray: dash };
    return Plot.line({ length: x.length }, { x, y, stroke: color, strokeWidth: 1.8, ...dashes, clip: true });
  });
}

/** The second frame, in the lower right corner of the first: below the line of a blind guess, where no curve should be. */
function insetMarkup(name: string, canvas: Canvas, curves: readonly Curve[], outer: Stage): string {
  const steps = curves.flatMap(({ x }) => x.filter((rate) => rate > 0 && rate < 1));
  const low = Math.min(0.01, ...steps) / 2;
  const width = Math.round((outer.frame.right - outer.frame.left) * 0.5);
  const height = Math.round((outer.frame.bottom - outer.frame.top) * 0.45);
  const x = outer.frame.right - width - 6;
  const y = outer.frame.bottom - height - 8;
  const options = { name: `${name}_inset`, title: "", caption: "", simulated: false, width, height };
  const stage = layoutStage(options, {
    x: resolveRange(name, { label: "logarithmic", log: true, domain: [low, 1] }, [low, 1]),
    y: resolveRange(name, { label: "", domain: [0, 1] }, [0, 1]),
  });
  const chance = Array.from({ length: 40 }, (_, i) => low ** (1 - i / 39));
  const marks = [
    canvas.Plot.line({ length: chance.length }, {
      x: chance,
      y: chance,
      stroke: MUTED,
      strokeWidth: 1.2,
      strokeDasharray: "1.5 2.5",
    }),
    ...curveMarks(canvas, curves.map((curve) => fromLeft(curve, low))),
  ];
  const box = { x: 0, y: 0, width, height, fill: PAPER };
  return tag("g", { transform: `translate(${x},${y})` }, tag("rect", box) + stage.draw(canvas, marks));
}

/** The part of a curve that a logarithmic axis from `low` on can show, with steps in place of long diagonals. */
function fromLeft({ label, x, y }: Curve, low: number): Curve {
  const first = x.findIndex((rate) => rate > low);
  const start = first <= 0 ? y[0]! : y[first - 1]!;
  const rest = first < 0 ? [] : x.slice(first).map((_, i) => first + i);
  const points: [number, number][] = [[low, start]];
  for (const i of rest) {
    const [px, py] = points.at(-1)!;
    // A straight line between rates is a curve on a logarithmic axis.
    const pieces = Math.max(1, Math.ceil(Math.log(x[i]! / px) * 4));
    for (let k = 1; k <= pieces; k++) {
      const at = px * (x[i]! / px) ** (k / pieces);
      const share = x[i]! === px ? 1 : (at - px) / (x[i]! - px);
      points.push([at, py + (y[i]! - py) * share]);
    }
  }
  return { label, x: points.map(([px]) => px), y: points.map(([, py]) => py) };
}
