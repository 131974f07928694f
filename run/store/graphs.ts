/**
 * Lowered programs kept from run to run, in `cache/graphs/`: a short cut of a tenth of a second or two.
 *
 * A file is the checksum of the rest and the rest; its name is a hash of what the graph was made from, the source code of
 * the engine included, so that a changed engine finds nothing. A file that is damaged is dropped, and its graph made
 * anew. Nothing here ever stops a run.
 *
 * @module
 */
import { sha256Hex } from "../../core/hash.ts";
import type { Warning } from "../../core/types.ts";
import { GraphCache, type GraphStore } from "../../engine/runtimes/graphs/graph_cache.ts";
import { removeOldAsides } from "../../files/asides.ts";
import { writeAtomic } from "../../files/atomic.ts";
import { FRAMEWORK_ROOT, hashOfModules, LOWERING_ROOMS, moduleHashes } from "../../registry/framework.ts";
import { join } from "../../files/paths.ts";

/** Files that the folder may hold, and their bytes together; the oldest go first. */
const MOST = { files: 500, bytes: 256 * 2 ** 20 } as const;
/** Hexadecimal digits of a SHA-256. */
const DIGITS = 64;

/** Graphs in memory and in the cache of a run. */
export function keptGraphs(cacheDirectory: string, warn: (warning: Warning) => void): GraphCache {
  return new GraphCache(new GraphFolder(join(cacheDirectory, "graphs"), warn));
}

let engine: Promise<string> | undefined;

/** Hash of the code that lowers programs. */
function engineHash(): Promise<string> {
  return engine ??= Promise.all(
    LOWERING_ROOMS.map((room) => moduleHashes(join(FRAMEWORK_ROOT, room)).then(hashOfModules)),
  ).then((hashes) => sha256Hex(hashes.join("")));
}

/** A folder with one file for each graph. */
export class GraphFolder implements GraphStore {
  /**
   * @param directory Made when the first graph is kept.
   * @param warn Told of each file that was damaged.
   * @param most Files, and bytes of all of them, that may stay.
   */
  constructor(
    readonly directory: string,
    readonly warn: (warning: Warning) => void,
    readonly most: { readonly files: number; readonly bytes: number } = MOST,
  ) {}

  async find(key: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const name = await this.#name(key).catch(() => undefined); // the source may not be readable
    if (name === undefined) return undefined;
    const path = join(this.directory, name);
    const whole = await Deno.readFile(path).catch(() => undefined);
    if (!whole) return undefined;
    const content = whole.subarray(DIGITS);
    if (new TextDecoder().decode(whole.subarray(0, DIGITS)) === checksum(name, content)) {
      const now = new Date();
      await Deno.utime(path, now, now).catch(() => {}); // what is used stays longest
      return content;
    }
    await Deno.remove(path).catch(() => {});
    this.warn({
      code: "damaged-graph",
      message: `a lowered program in the cache was damaged and made anew: graphs/${name}`,
    });
    return undefined;
  }

  async keep(key: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    try {
      const name = await this.#name(key);
      const whole = new Uint8Array(DIGITS + bytes.length);
      whole.set(new TextEncoder().encode(checksum(name, bytes)));
      whole.set(bytes, DIGITS);
      await Deno.mkdir(this.directory, { recursive: true });
      await removeOldAsides(this.directory);
      await writeAtomic(join(this.directory, name), whole);
      await this.#prune();
    } catch {
      // only a short cut; a cache that cannot be written is told when data are prepared
    }
  }

  async #name(key: string): Promise<string> {
    return `${sha256Hex(`${await engineHash()}\n${key}`).slice(0, 32)}.graph`;
  }

  /** Removes the files that were not used for longest, until the rest fits. */
  async #prune(): Promise<void> {
    const files = (await filesOf(this.directory)).sort((a, b) => b.used - a.used);
    let bytes = 0;
    for (const [i, { name, size }] of files.entries()) {
      bytes += size;
      if (i >= this.most.files || bytes > this.most.bytes) await Deno.remove(join(this.directory, name));
    }
  }
}

/** The name is part of it: a file under another's name is refused, too. */
function checksum(name: string, content: Uint8Array): string {
  return sha256Hex(`${name} ${sha256Hex(content)}`);
}

/** Number and bytes of the graphs in a cache. */
export async function measureGraphs(cacheDirectory: string): Promise<{ count: number; bytes: number }> {
  const files = await filesOf(join(cacheDirectory, "graphs")).catch(() => []);
  return { count: files.length, bytes: files.reduce((sum, { size }) => sum + size, 0) };
}

async function filesOf(directory: string): Promise<{ name: string; size: number; used: number }[]> {
  const files = [];
  for await (const { name, isFile } of Deno.readDir(directory)) {
    // another process may be removing it
    const info = isFile ? await Deno.lstat(join(directory, name)).catch(() => undefined) : undefined;
    if (info) files.push({ name, size: info.size, used: info.mtime?.getTime() ?? 0 });
  }
  return files;
}
