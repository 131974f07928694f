/**
 * Quantities over two dimensions: histograms of pairs, and maps of cells.
 *
 * @module
 */
import type { Figure, Json } from "../../core/types.ts";
import { layoutStage, resolveRange } from "../marks/axes.ts";
import type { Categories, Range, Stage } from "../marks/axes.ts";
import { cellMarkup, gridMarkup, numberMarkup } from "../marks/cells.ts";
import type { CellGrid } from "../marks/cells.ts";
import { colorBar, colorBarRoom, colorScale } from "../marks/color_bar.ts";
import { openCanvas } from "../marks/dom.ts";
import type { Canvas, Mark } from "../marks/dom.ts";
import {
  checkLength,
  checkOptions,
  extent,
  finishFigure,
  finiteNumbers,
  increasingEdges,
} from "../marks/figure.ts";
import type { Axis, FigureOptions, NumberArray } from "../marks/figure.ts";

/** Options of {@linkcode densityFigure}. */
export interface DensityOptions extends FigureOptions {
  readonly x: Axis;
  readonly y: Axis;
  /** Increasing; one more than columns. */
  readonly edgesX: NumberArray;
  /** Increasing; one more than rows. */
  readonly edgesY: NumberArray;
  /** Row-major [y][x], not negative; row 0 is the lowest. Empty bins stay blank. */
  readonly counts: NumberArray;
  /** What is counted. @default "rows per bin" */
  readonly colorLabel?: string;
  /** Draws the line y = x. @default false */
  readonly diagonal?: boolean;
  /** @default false */
  readonly logColor?: boolean;
}

/**
 * A two-dimensional histogram with a color bar.
 *
 * @throws {RangeError} If edges or counts are empty, not finite, or not increasing; or if counts are negative or all zero.
 * @throws {TypeError} If the counts are not (edgesX - 1) (edgesY - 1).
 */
export async function densityFigure(options: DensityOptions): Promise<Figure> {
  checkOptions(options);
  const { name } = options;
  const edgesX = increasingEdges(name, "edges of x", options.edgesX);
  const edgesY = increasingEdges(name, "edges of y", options.edgesY);
  const counts = finiteNumbers(name, "counts", options.counts);
  checkLength(name, "counts", counts.length, (edgesX.length - 1) * (edgesY.length - 1));
  const [low, high] = extent(counts);
  if (low < 0 || high <= 0) {
    throw new RangeError(
      `Cannot draw figure "${name}" as its counts must not be negative and not all zero: found ${low}..${high}`,
    );
  }
  const isLog = options.logColor ?? false;
  const [smallest] = extent(counts.filter((count) => count > 0));
  const colors = resolveRange(
    name,
    { label: options.colorLabel ?? "rows per bin", log: isLog },
    isLog ? [smallest, high] : [0, high],
  );
  const x = resolveRange(name, options.x, [edgesX[0]!, edgesX.at(-1)!]);
  const y = resolveRange(name, options.y, [edgesY[0]!, edgesY.at(-1)!]);
  const diagonal = (canvas: Canvas): Mark[] => {
    if (!options.diagonal) return [];
    const ends = [Math.max(x.domain[0], y.domain[0]), Math.min(x.domain[1], y.domain[1])];
    if (ends[0]! >= ends[1]!) return [];
    // Dashes on a rim: seen on dark cells, on bright ones, and on the empty card in both of its colors.
    const line = { x: ends, y: ends, clip: true } as const;
    return [
      canvas.Plot.line({ length: 2 }, { ...line, stroke: "#fff", strokeWidth: 2.2, strokeOpacity: 0.6 }),
      canvas.Plot.line({ length: 2 }, { ...line, stroke: "#000", strokeWidth: 1.1, strokeDasharray: "5 4" }),
    ];
  };
  const values = counts.map((count) => count > 0 ? count : undefined);
  return await drawCells(options, { x, y, colors, edgesX, edgesY, values, marks: diagonal }, {
    x: { label: options.x.label, unit: options.x.unit ?? "1" },
    y: { label: options.y.label, unit: options.y.unit ?? "1" },
    edgesX,
    edgesY,
    counts,
  });
}

/** Options of {@linkcode heatMapFigure}. */
export interface HeatMapOptions extends FigureOptions {
  /** Without a domain, cell centers are at 0, 1, 2, ... */
  readonly x: Axis;
  /** Without a domain, cell centers are at 0, 1, 2, ... */
  readonly y: Axis;
  /** Row-major [rows][columns]. */
  readonly values: NumberArray;
  readonly rows: number;
  readonly columns: number;
  /** Where row 0 is: "up" puts it at the bottom, "down" on top as in a matrix. @default "up" */
  readonly rowOrder?: "up" | "down";
  readonly colorLabel: string;
  readonly colorUnit?: string;
  /** Values that are not positive stay blank. @default false */
  readonly logColor?: boolean;
  /** Red-white-blue, symmetric around zero. @default false */
  readonly diverging?: boolean;
  /** Ends of the color scale. @default the extent of the values */
  readonly colorDomain?: readonly [number, number];
  /** Writes the number into each cell. @default false */
  readonly showValues?: boolean;
  /** Names of the columns in place of numbers. */
  readonly columnNames?: readonly string[];
  /** Names of the rows in place of numbers, in the order of the values. */
  readonly rowNames?: readonly string[];
}

/**
 * A map of cells in color with a color bar: a detector, a confusion matrix, correlations.
 *
 * @throws {RangeError} If the values are empty or not finite, or none can be shown on a logarithmic scale.
 * @throws {TypeError} If the values are not rows times columns, or names do not match.
 */
export async function heatMapFigure(options: HeatMapOptions): Promise<Figure> {
  checkOptions(options);
  const { name, rows, columns, rowNames, columnNames } = options;
  const values = finiteNumbers(name, "values", options.values);
  checkLength(name, "values", values.length, rows * columns);
  if (rowNames) checkLength(name, "row names", rowNames.length, rows);
  if (columnNames) checkLength(name, "column names", columnNames.length, columns);
  const isDown = options.rowOrder === "down";
  const x = resolveRange(name, options.x, [-0.5, columns - 0.5]);
  const y = resolveRange(name, options.y, [-0.5, rows - 0.5]);
  const shown: readonly (number | undefined)[] = options.logColor
    ? values.map((value) => value > 0 ? value : undefined)
    : values;
  const colors = colorRange(options, shown.filter((value) => value !== undefined));
  const ordered = isDown
    ? shown.map((_, i) => shown[(rows - 1 - Math.floor(i / columns)) * columns + i % columns])
    : shown;
  const categories: Categories = {
    ...(columnNames && { x: columnNames }),
    ...(rowNames && { y: isDown ? [...rowNames].reverse() : rowNames }),
  };
  const cells = {
    x,
    y,
    colors,
    edgesX: evenEdges(x, columns),
    edgesY: evenEdges(y, rows),
    values: ordered,
    categories,
    isDiverging: options.diverging ?? false,
    showValues: options.showValues ?? false,
  };
  return await drawCells(options, cells, {
    x: { label: options.x.label, unit: options.x.unit ?? "1" },
    y: { label: options.y.label, unit: options.y.unit ?? "1" },
    color: { label: options.colorLabel, unit: options.colorUnit ?? "1" },
    rows,
    columns,
    values,
    ...(rowNames && { rowNames }),
    ...(columnNames && { columnNames }),
  });
}

/** The range of a color scale for these values. */
export function colorRange(
  { name, colorLabel, colorUnit, logColor, diverging, colorDomain }: {
    readonly name: string;
    readonly colorLabel: string;
    readonly colorUnit?: string;
    readonly logColor?: boolean;
    readonly diverging?: boolean;
    readonly colorDomain?: readonly [number, number];
  },
  values: readonly number[],
): Range {
  if (values.length === 0) {
    throw new RangeError(
      `Cannot draw figure "${name}" as a logarithmic color scale needs a positive value: found none`,
    );
  }
  const [low, high] = extent(values);
  const far = Math.max(Math.abs(low), Math.abs(high)) || 1;
  const axis: Axis = {
    label: colorLabel,
    ...(colorUnit !== undefined && { unit: colorUnit }),
    ...(logColor !== undefined && { log: logColor }),
    ...(colorDomain !== undefined && { domain: colorDomain }),
  };
  const span: [number, number] = diverging ? [-far, far] : [low >= 0 && !logColor ? 0 : low, high];
  return resolveRange(name, axis, span);
}

function evenEdges({ domain: [low, high] }: Range, count: number): number[] {
  return Array.from({ length: count + 1 }, (_, i) => low + (high - low) * i / count);
}

/** What is drawn in a frame of colored cells. */
interface Cells {
  readonly x: Range;
  readonly y: Range;
  readonly colors: Range;
  readonly edgesX: readonly number[];
  readonly edgesY: readonly number[];
  /** Row 0 lowest. */
  readonly values: readonly (number | undefined)[];
  readonly categories?: Categories;
  readonly isDiverging?: boolean;
  readonly showValues?: boolean;
  readonly marks?: (canvas: Canvas) => Mark[];
}

async function drawCells(options: FigureOptions, cells: Cells, data: Json): Promise<Figure> {
  const canvas = await openCanvas();
  const { x, y, colors, categories = {} } = cells;
  const room = colorBarRoom(colors);
  const stage = layoutStage(options, { x, y, rightRoom: room - 14, categories });
  const scale = colorScale(canvas, colors, cells.isDiverging ?? false);
  const grid = visibleGrid(stage, cells);
  const isCoarse = grid.values.length <= 900;
  const under = cellMarkup(grid, scale) + (cells.showValues && isCoarse ? gridMarkup(grid) : "") +
    (cells.showValues ? numberMarkup(grid, scale) : "");
  const { frame, width, height } = stage;
  const bar = colorBar(options.name, scale, { x: frame.right, top: frame.top, bottom: frame.bottom });
  const markup = stage.draw(canvas, cells.marks?.(canvas) ?? [], { under }) + bar;
  return finishFigure(options, { width, height, right: frame.right, markup }, data);
}

/** Pixels of the cell sides, cut at the frame for an axis domain narrower than the data. */
function visibleGrid(stage: Stage, { x, y, edgesX, edgesY, values }: Cells): CellGrid {
  const clamp = (value: number, { domain: [low, high] }: Range): number =>
    Math.min(high, Math.max(low, value));
  return {
    x: edgesX.map((edge) => stage.x(clamp(edge, x))),
    y: edgesY.map((edge) => stage.y(clamp(edge, y))),
    values,
  };
}
