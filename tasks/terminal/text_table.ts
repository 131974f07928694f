/**
 * Tables in plain text.
 *
 * @module
 */

/** A number, with its error where there is one; or nothing. */
const NUMERIC = /^([-+]?[\d.,]+(e[-+]?\d+)?( ± [\d.e+-]+)?)?$/;

/** A text table: columns as wide as their widest cell, numbers right-aligned. */
export function textTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((title, i) =>
    Math.max(title.length, ...rows.map((row) => (row[i] ?? "").length))
  );
  const isNumeric = header.map((_, i) => rows.length > 0 && rows.every((row) => NUMERIC.test(row[i] ?? "")));
  const line = (cells: readonly string[]): string =>
    cells.map((cell, i) => isNumeric[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)).join("  ")
      .trimEnd();
  return [line(header), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}
