/**
 * Files that are being written aside, and what is left of them when their process was killed.
 *
 * A file aside is locked by its writer. So it is known of a left-over that nobody writes it any more: the lock of a process
 * ends with it, on whichever machine it ran.
 *
 * @module
 */
import { ASIDE_NUMBERS, asidePath, asideTarget } from "../core/writing.ts";
import { hasName, tryLock } from "./flock.ts";
import { join } from "./paths.ts";

/** A file that is being written aside. */
export interface Aside {
  readonly path: string;
  readonly file: Deno.FsFile;
}

/** A path that nobody else uses, beside a file or folder that is going to be there. */
export function freshAside(path: string): string {
  return asidePath(path, crypto.getRandomValues(new Uint32Array(1))[0]! % ASIDE_NUMBERS);
}

/** Creates a file aside, locked. */
export async function createAside(path: string): Promise<Aside> {
  for (;;) {
    const aside = freshAside(path);
    const file = await Deno.open(aside, { write: true, createNew: true });
    // between the two steps another process can take it for a left-over
    if (await tryLock(file, true) !== false && await hasName(file)) return { path: aside, file };
    file.close();
  }
}

/** A left-over that was written to as lately may be locked in a moment. */
const FRESH_MS = 60_000;

/** Where the file system has no locks: nobody pauses for as long while writing a file. */
const OLD_MS = 3_600_000;

/**
 * Removes what killed processes left in a folder and all below it; what another process is writing stays. Call it with the
 * lock of the folder: folders aside are removed, whatever their age.
 */
export async function removeAsides(folder: string): Promise<void> {
  for await (const { name, isDirectory, isFile } of Deno.readDir(folder)) {
    const path = join(folder, name);
    if (asideTarget(name) === undefined) {
      if (isDirectory) await removeAsides(path);
    } else if (!isFile || await stateOf(path) !== "written") {
      await Deno.remove(path, { recursive: true }).catch(ignoreAbsent);
    }
  }
}

/**
 * Removes files that killed processes left in a folder, not of those below it: a minute after they were last written, or an
 * hour where the file system has no locks. A folder that is not there, or cannot be written, is left as it is.
 *
 * @param of Name of the file that they stand for. @default any
 */
export async function removeOldAsides(folder: string, of?: string): Promise<void> {
  try {
    for await (const { name, isFile } of Deno.readDir(folder)) {
      const target = asideTarget(name);
      if (!isFile || target === undefined || (of !== undefined && of !== target)) continue;
      await removeIfOld(join(folder, name)).catch(() => {}); // another process removed it
    }
  } catch {
    // tidying is no reason to fail
  }
}

async function removeIfOld(path: string): Promise<void> {
  const written = (await Deno.lstat(path)).mtime?.getTime() ?? Date.now();
  if (Date.now() - written < FRESH_MS) return;
  const state = await stateOf(path);
  if (state === "left" || (state === "unknown" && Date.now() - written > OLD_MS)) await Deno.remove(path);
}

/** Whether a process is writing a file aside, as its lock says. */
async function stateOf(path: string): Promise<"written" | "left" | "unknown"> {
  using file = await Deno.open(path, { read: true }).catch(() => undefined);
  const isFree = file && await tryLock(file, false);
  return isFree === undefined ? "unknown" : isFree ? "left" : "written";
}

function ignoreAbsent(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}
