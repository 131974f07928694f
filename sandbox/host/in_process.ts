/**
 * The hooks of a trusted plugin in this process: for notebooks and tests. Same hooks, same files, no sandbox.
 *
 * @module
 */
import { PluginError } from "../../core/errors.ts";
import type { Json } from "../../core/types.ts";
import { fromErrorMessage, toErrorMessage } from "../protocol/error_messages.ts";
import { RELEASE, releaseAnswer } from "../protocol/shared_directory.ts";
import { HookRunner } from "../guest/hooks.ts";
import type { HookListener, PluginHost } from "../protocol/plugin_host.ts";
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
      try {
        // as it would come from a sandbox: JSON, in which NaN is null
        return JSON.parse(JSON.stringify(await runner.call(hook, args))) as Json;
      } catch (error) {
        throw fromErrorMessage(toErrorMessage(error), name, hook);
      }
    },
    close: () => Promise.resolve(),
  };
}
