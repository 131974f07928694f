/**
 * Axes: what the data need, the position of the frame, and the frame itself.
 *
 * @module
 */
import type { Canvas, Mark } from "./dom.ts";
import type { Axis, FigureOptions } from "./figure.ts";
import { DEFAULT_HEIGHT, DEFAULT_WIDTH, simulatedWidth } from "./figure.ts";
import { layoutLegend } from "./legend.ts";
import type { LegendEntry } from "./legend.ts";
import { FONT_SIZE, INK } from "./theme.ts";
import { axisText, escapeMarkup, tag, textWidth } from "./text.ts";
import { linearTicks, logTicks } from "./ticks.ts";
import type { Ticks } from "./ticks.ts";

/** An axis with its ends decided. */
export interface Range {
  readonly title: string;
  readonly isLog: boolean;
  readonly isWhole: boolean;
  readonly domain: readonly [number, number];
}

/** How much room an axis leaves around the data. */
export interface RangeOptions {
  /** Share of the length added at each end. @default 0 */
  readonly pad?: number;
  /** Whether a linear axis starts at zero when the data are not negative. @default false */
  readonly hasZero?: boolean;
}

/**
 * Decides the ends of an axis.
 *
 * @param data Smallest and largest value to be shown; on a logarithmic axis, positive.
 * @throws {RangeError} If the given domain is not usable, or a logarithmic axis meets values that are not positive.
 */
export function resolveRange(
  figure: string,
  axis: Axis,
  data: readonly [number, number],
  { pad = 0, hasZero = false }: RangeOptions = {},
): Range {
  const isLog = axis.log ?? false;
  const kind = { title: axisText(axis.label, axis.unit), isLog, isWhole: axis.whole ?? false };
  const [low, high] = axis.domain ?? data;
  if (!Number.isFinite(low) || !Number.isFinite(high) || (axis.domain !== undefined && low >= high)) {
    throw new RangeError(
      `Cannot draw figure "${figure}" as the domain of axis "${axis.label}" must be two increasing finite numbers: found [${low}, ${high}]`,
    );
  }
  if (isLog && low <= 0) {
    throw new RangeError(
      `Cannot draw figure "${figure}" as the logarithmic axis "${axis.label}" needs positive values: found ${low}`,
    );
  }
  const [from, to] = axis.domain ?? padded([low, high], isLog, { pad, hasZero });
  return { ...kind, domain: drawable(from, to, isLog) };
}

/** The ends of an axis for data from `low` to `high`. */
function padded(
  [low, high]: readonly [number, number],
  isLog: boolean,
  { pad = 0, hasZero = false }: RangeOptions,
): readonly [number, number] {
  if (isLog) {
    const factor = low === high ? 2 : (high / low) ** pad;
    return [low / factor, high * factor];
  }
  if (low === high) {
    const half = low === 0 ? 1 : Math.abs(low) * 0.1;
    return hasZero && low > 0 ? [0, low * 1.1] : [low - half, high + half];
  }
  const margin = (high - low) * pad;
  if (hasZero && low >= 0) return [0, high + high * pad];
  if (hasZero && high <= 0) return [low + low * pad, 0];
  return [low - margin, high + margin];
}

/** The largest number on an axis, and the smallest length of one beside its numbers: what is beyond has no ticks. */
const LARGEST = 1e300;
const SHORTEST = 1e-12;

/** Ends between which float64 can tell ticks apart. */
function drawable(low: number, high: number, isLog: boolean): readonly [number, number] {
  const smallest = isLog ? 1 / LARGEST : -LARGEST;
  const within = (value: number): number => Math.min(LARGEST, Math.max(smallest, value));
  const [from, to] = [within(low), within(high)];
  const least = Math.max(SHORTEST * Math.max(Math.abs(from), Math.abs(to)), 1 / LARGEST);
  if (to - from >= least) return [from, to];
  return isLog ? [within(from / 2), within(to * 2)] : [from - least, to + least];
}

/** Ticks of an axis for a length in pixels and a size of the labels along it. */
export function ticksOf(range: Range, pixels: number, labelPixels: number): Ticks {
  const count = Math.max(2, Math.floor(pixels / labelPixels));
  return range.isLog ? logTicks(...range.domain, count) : linearTicks(...range.domain, count, range.isWhole);
}

/** Sides of the frame in pixels from the upper left corner of the figure. */
export interface Frame {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** A function from value to pixels. */
export function positionOf(range: Range, from: number, to: number): (value: number) => number {
  const [low, high] = range.domain;
  const transform = range.isLog ? Math.log : (value: number) => value;
  const start = transform(low);
  const length = transform(high) - start;
  return (value) => from + (transform(value) - start) / length * (to - from);
}

/** Names in place of numbers, one per integer position from 0. */
export interface Categories {
  readonly x?: readonly string[];
  readonly y?: readonly string[];
}

/** A figure with one frame, ready to be drawn. */
export interface Stage {
  readonly frame: Frame;
  readonly width: number;
  readonly height: number;
  readonly x: (value: number) => number;
  readonly y: (value: number) => number;
  /** Draws marks, then frame, ticks, axis titles and legend on top; `under` and `over` is markup below and above the marks. */
  draw(
    canvas: Canvas,
    marks: readonly Mark[],
    more?: { readonly under?: string; readonly over?: string },
  ): string;
}

/** What {@linkcode layoutStage} needs besides the options of the figure. */
export interface StageOptions {
  readonly x: Range;
  readonly y: Range;
  readonly legend?: readonly LegendEntry[];
  /** Pixels kept free at the right, for a color bar. @default 0 */
  readonly rightRoom?: number;
  /** Pixels kept free between the frame and the labels of the x axis, for a panel with the same axis. @default 0 */
  readonly below?: number;
  readonly categories?: Categories;
}

/** Places frame, ticks, titles and legend. */
export function layoutStage(figure: FigureOptions, options: StageOptions): Stage {
  const { x, y, legend = [], rightRoom = 0, below = 0, categories = {} } = options;
  const width = figure.width ?? DEFAULT_WIDTH;
  const height = figure.height ?? DEFAULT_HEIGHT;
  const bottom = height - 44 - below;
  const yTicks = categories.y === undefined ? ticksOf(y, bottom - 30, 46) : categoryTicks(categories.y);
  const labelRoom = Math.max(...yTicks.labels.map((label) => textWidth(label)), 0);
  const left = Math.ceil(Math.min(labelRoom, width * 0.4)) + 34;
  const { right, ticks: xTicks } = fitAcross(x, left, width, rightRoom, categories.x);
  const head = layoutLegend(legend, { left, right, reserved: simulatedWidth(figure.simulated) });
  const top = Math.max(head.height, figure.simulated ? 23 : 12);
  const frame = { left, right, top, bottom };
  return {
    frame,
    width,
    height,
    x: positionOf(x, left, right),
    y: positionOf(y, bottom, top),
    draw(canvas, marks, { under = "", over = "" } = {}) {
      const { Plot } = canvas;
      const content = canvas.draw(figure.name, {
        width,
        height,
        marginLeft: left,
        marginRight: width - right,
        marginTop: top,
        marginBottom: height - bottom,
        x: { type: x.isLog ? "log" : "linear", domain: [...x.domain] },
        y: { type: y.isLog ? "log" : "linear", domain: [...y.domain] },
        axis: null,
        marks: [...marks, Plot.frame({ stroke: INK, strokeWidth: 1 })],
      });
      return under + content + over + axisMarkup(frame, below, xTicks, yTicks, this.x, this.y) +
        axisTitles(frame, height, x.title, y.title) + head.markup;
    },
  };
}

/** The right side of the frame, and as many ticks as leave room between their labels. */
function fitAcross(
  range: Range,
  left: number,
  width: number,
  rightRoom: number,
  names: readonly string[] | undefined,
): { readonly right: number; readonly ticks: Ticks } {
  const right = width - 14 - rightRoom;
  if (names !== undefined) return { right, ticks: categoryTicks(names) };
  const ticks = fittingTicks(range, right - left);
  const last = ticks.major.length - 1;
  if (last < 0 || rightRoom > 0) return { right, ticks };
  // A label at the right end may reach beyond the figure.
  const end = positionOf(range, left, right)(ticks.major[last]!) + textWidth(ticks.labels[last]!) / 2;
  const narrower = right - Math.max(0, Math.ceil(end - (width - 3)));
  return { right: narrower, ticks: fittingTicks(range, narrower - left) };
}

function fittingTicks(range: Range, pixels: number): Ticks {
  const at = positionOf(range, 0, pixels);
  for (let count = Math.max(2, Math.floor(pixels / 36)); count > 2; count--) {
    const ticks = ticksOf(range, pixels, pixels / count);
    const widths = ticks.labels.map((label) => textWidth(label));
    const hasRoom = ticks.major.every((value, i) =>
      i === 0 || at(value) - at(ticks.major[i - 1]!) >= (widths[i]! + widths[i - 1]!) / 2 + 9
    );
    if (hasRoom) return ticks;
  }
  return ticksOf(range, pixels, pixels / 2);
}

/** A category without a name has no tick. */
function categoryTicks(names: readonly string[]): Ticks {
  const named = names.flatMap((name, i) => name === "" ? [] : [i]);
  return { major: named, minor: [], labels: named.map((i) => names[i]!) };
}

/** Ticks that point inwards and their labels; those of x again, and their labels, `below` the frame. */
function axisMarkup(
  frame: Frame,
  below: number,
  xTicks: Ticks,
  yTicks: Ticks,
  x: (value: number) => number,
  y: (value: number) => number,
): string {
  const round = (pixels: number): number => Math.round(pixels * 100) / 100;
  const bottoms = below > 0 ? [frame.bottom, frame.bottom + below] : [frame.bottom];
  const across = (values: readonly number[], length: number): string =>
    bottoms.flatMap((bottom) => values.map((value) => `M${round(x(value))},${bottom}v${-length}`)).join("");
  const up = (values: readonly number[], length: number): string =>
    values.map((value) => `M${frame.left},${round(y(value))}h${length}`).join("");
  const d = across(xTicks.major, 6) + across(xTicks.minor, 3) + up(yTicks.major, 6) + up(yTicks.minor, 3);
  const xLabels = xTicks.labels.map((label, i) =>
    tag("text", { x: x(xTicks.major[i]!), y: frame.bottom + below + 16 }, escapeMarkup(label))
  );
  const yLabels = yTicks.labels.map((label, i) =>
    tag("text", { x: frame.left - 6, y: y(yTicks.major[i]!) + FONT_SIZE * 0.35 }, escapeMarkup(label))
  );
  return tag("path", { d, stroke: INK }) +
    tag("g", { fill: INK, "text-anchor": "middle" }, xLabels.join("")) +
    tag("g", { fill: INK, "text-anchor": "end" }, yLabels.join(""));
}

function axisTitles(frame: Frame, height: number, x: string, y: string): string {
  const middle = (frame.top + frame.bottom) / 2;
  const common = { fill: INK, "font-size": FONT_SIZE + 1, "text-anchor": "middle" };
  return tag("text", { ...common, x: (frame.left + frame.right) / 2, y: height - 10 }, escapeMarkup(x)) +
    tag("text", { ...common, transform: `translate(16,${middle}) rotate(-90)` }, escapeMarkup(y));
}
