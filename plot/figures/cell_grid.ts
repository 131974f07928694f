/**
 * Calorimeter windows side by side, with positions marked.
 *
 * @module
 */
import type { Figure, Json } from "../../core/types.ts";
import { cellMarkup, gridMarkup } from "../marks/cells.ts";
import type { CellGrid } from "../marks/cells.ts";
import { colorBar, colorBarRoom, colorScale } from "../marks/color_bar.ts";
import type { ColorScale } from "../marks/color_bar.ts";
import { openCanvas } from "../marks/dom.ts";
import {
  checkLength,
  checkNotEmpty,
  checkOptions,
  finishFigure,
  finiteNumbers,
  simulatedWidth,
} from "../marks/figure.ts";
import type { FigureOptions, NumberArray } from "../marks/figure.ts";
import { colorRange } from "./heat_map.ts";
import { layoutLegend, outlinedSymbol } from "../marks/legend.ts";
import { FONT_SIZE, INK } from "../marks/theme.ts";
import type { SymbolName } from "../marks/theme.ts";
import { escapeMarkup, tag, textWidth } from "../marks/text.ts";

/** A position in a window. */
export interface CellMarker {
  /** In cells to the right of the center of the lower left cell. */
  readonly x: number;
  /** In cells above the center of the lower left cell. */
  readonly y: number;
  /** The same label in all panels is one entry of the legend. */
  readonly label: string;
  /** @default by order of the labels */
  readonly symbol?: SymbolName;
}

/** One window. */
export interface CellPanel {
  readonly title: string;
  readonly rows: number;
  readonly columns: number;
  /** Row-major; row 0 on top. */
  readonly values: NumberArray;
  readonly markers?: readonly CellMarker[];
}

/** Options of {@linkcode cellGridFigure}. */
export interface CellGridOptions extends FigureOptions {
  readonly panels: readonly CellPanel[];
  readonly colorLabel: string;
  readonly colorUnit?: string;
  /** Cells that are not positive stay blank. @default false */
  readonly logColor?: boolean;
}

/** Hollow and solid in turn: these stay apart when they mark the same place. */
const MARKER_SYMBOLS: readonly SymbolName[] = [
  "circle",
  "cross",
  "square",
  "plus",
  "diamond",
  "triangle",
  "nabla",
];
/** Pixels; narrower when the panels need less. */
const DEFAULT_GRID_WIDTH = 640;
const GAP = 18;
const TITLE = 18;

/** The position of a panel, in pixels. */
interface Place {
  readonly left: number;
  readonly top: number;
  readonly cell: number;
}

/**
 * Windows of calorimeter cells on one color scale, with positions marked.
 *
 * @throws {RangeError} If there is no panel, or values or markers are not finite.
 * @throws {TypeError} If the values of a panel are not rows times columns.
 */
export async function cellGridFigure(options: CellGridOptions): Promise<Figure> {
  checkOptions(options);
  const { name } = options;
  checkNotEmpty(name, "panel", options.panels.length);
  const panels = options.panels.map((panel) => checkPanel(name, panel));
  const values = panels.flatMap((panel) => panel.values).filter((value) => !options.logColor || value > 0);
  const range = colorRange(options, values);
  const canvas = await openCanvas();
  const scale = colorScale(canvas, range, false);
  const symbols = symbolsOf(panels);
  const { frame, places, width, height, head } = layout(options, panels, symbols, scale);
  const bar = colorBar(name, scale, {
    x: frame.right,
    top: frame.top + TITLE,
    bottom: Math.max(frame.bottom, frame.top + TITLE + 80),
  });
  const body = panels.map((panel, i) =>
    panelMarkup(panel, places[i]!, scale, options.logColor ?? false, symbols)
  );
  const markup = head + body.join("") + bar;
  return finishFigure(options, { width, height, right: width - 14, markup }, gridData(options, panels));
}

interface Checked extends Omit<CellPanel, "values"> {
  readonly values: number[];
}

function checkPanel(figure: string, panel: CellPanel): Checked {
  const what = `panel "${panel.title}"`;
  const values = finiteNumbers(figure, `values of ${what}`, panel.values);
  checkLength(figure, `values of ${what}`, values.length, panel.rows * panel.columns);
  finiteNumbers(figure, `markers of ${what}`, [0, ...(panel.markers ?? []).flatMap(({ x, y }) => [x, y])]);
  return { ...panel, values };
}

function symbolsOf(panels: readonly Checked[]): Map<string, SymbolName> {
  const symbols = new Map<string, SymbolName>();
  for (const { label, symbol } of panels.flatMap(({ markers }) => markers ?? [])) {
    if (symbols.has(label)) continue;
    symbols.set(label, symbol ?? MARKER_SYMBOLS[symbols.size % MARKER_SYMBOLS.length]!);
  }
  return symbols;
}

/** Chooses how many panels fit side by side, and from that the size of cells and figure. */
function layout(
  options: CellGridOptions,
  panels: readonly Checked[],
  symbols: ReadonlyMap<string, SymbolName>,
  scale: ColorScale,
) {
  const left = 14;
  const barRoom = colorBarRoom(scale.range);
  const room = (options.width ?? DEFAULT_GRID_WIDTH) - barRoom - left;
  const widest = Math.max(...panels.map(({ columns }) => columns));
  const tallest = Math.max(...panels.map(({ rows }) => rows));
  const perRow = perRowOf(panels.length, room / Math.max(110, Math.min(220, widest * 24)));
  const lines = Math.ceil(panels.length / perRow);
  // The legend takes about two lines; only a height that was given limits the cells.
  const free = options.height === undefined ? Infinity : (options.height - 48) / lines - TITLE - 8;
  const across = (room - GAP * (perRow - 1)) / perRow / widest;
  const cell = Math.min(across, Math.max(4, free / tallest), 40);
  const step = cell * widest + GAP;
  const right = left + step * perRow - GAP;
  const width = options.width ?? Math.max(320, Math.ceil(right + barRoom));
  const legend = layoutLegend(
    [...symbols].map(([label, symbol]) => ({ label, symbol, color: INK, isOutlined: true })),
    { left, right: width - 14, reserved: simulatedWidth(options.simulated) },
  );
  const top = Math.max(legend.height, options.simulated ? 23 : 4);
  const stride = TITLE + cell * tallest + 8;
  const places = panels.map((panel, i): Place => ({
    left: left + (i % perRow) * step,
    top: top + Math.floor(i / perRow) * stride + TITLE + cell * (tallest - panel.rows),
    cell,
  }));
  const bottom = top + stride * lines - 8;
  const height = options.height ?? Math.ceil(Math.max(bottom + 12, top + TITLE + 100));
  return { frame: { top, bottom, right }, places, width, height, head: legend.markup };
}

/** At most `fit` panels per row, and rows as equal as they can be. */
function perRowOf(count: number, fit: number): number {
  const most = Math.max(1, Math.min(count, Math.floor(fit)));
  return Math.ceil(count / Math.ceil(count / most));
}

function panelMarkup(
  panel: Checked,
  { left, top, cell }: Place,
  scale: ColorScale,
  isLog: boolean,
  symbols: ReadonlyMap<string, SymbolName>,
): string {
  const { rows, columns, values, title, markers = [] } = panel;
  const grid: CellGrid = {
    x: Array.from({ length: columns + 1 }, (_, i) => left + i * cell),
    y: Array.from({ length: rows + 1 }, (_, i) => top + i * cell),
    values: isLog ? values.map((value) => value > 0 ? value : undefined) : values,
  };
  const size = Math.min(FONT_SIZE, FONT_SIZE * columns * cell / textWidth(title));
  const heading = tag("text", {
    x: left + columns * cell / 2,
    y: top - 5,
    "text-anchor": "middle",
    "font-size": Math.max(8, size),
    fill: INK,
  }, escapeMarkup(title));
  const frame = tag("rect", { x: left, y: top, width: columns * cell, height: rows * cell, stroke: INK });
  const radius = Math.min(5, Math.max(3, cell * 0.2));
  const marks = markers
    .filter(({ x, y }) => x >= -0.5 && x <= columns - 0.5 && y >= -0.5 && y <= rows - 0.5)
    .map(({ x, y, label }) =>
      outlinedSymbol(symbols.get(label)!, left + (x + 0.5) * cell, top + (rows - 0.5 - y) * cell, radius)
    );
  return cellMarkup(grid, scale) + gridMarkup(grid) + frame + marks.join("") + heading;
}

function gridData({ colorLabel, colorUnit }: CellGridOptions, panels: readonly Checked[]): Json {
  return {
    color: { label: colorLabel, unit: colorUnit ?? "1" },
    panels: panels.map(({ title, rows, columns, values, markers = [] }) => ({
      title,
      rows,
      columns,
      values,
      markers: markers.map(({ x, y, label }) => ({ x, y, label })),
    })),
  };
}
