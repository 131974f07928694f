/**
 * What the lock pins of a plugin: its code, its packages, and what it may read.
 *
 * @module
 */
import fs from "node:fs";
import { DataError } from "../core/errors.ts";
import { dirname, join, relative } from "../files/paths.ts";
import { hashOfModules, moduleHashes } from "./framework.ts";
import type { PluginLocation } from "./manifest.ts";
import { FolderHasher, refuseGiant } from "./walk_folder.ts";

/** What is pinned of one plugin. */
export interface Pin {
  /**
   * Hash over all code files in the plugin's folder, tests and packages included: all that it can import; and over
   * modules in the folders that it may read.
   */
  readonly modules: string;
  /** Hash of the plugin's own lock file, its npm closure; null where it has none. */
  readonly packages: string | null;
  /** Folders beyond its own that it may read, relative to the plugin. */
  readonly reads: readonly string[];
}

/** Modules in folders of data, by their ending or without one; JSON is data there. */
const MODULE = /(^\.?[^.]*|\.([cm]?[jt]s|[jt]sx|wasm))$/i;

/**
 * What a plugin's folder holds now.
 *
 * @throws {DataError} If the plugin's folder, or what it may read, cannot be pinned: pipes, devices, files of terabytes.
 */
export async function pinOf(location: PluginLocation): Promise<Pin> {
  const { directory, reads } = location;
  const { "deno.lock": packages = null, ...modules } = await moduleHashes(directory, { isComplete: true });
  for (const name of LOCK_FILES) delete modules[name];
  for (const read of reads) {
    for (const [path, hash] of Object.entries(await readableCode(read))) {
      modules[relative(directory, join(read, path))] = hash;
    }
  }
  return {
    modules: hashOfModules(modules),
    packages,
    reads: reads.map((path) => relative(directory, path)).sort(),
  };
}

/** Names of the lock and of the file beside it: where the plugin's folder is the working directory, each run writes them. */
const LOCK_FILES = ["beamline.lock", "beamline.lock.busy"];

/** Folders of the kernel: what is in them are no files. */
const KERNEL_FOLDERS = ["/proc", "/sys", "/dev"];

/** Code in what a plugin may read besides its folder: modules in a folder, or the file that is named, whatever its name. */
async function readableCode(read: string): Promise<{ readonly [path: string]: string }> {
  const refuse = (rule: string, found: string): never => {
    throw new DataError(`Cannot grant "${read}" of permissions.read as ${rule}: ${found}`, read);
  };
  const real = await Deno.realPath(read).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return undefined; // a sandbox does not start without it
    return read; // Deno opens no folder of the kernel: the check below says so
  });
  if (real === undefined) return {};
  if (real === "/") refuse("a plugin may not read the whole disk", "it is the root");
  const kernel = KERNEL_FOLDERS.find((folder) => real === folder || real.startsWith(`${folder}/`));
  if (kernel !== undefined) refuse("it must lie on a disk", `it lies in ${kernel}`);
  const info = fs.lstatSync(real, { throwIfNoEntry: false });
  if (info === undefined) return refuse("it must be readable", "it is not");
  refuseGiant(real, info);
  if (info.isFile()) return { "": new FolderHasher(dirname(real), Infinity).hashFile(real) };
  if (!info.isDirectory()) refuse("it must be a file or a folder", "it is a pipe, device or socket");
  return await moduleHashes(real, { isComplete: true, pattern: MODULE, isData: true });
}
