/**
 * What tasks print: results on standard output, all else on standard error.
 *
 * @module
 */

/** Whether standard error shows colors: it is a terminal, and NO_COLOR is not set. */
const IS_COLORED = !Deno.noColor && Deno.stderr.isTerminal();

/** A text in bold, red, green or dim, where the terminal shows colors. */
export function paint(
  text: string,
  style: "bold" | "red" | "green" | "dim",
  isColored: boolean = IS_COLORED,
): string {
  const codes = { bold: 1, red: 31, green: 32, dim: 2 };
  return isColored ? `\x1b[${codes[style]}m${text}\x1b[0m` : text;
}

/** A line on standard error. */
export function tell(text: string): void {
  console.error(text);
}

/** A line on standard output. */
export function print(text: string): void {
  console.log(text);
}

/** One JSON object on standard output. */
export function printJson(value: unknown): void {
  console.log(JSON.stringify(value));
}
