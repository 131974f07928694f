/**
 * Sandboxes for tests of what runs in them.
 *
 * @module
 */
import { openSandbox } from "../../sandbox/host/host.ts";
import { DEFAULT_LIMITS, HOOKS, type SandboxLimits } from "../../sandbox/protocol/limits.ts";
import type { PluginHost } from "../../sandbox/protocol/plugin_host.ts";
import { type PluginText, withTempDir, writePlugin } from "./plugins.ts";

/** The same wall-clock seconds for every hook. */
export function allSeconds(seconds: number): SandboxLimits["seconds"] {
  return Object.fromEntries(HOOKS.map((hook) => [hook, seconds])) as SandboxLimits["seconds"];
}

/**
 * Opens a sandbox for a plugin text, works with it, closes it.
 *
 * @param limits In place of the default ones.
 */
export async function withSandbox(
  text: PluginText,
  limits: Partial<SandboxLimits>,
  work: (host: PluginHost, sharedDirectory: string) => Promise<void>,
): Promise<void> {
  await withTempDir(async (directory) => {
    const location = await writePlugin(directory, text);
    const sharedDirectory = `${directory}/shared`;
    await Deno.mkdir(sharedDirectory);
    const host = await openSandbox(location, { read: [], sharedDirectory }, { ...DEFAULT_LIMITS, ...limits });
    try {
      await work(host, sharedDirectory);
    } finally {
      await host.close();
    }
  });
}
