/**
 * What the record of a run names outside of itself: code that would run, files that a sandbox would be given to read. A
 * person decides that for a run that they made; for one that was sent, whoever wrote the record did.
 *
 * @module
 */
import { ConfigError } from "../../core/errors.ts";
import type { Json, JsonObject } from "../../core/types.ts";
import { isAbsolute, relative, resolve } from "../../files/paths.ts";
import { hashOfModules, moduleHashes } from "../../registry/framework.ts";
import type { PluginLocation } from "../../registry/manifest.ts";
import type { RunDirectory } from "../store/run_directory.ts";

/** Something that a record names. */
export interface Named {
  /** Code that would run, a folder that this code asks to read, a file given after the action, a value of the configuration. */
  readonly kind: "plugin" | "grant" | "file" | "input";
  /** Where it is named: "plugin.path", "permissions.read", "files.0", or the dotted path of a value. */
  readonly field: string;
  /** As named, absolute. */
  readonly path: string;
  /** Where that leads to, over links. */
  readonly real: string;
  /** It lies in the folder of the run. */
  readonly isInside: boolean;
  /** Hash of its code, where that came with the run: another one may take its place. */
  readonly code?: string;
}

/** Which of the things that a record names a command would use. */
export interface Uses {
  /** The plugin at the recorded path, read from its manifest; undefined where another one is used. */
  readonly plugin: Pick<PluginLocation, "directory" | "reads"> | undefined;
  /** Values of `config.json`, where the command hands inputs and files to the sandbox: read once, by whoever uses them. */
  readonly values?: JsonObject | undefined;
  /** Counts files and inputs that are not there, too, as they may be later. @default false */
  readonly hasAbsent?: boolean;
}

/** Longest text that is tried as a path, as in `PATH_MAX` of Linux. */
const LONGEST_PATH = 4096;

/**
 * All that the record of a run names for a command. Of the configuration every text counts that leads to something
 * outside of the run: which values are paths is known to the plugin alone, whose code has not been accepted yet.
 */
export async function namedBy(
  run: RunDirectory,
  { plugin, values, hasAbsent = false }: Uses,
): Promise<Named[]> {
  const root = await realOf(run.path) ?? run.path;
  const found: Named[] = [];
  const add = async (kind: Named["kind"], field: string, named: string): Promise<void> => {
    const path = resolve(run.path, named);
    const real = await realOf(path);
    const isInside = real === undefined ? isBelow(run.path, path) : isBelow(root, real);
    const isCode = kind === "plugin" || kind === "grant"; // the others are data, and data of the run are its own
    if (isCode || (!isInside && (real !== undefined || hasAbsent))) {
      const code = kind === "plugin" && isInside
        ? { code: hashOfModules(await moduleHashes(path, { isComplete: true })) }
        : {};
      found.push({ kind, field, path, real: real ?? path, isInside, ...code });
    }
  };
  if (plugin) {
    await add("plugin", "plugin.path", plugin.directory);
    for (const read of plugin.reads) await add("grant", "permissions.read", read);
  }
  if (values === undefined) return found;
  for (const [i, file] of filesOf(run).entries()) await add("file", `files.${i}`, file);
  for (const [field, text] of textsOf(values)) await add("input", field, text);
  return found;
}

/** The files that the record gives after the action. */
function filesOf({ record }: RunDirectory): readonly string[] {
  const files: unknown = record.files ?? [];
  if (Array.isArray(files) && files.every((file) => typeof file === "string")) return files;
  throw new ConfigError(
    `Cannot use run "${record.id}" as "files" of its record must be a list of paths: found ${
      JSON.stringify(files).slice(0, 80)
    }`,
  );
}

/** Every text in a value that can be a path, with where it is. */
function textsOf(value: Json | undefined): [field: string, text: string][] {
  const found: [string, string][] = [];
  const open: [string, Json | undefined][] = [["", value]];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [field, part] = next;
    if (typeof part === "string" && part !== "" && part.length <= LONGEST_PATH) found.push([field, part]);
    if (typeof part !== "object" || part === null) continue;
    for (const [key, inner] of Object.entries(part)) {
      open.push([field === "" ? key : `${field}.${key}`, inner]);
    }
  }
  return found.reverse();
}

/** Where a path leads to; undefined where nothing is there, or nothing that this user may reach. */
async function realOf(path: string): Promise<string | undefined> {
  try {
    return await Deno.realPath(path);
  } catch {
    return undefined;
  }
}

function isBelow(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way === "" || (way !== ".." && !/^\.\.[\\/]/.test(way) && !isAbsolute(way));
}
