/**
 * The folder of runs, which has one flag in all tasks.
 *
 * @module
 */
import { ConfigError } from "../../core/errors.ts";
import type { ParsedCommand, TaskFlag } from "../shared/command.ts";

/** The flag of every task that makes or looks for runs. */
export const RUNS_FLAG: TaskFlag = {
  name: "runs",
  value: "dir",
  help: "the folder of runs",
  default: "runs",
};

/** The other name that the flag has in tasks where `--out` means nothing else. */
export const OUT_FLAG: TaskFlag = { name: "out", value: "dir", help: "the same as --runs" };

/**
 * The folder of runs that was named, by either name.
 *
 * @throws {ConfigError} If the two names name two folders.
 */
export function runsFolder({ runs, out }: ParsedCommand["task"]): string {
  if (runs === undefined || out === undefined || runs === out) return runs ?? out ?? "runs";
  throw new ConfigError(
    `Cannot use --runs and --out as they name the same folder: found "${runs}" and "${out}"`,
  );
}
