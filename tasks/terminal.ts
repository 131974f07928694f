/**
 * What every task prints and how it ends: results on standard output, all else on standard error, one exit code table.
 *
 * @module
 */
import {
  ChecksumError,
  ConfigError,
  DataError,
  InterruptedError,
  NotFoundError,
  PluginError,
  UnsupportedError,
} from "../core/errors.ts";

/** Exit codes of all tasks. */
export const EXIT = {
  ok: 0,
  checkFailed: 1,
  usage: 2,
  internal: 3,
  plugin: 4,
  nothingMatched: 5,
  checkpointed: 85,
  interrupted: 130,
} as const;

// deno-lint-ignore no-explicit-any
type ErrorClass = new (...args: any[]) => Error;

const CODES: readonly (readonly [ErrorClass, number])[] = [
  [InterruptedError, EXIT.interrupted],
  [PluginError, EXIT.plugin],
  [ConfigError, EXIT.usage],
  [DataError, EXIT.usage],
  [ChecksumError, EXIT.usage],
  [NotFoundError, EXIT.usage],
  [UnsupportedError, EXIT.usage],
  [SyntaxError, EXIT.usage],
];

/** The exit code of an error; anything that is not one of ours is internal. */
export function exitCodeOf(error: unknown): number {
  return CODES.find(([kind]) => error instanceof kind)?.[1] ?? EXIT.internal;
}

const isColored = !Deno.noColor && Deno.stderr.isTerminal();

/** A text in bold, red, green or dim, where the terminal shows colors. */
export function paint(text: string, style: "bold" | "red" | "green" | "dim"): string {
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

/** Prints an error: one line, its issues below it, causes and stack only when asked for. */
export function tellError(error: unknown, isVerbose: boolean): void {
  const thrown = error instanceof Error ? error : new Error(String(error));
  const isOurs = exitCodeOf(error) !== EXIT.internal || /^Cannot /.test(thrown.message);
  const text = isOurs ? thrown.message : `${thrown.name}: ${thrown.message}`;
  tell(`${paint("error:", "red")} ${text.split("\n").join(" ")}`);
  if (thrown instanceof ConfigError) {
    for (const { path, message, source, nearest } of thrown.issues) {
      tell(`  ${path}: ${message} (from ${source})${nearest ? `; did you mean "${nearest}"?` : ""}`);
    }
  }
  const { run } = thrown as Error & { run?: string };
  if (thrown instanceof InterruptedError && run !== undefined) tell(`next:   deno task resume ${run}`);
  if (!isVerbose) {
    if (!isOurs) tell("hint: this is an error of Beamline itself; --verbose prints where it happened");
    return;
  }
  for (let cause: unknown = thrown; cause instanceof Error; cause = cause.cause) {
    tell(paint(cause.stack ?? `${cause.name}: ${cause.message}`, "dim"));
  }
}

/** Runs a task: prints its error, sets the exit code. */
export async function main(task: (args: readonly string[]) => Promise<number>): Promise<void> {
  const isVerbose = Deno.args.includes("--verbose");
  try {
    Deno.exitCode = await task(Deno.args);
  } catch (error) {
    tellError(error, isVerbose);
    if (Deno.args.includes("--json")) printJson(errorJson(error));
    Deno.exitCode = exitCodeOf(error);
  }
}

function errorJson(error: unknown): unknown {
  const { name, message, run, issues } = error as Error & { run?: string; issues?: unknown };
  const status = error instanceof InterruptedError ? "interrupted" : "failed";
  return {
    ...(run === undefined ? {} : { run }),
    status,
    error: { name, message, ...(issues ? { issues } : {}) },
  };
}

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
