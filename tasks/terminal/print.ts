/**
 * What tasks print: results on standard output, all else on standard error. The one place where text leaves for a
 * terminal or a log: whatever it came from, nothing of it commands the terminal, hides, or begins a line, except what
 * this file adds.
 *
 * @module
 */
import { plainJson, plainLine } from "../../core/plain_text.ts";

/** Whether standard error shows colors: it is a terminal, and NO_COLOR is not set. */
const IS_COLORED = !Deno.noColor && Deno.stderr.isTerminal();

/** The codes of what {@linkcode paint} does to a text; 0 ends it. */
const CODES = { bold: 1, red: 31, green: 32, dim: 2 } as const;

/** Stands before our codes until they are printed; nobody else can write it. */
let mark: string | undefined;

/**
 * A text in bold, red, green or dim, where the terminal shows colors. The colors come into being where it is printed;
 * sequences that are in the text already do not.
 */
export function paint(
  text: string,
  style: keyof typeof CODES,
  isColored: boolean = IS_COLORED,
): string {
  if (!isColored) return text;
  mark ??= `{${crypto.randomUUID()}:`;
  return `${mark}${CODES[style]}}${text}${mark}0}`;
}

/** One line as it may reach a terminal: plain text and our own colors. */
function shown(line: string): string {
  const plain = plainLine(line);
  if (mark === undefined) return plain;
  return plain.split(mark).map((part, i) => i === 0 ? part : part.replace(/^(\d+)\}/, "\x1b[$1m")).join("");
}

/** A line, or several. A line end inside of one becomes a space. */
type Lines = string | readonly string[];

function joined(lines: Lines): string {
  return typeof lines === "string" ? shown(lines) : lines.map(shown).join("\n");
}

/** A line on standard error, or several. */
export function tell(lines: Lines): void {
  console.error(joined(lines));
}

/** A line on standard output, or several. */
export function print(lines: Lines): void {
  console.log(joined(lines));
}

/** One JSON object on standard output. */
export function printJson(value: unknown): void {
  console.log(plainJson(value));
}

/** Shows the cursor again, which a progress bar hides. */
export function showCursor(): void {
  if (Deno.stderr.isTerminal()) Deno.stderr.writeSync(new TextEncoder().encode("\x1b[?25h\r\n"));
}

/** A line on standard error in place of the one that the cursor is in. */
export function tellOver(line: string, isLast: boolean): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`\r${shown(line)}\x1b[K${isLast ? "\n" : ""}`));
}
