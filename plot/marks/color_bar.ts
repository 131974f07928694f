/**
 * Colors of continuous quantities, and the bar that explains them. Plot's own continuous legend needs a canvas
 * element, which no DOM outside a browser has; the bar is a gradient drawn here.
 *
 * @module
 */
import { positionOf, ticksOf } from "./axes.ts";
import type { Range } from "./axes.ts";
import type { Canvas } from "./dom.ts";
import { FONT_SIZE, INK } from "./theme.ts";
import { escapeMarkup, tag, textWidth } from "./text.ts";

/**
 * Colors that a quantity can take: as many as can be distinguished, so that cells of one color join into one
 * path.
 */
const LEVELS = 256;

/** Value to color. */
export interface ColorScale {
  readonly range: Range;
  /** The level in 0..255, clamped; undefined for a value that a logarithmic scale cannot show. */
  level(value: number): number | undefined;
  /** The color of a level. */
  color(level: number): string;
}

/** A color scale: viridis, or red-white-blue around zero when diverging. */
export function colorScale(canvas: Canvas, range: Range, isDiverging: boolean): ColorScale {
  const colors = canvas.colors(isDiverging ? "rdbu" : "viridis");
  const at = positionOf(range, 0, LEVELS - 1);
  return {
    range,
    level(value) {
      if (range.isLog && value <= 0) return undefined;
      return Math.min(LEVELS - 1, Math.max(0, Math.round(at(value))));
    },
    color: (level) => colors(level / (LEVELS - 1)),
  };
}

const BAR = 14;
const STOPS = 32;

/** Pixels at the right of a frame that a color bar takes. */
export function colorBarRoom(range: Range): number {
  const labels = ticksOf(range, 300, 40).labels.map((label) => textWidth(label));
  return 12 + BAR + 6 + Math.ceil(Math.max(...labels, 0)) + 24;
}

/** The bar, its ticks and its title; `x` is the right side of the frame. */
export function colorBar(
  name: string,
  scale: ColorScale,
  { x, top, bottom }: { readonly x: number; readonly top: number; readonly bottom: number },
): string {
  const left = x + 12;
  const id = `${name}-colors`;
  const stops = Array.from({ length: STOPS + 1 }, (_, i) =>
    tag("stop", {
      offset: `${Math.round(i / STOPS * 10000) / 100}%`,
      "stop-color": scale.color(Math.round(i / STOPS * (LEVELS - 1))),
    })).join("");
  const gradient = tag("linearGradient", { id, x1: 0, x2: 0, y1: 1, y2: 0 }, stops);
  const box = { x: left, y: top, width: BAR, height: bottom - top };
  const ticks = ticksOf(scale.range, bottom - top, 40);
  const y = positionOf(scale.range, bottom, top);
  const lines = [
    ...ticks.major.map((value) => `M${left + BAR},${Math.round(y(value) * 100) / 100}h-5`),
    ...ticks.minor.map((value) => `M${left + BAR},${Math.round(y(value) * 100) / 100}h-3`),
  ].join("");
  const labels = ticks.labels.map((label, i) =>
    tag("text", { x: left + BAR + 6, y: y(ticks.major[i]!) + FONT_SIZE * 0.35 }, escapeMarkup(label))
  );
  const title = tag("text", {
    transform: `translate(${x + colorBarRoom(scale.range) - 6},${(top + bottom) / 2}) rotate(-90)`,
    "text-anchor": "middle",
    "font-size": FONT_SIZE + 1,
  }, escapeMarkup(scale.range.title));
  return tag("defs", {}, gradient) + tag("rect", { ...box, fill: `url(#${id})`, stroke: INK }) +
    tag("path", { d: lines, stroke: INK }) + tag("g", { fill: INK }, labels.join("") + title);
}
