/**
 * What a hook threw, as one of our errors.
 *
 * @module
 */
import { ConfigError, DataError, PluginError } from "../../core/errors.ts";
import type { ErrorMessage } from "../protocol/messages.ts";
import { explainLoading } from "./loading_errors.ts";
import { localFile, placeInPlugin, type PluginCode } from "./plugin_place.ts";

/** Where a hook ran, for what its errors say. */
export interface HookPlace {
  readonly plugin: string;
  readonly hook: string;
  /** Its code, so that an error can name file and line. */
  readonly code: PluginCode;
}

/**
 * An exception that a hook threw, as ours: data and config errors keep their class (the user can fix them,
 * exit code 2), everything else becomes a {@linkcode PluginError} (exit code 4), which names the place in the plugin's
 * code that it came from.
 */
export function fromErrorMessage(error: ErrorMessage, { plugin, hook, code }: HookPlace): Error {
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
  const where = whereOf(error, code);
  const told = explainLoading(error.message, (url) => localFile(url, code) ?? url) ?? withName(error);
  const text = where === "" ? told : `${told} (${where})`;
  return new PluginError(text, plugin, error.hook ?? hook, { cause });
}

/** Where nobody was waiting for what was thrown. */
const STRAY: { readonly [kind in NonNullable<ErrorMessage["stray"]>]: string } = {
  promise: "in a promise that nobody was awaiting",
  callback: "in a callback that nobody was waiting for",
};

function whereOf({ stack, stray }: ErrorMessage, code: PluginCode): string {
  const place = stack === undefined ? undefined : placeInPlugin(stack, code);
  return [stray && STRAY[stray], place && `at ${place}`].filter((part) => part !== undefined).join(", ");
}

/** Our own messages speak for themselves; a foreign one is prefixed with its class. */
function withName({ name, message }: ErrorMessage): string {
  // "Cannot read properties of undefined" is JavaScript's
  const isOurs = /^Cannot .* as /s.test(message) && !/\.$/.test(message);
  return isOurs ? message : message === "" ? name : `${name}: ${message}`;
}
