/**
 * The frame of every task: its error in one line, its exit code.
 *
 * @module
 */
import { ConfigError, DataError, InterruptedError } from "../../core/errors.ts";
import { plainLines } from "../../core/plain_text.ts";
import { diskFailure } from "../../core/writing.ts";
import { EXIT, exitCodeOf } from "./exit_codes.ts";
import { nextCommand } from "../finding/next_command.ts";
import { paint, printJson, tell } from "./print.ts";
import { refusedPath } from "./refused_paths.ts";

/** An error as lines: itself in one, its issues below, what to do next; causes and stack only when asked for. */
export function errorLines(error: unknown, isVerbose: boolean): string[] {
  const thrown = error instanceof Error ? error : new Error(String(error));
  const isOurs = exitCodeOf(error) !== EXIT.internal || /^Cannot /.test(thrown.message);
  const text = isOurs ? thrown.message : `${thrown.name}: ${thrown.message}`;
  const lines = [`${paint("error:", "red")} ${text.split("\n").join(" ")}`];
  if (thrown instanceof ConfigError) {
    for (const { path, message, source, nearest } of thrown.issues) {
      lines.push(`  ${path}: ${message} (from ${source})${nearest ? `; did you mean "${nearest}"?` : ""}`);
    }
  }
  const { run } = thrown as Error & { run?: string };
  if (thrown instanceof InterruptedError && run !== undefined) {
    lines.push(`next:   ${nextCommand("resume", run)}`);
  }
  if (isVerbose) return [...lines, ...stackLines(thrown)];
  if (!isOurs) lines.push("hint: this is an error of Beamline itself; --verbose prints where it happened");
  return lines;
}

function stackLines(thrown: Error): string[] {
  const lines: string[] = [];
  for (let cause: unknown = thrown; cause instanceof Error; cause = cause.cause) {
    const text = cause.stack ?? `${cause.name}: ${cause.message}`;
    lines.push(...plainLines(text).map((line) => paint(line, "dim")));
  }
  return lines;
}

/** The error to show: a full disk and a path that the system refuses are the fault of neither a plugin nor Beamline. */
export function withoutBlame(error: unknown): unknown {
  const reason = error instanceof DataError || error instanceof ConfigError ? undefined : diskFailure(error);
  if (reason === undefined) return refusedPath(error) ?? error;
  return new DataError(`Cannot write as the disk must take all of it: ${reason}`, undefined, {
    cause: error,
  });
}

/** Runs a task: prints its error, sets the exit code. */
export async function main(task: (args: readonly string[]) => Promise<number>): Promise<void> {
  const isVerbose = Deno.args.includes("--verbose");
  try {
    Deno.exitCode = await task(Deno.args);
  } catch (thrown) {
    const error = withoutBlame(thrown);
    for (const line of errorLines(error, isVerbose)) tell(line);
    if (Deno.args.includes("--json")) printJson(errorJson(error));
    Deno.exitCode = exitCodeOf(error);
  }
}

/** What `--json` prints of an error. */
export function errorJson(error: unknown): unknown {
  const { name, message, run, issues } = error as Error & { run?: string; issues?: unknown };
  const status = error instanceof InterruptedError ? "interrupted" : "failed";
  return {
    ...(run === undefined ? {} : { run }),
    status,
    error: { name, message, ...(issues ? { issues } : {}) },
  };
}
