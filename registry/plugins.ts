/**
 * Finding a plugin by name or path: built-in list, the user's `deno.json`, a folder. No plugin code runs here.
 *
 * @module
 */
import { NotFoundError } from "../core/errors.ts";
import { safeParseJson } from "../core/json.ts";
import { nearestName } from "../core/names.ts";
import { exists } from "../files/atomic.ts";
import { configText, type PluginLocation, readManifest } from "./manifest.ts";
import { join, resolve } from "../files/paths.ts";

/** Built-in plugins: folder by name, in the order they are listed. */
export type BuiltIns = { readonly [name: string]: string };

/** Folders named in the user's `deno.json` under `"beamline": {"plugins": {name: path}}`, or the error of an entry. */
async function userPlugins(
  workingDirectory: string,
): Promise<readonly (readonly [name: string, folder: string | Error])[]> {
  const path = join(workingDirectory, "deno.json");
  const text = await configText(path);
  if (text === undefined) return [];
  const { beamline } = safeParseJson(text, path) as { beamline?: { plugins?: unknown } };
  const plugins = beamline?.plugins ?? {};
  if (typeof plugins !== "object" || Array.isArray(plugins)) {
    const found = Array.isArray(plugins) ? "a list" : `a ${typeof plugins}`;
    throw new SyntaxError(
      `Cannot read "${path}" as "beamline.plugins" must be an object of paths by name: found ${found}`,
    );
  }
  return Object.entries(plugins as { [name: string]: unknown }).map(([name, target]) => {
    if (typeof target === "string") return [name, resolve(workingDirectory, target)];
    const found = target === null ? "null" : Array.isArray(target) ? "a list" : `a ${typeof target}`;
    const rule = `"beamline.plugins.${name}" must be a path`;
    return [name, new SyntaxError(`Cannot read "${path}" as ${rule}: found ${found}`)];
  });
}

/** A plugin that is registered and cannot be used. */
export interface BrokenPlugin {
  /** The name it is registered by. */
  readonly name: string;
  readonly error: Error;
}

/**
 * All known plugins, built-in ones first.
 *
 * @param onBroken Hears of registered plugins whose manifest cannot be used; they do not hide the others.
 */
export async function listPlugins(
  builtIns: BuiltIns,
  workingDirectory: string,
  onBroken: (broken: BrokenPlugin) => void = () => {},
): Promise<PluginLocation[]> {
  const found: PluginLocation[] = [];
  for (const directory of Object.values(builtIns)) found.push(await readManifest(directory, "built-in"));
  for (const [name, directory] of await userPlugins(workingDirectory)) {
    try {
      if (directory instanceof Error) throw directory;
      found.push(await registered(name, directory, found));
    } catch (error) {
      onBroken({ name, error: error as Error });
    }
  }
  return found;
}

async function registered(
  name: string,
  directory: string,
  before: readonly PluginLocation[],
): Promise<PluginLocation> {
  const location = await readManifest(directory, "deno.json");
  const taken = before.find((other) => other.manifest.name === location.manifest.name);
  if (!taken) return location;
  throw new SyntaxError(
    `Cannot register plugin "${name}" as the name is taken: first registered by "${taken.directory}"`,
  );
}

/**
 * The plugin meant by a name or a path.
 *
 * @throws {NotFoundError} With the nearest known name.
 */
export async function findPlugin(
  reference: string,
  builtIns: BuiltIns,
  workingDirectory: string,
): Promise<PluginLocation> {
  const isPath = /[\\/]|^\.{1,2}$/.test(reference);
  if (isPath) {
    const path = resolve(workingDirectory, reference);
    if (!await exists(path).catch(() => true)) { // what may not be looked at is told by its manifest
      throw new NotFoundError(
        `Cannot find plugin "${reference}" as there is no such folder: ${path}`,
        "plugin",
        reference,
      );
    }
    return await readManifest(path, "path");
  }
  const broken: BrokenPlugin[] = [];
  const plugins = await listPlugins(builtIns, workingDirectory, (one) => broken.push(one));
  const found = plugins.find((plugin) => plugin.manifest.name === reference);
  if (found) return found;
  const meant = broken.find(({ name }) => name === reference);
  if (meant) throw meant.error;
  const names = plugins.map((plugin) => plugin.manifest.name);
  const nearest = nearestName(reference, names);
  throw new NotFoundError(
    `Cannot find plugin "${reference}" as no plugin has this name: known are ${names.join(", ")}` +
      (nearest ? `; did you mean "${nearest}"?` : ""),
    "plugin",
    reference,
    nearest,
  );
}
