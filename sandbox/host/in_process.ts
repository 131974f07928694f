/**
 * The hooks of a trusted plugin in this process: for notebooks and tests. Same hooks, same files, no sandbox.
 *
 * @module
 */
import { PluginError } from "../../core/errors.ts";
import type { Json } from "../../core/types.ts";
import { toErrorMessage } from "../protocol/error_messages.ts";
import { RELEASE, releaseAnswer } from "../protocol/shared_directory.ts";
import { HookRunner } from "../guest/hooks.ts";
import { afterRejections, hearStrayErrors } from "../guest/stray_errors.ts";
import { fromErrorMessage } from "./plugin_errors.ts";
import type { HookListener, PluginHost } from "../protocol/plugin_host.ts";
import { requireJson } from "../protocol/not_json.ts";
import type { ErrorMessage } from "../protocol/messages.ts";
import type { HookName } from "../protocol/limits.ts";

/** A host for a plugin object that is already here. */
export function openInProcess(plugin: unknown, sharedDirectory: string): PluginHost {
  let listener: HookListener = {};
  const runner = new HookRunner(plugin, {
    sharedDirectory,
    emit: (event) => listener.onEvent?.(event),
    callHost: async (method, args) => {
      if (method === RELEASE) {
        await releaseAnswer(sharedDirectory, args);
        return null;
      }
      if (!listener.onCall) {
        throw new PluginError(`Cannot call "${method}" from this hook`, "in-process", method);
      }
      return await listener.onCall(method, args);
    },
  });
  const name = (plugin as { name: string }).name;
  return {
    permissions: [],
    asked: [],
    async call(hook: HookName, args: Json, current: HookListener = {}): Promise<Json> {
      listener = current;
      const place = { plugin: name, hook, code: { below: Deno.cwd() } };
      const { stray, end } = strayError();
      try {
        const value = runner.call(hook, args).finally(afterRejections);
        return asSent(await Promise.race([value, stray]));
      } catch (error) {
        throw fromErrorMessage(error instanceof Stray ? error.told : toErrorMessage(error), place);
      } finally {
        end();
      }
    },
    close: () => Promise.resolve(),
  };
}

/** A value as it would come from a sandbox: JSON, in which NaN is null. */
function asSent(value: Json): Json {
  return JSON.parse(JSON.stringify(requireJson(value))) as Json;
}

/** An error that nobody waited for. */
class Stray extends Error {
  constructor(readonly told: ErrorMessage) {
    super(told.message);
  }
}

/** Rejects with the first error that nobody waits for, until it is ended. */
function strayError(): { readonly stray: Promise<never>; end(): void } {
  const { promise, reject } = Promise.withResolvers<never>();
  promise.catch(() => {}); // where the hook has ended with another error
  const end = hearStrayErrors((thrown, kind) =>
    reject(new Stray({ ...toErrorMessage(thrown), stray: kind }))
  );
  return { stray: promise, end };
}
