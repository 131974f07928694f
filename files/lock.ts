/**
 * Locks that die with their process: an advisory lock (`flock`) on an empty file. No process number, host
 * name or clock is involved, so a lock means the same on every machine that shares the folder, and a copy of
 * a folder is unlocked. On a file system without such locks nothing is locked.
 *
 * @module
 */
import { DataError } from "../core/errors.ts";
import { exists, writeAll } from "./atomic.ts";
import { tryLock } from "./flock.ts";

/** Checking a lock takes it for an instant, so an attempt is repeated. */
const TRIES = 5;
const PAUSE_MS = 20;

/** A lock that this process holds. */
export class FileLock {
  constructor(readonly path: string, readonly file: Deno.FsFile) {}

  /** Takes the lock; undefined when another process holds it. */
  static async take(path: string, tries: number = TRIES): Promise<FileLock | undefined> {
    for (let i = 0; i < tries; i++) {
      if (!await isLockFile(path)) {
        throw new DataError(
          `Cannot lock "${path}" as a lock must be a plain file: found something else`,
          path,
        );
      }
      const file = await Deno.open(path, { create: true, read: true, write: true });
      try {
        if (await tryLock(file, true) !== false && await isAt(path, file)) return new FileLock(path, file);
      } catch (error) {
        file.close();
        throw error;
      }
      file.close();
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
    return undefined;
  }

  /** Writes a line into the file, for whoever finds the lock taken. */
  async note(line: string): Promise<void> {
    await writeAll(this.file, new TextEncoder().encode(`${line}\n`));
  }

  /** Removes the file, too. */
  async release(): Promise<void> {
    await Deno.remove(this.path).catch(() => {}); // the folder may be gone
    this.file.close();
  }
}

/** Whether a process holds the lock; where the file system has no locks nobody does. */
export async function isLocked(path: string): Promise<boolean> {
  return await stateOfLock(path) === "held";
}

/** Whether a process holds the lock; unknown where the file system has no locks. */
export async function stateOfLock(path: string): Promise<"held" | "free" | "unknown"> {
  if (!await exists(path) || !await isLockFile(path)) return "free";
  try {
    using file = await Deno.open(path, { read: true });
    const isTaken = await tryLock(file, false);
    return isTaken === undefined ? "unknown" : isTaken ? "free" : "held";
  } catch {
    return "free"; // released at this moment, or not ours to read
  }
}

/** Whether there is a plain file, or nothing: a link would lead elsewhere, and a pipe would be waited for. */
async function isLockFile(path: string): Promise<boolean> {
  try {
    return (await Deno.lstat(path)).isFile;
  } catch {
    return true; // nothing is there
  }
}

/** Whether the path still leads to the open file; another process can have removed it before we locked it. */
async function isAt(path: string, file: Deno.FsFile): Promise<boolean> {
  try {
    const [there, here] = [await Deno.stat(path), await file.stat()];
    return there.ino === here.ino && there.dev === here.dev;
  } catch {
    return false;
  }
}
