/**
 * Tables in plain text: cells of others stay in their cell.
 *
 * @module
 */
import { plainLine } from "../../core/plain_text.ts";

/** A number, with its error where there is one; or nothing. */
const NUMERIC = /^([-+]?[\d.,]+(e[-+]?\d+)?( ± [\d.e+-]+)?)?$/;

/** The lines of a text table: columns as wide as their widest cell, numbers right-aligned. */
export function textTable(titles: readonly string[], texts: readonly (readonly string[])[]): string[] {
  const header = titles.map(plainLine);
  const rows = texts.map((row) => row.map(plainLine));
  const widths = header.map((title, i) =>
    rows.reduce((widest, row) => Math.max(widest, (row[i] ?? "").length), title.length)
  );
  const isNumeric = header.map((_, i) => rows.length > 0 && rows.every((row) => NUMERIC.test(row[i] ?? "")));
  const line = (cells: readonly string[]): string =>
    cells.map((cell, i) => isNumeric[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)).join("  ")
      .trimEnd();
  return [line(header), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)];
}
