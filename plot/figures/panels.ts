/**
 * Several figures in one: panels in rows, each with its title.
 *
 * @module
 */
import type { Figure, Json } from "../../core/types.ts";
import { checkNotEmpty, checkOptions, finishFigure } from "../marks/figure.ts";
import type { FigureOptions } from "../marks/figure.ts";
import { FONT_SIZE, INK } from "../marks/theme.ts";
import { escapeMarkup, tag, textWidth } from "../marks/text.ts";

/** Options of {@linkcode panelsFigure}; the size follows from the panels. */
export interface PanelsOptions extends Omit<FigureOptions, "width" | "height"> {
  /** Finished figures; each name must be another, and its title is written above it. */
  readonly panels: readonly (Figure | Promise<Figure>)[];
  /** Panels per row. @default all */
  readonly columns?: number;
}

const TITLE = 20;
const GAP = 8;

/**
 * Figures side by side, drawn as they are. Their own marks of simulated data stay; the whole carries one where `simulated`
 * says so, so that panels may go without.
 *
 * @throws {RangeError} If there is no panel, the columns are not a positive whole number, or two panels share a name.
 */
export async function panelsFigure(options: PanelsOptions): Promise<Figure> {
  checkOptions(options);
  const { name, simulated } = options;
  checkNotEmpty(name, "panel", options.panels.length);
  const panels = await Promise.all(options.panels);
  const columns = Math.min(options.columns ?? panels.length, panels.length);
  if (!Number.isInteger(columns) || columns < 1) {
    throw new RangeError(
      `Cannot draw figure "${name}" as its columns must be a positive whole number: found ${options.columns}`,
    );
  }
  const twice = panels.find((panel, i) => panels.findIndex((other) => other.name === panel.name) !== i);
  if (twice !== undefined) {
    throw new RangeError(
      `Cannot draw figure "${name}" as every panel must have its own name: found "${twice.name}" twice`,
    );
  }
  const boxes = panels.map(({ svg }) => boxOf(name, svg));
  const widths = Array.from({ length: columns }, (_, i) => largest(boxes, i, columns, ({ width }) => width));
  const rows = Math.ceil(panels.length / columns);
  const heights = Array.from(
    { length: rows },
    (_, row) => Math.max(...boxes.slice(row * columns, (row + 1) * columns).map(({ height }) => height)),
  );
  const top = simulated ? TITLE : 0;
  const body = panels.map((panel, i) => {
    const [row, column] = [Math.floor(i / columns), i % columns];
    const x = sum(widths.slice(0, column)) + column * GAP;
    const y = top + sum(heights.slice(0, row)) + row * (TITLE + GAP);
    return panelMarkup(panel, boxes[i]!, x, y);
  });
  const width = sum(widths) + (columns - 1) * GAP;
  const height = top + sum(heights) + rows * TITLE + (rows - 1) * GAP;
  const data: Json = panels.map(({ name, title, data }) => ({ name, title, data }));
  return finishFigure(options, { width, height, right: width - 14, markup: body.join("") }, data);
}

/** Size of a figure and where its root element ends. */
interface Box {
  readonly width: number;
  readonly height: number;
}

function boxOf(name: string, svg: string): Box {
  const match = /^<svg[^>]* viewBox="0 0 ([\d.]+) ([\d.]+)"/.exec(svg);
  if (match !== null) return { width: Number(match[1]), height: Number(match[2]) };
  throw new TypeError(
    `Cannot draw figure "${name}" as panels must be figures made here: found one without a viewBox`,
  );
}

/** The panel as a nested `<svg>`, which scales nothing, under its title. */
function panelMarkup({ title, svg }: Figure, { width, height }: Box, x: number, y: number): string {
  const size = Math.min(
    FONT_SIZE + 1,
    (FONT_SIZE + 1) * width / Math.max(1, textWidth(title, FONT_SIZE + 1)),
  );
  const heading = tag("text", {
    x: x + width / 2,
    y: y + 14,
    "text-anchor": "middle",
    "font-size": size,
    fill: INK,
  }, escapeMarkup(title));
  return heading + svg.replace(/^<svg /, `<svg x="${x}" y="${y + TITLE}" overflow="visible" `)
    .replace(/^(<svg[^>]*?) width="[^"]*" height="[^"]*"/, `$1 width="${width}" height="${height}"`);
}

function largest(boxes: readonly Box[], column: number, columns: number, of: (box: Box) => number): number {
  return Math.max(...boxes.filter((_, i) => i % columns === column).map(of));
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}
