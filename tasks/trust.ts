/**
 * `deno task trust <plugin|path>`: pins the code and the grants of a plugin as they are now.
 *
 * @module
 */
import { ConfigError } from "../core/errors.ts";
import { BUILT_IN_PLUGINS } from "../plugins/mod.ts";
import { findPlugin } from "../registry/plugins.ts";
import { ExperimentLock, pinOf } from "../registry/trust.ts";
import { type CommandSpec, withCommand } from "./command.ts";
import { EXIT, main, print, printJson } from "./terminal.ts";

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
    const location = await findPlugin(reference, BUILT_IN_PLUGINS, Deno.cwd());
    const lock = new ExperimentLock(Deno.cwd());
    const pin = await pinOf(location);
    if (location.origin !== "built-in") await lock.accept(location, pin);
    if ("json" in parsed.task) printJson({ plugin: location.manifest.name, lock: lock.path, ...pin });
    else if (location.origin === "built-in") print(`${location.manifest.name} is built in and needs no pin`);
    else {print(
        `trusted  ${location.manifest.name}  code ${pin.modules.slice(0, 12)}  reads ${
          pin.reads.join(", ") || "nothing beside its folder"
        }`,
      );}
    return EXIT.ok;
  });
}

if (import.meta.main) await main(trust);
