/**
 * What a killed process leaves on the disk: files that are whole, and what is on the way in.
 *
 * @module
 */
import { basename, join } from "node:path";
import { sha256Hex } from "../../core/hash.ts";
import { asideTarget } from "../../core/writing.ts";
import { RUN_ID } from "../../run/store/run_directory.ts";

/** Digests by name. */
export type Bytes = { readonly [name: string]: string };

/** Digests of all files below a folder, or of a file, by name; none where nothing is. */
export function bytesOf(path: string): Bytes {
  const found: { [name: string]: string } = {};
  for (const file of filesBelow(path)) found[file.slice(path.length)] = sha256Hex(Deno.readFileSync(file));
  return found;
}

/** All files below a folder, or the file; those on the way in are left out. */
export function filesBelow(path: string): string[] {
  const info = statOf(path);
  if (info?.isFile) return asideTarget(basename(path)) === undefined ? [path] : [];
  return info?.isDirectory
    ? [...Deno.readDirSync(path)].flatMap(({ name }) => filesBelow(join(path, name)))
    : [];
}

function statOf(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch {
    return undefined;
  }
}

/** Name of a store of killed runs that are needed: what is left there stays. */
export const INTERRUPTED = "interrupted";

/** Files, folders and locks below a folder that a killed process left, and nobody needs. */
export function leftBelow(folder: string): string[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) => {
    if (name === INTERRUPTED) return [];
    const path = join(folder, name);
    const isScratch = /\/cache\/(shared|verify)$/.test(folder);
    const isUnbegun = isDirectory && RUN_ID.test(name) && !statOf(join(path, "run.json"));
    if (asideTarget(name) !== undefined || /\.busy$/.test(name) || isScratch || isUnbegun) return [path];
    return isDirectory ? leftBelow(path) : [];
  });
}

/** Makes what killed processes left as old as it is when somebody comes back. */
export function age(folder: string): void {
  const then = new Date(Date.now() - 120_000);
  for (const path of leftBelow(folder)) Deno.utimeSync(path, then, then);
}
