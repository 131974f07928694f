/**
 * Exceptions across the boundary: to plain data in the sandbox, back to our classes in the host.
 *
 * @module
 */
import { ConfigError, DataError, PluginError } from "../../core/errors.ts";
import type { ErrorMessage } from "./messages.ts";

/** An exception as plain data. */
export function toErrorMessage(thrown: unknown): ErrorMessage {
  if (!(thrown instanceof Error)) {
    return {
      name: "Error",
      message: `Cannot continue as something that is not an Error was thrown: ${describe(thrown)}`,
    };
  }
  const extra = thrown as Error & { code?: unknown; file?: unknown; issues?: unknown };
  return {
    name: thrown.name.slice(0, 200),
    message: thrown.message.slice(0, 20_000),
    ...(thrown.stack ? { stack: thrown.stack.slice(0, 100_000) } : {}),
    ...(typeof extra.code === "string" ? { code: extra.code.slice(0, 100) } : {}),
    ...(typeof extra.file === "string" ? { file: extra.file } : {}),
    ...(thrown instanceof ConfigError ? { issues: thrown.issues.map((issue) => ({ ...issue })) } : {}),
  };
}

function describe(thrown: unknown): string {
  try {
    return String(thrown).slice(0, 1_000);
  } catch {
    return typeof thrown;
  }
}

/**
 * An exception that a hook threw, as ours: data and config errors keep their class (the user can fix them,
 * exit code 2), everything else becomes a {@linkcode PluginError} (exit code 4).
 */
export function fromErrorMessage(error: ErrorMessage, plugin: string, hook: string): Error {
  const cause = new Error(error.message);
  cause.name = error.name;
  if (error.stack !== undefined) cause.stack = error.stack;
  if (error.name === "DataError") return new DataError(error.message, error.file, { cause });
  if (error.name === "ConfigError") {
    return new ConfigError(
      error.message,
      (error.issues ?? []).map(({ nearest, ...issue }) => ({
        ...issue,
        ...(nearest === undefined ? {} : { nearest }),
      })),
    );
  }
  return new PluginError(withName(error), plugin, hook, { cause });
}

/** Our own messages speak for themselves; a foreign one is prefixed with its class. */
function withName(error: ErrorMessage): string {
  const ours = /^Cannot /.test(error.message);
  return ours ? error.message : `${error.name}: ${error.message}`;
}
