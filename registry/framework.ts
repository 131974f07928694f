/**
 * Where the framework is, which version it is, and the hash of a folder of modules.
 *
 * @module
 */
import fs from "node:fs";
import { basename, dirname, fromFileUrl, join } from "../files/paths.ts";
import { FolderHasher, refuseGiant, walkFolder } from "./walk_folder.ts";
import { canonicalJson } from "../core/json.ts";
import { sha256Hex } from "../core/hash.ts";

/** The folder that holds `mod.ts`; absolute. */
export const FRAMEWORK_ROOT: string = dirname(dirname(fromFileUrl(import.meta.url)));

/**
 * Rooms whose code decides what a hook without models returns: descriptions and prepared data are remade when
 * it changes.
 */
export const HOOK_ROOMS = ["core", "formats", "data", "metrics", "sandbox"] as const;

/** Rooms whose code decides how a program is lowered. */
export const LOWERING_ROOMS = ["core", "engine"] as const;

/** Rooms whose code can change what a run computes; the record of a run names the digest of each of their modules. */
export const COMPUTING_ROOMS = [
  "core",
  "formats",
  "data",
  "metrics",
  "engine",
  "plot",
  "files",
  "registry",
  "sandbox",
  "train",
  "run",
] as const;

/** What a sandboxed plugin may read of the framework: what `beamline` and its sub-paths load, and the guest's side. */
export const SANDBOX_ROOMS = [
  "core",
  "formats",
  "data",
  "metrics",
  "engine",
  "plot",
  "files",
  "sandbox",
  "run",
  "mod.ts",
  "deno.json",
] as const;

/** Filter plugins of HDF5: shared libraries of a package, read by the sandbox through `formats/hdf5.ts`. */
export async function filterPluginFolders(): Promise<string[]> {
  try {
    return [await Deno.realPath(join(FRAMEWORK_ROOT, "node_modules", "h5wasm-plugins"))];
  } catch {
    return []; // the package is not installed: files with such filters are refused with a clear error
  }
}

/** Version of Beamline, from its `deno.json`. */
export async function frameworkVersion(): Promise<string> {
  const config = JSON.parse(await Deno.readTextFile(join(FRAMEWORK_ROOT, "deno.json"))) as {
    version: string;
  };
  return config.version;
}

/** Where git keeps its own files. */
export const GIT_FOLDER = ".git";

/** Files that Deno 2.9.6 takes for modules: by their ending in any case, or without one, as in `tool` and `.tool`. */
const CODE = /(^\.?[^.]*|\.([cm]?[jt]s|[jt]sx|json|wasm))$/i;

/** Which files of a folder count. */
export interface CodeFilesOptions {
  /**
   * Every file, whatever its name: `require` runs a text of any name. Tests and packages, too. `.git` of the folder itself
   * is left out: no sandbox may read it. @default false, the code alone
   */
  readonly isComplete?: boolean;
  /** Names of the files that count. @default what Deno takes for modules, or any name where all count */
  readonly pattern?: RegExp;
  /** A folder of data, whose files may have any size. @default false */
  readonly isData?: boolean;
}

/**
 * SHA-256 of each code file of a folder, hidden ones included, by relative path and in its order.
 *
 * @throws {DataError} If the folder holds a pipe, device or socket, or more than can be walked through.
 */
export async function moduleHashes(
  directory: string,
  { isComplete = false, pattern = isComplete ? /^/ : CODE, isData = false }: CodeFilesOptions = {},
): Promise<{ [path: string]: string }> {
  const counts = (path: string, name: string): boolean =>
    isComplete
      ? path !== GIT_FOLDER
      : ![GIT_FOLDER, "node_modules"].includes(name) && !name.includes("_test.");
  const hasher = new FolderHasher(directory, isData ? Infinity : undefined);
  const hashes: { [path: string]: string } = {};
  for (const entry of await walkFolder(directory, counts)) {
    if (isData) refuseGiant(join(directory, entry.path), fs.lstatSync(join(directory, entry.path)));
    if (pattern.test(basename(entry.path))) hashes[entry.path] = await hasher.hash(entry);
  }
  return hashes;
}

/** One hash for a set of module hashes. */
export function hashOfModules(hashes: { readonly [path: string]: string }): string {
  return sha256Hex(canonicalJson(hashes));
}
