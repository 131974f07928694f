/**
 * One map over another: where a network looks, over what it is shown.
 *
 * @module
 */
import type { Figure } from "../../core/types.ts";
import { layoutStage, positionOf, resolveRange } from "../marks/axes.ts";
import type { Range } from "../marks/axes.ts";
import { cellMarkup } from "../marks/cells.ts";
import type { CellGrid } from "../marks/cells.ts";
import { colorBar, colorBarRoom } from "../marks/color_bar.ts";
import type { ColorScale } from "../marks/color_bar.ts";
import { openCanvas } from "../marks/dom.ts";
import { checkLength, checkOptions, finishFigure, finiteNumbers } from "../marks/figure.ts";
import type { Axis, FigureOptions, NumberArray } from "../marks/figure.ts";
import { colorRange } from "./heat_map.ts";
import { tag } from "../marks/text.ts";

/** Options of {@linkcode overlayMapFigure}. */
export interface OverlayMapOptions extends FigureOptions {
  /** Without a domain, cell centers are at 0, 1, 2, ... */
  readonly x: Axis;
  /** Without a domain, cell centers are at 0, 1, 2, ... */
  readonly y: Axis;
  readonly rows: number;
  readonly columns: number;
  /** Row-major [rows][columns], row 0 lowest; drawn in grays, darker for larger; what is not positive stays white. */
  readonly base: NumberArray;
  /** Whether the grays are logarithmic. @default false */
  readonly logBase?: boolean;
  /** Row-major [rows][columns], row 0 lowest, not negative; drawn over the base, more opaque for larger. */
  readonly overlay: NumberArray;
  /** What the color means. */
  readonly colorLabel: string;
  readonly colorUnit?: string;
  /** Ends of the color scale. @default 0 to the largest value */
  readonly colorDomain?: readonly [number, number];
  /** Names of the rows in place of numbers, row 0 first. */
  readonly rowNames?: readonly string[];
}

const LEVELS = 32;
/** Opacity of the largest value. */
const MOST_OPAQUE = 0.85;
/** Vermilion of the series palette. */
const OVERLAY_COLOR = "#d55e00";

/**
 * A map in grays under a map in color, with a color bar for the latter.
 *
 * @throws {RangeError} If values are empty, not finite, or the overlay is negative.
 * @throws {TypeError} If base and overlay are not rows times columns, or the names do not match.
 */
export async function overlayMapFigure(options: OverlayMapOptions): Promise<Figure> {
  checkOptions(options);
  const { name, rows, columns, rowNames } = options;
  const base = finiteNumbers(name, "base", options.base);
  const overlay = finiteNumbers(name, "overlay", options.overlay);
  checkLength(name, "base", base.length, rows * columns);
  checkLength(name, "overlay", overlay.length, rows * columns);
  if (rowNames) checkLength(name, "row names", rowNames.length, rows);
  const negative = overlay.find((value) => value < 0);
  if (negative !== undefined) {
    throw new RangeError(
      `Cannot draw figure "${name}" as the overlay must not be negative: found ${negative}`,
    );
  }
  const x = resolveRange(name, options.x, [-0.5, columns - 0.5]);
  const y = resolveRange(name, options.y, [-0.5, rows - 0.5]);
  const colors = colorRange(options, overlay);
  const room = colorBarRoom(colors);
  const stage = layoutStage(options, {
    x,
    y,
    rightRoom: room - 14,
    ...(rowNames && { categories: { y: rowNames } }),
  });
  const canvas = await openCanvas();
  const sides = {
    x: Array.from({ length: columns + 1 }, (_, i) => stage.x(i - 0.5)),
    y: Array.from({ length: rows + 1 }, (_, i) => stage.y(i - 0.5)),
  };
  const under = baseMarkup({ ...sides, values: base }, options.logBase ?? false) +
    cellsOfOpacity({ ...sides, values: overlay }, colors);
  const { frame, width, height } = stage;
  const bar = colorBar(name, mixedScale(colors), {
    x: frame.right,
    top: frame.top,
    bottom: frame.bottom,
  });
  const markup = stage.draw(canvas, [], { under }) + bar;
  return finishFigure(options, { width, height, right: frame.right, markup }, {
    x: { label: options.x.label, unit: options.x.unit ?? "1" },
    y: { label: options.y.label, unit: options.y.unit ?? "1" },
    color: { label: options.colorLabel, unit: options.colorUnit ?? "1" },
    rows,
    columns,
    base,
    overlay,
    ...(rowNames && { rowNames }),
  });
}

/** Positive cells in grays from light to dark. */
function baseMarkup(grid: CellGrid, isLog: boolean): string {
  const positive = grid.values.filter((value): value is number => value !== undefined && value > 0);
  if (positive.length === 0) return "";
  const range = resolveRange("base", { label: "base", log: isLog }, [
    positive.reduce((a, b) => Math.min(a, b)),
    positive.reduce((a, b) => Math.max(a, b)),
  ]);
  const at = positionOf(range, 0, LEVELS - 1);
  const gray = (level: number): string => hex(Math.round(225 - 165 * level / (LEVELS - 1))).repeat(3);
  return cellMarkup({
    ...grid,
    values: grid.values.map((value) => value !== undefined && value > 0 ? value : undefined),
  }, { range, level: (value) => clampLevel(at(value)), color: (level) => `#${gray(level)}` });
}

/** One group per level, so that cells of one opacity join; level 0 is not drawn. */
function cellsOfOpacity(grid: CellGrid, range: Range): string {
  const at = positionOf(range, 0, LEVELS - 1);
  const levels = grid.values.map((value) => clampLevel(at(value!)));
  const scale: ColorScale = { range, level: () => 0, color: () => OVERLAY_COLOR };
  return [...new Set(levels)].filter((level) => level > 0).sort((a, b) => a - b).map((level) => {
    const values = grid.values.map((value, i) => levels[i] === level ? value : undefined);
    return tag("g", { opacity: opacityOf(level) }, cellMarkup({ ...grid, values }, scale));
  }).join("");
}

function opacityOf(level: number): number {
  return MOST_OPAQUE * level / (LEVELS - 1);
}

/** The overlay's color on white, for the bar; the bar takes levels of 0 to 255. */
function mixedScale(range: Range): ColorScale {
  const parts = [1, 3, 5].map((from) => parseInt(OVERLAY_COLOR.slice(from, from + 2), 16));
  return {
    range,
    level: () => 0,
    color: (level) => {
      const opacity = MOST_OPAQUE * level / 255;
      return `#${parts.map((part) => hex(Math.round(255 + (part - 255) * opacity))).join("")}`;
    },
  };
}

function clampLevel(level: number): number {
  return Math.min(LEVELS - 1, Math.max(0, Math.round(level)));
}

function hex(value: number): string {
  return value.toString(16).padStart(2, "0");
}
