/**
 * Folders that live as long as the process that made them: shared directories of sandboxes, repetitions of a verification.
 *
 * @module
 */
import { exists, removeFolder } from "./atomic.ts";
import { FileLock } from "./lock.ts";
import { join } from "./paths.ts";

/** Folders without an owner are removed when older than this; longer than creating a folder ever takes. */
const STALE_MS = 24 * 3600 * 1000;
/** Folders that an owner left are removed when older than this. */
const FRESH_MS = 60 * 1000;

/** A folder private to this process, with its lock beside it. */
export class ScratchFolder {
  private constructor(readonly path: string, readonly lock: FileLock | undefined) {}

  /** Makes a folder with a fresh name below `parent`, and removes those left by killed processes. */
  static async create(parent: string): Promise<ScratchFolder> {
    await Deno.mkdir(parent, { recursive: true });
    await removeLeftOvers(parent).catch(() => {}); // another process may be doing the same
    const name = crypto.randomUUID();
    const lock = await FileLock.take(join(parent, `${name}.lock`));
    await Deno.mkdir(join(parent, name));
    return new ScratchFolder(await Deno.realPath(join(parent, name)), lock);
  }

  async remove(): Promise<void> {
    await removeClosed(this.path);
    await this.lock?.release();
  }
}

/** Removes a folder whose inner folders may have been closed, as a sandbox can do to what it leaves. */
export async function removeClosed(path: string): Promise<void> {
  try {
    await removeFolder(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.PermissionDenied)) throw error;
    await reopen(path);
    await removeFolder(path);
  }
}

/** Gives this user back what it may do in a folder and all below it; links are not followed. */
async function reopen(path: string): Promise<void> {
  if (!(await Deno.lstat(path)).isDirectory) return;
  await Deno.chmod(path, 0o700);
  for await (const { name, isDirectory } of Deno.readDir(path)) {
    if (isDirectory) await reopen(join(path, name));
  }
}

/** Names of folders of processes, and of their locks; what else lies beside them is somebody's. */
const OWN_NAME = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const OWN_LOCK = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.lock$/;

/** Removes folders whose lock nobody holds, and old ones without a lock. */
async function removeLeftOvers(parent: string): Promise<void> {
  for await (const { name } of Deno.readDir(parent)) {
    const path = join(parent, name);
    if (!OWN_LOCK.test(name) || await ageMs(path) < FRESH_MS) continue;
    const lock = await FileLock.take(path);
    if (!lock) continue;
    await removeClosed(path.slice(0, -".lock".length));
    await lock.release();
  }
  await removeStale(parent, (name) => OWN_NAME.test(name));
}

/** Removes what is old, judging by its name, and has no owner. */
export async function removeStale(parent: string, isMeant: (name: string) => boolean): Promise<void> {
  for await (const { name } of Deno.readDir(parent)) {
    const path = join(parent, name);
    if (!isMeant(name) || await exists(`${path}.lock`)) continue;
    if (await ageMs(path) > STALE_MS) await removeClosed(path);
  }
}

async function ageMs(path: string): Promise<number> {
  return Date.now() - ((await Deno.lstat(path)).mtime?.getTime() ?? Date.now());
}
