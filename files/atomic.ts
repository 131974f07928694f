/**
 * Writing that never leaves half a file: to a temporary name in the same folder, then renamed.
 *
 * @module
 */
import { basename, dirname, join } from "./paths.ts";

/** How a file is written. */
export interface WriteOptions {
  /** Waits until the bytes are on the disk, so that a power cut cannot leave an empty file. @default false */
  readonly isSynced?: boolean;
  /** Removes what a killed process left of this file an hour ago or longer: {@linkcode removeOldAsides}. @default false */
  readonly isTidied?: boolean;
}

/**
 * Writes a file to a temporary name and renames it.
 *
 * @param content What it will hold; in pieces, each of which is needed only until the next is asked for.
 */
export async function writeAtomic(
  path: string,
  content: string | Uint8Array | Iterable<Uint8Array>,
  { isSynced = false, isTidied = false }: WriteOptions = {},
): Promise<void> {
  if (isTidied) await removeOldAsides(dirname(path), basename(path));
  const aside = `${path}.${crypto.randomUUID().slice(0, 8)}.tmp`;
  try {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    const pieces = bytes instanceof Uint8Array ? [bytes] : bytes;
    {
      using file = await Deno.open(aside, { write: true, createNew: true });
      for (const piece of pieces) await writeAll(file, piece);
      if (isSynced) await file.syncData();
    }
    await Deno.rename(aside, path);
  } catch (error) {
    await Deno.remove(aside).catch(() => {});
    throw error;
  }
}

/** Writes all bytes; a full disk may take some of them and say so only at the next write. */
export async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) written += await file.write(bytes.subarray(written));
}

/** Writes JSON, two spaces, keys in the order given, final newline. */
export function writeJson(path: string, value: unknown, options: WriteOptions = {}): Promise<void> {
  return writeAtomic(path, JSON.stringify(value, null, 2) + "\n", options);
}

/** Whether the path exists. */
export async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return false;
    throw error;
  }
}

/** Removes a folder and its contents; does nothing if it does not exist. */
export async function removeFolder(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Removes temporary files that a killed process left. */
export async function removeAsides(folder: string): Promise<void> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = join(folder, name);
    if (/\.[0-9a-f]{8}\.tmp$/.test(name)) await Deno.remove(path, { recursive: true });
    else if (isDirectory) await removeAsides(path);
  }
}

/** Nobody writes one file for as long. */
const OLD_MILLISECONDS = 3_600_000;

/**
 * Removes temporary files of a folder, not of those in it, that a killed process left: those that are an hour old, as
 * another process can be writing now. A folder that is not there, or cannot be written, is left as it is.
 *
 * @param of Name of the file that they stand for. @default any
 */
export async function removeOldAsides(folder: string, of?: string): Promise<void> {
  try {
    for await (const { name, isFile } of Deno.readDir(folder)) {
      const target = /^(.*)\.[0-9a-f]{8}\.tmp$/.exec(name)?.[1];
      if (!isFile || target === undefined || (of !== undefined && of !== target)) continue;
      const { mtime } = await Deno.lstat(join(folder, name));
      if (mtime && Date.now() - mtime.getTime() > OLD_MILLISECONDS) await Deno.remove(join(folder, name));
    }
  } catch {
    // tidying is no reason to fail
  }
}

/** Moves a folder; copies where the target is on another file system. */
export async function moveFolder(from: string, to: string): Promise<void> {
  try {
    await Deno.rename(from, to);
  } catch (error) {
    if ((error as { code?: string }).code !== "EXDEV") throw error;
    const aside = `${to}.${crypto.randomUUID().slice(0, 8)}.tmp`;
    await copyFolder(from, aside);
    await Deno.rename(aside, to);
    await removeFolder(from);
  }
}

async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const entry of Deno.readDir(from)) {
    if (entry.isDirectory) await copyFolder(join(from, entry.name), join(to, entry.name));
    else await Deno.copyFile(join(from, entry.name), join(to, entry.name));
  }
}
