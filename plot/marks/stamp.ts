/**
 * The mark of simulated data on a finished figure, whoever drew it.
 *
 * @module
 */
import { SIMULATED_TEXT } from "./figure.ts";
import { tag } from "./text.ts";
import { FONT_FAMILY, FONT_SIZE, MUTED, PAPER } from "./theme.ts";

/** Pixels that are added above a figure for the mark. */
const BAND = 18;

/** A length or a view box of the root element. */
const attribute = (name: string): RegExp => new RegExp(`(\\s${name}=")([^"]*)(")`);

/**
 * The figure with the word "simulated" in a band above it; unchanged if it says so already, or has no view
 * box.
 *
 * @param svg An SVG document whose root has `viewBox`; `width` and `height` in pixels are adapted if present.
 *
 * @example
 * ```ts
 * import { stampSimulated } from "beamline/plot";
 * const svg = stampSimulated('<svg viewBox="0 0 100 50"><rect/></svg>');
 * if (!svg.startsWith('<svg viewBox="0 -18 100 68">')) throw new Error("unreachable");
 * ```
 */
export function stampSimulated(svg: string): string {
  const root = /<svg\b[^>]*>/.exec(svg);
  const view = root && attribute("viewBox").exec(root[0])?.[2]?.trim().split(/[\s,]+/).map(Number);
  const end = svg.lastIndexOf("</svg>");
  if (!root || view?.length !== 4 || !view.every(Number.isFinite) || end < 0) return svg;
  if (svg.includes(`>${SIMULATED_TEXT}</text>`)) return svg;
  const [x, y, width, height] = view as [number, number, number, number];
  const scale = pixelsOf(root[0], "height") === undefined ? 1 : height / pixelsOf(root[0], "height")!;
  const band = BAND * scale;
  const opened = root[0]
    .replace(attribute("viewBox"), `$1${x} ${y - band} ${width} ${height + band}$3`)
    .replace(
      attribute("height"),
      (text, before, value, after) =>
        /^[\d.]+(px)?$/.test(value) ? `${before}${Number.parseFloat(value) + BAND}${after}` : text,
    );
  const mark = tag("rect", { x, y: y - band, width, height: band, fill: PAPER }) + tag("text", {
    x: x + width - 14 * scale,
    y: y - band + 13 * scale,
    "text-anchor": "end",
    "font-family": FONT_FAMILY,
    "font-size": (FONT_SIZE - 1) * scale,
    "font-style": "italic",
    fill: MUTED,
  }, SIMULATED_TEXT);
  const from = root.index + root[0].length;
  return svg.slice(0, root.index) + opened + svg.slice(from, end) + mark + svg.slice(end);
}

/** A length of the root element in pixels; undefined where it has none. */
function pixelsOf(root: string, name: string): number | undefined {
  const value = Number.parseFloat(attribute(name).exec(root)?.[2] ?? "");
  return value > 0 ? value : undefined;
}
