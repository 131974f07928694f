/**
 * How tasks end: one table of exit codes, and the code of an error.
 *
 * @module
 */
import {
  CheckpointedError,
  ChecksumError,
  ConfigError,
  DataError,
  InterruptedError,
  NotFoundError,
  PluginError,
  UnsupportedError,
} from "../../core/errors.ts";

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
  [CheckpointedError, EXIT.checkpointed],
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
