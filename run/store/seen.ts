/**
 * Digests of files, remembered by path, size, times and inode, so that large data are not read at each run.
 *
 * `cache/seen.json`: `{"schema": "beamline-seen/1", "files": {path: {"stamp", "sha256"}}}`, used last at the end. It is a
 * short cut: when it is damaged or cannot be written, files are read.
 *
 * @module
 */
import { safeParseJson } from "../../core/json.ts";
import { sha256File } from "../../data/digest.ts";
import { writeAtomic } from "../../files/atomic.ts";
import { join } from "../../files/paths.ts";

/** Smaller files are read as quickly as they are looked up. */
const LEAST_BYTES = 64 * 1024;
/** Files that are remembered; those used longest ago are forgotten. */
const MOST_FILES = 10_000;
/** A file that changed so lately could change again within the resolution of its times (2 s on FAT): it is read. */
const SETTLED_MS = 2000;

interface Seen {
  readonly stamp: string;
  readonly sha256: string;
}

/** Digests of files that were read before, kept in one cache. */
export class SeenDigests {
  readonly #path: string;
  #files: Map<string, Seen> | undefined;
  #isChanged = false;

  /**
   * @param directory The cache; made when the first digest is kept.
   * @param now Milliseconds since 1970.
   */
  constructor(directory: string, readonly now: () => number = Date.now) {
    this.#path = join(directory, "seen.json");
  }

  /**
   * SHA-256 of a file, 64 digits.
   *
   * @throws {DataError} If it cannot be read.
   */
  async digestOf(path: string): Promise<string> {
    const info = await Deno.stat(path).catch(() => undefined);
    if (!info || info.size < LEAST_BYTES) return (await sha256File(path)).sha256;
    const files = this.#files ??= await this.#read();
    const stamp = stampOf(info);
    const seen = files.get(path);
    if (seen?.stamp === stamp) return seen.sha256;
    const { sha256 } = await sha256File(path);
    const after = await Deno.stat(path).catch(() => undefined);
    if (!after || stampOf(after) !== stamp || !this.#isSettled(info)) return sha256;
    files.delete(path);
    files.set(path, { stamp, sha256 });
    this.#isChanged = true;
    return sha256;
  }

  /** Keeps what was read since. */
  async save(): Promise<void> {
    if (!this.#isChanged || !this.#files) return;
    const files = Object.fromEntries([...this.#files].slice(-MOST_FILES));
    const text = JSON.stringify({ schema: "beamline-seen/1", files });
    await writeAtomic(this.#path, text, { isTidied: true }).catch(() => {});
    this.#isChanged = false;
  }

  #isSettled({ mtime, ctime }: Deno.FileInfo): boolean {
    const changed = Math.max(mtime?.getTime() ?? Infinity, ctime?.getTime() ?? 0);
    return this.now() - changed > SETTLED_MS;
  }

  async #read(): Promise<Map<string, Seen>> {
    try {
      const json = safeParseJson(await Deno.readTextFile(this.#path), this.#path) as unknown as {
        readonly schema: string;
        readonly files: { readonly [path: string]: Seen };
      };
      return json.schema === "beamline-seen/1" ? new Map(Object.entries(json.files)) : new Map();
    } catch {
      return new Map(); // not there yet, or damaged
    }
  }
}

/** What tells one state of a file from another. The time of the inode changes with every write and cannot be set. */
function stampOf({ size, mtime, ctime, ino, dev }: Deno.FileInfo): string {
  return [size, mtime?.getTime(), ctime?.getTime(), ino, dev].join(" ");
}
