/**
 * Advisory locks (`flock`) of open files, which die with their process.
 *
 * @module
 */

/**
 * Tries to lock an open file.
 *
 * @param isExclusive Alone, for which the file must be open for writing on some network file systems; else shared.
 * @returns Whether it is locked now; undefined where the file system has no locks.
 */
export async function tryLock(file: Deno.FsFile, isExclusive: boolean): Promise<boolean | undefined> {
  try {
    return await file.tryLock(isExclusive);
  } catch {
    return undefined;
  }
}

/** Whether an open file still has a name; another process can have removed it. */
export async function hasName(file: Deno.FsFile): Promise<boolean> {
  return ((await file.stat()).nlink ?? 1) > 0;
}
