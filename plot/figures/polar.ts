/**
 * Layers of a calorimeter in polar cells: side by side, or as disks along the axis of a cylinder.
 *
 * @module
 */
import type { Figure, Json } from "../../core/types.ts";
import { colorBar, colorBarRoom, colorScale } from "../marks/color_bar.ts";
import type { ColorScale } from "../marks/color_bar.ts";
import { openCanvas } from "../marks/dom.ts";
import {
  checkLength,
  checkNotEmpty,
  checkOptions,
  finishFigure,
  finiteNumbers,
  increasingEdges,
} from "../marks/figure.ts";
import type { FigureOptions, NumberArray } from "../marks/figure.ts";
import { colorRange } from "./heat_map.ts";
import { HAIRLINE, INK } from "../marks/theme.ts";
import { escapeMarkup, tag } from "../marks/text.ts";

/** Cells of one layer: rings cut into sectors. */
export interface PolarPanel {
  readonly title: string;
  /** Edges of the rings, increasing, not negative. */
  readonly rEdges: NumberArray;
  /** Edges of the sectors in rad, increasing; counted anticlockwise from the right. */
  readonly alphaEdges: NumberArray;
  /** Shape [sector, ring]: the ring is the faster index. */
  readonly values: NumberArray;
}

/** Options of {@linkcode polarFigure} and {@linkcode cylinderFigure}. */
export interface PolarOptions extends FigureOptions {
  readonly panels: readonly PolarPanel[];
  readonly colorLabel: string;
  readonly colorUnit?: string;
  /** Cells that are not positive stay blank. @default false */
  readonly logColor?: boolean;
  /** Ends of the color scale; values outside take the color of the end. @default what the values need */
  readonly colorDomain?: readonly [number, number];
  /** All rings of one width ("equal"), or radii to scale ("true"), the largest edge of all panels at the rim. @default "equal" */
  readonly radius?: "equal" | "true";
}

interface Checked {
  readonly title: string;
  readonly rEdges: number[];
  readonly alphaEdges: number[];
  readonly values: number[];
}

/** Most panels per row. */
const PANELS_PER_ROW = 5;
const TITLE = 18;
const GAP = 12;

/**
 * Layers side by side as disks of polar cells on one color scale.
 *
 * @throws {RangeError} If there is no panel, edges do not increase, or values are not finite.
 * @throws {TypeError} If the values of a panel are not rings times sectors.
 */
export async function polarFigure(options: PolarOptions): Promise<Figure> {
  const { panels, scale } = await prepare(options);
  const width = options.width ?? 700;
  const perRow = Math.min(panels.length, PANELS_PER_ROW);
  const room = width - 14 - colorBarRoom(scale.range);
  const size = Math.min(220, (room - 14 - GAP * (perRow - 1)) / perRow);
  const lines = Math.ceil(panels.length / perRow);
  const top = options.simulated ? 23 : 6;
  const height = Math.max(150, Math.ceil(top + lines * (size + TITLE + 6) + 6));
  const rim = outerEdge(panels);
  const body = panels.map((panel, i) => {
    const x = 14 + (i % perRow) * (size + GAP) + size / 2;
    const y = top + Math.floor(i / perRow) * (size + TITLE + 6) + TITLE + size / 2;
    const place = (r: number, alpha: number): readonly [number, number] => [
      x + r * size / 2 * Math.cos(alpha),
      y - r * size / 2 * Math.sin(alpha),
    ];
    const title = tag(
      "text",
      { x, y: y - size / 2 - 5, "text-anchor": "middle", fill: INK },
      escapeMarkup(panel.title),
    );
    return title + diskMarkup(panel, scale, radiusOf(panel, options, rim), place);
  });
  const right = 14 + perRow * (size + GAP) - GAP;
  const bar = colorBar(options.name, scale, {
    x: right,
    top: top + TITLE,
    bottom: Math.max(top + TITLE + 100, height - 12),
  });
  const drawing = { width, height, right: width - 14, markup: body.join("") + bar };
  return finishFigure(options, drawing, dataOf(options, panels));
}

/** Height of a disk over its width, as seen from the side. */
const TILT = 0.32;

/**
 * Layers as disks along the axis of a cylinder, seen from the side: the shower enters at the bottom.
 *
 * @throws {RangeError} If there is no panel, edges do not increase, or values are not finite.
 * @throws {TypeError} If the values of a panel are not rings times sectors.
 */
export async function cylinderFigure(options: PolarOptions): Promise<Figure> {
  const { panels, scale } = await prepare(options);
  const width = options.width ?? 460;
  const half = (width - 100 - colorBarRoom(scale.range)) / 2;
  const step = Math.max(14, Math.min(90, 420 / panels.length));
  const top = options.simulated ? 23 : 8;
  const height = Math.ceil(top + 2 * half * TILT + step * (panels.length - 1) + 24);
  const middle = 76 + half;
  const rim = outerEdge(panels);
  const body = panels.map((panel, i) => {
    const y = height - 14 - half * TILT - i * step;
    const place = (r: number, alpha: number): readonly [number, number] => [
      middle + r * half * Math.cos(alpha),
      y - r * half * TILT * Math.sin(alpha),
    ];
    const label = tag(
      "text",
      {
        x: middle - half - 8,
        y: y + 4,
        "text-anchor": "end",
        fill: INK,
        "font-size": panels.length > 20 ? 7 : 11,
      },
      panels.length > 20 && i % 5 !== 0 ? "" : escapeMarkup(panel.title),
    );
    return tag(
      "g",
      { opacity: panels.length > 1 ? 0.86 : 1 },
      diskMarkup(panel, scale, radiusOf(panel, options, rim), place),
    ) +
      label;
  });
  const bar = colorBar(options.name, scale, { x: middle + half + 4, top: top + 8, bottom: height - 20 });
  const drawing = { width, height, right: width - 14, markup: body.join("") + bar };
  return finishFigure(options, drawing, dataOf(options, panels));
}

async function prepare(
  options: PolarOptions,
): Promise<{ readonly panels: Checked[]; readonly scale: ColorScale }> {
  checkOptions(options);
  const { name } = options;
  checkNotEmpty(name, "panel", options.panels.length);
  const panels = options.panels.map((panel): Checked => {
    const what = `panel "${panel.title}"`;
    const rEdges = increasingEdges(name, `ring edges of ${what}`, panel.rEdges);
    const alphaEdges = increasingEdges(name, `sector edges of ${what}`, panel.alphaEdges);
    const values = finiteNumbers(name, `values of ${what}`, panel.values);
    checkLength(name, `values of ${what}`, values.length, (rEdges.length - 1) * (alphaEdges.length - 1));
    return { title: panel.title, rEdges, alphaEdges, values };
  });
  const shown = panels.flatMap(({ values }) => values).filter((value) => !options.logColor || value > 0);
  const canvas = await openCanvas();
  return { panels, scale: colorScale(canvas, colorRange(options, shown), false) };
}

function outerEdge(panels: readonly Checked[]): number {
  return Math.max(...panels.map(({ rEdges }) => rEdges.at(-1)!));
}

/** Radius of the edges on the paper, 1 at the rim. */
function radiusOf({ rEdges }: Checked, { radius = "equal" }: PolarOptions, rim: number): number[] {
  return rEdges.map((edge, i) => radius === "equal" ? i / (rEdges.length - 1) : edge / rim);
}

/** Cells of a disk, one path per color, and its rim. */
function diskMarkup(
  { alphaEdges, values }: Checked,
  scale: ColorScale,
  radii: readonly number[],
  place: (r: number, alpha: number) => readonly [number, number],
): string {
  const rings = radii.length - 1;
  const paths = new Map<number, string[]>();
  for (let sector = 0; sector < alphaEdges.length - 1; sector++) {
    for (let ring = 0; ring < rings; ring++) {
      const level = scale.level(values[sector * rings + ring]!);
      if (level === undefined) continue;
      const d = cellPath(radii[ring]!, radii[ring + 1]!, alphaEdges[sector]!, alphaEdges[sector + 1]!, place);
      paths.set(level, [...paths.get(level) ?? [], d]);
    }
  }
  const cells = [...paths].sort(([a], [b]) => a - b)
    .map(([level, d]) =>
      tag("path", {
        d: d.join(""),
        fill: scale.color(level),
        stroke: scale.color(level),
        "stroke-width": 0.3,
      })
    );
  const rim = pathOf(arc(radii.at(-1)!, alphaEdges[0]!, alphaEdges.at(-1)!, place));
  const under = tag("path", { d: `${rim}z`, fill: HAIRLINE, "fill-opacity": 0.25 });
  return under + cells.join("") + tag("path", { d: rim, stroke: INK, "stroke-width": 0.8 });
}

function cellPath(
  inner: number,
  outer: number,
  from: number,
  to: number,
  place: (r: number, alpha: number) => readonly [number, number],
): string {
  return `${pathOf([...arc(outer, from, to, place), ...arc(inner, to, from, place)])}z`;
}

/** Points along an arc, at most 0.15 rad apart. */
function arc(
  r: number,
  from: number,
  to: number,
  place: (r: number, alpha: number) => readonly [number, number],
): (readonly [number, number])[] {
  const steps = r === 0 ? 0 : Math.max(1, Math.ceil(Math.abs(to - from) / 0.15));
  return Array.from(
    { length: steps + 1 },
    (_, i) => place(r, from + (to - from) * (steps === 0 ? 0 : i / steps)),
  );
}

function pathOf(points: readonly (readonly [number, number])[]): string {
  const round = (pixels: number): number => Math.round(pixels * 10) / 10;
  return `M${points.map(([x, y]) => `${round(x)},${round(y)}`).join("L")}`;
}

function dataOf({ colorLabel, colorUnit }: PolarOptions, panels: readonly Checked[]): Json {
  return {
    color: { label: colorLabel, unit: colorUnit ?? "1" },
    panels: panels.map(({ title, rEdges, alphaEdges, values }) => ({ title, rEdges, alphaEdges, values })),
  };
}
