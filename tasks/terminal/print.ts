/**
 * What tasks print: results on standard output, all else on standard error. The one place where text leaves for a
 * terminal or a log: whatever it came from, nothing of it commands the terminal, hides, or begins a line, except what
 * this file adds.
 *
 * @module
 */
import process from "node:process";
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

/**
 * Prints, unless nobody reads any more: the terminal was closed, or the other end of the pipe has ended. What is done is
 * done all the same, and its exit code says how.
 */
function unlessGone(write: () => void): void {
  try {
    write();
  } catch (error) {
    const isGone = error instanceof Deno.errors.BrokenPipe || (error as { code?: string }).code === "EIO";
    if (!isGone) throw error;
  }
}

/** A line on standard error, or several. */
export function tell(lines: Lines): void {
  unlessGone(() => console.error(joined(lines)));
}

/** A line on standard output, or several. */
export function print(lines: Lines): void {
  unlessGone(() => console.log(joined(lines)));
}

/** One JSON object on standard output. */
export function printJson(value: unknown): void {
  unlessGone(() => console.log(plainJson(value)));
}

/** Shows the cursor again, which a progress bar hides. */
export function showCursor(): void {
  if (Deno.stderr.isTerminal()) writeError("\x1b[?25h\r\n");
}

/** A line on standard error in place of the one that the cursor is in. */
export function tellOver(line: string, isLast: boolean): void {
  writeError(`\r${shown(line)}\x1b[K${isLast ? "\n" : ""}`);
}

let stream: typeof process.stderr | undefined;

/** Standard error as a stream, for a bar; a terminal that was closed is no failure, as with {@linkcode tell}. */
export function errorStream(): typeof process.stderr {
  if (stream) return stream;
  process.stderr.on("error", () => {});
  return stream = process.stderr;
}

function writeError(text: string): void {
  unlessGone(() => void Deno.stderr.writeSync(new TextEncoder().encode(text)));
}
