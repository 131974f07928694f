/**
 * One value per group, with error bars.
 *
 * @module
 */
import type { Figure } from "../../core/types.ts";
import { layoutStage, resolveRange } from "../marks/axes.ts";
import { openCanvas } from "../marks/dom.ts";
import type { Canvas, Mark } from "../marks/dom.ts";
import {
  checkNotEmpty,
  checkOptions,
  DEFAULT_WIDTH,
  extent,
  finishFigure,
  finiteNumbers,
} from "../marks/figure.ts";
import type { Axis, FigureOptions } from "../marks/figure.ts";
import { INK, MUTED, SERIES_COLORS } from "../marks/theme.ts";
import { textWidth } from "../marks/text.ts";

/** One bar. */
export interface BarGroup {
  readonly label: string;
  readonly value: number;
  /** One standard deviation, not negative. */
  readonly error?: number;
  /** A value to compare with, drawn as a line across the bar. */
  readonly mark?: number;
}

/** Options of {@linkcode barFigure}. */
export interface BarOptions extends FigureOptions {
  /** What the groups are. */
  readonly x: Axis;
  /** What the bars show. */
  readonly y: Axis;
  readonly groups: readonly BarGroup[];
}

/**
 * Bars with error bars; they lie on their side when the names would not fit below them.
 *
 * @throws {RangeError} If there is no group, a value or error is not finite, an error is negative, or a logarithmic axis
 * meets a value that is not positive.
 */
export async function barFigure(options: BarOptions): Promise<Figure> {
  checkOptions(options);
  const { name, groups } = options;
  checkNotEmpty(name, "group", groups.length);
  const values = finiteNumbers(name, "values", groups.map(({ value }) => value));
  const errors = finiteNumbers(name, "errors", groups.map(({ error }) => error ?? 0));
  const marked = groups.flatMap(({ mark }, i) => mark === undefined ? [] : [{ at: i, mark }]);
  finiteNumbers(name, "marks", [0, ...marked.map(({ mark }) => mark)]);
  const negative = errors.find((error) => error < 0);
  if (negative !== undefined) {
    throw new RangeError(`Cannot draw figure "${name}" as errors must not be negative: found ${negative}`);
  }
  const isLog = options.y.log ?? false;
  const ends = extent(values.flatMap((value, i) => {
    const low = value - errors[i]!;
    return [value, value + errors[i]!, isLog && low <= 0 ? value : low, groups[i]!.mark ?? value];
  }));
  const range = resolveRange(name, options.y, ends, { pad: isLog ? 0.15 : 0.06, hasZero: true });
  const slots = resolveRange(name, { label: options.x.label }, [-0.6, groups.length - 0.4]);
  const labels = groups.map(({ label }) => label);
  const room = ((options.width ?? DEFAULT_WIDTH) - 80) / groups.length;
  const isFlat = labels.some((label) => textWidth(label) > room - 6);
  const height = options.height ?? (isFlat ? Math.max(170, 90 + groups.length * 34) : undefined);
  const sized = height === undefined ? options : { ...options, height };
  // Bars on their side read from the top, while the axis counts from the bottom.
  const order = groups.map((_, i) => isFlat ? groups.length - 1 - i : i);
  const names = isFlat ? [...labels].reverse() : labels;
  const stage = layoutStage(sized, {
    x: isFlat ? range : slots,
    y: isFlat ? slots : range,
    categories: isFlat ? { y: names } : { x: names },
  });
  const canvas = await openCanvas();
  const marks = [
    ...barMarks(canvas, values, errors, order, range.domain, isFlat),
    ...markLines(canvas, marked.map(({ at, mark }) => ({ at: order[at]!, mark })), isFlat),
  ];
  const drawing = {
    width: stage.width,
    height: stage.height,
    right: stage.frame.right,
    markup: stage.draw(canvas, marks),
  };
  return finishFigure(sized, drawing, {
    x: { label: options.x.label },
    y: { label: options.y.label, unit: options.y.unit ?? "1" },
    groups: groups.map(({ label, value, error, mark }) => ({
      label,
      value,
      error: error ?? null,
      ...(mark !== undefined && { mark }),
    })),
  });
}

/** A line as wide as its slot for each mark. */
function markLines(
  { Plot }: Canvas,
  marked: readonly { readonly at: number; readonly mark: number }[],
  isFlat: boolean,
): Mark[] {
  if (marked.length === 0) return [];
  const rows = { length: marked.length };
  const values = marked.map(({ mark }) => mark);
  const [from, to] = [marked.map(({ at }) => at - 0.46), marked.map(({ at }) => at + 0.46)];
  const style = { stroke: SERIES_COLORS[1]!, strokeWidth: 2.2, clip: true } as const;
  return [
    isFlat
      ? Plot.ruleX(rows, { x: values, y1: from, y2: to, ...style })
      : Plot.ruleY(rows, { y: values, x1: from, x2: to, ...style }),
  ];
}

function barMarks(
  { Plot }: Canvas,
  values: readonly number[],
  errors: readonly number[],
  order: readonly number[],
  [low, high]: readonly [number, number],
  isFlat: boolean,
): Mark[] {
  const rows = { length: values.length };
  const base = Math.min(high, Math.max(low, 0));
  const foot = values.map(() => base);
  const [from, to] = [order.map((at) => at - 0.34), order.map((at) => at + 0.34)];
  const body = { fill: SERIES_COLORS[0]!, fillOpacity: 0.75, clip: true } as const;
  const bars = isFlat
    ? Plot.rect(rows, { x1: foot, x2: [...values], y1: from, y2: to, ...body })
    : Plot.rect(rows, { y1: foot, y2: [...values], x1: from, x2: to, ...body });
  const zero = { stroke: MUTED, strokeWidth: 1 };
  const lines = low < 0 && high > 0 ? [isFlat ? Plot.ruleX([0], zero) : Plot.ruleY([0], zero)] : [];
  const shown = errors.flatMap((error, i) => error > 0 ? [i] : []);
  if (shown.length === 0) return [bars, ...lines];
  const least = (i: number): number => Math.max(values[i]! - errors[i]!, low - (high - low));
  const whiskerEnds = [shown.map(least), shown.map((i) => values[i]! + errors[i]!)] as const;
  const at = shown.map((i) => order[i]!);
  const style = { stroke: INK, strokeWidth: 1.4, clip: true } as const;
  const some = { length: shown.length };
  const whiskers = isFlat
    ? Plot.ruleY(some, { y: at, x1: [...whiskerEnds[0]], x2: [...whiskerEnds[1]], ...style })
    : Plot.ruleX(some, { x: at, y1: [...whiskerEnds[0]], y2: [...whiskerEnds[1]], ...style });
  return [bars, ...lines, whiskers];
}
