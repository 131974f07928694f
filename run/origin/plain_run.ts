/**
 * What a run folder may hold. Somebody may have sent it: a link in it would let a command read, overwrite or remove what
 * lies elsewhere, and a pipe would let it wait for ever.
 *
 * @module
 */
import { DataError } from "../../core/errors.ts";
import { join } from "../../files/paths.ts";
import type { RunDirectory } from "../store/run_directory.ts";

/** Entries of the largest folder that is looked through; a run of ours has some dozens. */
const MAX_ENTRIES = 1_000_000;

/**
 * Refuses a run folder with a link, pipe, socket or device anywhere in it. The way to the folder may lead over links.
 *
 * @param action What is to be done with the run: "resume", "report".
 * @throws {DataError} Naming the first entry that is not plain.
 */
export async function requirePlainRun(run: RunDirectory, action: string): Promise<void> {
  const found = await firstSpecialFile(run.path);
  if (found === undefined) return;
  throw new DataError(
    `Cannot ${action} run "${run.record.id}" as a run folder may hold plain files and folders only: ${found}`,
    run.path,
  );
}

/** Whether a run folder holds plain files and folders only. */
export async function isPlainRun(run: RunDirectory): Promise<boolean> {
  return await firstSpecialFile(run.path) === undefined;
}

/** What is in a folder; nothing where it is gone, as a member of a group may still work in its own. */
async function entriesOf(folder: string): Promise<Deno.DirEntry[]> {
  try {
    return await Array.fromAsync(Deno.readDir(folder));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

async function firstSpecialFile(root: string): Promise<string | undefined> {
  const open = [""];
  let count = 0;
  for (let folder = open.pop(); folder !== undefined; folder = open.pop()) {
    for (const { name, isFile, isDirectory, isSymlink } of await entriesOf(join(root, folder))) {
      const path = folder === "" ? name : `${folder}/${name}`;
      if (++count > MAX_ENTRIES) return `it holds more than ${MAX_ENTRIES} of them`;
      if (isSymlink) return `"${path}" is a symbolic link`;
      if (isDirectory) open.push(path);
      else if (!isFile) return `"${path}" is a pipe, socket or device`;
    }
  }
  return undefined;
}
