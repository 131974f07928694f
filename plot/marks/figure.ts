/**
 * What all figures share: options, checks of the input, and the frame around the drawing.
 *
 * @module
 */
import type { Figure, Json } from "../../core/types.ts";
import { FIGURE_CLASS, FONT_FAMILY, FONT_SIZE, INK, MUTED, PAPER } from "./theme.ts";
import { escapeMarkup, tag, textWidth } from "./text.ts";

/** Numbers in any array. */
export type NumberArray =
  | readonly number[]
  | Float64Array
  | Float32Array
  | Int32Array
  | Uint32Array
  | Uint8Array;

/** Options of every figure. */
export interface FigureOptions {
  /** File stem and prefix of all ids: lower case, digits, `_`; starts with a letter. */
  readonly name: string;
  readonly title: string;
  /** What a reader should see, and the conditions (rows, split, cuts). */
  readonly caption: string;
  /**
   * Whether the data were simulated; then the figure itself says so. Figures of a run are stamped in any case.
   * @default false
   */
  readonly simulated?: boolean;
  /** Pixels. @default 560 */
  readonly width?: number;
  /** Pixels. @default 380, or what the content needs */
  readonly height?: number;
}

/** One axis. */
export interface Axis {
  readonly label: string;
  /** As printed: "cm", "GeV"; "1" or none for a pure number. */
  readonly unit?: string;
  /** Logarithmic. @default false */
  readonly log?: boolean;
  /** Whether the quantity is a whole number, such as an epoch: then no ticks lie between. @default false */
  readonly whole?: boolean;
  /** Ends of the axis. @default what the data need */
  readonly domain?: readonly [number, number];
}

/** Default size in pixels. */
export const DEFAULT_WIDTH = 560;
/** Default size in pixels. */
export const DEFAULT_HEIGHT = 380;

const NAME = /^[a-z][a-z0-9_]*$/;

/** Checks what all figures share. @throws {RangeError} If name or size is not usable. */
export function checkOptions(options: FigureOptions): void {
  if (!NAME.test(options.name)) {
    throw new RangeError(
      `Cannot draw figure "${options.name}" as a figure name is lower-case letters, digits and "_": found "${options.name}"`,
    );
  }
  for (const side of ["width", "height"] as const) {
    const pixels = options[side];
    if (pixels !== undefined && !(pixels >= 160 && pixels <= 4000)) {
      throw new RangeError(
        `Cannot draw figure "${options.name}" as its ${side} must lie in 160..4000 pixels: found ${pixels}`,
      );
    }
  }
}

/** The numbers as an ordinary array. @throws {RangeError} If there are none, or one is not finite. */
export function finiteNumbers(figure: string, what: string, values: NumberArray): number[] {
  if (values.length === 0) {
    throw new RangeError(`Cannot draw figure "${figure}" as ${what} must not be empty: found 0 values`);
  }
  const numbers = Array.from(values);
  const bad = numbers.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new RangeError(
      `Cannot draw figure "${figure}" as ${what} must hold finite numbers only: found ${
        numbers[bad]
      } at index ${bad}`,
    );
  }
  return numbers;
}

/** Checks a length. @throws {TypeError} If it is not the one expected. */
export function checkLength(figure: string, what: string, found: number, expected: number): void {
  if (found === expected) return;
  throw new TypeError(
    `Cannot draw figure "${figure}" as ${what} must have ${expected} values: found ${found}`,
  );
}

/** Checks that a figure has something to show. @throws {RangeError} If not. */
export function checkNotEmpty(figure: string, what: string, count: number): void {
  if (count > 0) return;
  throw new RangeError(`Cannot draw figure "${figure}" as it needs at least one ${what}: found 0`);
}

/** Bin edges as an ordinary array. @throws {RangeError} If fewer than two, not finite, or not increasing. */
export function increasingEdges(figure: string, what: string, edges: NumberArray): number[] {
  const numbers = finiteNumbers(figure, what, edges);
  if (numbers.length < 2) {
    throw new RangeError(
      `Cannot draw figure "${figure}" as ${what} must be at least two: found ${numbers.length}`,
    );
  }
  const bad = numbers.findIndex((value, i) => i > 0 && value <= numbers[i - 1]!);
  if (bad >= 0) {
    throw new RangeError(
      `Cannot draw figure "${figure}" as ${what} must increase: found ${numbers[bad]} after ${
        numbers[bad - 1]
      }`,
    );
  }
  return numbers;
}

/** Smallest and largest value; loops, as a spread argument list has a limit. */
export function extent(values: Iterable<number>): [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

/** The word that marks simulated data, at the right above the frame. */
export const SIMULATED_TEXT = "simulated";

/** Width in pixels to leave for the mark of simulated data. */
export function simulatedWidth(simulated = false): number {
  return simulated ? textWidth(SIMULATED_TEXT, FONT_SIZE - 1) + 10 : 0;
}

/** A drawing of known size. */
export interface Drawing {
  readonly width: number;
  readonly height: number;
  /** Right end of the text "simulated", normally the right side of the frame. */
  readonly right: number;
  readonly markup: string;
}

/** Puts the parts together: background, title for screen readers, drawing, mark of simulated data. */
export function finishFigure(options: FigureOptions, drawing: Drawing, data: Json): Figure {
  const { name, title, caption, simulated } = options;
  const { width, height } = drawing;
  const mark = simulated
    ? tag("text", {
      x: drawing.right,
      y: 15,
      "text-anchor": "end",
      "font-size": FONT_SIZE - 1,
      "font-style": "italic",
      fill: MUTED,
    }, SIMULATED_TEXT)
    : "";
  const content = [
    tag("title", { id: `${name}-title` }, escapeMarkup(title || name)),
    tag("desc", { id: `${name}-desc` }, escapeMarkup(caption || title || name)),
    tag("rect", { width, height, fill: PAPER }),
    drawing.markup,
    mark,
  ].join("");
  const svg = tag("svg", {
    xmlns: "http://www.w3.org/2000/svg",
    class: FIGURE_CLASS,
    viewBox: `0 0 ${width} ${height}`,
    width,
    height,
    role: "img",
    "aria-labelledby": `${name}-title ${name}-desc`,
    "font-family": FONT_FAMILY,
    "font-size": FONT_SIZE,
    // Inherited by what Plot draws with currentColor, which a page must not turn.
    color: INK,
    fill: "none",
  }, content);
  return { name, title, caption, svg, data };
}
