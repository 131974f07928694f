/**
 * Writing that never leaves half a file: to a temporary name in the same folder, then renamed.
 *
 * @module
 */
import { DataError } from "../core/errors.ts";
import { diskFailure } from "../core/writing.ts";
import { createAside, freshAside, removeOldAsides } from "./asides.ts";
import { basename, dirname, join } from "./paths.ts";

/** How a file is written. */
export interface WriteOptions {
  /** Waits until the bytes are on the disk, so that a power cut cannot leave an empty file. @default false */
  readonly isSynced?: boolean;
  /** Removes what killed processes left of this file: {@linkcode removeOldAsides}. @default false */
  readonly isTidied?: boolean;
}

/**
 * Writes a file to a temporary name and renames it.
 *
 * @param content What it will hold; in pieces, each of which is needed only until the next is asked for.
 * @throws {DataError} If the disk is full, or a folder, a device or a pipe is in the place of the file.
 */
export async function writeAtomic(
  path: string,
  content: string | Uint8Array | Iterable<Uint8Array>,
  { isSynced = false, isTidied = false }: WriteOptions = {},
): Promise<void> {
  await requireReplaceable(path);
  if (isTidied) await removeOldAsides(dirname(path), basename(path));
  try {
    const { path: aside, file } = await createAside(path);
    try {
      const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
      for (const piece of bytes instanceof Uint8Array ? [bytes] : bytes) await writeAll(file, piece);
      if (isSynced) await file.syncData();
      await Deno.rename(aside, path); // still locked, so that nobody takes it for a left-over
    } catch (error) {
      await Deno.remove(aside).catch(() => {});
      throw error;
    } finally {
      file.close();
    }
  } catch (cause) {
    const reason = diskFailure(cause);
    if (reason === undefined) throw cause;
    throw new DataError(`Cannot write "${path}" as the disk must take all of it: ${reason}`, path, { cause });
  }
}

/** What is renamed to a device takes its place: /dev/null would be a file from then on. */
async function requireReplaceable(path: string): Promise<void> {
  const info = await Deno.lstat(path).catch(() => undefined); // whatever it is, writing says it better
  if (info === undefined || info.isFile || info.isSymlink) return;
  const found = info.isDirectory ? "a folder" : "a device or a pipe";
  throw new DataError(
    `Cannot write "${path}" as it must be a file, or not be there yet: found ${found}`,
    path,
  );
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

/** Moves a folder; copies where the target is on another file system. */
export async function moveFolder(from: string, to: string): Promise<void> {
  try {
    await Deno.rename(from, to);
  } catch (error) {
    if ((error as { code?: string }).code !== "EXDEV") throw error;
    const aside = freshAside(to);
    try {
      await copyFolder(from, aside);
      await Deno.rename(aside, to);
    } catch (failure) {
      await removeFolder(aside);
      throw failure;
    }
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
