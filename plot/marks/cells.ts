/**
 * Cells in color: the body of two-dimensional histograms, heat maps and calorimeter windows.
 *
 * @module
 */
import type { ColorScale } from "./color_bar.ts";
import { fixed, HAIRLINE } from "./theme.ts";
import { shortNumber, tag } from "./text.ts";

/** A grid of cells; positions in pixels. */
export interface CellGrid {
  /** Left and right sides of the columns: one more than columns. */
  readonly x: readonly number[];
  /** Sides of the rows, one more than rows; row i is between y[i] and y[i + 1]. */
  readonly y: readonly number[];
  /** Row-major; undefined is left blank. */
  readonly values: readonly (number | undefined)[];
}

/** All cells, one path per color; neighbors of one color in a row are joined. Crisp edges, or cells show seams. */
export function cellMarkup({ x, y, values }: CellGrid, scale: ColorScale): string {
  const columns = x.length - 1;
  const rows = y.length - 1;
  const paths = new Map<number, string[]>();
  for (let row = 0; row < rows; row++) {
    const height = fixed(y[row + 1]! - y[row]!);
    for (let column = 0; column < columns;) {
      const level = levelAt(values, scale, row * columns + column);
      const start = column++;
      while (column < columns && levelAt(values, scale, row * columns + column) === level) column++;
      if (level === undefined) continue;
      const width = x[column]! - x[start]!;
      const d = `M${fixed(x[start]!)},${fixed(y[row]!)}h${fixed(width)}v${height}h${fixed(-width)}z`;
      const path = paths.get(level);
      if (path === undefined) paths.set(level, [d]);
      else path.push(d);
    }
  }
  const markup = [...paths].sort(([a], [b]) => a - b)
    .map(([level, d]) => tag("path", { d: d.join(""), fill: scale.color(level) }));
  return tag("g", { "shape-rendering": "crispEdges" }, markup.join(""));
}

function levelAt(
  values: readonly (number | undefined)[],
  scale: ColorScale,
  index: number,
): number | undefined {
  const value = values[index];
  return value === undefined ? undefined : scale.level(value);
}

/** Thin lines between cells. */
export function gridMarkup({ x, y }: CellGrid): string {
  const top = Math.min(y[0]!, y.at(-1)!);
  const left = Math.min(x[0]!, x.at(-1)!);
  const height = Math.abs(y.at(-1)! - y[0]!);
  const width = Math.abs(x.at(-1)! - x[0]!);
  const d = x.slice(1, -1).map((at) => `M${fixed(at)},${fixed(top)}v${fixed(height)}`).join("") +
    y.slice(1, -1).map((at) => `M${fixed(left)},${fixed(at)}h${fixed(width)}`).join("");
  return d === "" ? "" : tag("path", { d, stroke: HAIRLINE, "stroke-width": 0.7 });
}

/** The numbers in the cells, dark on light cells and light on dark ones. */
export function numberMarkup({ x, y, values }: CellGrid, scale: ColorScale): string {
  const columns = x.length - 1;
  const width = Math.abs(x[1]! - x[0]!);
  const height = Math.abs(y[1]! - y[0]!);
  const longest = Math.max(...values.map((value) => value === undefined ? 1 : shortNumber(value).length));
  const size = Math.max(6, Math.min(12, height * 0.5, width / (longest * 0.66)));
  const texts = values.map((value, i) => {
    if (value === undefined) return "";
    const column = i % columns;
    const row = Math.floor(i / columns);
    const level = scale.level(value);
    const isDark = level !== undefined && luminance(scale.color(level)) < 0.3;
    return tag("text", {
      x: (x[column]! + x[column + 1]!) / 2,
      y: (y[row]! + y[row + 1]!) / 2 + size * 0.35,
      fill: isDark ? "#fff" : "#000",
    }, shortNumber(value));
  });
  return tag("g", { "text-anchor": "middle", "font-size": size }, texts.join(""));
}

/** Relative luminance in [0, 1] of "#rrggbb", as the contrast rule of WCAG 2.2 defines it. */
function luminance(color: string): number {
  const part = (from: number): number => {
    const value = parseInt(color.slice(from, from + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5);
}
