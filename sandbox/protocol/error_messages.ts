/**
 * Exceptions as plain data, to cross the boundary.
 *
 * @module
 */
import { ConfigError } from "../../core/errors.ts";
import type { ErrorMessage } from "./messages.ts";

/** Frames that an error inside of a sandbox keeps: a call through many layers of tfjs has dozens before the plugin's. */
export const STACK_FRAMES = 200;

/** Characters of the stacks of an error and its causes. */
const MOST_STACK = 100_000;

/** The most causes of an error that are looked at. */
const MOST_CAUSES = 10;

/** An exception as plain data. */
export function toErrorMessage(thrown: unknown): ErrorMessage {
  if (!(thrown instanceof Error)) {
    return {
      name: "Error",
      message: `Cannot continue as what is thrown must be an Error, which knows where it was made: found ${
        describe(thrown)
      }`,
    };
  }
  const extra = thrown as Error & { code?: unknown; file?: unknown; issues?: unknown };
  const stack = stacksOf(thrown);
  return {
    name: String(thrown.name).slice(0, 200),
    message: String(thrown.message).slice(0, 20_000),
    ...(stack === "" ? {} : { stack }),
    ...(typeof extra.code === "string" ? { code: extra.code.slice(0, 100) } : {}),
    ...(typeof extra.file === "string" ? { file: extra.file } : {}),
    ...(thrown instanceof ConfigError ? { issues: thrown.issues.map((issue) => ({ ...issue })) } : {}),
  };
}

/** The stack of an error, those of its causes below. */
function stacksOf(thrown: Error): string {
  const stacks: string[] = [];
  const waiting: unknown[] = [thrown];
  for (let cause = waiting.shift(); cause !== undefined; cause = waiting.shift()) {
    if (!(cause instanceof Error) || stacks.length > MOST_CAUSES) continue;
    if (typeof cause.stack === "string") stacks.push(cause.stack);
    waiting.push(cause.cause, ...(cause instanceof AggregateError ? cause.errors : []));
  }
  return stacks.join("\nCaused by: ").slice(0, MOST_STACK);
}

function describe(thrown: unknown): string {
  try {
    const text = typeof thrown === "object" && thrown !== null ? Deno.inspect(thrown) : String(thrown);
    return text.slice(0, 1_000);
  } catch {
    return typeof thrown;
  }
}
