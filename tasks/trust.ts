/**
 * `deno task trust <plugin|path>`: pins the code and the grants of a plugin as they are now. With `--own` a folder is
 * declared to be the user's own: plugins in it are pinned anew when they change, and locks in it are believed.
 *
 * @module
 */
import { ConfigError } from "../core/errors.ts";
import { BUILT_IN_PLUGINS } from "../plugins/mod.ts";
import { dirname, resolve } from "../files/paths.ts";
import { KnownPlugins } from "../registry/known_plugins.ts";
import type { PluginLocation } from "../registry/manifest.ts";
import { findPlugin } from "../registry/plugins.ts";
import { type Pin, pinOf } from "../registry/pins.ts";
import { ExperimentLock } from "../registry/trust.ts";
import { type CommandSpec, type TaskFlag, withCommand } from "./shared/command.ts";
import { userPath, userReference } from "./finding/user_paths.ts";
import { EXIT } from "./terminal/exit_codes.ts";
import { main } from "./terminal/main.ts";
import { print, printJson } from "./terminal/print.ts";

const OWN_FLAG: TaskFlag = {
  name: "own",
  help: "the folder, and all in it, is your own: changes of its plugins are pinned without a question",
};

const COMMAND: CommandSpec = {
  name: "trust",
  summary: "Accepts a plugin's code and grants as they are now, in beamline.lock.",
  positionals: "<plugin|path>",
  taskFlags: [OWN_FLAG],
};

/** Pins a plugin; returns the exit code. */
export function trust(args: readonly string[]): Promise<number> {
  return withCommand(COMMAND, args, async (parsed) => {
    const [reference] = parsed.positionals;
    if (reference === undefined) {
      throw new ConfigError("Cannot trust as the first argument must name a plugin: none found");
    }
    if (OWN_FLAG.name in parsed.task) return await declareOwn(reference, "json" in parsed.task);
    const { location, lock, pin } = await pinPlugin(userReference(reference), Deno.cwd());
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

/** Declares the folder of a plugin, or any other, to be the user's own; returns the exit code. */
async function declareOwn(reference: string, isJson: boolean): Promise<number> {
  const path = resolve(userPath(reference));
  const info = await Deno.stat(path).catch(() => undefined);
  const isFolder = info?.isDirectory === true && /[\\/]|^\.{1,2}$/.test(reference);
  const folder = isFolder
    ? path
    : (await findPlugin(userReference(reference), BUILT_IN_PLUGINS, Deno.cwd())).directory;
  if (dirname(folder) === folder) {
    throw new ConfigError(
      `Cannot trust "${reference}" as your own as it must be a folder of a disk: it is the root`,
    );
  }
  const record = await new KnownPlugins().declareOwn(folder);
  if (record === undefined) {
    throw new ConfigError(
      `Cannot trust "${reference}" as your own as the state folder must be writable: it is not; see BEAMLINE_STATE`,
    );
  }
  if (isJson) printJson({ own: folder, record });
  else print([`own      ${folder}`, `to take it back, remove ${record}`]);
  return EXIT.ok;
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
