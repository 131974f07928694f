/**
 * Walking a folder that somebody else may have filled: pipes and devices are refused before anything opens them, links are
 * taken for what they are, and there are bounds to how much is looked at.
 *
 * @module
 */
import fs from "node:fs";
import { DataError } from "../core/errors.ts";
import { sha256Hex } from "../core/hash.ts";
import { openPlainFile } from "../files/plain_file.ts";
import { join } from "../files/paths.ts";

/** The most entries that are walked through; `node_modules` of a large project has some 100,000. */
const MAX_ENTRIES = 300_000;

/** The most folders inside each other; each is an open directory of this process. */
const MAX_DEPTH = 100;

/**
 * Bytes of the largest file whose content is hashed. No longer one can be code: the longest text of V8 has 2^29
 * characters, and its largest WebAssembly module 2^30 bytes.
 */
export const MAX_CODE_BYTES = 2 ** 30;

/** Bytes of the largest file of a plugin's folder, and of the largest one anywhere that is mostly holes: some ten seconds. */
const MAX_FILE_BYTES = 2 ** 34;

/** A file of which fewer bytes than this share are stored is mostly holes, as `truncate` makes them. */
const STORED_SHARE = 1e-3;

/** Bytes that are hashed of one folder: some ten seconds. */
const MAX_HASHED_BYTES = 2 ** 33;

/** Characters of the longest path below a folder that a message shows. */
const MAX_SHOWN = 200;

/** One file or link of a folder. */
export interface FolderEntry {
  /** Relative to the folder, with "/". */
  readonly path: string;
  readonly isLink: boolean;
}

/**
 * All files and links below a folder, sorted by path; links are not followed.
 *
 * @param counts Whether an entry of a folder is looked at: its path relative to the walked folder, and its name.
 * @throws {DataError} At a pipe, device or socket, at a folder that cannot be read, and beyond the bounds.
 */
export async function walkFolder(
  directory: string,
  counts: (path: string, name: string) => boolean = () => true,
): Promise<FolderEntry[]> {
  const found: FolderEntry[] = [];
  let left = MAX_ENTRIES;
  const refuse = (rule: string, what: string): never => {
    throw new DataError(`Cannot use folder "${directory}" as ${rule}: ${what}`, directory);
  };
  const walk = async (folder: string, depth: number): Promise<void> => {
    if (depth > MAX_DEPTH) refuse(`at most ${MAX_DEPTH} folders may lie in each other`, `"${folder}"`);
    for (const { name, isFile, isDirectory, isSymlink } of await entriesOf(directory, folder)) {
      const path = folder === "" ? name : `${folder}/${name}`;
      if (!counts(path, name)) continue;
      if (--left < 0) refuse(`it may hold at most ${MAX_ENTRIES} files and folders`, "it holds more");
      if (name.includes("\ufffd") && !await isThere(join(directory, path))) {
        refuse("names in it must be UTF-8", `"${path}" is not`); // Deno gives such names changed, and cannot open them
      }
      if (isDirectory) await walk(path, depth + 1);
      else if (isFile || isSymlink) found.push({ path, isLink: isSymlink });
      else refuse("it may hold files, folders and links only", `"${path}" is a pipe, device or socket`);
    }
  };
  await walk("", 0);
  return found.sort((a, b) => a.path < b.path ? -1 : a.path > b.path ? 1 : 0);
}

async function isThere(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

async function entriesOf(directory: string, folder: string): Promise<Deno.DirEntry[]> {
  try {
    return await Array.fromAsync(Deno.readDir(join(directory, folder)));
  } catch (error) {
    const { message } = error as Error;
    const reason = message.replace(/: readdir '[^]*$/, ""); // the path of a deep folder takes many lines
    const found = folder === "" || folder.length > MAX_SHOWN ? reason : `"${folder}" is not (${reason})`;
    throw new DataError(
      `Cannot use folder "${directory}" as all of it must be readable: ${found}`,
      directory,
      { cause: error },
    );
  }
}

/** Hashes entries of one folder, up to a total. */
export class FolderHasher {
  #left: number;
  #root: string | undefined;

  /**
   * @param directory The folder that was walked.
   * @param maxBytes Size of the largest file that is accepted; in folders of data any size is.
   * @param total Bytes that are hashed in all.
   */
  constructor(
    readonly directory: string,
    readonly maxBytes = MAX_FILE_BYTES,
    readonly total = MAX_HASHED_BYTES,
  ) {
    this.#left = total;
  }

  /**
   * SHA-256 of the content of a file; of its size where it is too large to be code. A link to a file of the same folder
   * counts as that file; any other link counts as what it says.
   *
   * @throws {DataError} If the file is no file any more, cannot be read, or is one too many.
   */
  async hash({ path, isLink }: FolderEntry): Promise<string> {
    const full = join(this.directory, path);
    const file = isLink ? await this.#fileBehind(full) : full;
    return file === undefined ? sha256Hex(`link to ${await Deno.readLink(full)}`) : this.hashFile(file);
  }

  /** As {@linkcode FolderHasher.hash}, of one plain file at a path. */
  hashFile(path: string): string {
    using file = openFile(path);
    refuseGiant(path, file.info, this.maxBytes);
    if (file.size > MAX_CODE_BYTES) return sha256Hex(`${file.size} bytes`);
    this.#left -= file.size;
    if (this.#left >= 0) return sha256Hex(file.readAll());
    const remedy = this.maxBytes === Infinity
      ? "files of data need an ending, such as .dat, to be told from modules"
      : "keep data elsewhere, and name their folder in the manifest under permissions.read";
    throw new DataError(
      `Cannot use folder "${this.directory}" as files that can be code may have at most ${this.total} bytes in all: they have more; ${remedy}`,
      this.directory,
    );
  }

  /** The file of this folder that a link leads to; undefined if it leads to a folder, to nothing, or out of the folder. */
  async #fileBehind(link: string): Promise<string | undefined> {
    try {
      const real = await Deno.realPath(link);
      this.#root ??= await Deno.realPath(this.directory);
      const isInside = real.startsWith(this.#root + "/");
      return isInside && (await Deno.lstat(real)).isFile ? real : undefined;
    } catch {
      return undefined;
    }
  }
}

/**
 * Refuses a file that is too large to be looked at, or that is mostly holes: later stages digest all that a plugin may read.
 *
 * @throws {DataError} Naming the file and its size.
 */
export function refuseGiant(path: string, info: fs.Stats, maxBytes = Infinity): void {
  if (!info.isFile() || info.size <= MAX_FILE_BYTES) return;
  const stored = Deno.build.os === "windows" ? info.size : info.blocks * 512;
  const isHollow = stored < info.size * STORED_SHARE;
  if (info.size <= maxBytes && !isHollow) return;
  const found = isHollow ? `${info.size} bytes, of which ${stored} are stored` : `${info.size} bytes`;
  throw new DataError(
    `Cannot use "${path}" as a file that a plugin brings may have at most ${MAX_FILE_BYTES} bytes: it has ${found}`,
    path,
  );
}

function openFile(path: string) {
  try {
    return openPlainFile(path);
  } catch (error) {
    if (error instanceof DataError) throw error;
    const { message } = error as Error;
    throw new DataError(`Cannot read "${path}" as it must be readable: ${message}`, path, { cause: error });
  }
}
