/**
 * `deno task trust <plugin|path>`: pins the code and the grants of a plugin as they are now.
 *
 * @module
 */
import { ConfigError } from "../core/errors.ts";
import { BUILT_IN_PLUGINS } from "../plugins/mod.ts";
import type { PluginLocation } from "../registry/manifest.ts";
import { findPlugin } from "../registry/plugins.ts";
import { ExperimentLock, type Pin, pinOf } from "../registry/trust.ts";
import { type CommandSpec, withCommand } from "./shared/command.ts";
import { EXIT } from "./terminal/exit_codes.ts";
import { main } from "./terminal/main.ts";
import { print, printJson } from "./terminal/print.ts";

const COMMAND: CommandSpec = {
  name: "trust",
  summary: "Accepts a plugin's code and grants as they are now, in beamline.lock.",
  positionals: "<plugin|path>",
  taskFlags: [],
};

/** Pins a plugin; returns the exit code. */
export function trust(args: readonly string[]): Promise<number> {
  return withCommand(COMMAND, args, async (parsed) => {
    const [reference] = parsed.positionals;
    if (reference === undefined) {
      throw new ConfigError("Cannot trust as the first argument must name a plugin: none found");
    }
    const { location, lock, pin } = await pinPlugin(reference, Deno.cwd());
    const { name } = location.manifest;
    if ("json" in parsed.task) printJson({ plugin: name, lock, ...pin });
    else if (location.origin === "built-in") print(`${name} is built in and needs no pin`);
    else {
      const reads = pin.reads.join(", ") || "nothing beside its folder";
      print(`trusted  ${name}  code ${pin.modules.slice(0, 12)}  reads ${reads}`);
    }
    return EXIT.ok;
  });
}

/** What {@linkcode pinPlugin} did. */
export interface PinnedPlugin {
  readonly location: PluginLocation;
  /** Path of the lock file. */
  readonly lock: string;
  readonly pin: Pin;
}

/** Writes the code and the grants of a plugin into the lock of a working directory; built-in ones need none. */
export async function pinPlugin(reference: string, workingDirectory: string): Promise<PinnedPlugin> {
  const location = await findPlugin(reference, BUILT_IN_PLUGINS, workingDirectory);
  const lock = new ExperimentLock(workingDirectory);
  const pin = await pinOf(location);
  if (location.origin !== "built-in") await lock.accept(location, pin);
  return { location, lock: lock.path, pin };
}

if (import.meta.main) await main(trust);
