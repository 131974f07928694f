/**
 * Prepared data, kept by what they were made from: plugin code, configuration, seed and input digests.
 *
 * @module
 */
import { sha256Hex } from "../../core/hash.ts";
import { canonicalJson, safeParseJson } from "../../core/json.ts";
import type { Json, JsonObject, Tables, TextTable, Warning } from "../../core/types.ts";
import { exists, moveFolder, removeFolder, writeJson } from "../../files/atomic.ts";
import type { Flag } from "../../core/flags.ts";
import { getPath, setPath } from "../../core/flags.ts";
import { join, resolve } from "../../files/paths.ts";
import { removeStale, ScratchFolder } from "../../files/scratch.ts";

/** What prepared data were made from. */
export interface CacheKeyParts {
  readonly plugin: string;
  readonly pluginHash: string;
  readonly frameworkHash: string;
  readonly config: JsonObject;
  readonly seed: number;
  readonly inputs: readonly { readonly name: string; readonly sha256: string }[];
}

/** `entry.json` of a cache entry: all of `prepare`'s answer but the tables. */
export interface CacheEntry {
  readonly schema: "beamline-cache/1";
  readonly plugin: string;
  readonly created: string;
  readonly simulated: boolean;
  readonly source: string;
  readonly facts: JsonObject;
  readonly notes: readonly TextTable[];
  readonly warnings: readonly Warning[];
  /** SHA-256 of the bytes of each column, first 32 digits, by "split/column". */
  readonly digests: { readonly [column: string]: string };
}

/** The name of the folder that holds the data made from these parts. */
export function cacheKey(parts: CacheKeyParts): string {
  return sha256Hex(canonicalJson(parts as unknown as Json)).slice(0, 32);
}

/** The values that can change prepared data: all but those marked as training options, paths left to the digests. */
export function dataConfig(values: JsonObject, flags: readonly Flag[]): JsonObject {
  const kept: { [key: string]: Json } = {};
  for (const flag of flags) {
    const value = getPath(values, flag.path);
    if (!flag.isTraining && flag.inputPath === undefined && value !== undefined) {
      setPath(kept, flag.path, value);
    }
  }
  return kept;
}

/** SHA-256 of the bytes of each column, first 32 digits, by "split/column". */
export function digestTables(tables: Tables): { [column: string]: string } {
  const digests: { [column: string]: string } = {};
  for (const [split, table] of Object.entries(tables)) {
    for (const [name, { data }] of Object.entries(table)) {
      const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
      digests[`${split}/${name}`] = sha256Hex(bytes).slice(0, 32);
    }
  }
  return digests;
}

/** The store of prepared data. */
export class Cache {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = resolve(directory);
  }

  /** Folder of an entry's tables. */
  tables(key: string): string {
    return join(this.directory, key, "tables");
  }

  /** What is known of an entry; undefined where there is none. */
  async find(key: string): Promise<CacheEntry | undefined> {
    const path = join(this.directory, key, "entry.json");
    if (!await exists(path)) return undefined;
    const entry = safeParseJson(await Deno.readTextFile(path), path) as unknown as CacheEntry;
    return entry.schema === "beamline-cache/1" ? entry : undefined;
  }

  /** Takes the tables of an shared directory into the cache; an entry that another run made meanwhile is kept. */
  async store(key: string, sharedDirectory: string, entry: CacheEntry): Promise<void> {
    const target = join(this.directory, key);
    await writeJson(join(sharedDirectory, "entry.json"), entry);
    if (await exists(join(target, "entry.json"))) return;
    const aside = join(this.directory, `${key}.${crypto.randomUUID().slice(0, 8)}.tmp`);
    await Deno.mkdir(aside, { recursive: true });
    await moveFolder(join(sharedDirectory, "tables"), join(aside, "tables"));
    await moveFolder(join(sharedDirectory, "entry.json"), join(aside, "entry.json"));
    try {
      await Deno.rename(aside, target);
    } catch (error) {
      await removeFolder(aside);
      if (!await exists(join(target, "entry.json"))) throw error;
    }
  }

  /** A fresh shared directory; removes those that a process left when it was killed. */
  async scratch(): Promise<ScratchFolder> {
    const scratch = await ScratchFolder.create(join(this.directory, "shared"));
    await removeStale(this.directory, /\.[0-9a-f]{8}\.tmp$/).catch(() => {}); // entries that were half stored
    return scratch;
  }

  /** A fresh shared directory for a moment, without a lock. */
  async sharedDirectory(): Promise<string> {
    const path = join(this.directory, "shared", crypto.randomUUID());
    await Deno.mkdir(path, { recursive: true });
    return await Deno.realPath(path);
  }

  /** The folder that Deno uses as its cache for the sandbox of one plugin; made here. */
  async denoDir(plugin: string): Promise<string> {
    const path = join(this.directory, "deno", plugin);
    await Deno.mkdir(path, { recursive: true });
    return await Deno.realPath(path);
  }

  /** Entries with their size, largest first. */
  async list(): Promise<{ readonly key: string; readonly entry: CacheEntry; readonly bytes: number }[]> {
    const found: { key: string; entry: CacheEntry; bytes: number }[] = [];
    if (!await exists(this.directory)) return found;
    for await (const { name, isDirectory } of Deno.readDir(this.directory)) {
      const entry = isDirectory ? await this.find(name) : undefined;
      if (entry) found.push({ key: name, entry, bytes: await sizeBelow(join(this.directory, name)) });
    }
    return found.sort((a, b) => b.bytes - a.bytes);
  }

  /** Removes all entries, descriptions and left-over shared directories. */
  async clean(): Promise<void> {
    await removeFolder(this.directory);
  }
}

async function sizeBelow(path: string): Promise<number> {
  let bytes = 0;
  for await (const entry of Deno.readDir(path)) {
    const child = join(path, entry.name);
    bytes += entry.isDirectory ? await sizeBelow(child) : (await Deno.lstat(child)).size;
  }
  return bytes;
}
