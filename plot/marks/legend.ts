/**
 * Legends: samples with their names in rows above the frame, where they cannot hide data.
 *
 * @module
 */
import { INK, symbolPath } from "./theme.ts";
import type { SymbolName } from "./theme.ts";
import { escapeMarkup, tag, textWidth } from "./text.ts";

/** One sample of a legend: any of line, band, swatch and symbol, drawn over each other. */
export interface LegendEntry {
  readonly label: string;
  readonly color: string;
  readonly line?: { readonly width: number; readonly dash: string | undefined; readonly opacity?: number };
  readonly symbol?: SymbolName;
  /** Drawn by {@linkcode outlinedSymbol}, for marks on colored cells. */
  readonly isOutlined?: boolean;
  /** A vertical error bar through the symbol. */
  readonly hasError?: boolean;
  readonly bandOpacity?: number;
}

/** A laid-out legend; the first baseline is at y = 15. */
export interface Legend {
  /** Pixels; 0 without entries. */
  readonly height: number;
  readonly markup: string;
}

const SAMPLE = 24;
const ROW = 17;
const GAP = 16;

/** Lays entries out from `left`, wrapping at `right`; the first row ends earlier by `reserved` pixels. */
export function layoutLegend(
  entries: readonly LegendEntry[],
  { left, right, reserved }: { readonly left: number; readonly right: number; readonly reserved: number },
): Legend {
  let x = left;
  let row = 0;
  let markup = "";
  for (const entry of entries) {
    const width = SAMPLE + 6 + textWidth(entry.label);
    const limit = right - (row === 0 ? reserved : 0);
    if (x > left && x + width > limit) {
      row++;
      x = left;
    } else if (x === left && row === 0 && x + width > limit && reserved > 0) row++;
    markup += sample(entry, x, 11 + row * ROW);
    markup += tag("text", { x: x + SAMPLE + 6, y: 15 + row * ROW, fill: INK }, escapeMarkup(entry.label));
    x += width + GAP;
  }
  return { height: entries.length === 0 ? 0 : (row + 1) * ROW + 6, markup };
}

function sample(entry: LegendEntry, x: number, y: number): string {
  const middle = x + SAMPLE / 2;
  let markup = "";
  if (entry.bandOpacity !== undefined) {
    const box = { x, y: y - 5, width: SAMPLE, height: 10 };
    markup += tag("rect", { ...box, fill: entry.color, "fill-opacity": String(entry.bandOpacity) });
  }
  if (entry.line !== undefined) {
    markup += tag("path", {
      d: `M${x},${y}h${SAMPLE}`,
      stroke: entry.color,
      "stroke-width": entry.line.width,
      "stroke-dasharray": entry.line.dash,
      "stroke-opacity": entry.line.opacity,
    });
  }
  if (entry.hasError) markup += tag("path", { d: `M${middle},${y - 7}v14`, stroke: entry.color });
  if (entry.symbol !== undefined) {
    markup += entry.isOutlined
      ? outlinedSymbol(entry.symbol, middle, y, 4)
      : tag("path", { d: symbolPath(entry.symbol, middle, y, 3.2), fill: entry.color });
  }
  return markup;
}

/**
 * A symbol that is visible on any color: dark with a white rim, and hollow, so that marks on top of each
 * other all show.
 */
export function outlinedSymbol(symbol: SymbolName, x: number, y: number, radius: number): string {
  const d = symbolPath(symbol, x, y, radius);
  const isSolid = symbol === "plus" || symbol === "cross" || symbol === "star";
  const line = { d, "stroke-linejoin": "round" };
  return tag("path", { ...line, stroke: "#fff", "stroke-width": 3.4 }) +
    tag("path", {
      ...line,
      stroke: "#000",
      "stroke-width": isSolid ? 0.6 : 1.4,
      fill: isSolid ? "#000" : undefined,
    });
}
