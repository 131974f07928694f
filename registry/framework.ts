/**
 * Where the framework is, which version it is, and the hash of a folder of modules.
 *
 * @module
 */
import { dirname, fromFileUrl, join, relative } from "../files/paths.ts";
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

/** Which code files of a folder count. */
export interface CodeFilesOptions {
  /**
   * Tests and packages, too: everything that a module of the folder could import. `.git` of the folder itself is left
   * out: no sandbox may read it. @default false
   */
  readonly isComplete?: boolean;
  /** Names of code files. @default what Deno takes for modules */
  readonly pattern?: RegExp;
}

/** All code files below a folder, hidden ones included, sorted, relative. */
export async function codeFiles(
  directory: string,
  { isComplete = false, pattern = CODE }: CodeFilesOptions = {},
): Promise<string[]> {
  const found: string[] = [];
  const counts = (folder: string, name: string): boolean =>
    isComplete
      ? folder !== directory || name !== GIT_FOLDER
      : ![GIT_FOLDER, "node_modules"].includes(name) && !name.includes("_test.");
  const walk = async (folder: string): Promise<void> => {
    for await (const entry of Deno.readDir(folder)) {
      if (!counts(folder, entry.name)) continue;
      const path = join(folder, entry.name);
      if (entry.isDirectory) await walk(path);
      else if (pattern.test(entry.name)) found.push(relative(directory, path));
    }
  };
  await walk(directory);
  return found.sort();
}

/** SHA-256 of each code file of a folder, by relative path. */
export async function moduleHashes(
  directory: string,
  options: CodeFilesOptions = {},
): Promise<{ [path: string]: string }> {
  const hashes: { [path: string]: string } = {};
  for (const path of await codeFiles(directory, options)) {
    hashes[path] = sha256Hex(await Deno.readFile(join(directory, path)));
  }
  return hashes;
}

/** One hash for a set of module hashes. */
export function hashOfModules(hashes: { readonly [path: string]: string }): string {
  return sha256Hex(canonicalJson(hashes));
}
