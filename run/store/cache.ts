/**
 * Prepared data, kept by what they were made from: all that the plugin may read, configuration, seed
 * and input digests. An entry is checked against its digests when it is used.
 *
 * @module
 */
import { ConfigError } from "../../core/errors.ts";
import { sha256Hex } from "../../core/hash.ts";
import { canonicalJson, safeParseJson } from "../../core/json.ts";
import type { Column, Fold, Json, JsonObject, Tables, TextTable, Warning } from "../../core/types.ts";
import { sha256Pieces, sha256Source } from "../../data/digest.ts";
import { isPaged } from "../../data/paged.ts";
import { asideTarget } from "../../core/writing.ts";
import { freshAside } from "../../files/asides.ts";
import { exists, moveFolder, removeFolder, writeJson } from "../../files/atomic.ts";
import type { Flag } from "../../core/flags.ts";
import { getPath, setPath } from "../../core/flags.ts";
import { basename, join, resolve } from "../../files/paths.ts";
import { isLocked } from "../../files/lock.ts";
import { namesIn, sizeBelow } from "../../files/size.ts";
import { removeStale, ScratchFolder } from "../../files/scratch.ts";
import { SharedDirectory, type TakenFolder } from "../../sandbox/host/taken.ts";
import { SeenDigests } from "./seen.ts";

/** What prepared data were made from. */
export interface CacheKeyParts {
  readonly plugin: string;
  readonly pluginHash: string;
  readonly frameworkHash: string;
  readonly config: JsonObject;
  readonly seed: number;
  readonly inputs: readonly { readonly name: string; readonly sha256: string }[];
  /** Only of a cross-validation: other data keep the key that they always had. */
  readonly fold?: Fold | undefined;
}

/** `entry.json` of a cache entry: all of `prepare`'s answer but the tables. */
export interface CacheEntry {
  readonly schema: "beamline-cache/2";
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
    for (const [name, column] of Object.entries(table)) {
      digests[`${split}/${name}`] = digestColumn(column).slice(0, 32);
    }
  }
  return digests;
}

/** SHA-256 of the elements of a column; of one on disk in pieces. */
function digestColumn(column: Column): string {
  if (isPaged(column)) return sha256Pieces(column.pieces(DIGEST_BYTES));
  const { buffer, byteOffset, byteLength } = column.data;
  return sha256Hex(new Uint8Array(buffer, byteOffset, byteLength));
}

/** Bytes of a column on disk that are digested at a time. */
const DIGEST_BYTES = 1 << 20;

/** `entry.json` as it is stored: it names its own folder, and nothing in it changes unseen. */
interface StoredEntry extends CacheEntry {
  readonly key: string;
  /** SHA-256 of each file below `tables/`, by its path there. */
  readonly files: { readonly [path: string]: string };
  /** SHA-256 of all of the above as canonical JSON. */
  readonly checksum: string;
}

/** What lies under a key: an entry whose files are as they were stored, or how it is damaged. */
export type Taken = { readonly entry: CacheEntry } | { readonly damage: string };

/** Something in the cache. */
export interface CacheItem {
  /** Its name in the folder of the cache. */
  readonly key: string;
  /** Undefined where it cannot be read: damaged, or not an entry at all. */
  readonly entry: Pick<CacheEntry, "plugin" | "created" | "source"> | undefined;
  readonly bytes: number;
}

/** Keys, which become names of folders; one that a run's record brings must not lead out of the cache. */
const KEY = /^[A-Za-z0-9_-]{1,128}$/;

/** A shared directory of this process, with a place beside it for what is taken out of it. */
export class ScratchShared extends SharedDirectory {
  private constructor(readonly folders: readonly [ScratchFolder, ScratchFolder], path: string) {
    super(path, folders[1].path);
  }

  /**
   * @param inner What is shared is made in it: the host's answers lie beside that.
   * @param aside For what is taken.
   */
  static async create(inner: ScratchFolder, aside: ScratchFolder): Promise<ScratchShared> {
    const path = join(inner.path, "written");
    await Deno.mkdir(path);
    return new ScratchShared([inner, aside], path);
  }

  async remove(): Promise<void> {
    for (const folder of this.folders) await folder.remove();
  }
}

/** Folders of folders that live as long as a process. */
const SCRATCH = ["shared", "verify"] as const;
/** What is in a cache beside entries. */
const OTHERS: ReadonlySet<string> = new Set([...SCRATCH, "deno", "describe", "graphs", "seen.json"]);
/** Names of entries: their keys, of this version and older ones. */
const ENTRY_NAME = /^[0-9a-f]{16,64}$/;
/** Whether a name is that of an entry on its way in or out. */
const isAside = (name: string): boolean => ENTRY_NAME.test(asideTarget(name) ?? "");
/** Files that systems put into any folder. */
const OF_SYSTEMS = /^(\.DS_Store|\.nfs.*|Thumbs\.db)$/;
/** What every cache has that a run has used; nobody else has folders of these names by chance. */
const SIGNS: ReadonlySet<string> = new Set(["describe", "graphs", "seen.json"]);

/** The store of prepared data. */
export class Cache {
  readonly directory: string;
  /** Digests of files that were read before. */
  readonly seen: SeenDigests;
  /** Shared directories of this process; their locks name the entries that are in use. */
  readonly #scratches: ScratchFolder[] = [];

  constructor(directory: string) {
    this.directory = resolve(directory);
    this.seen = new SeenDigests(this.directory);
  }

  /** Folder of an entry's tables. */
  tables(key: string): string {
    return join(this.directory, key, "tables");
  }

  /** The entry under a key, checked file by file; undefined where there is none. */
  async take(key: string): Promise<Taken | undefined> {
    if (!KEY.test(key) || !await exists(join(this.directory, key))) return undefined;
    try {
      const entry = checkedEntry(await this.#read(key), key);
      for (const [path, sha256] of Object.entries(entry.files)) {
        if (await this.#digest(key, path) !== sha256) return { damage: `tables/${path} was changed or lost` };
      }
      await this.seen.save();
      const { key: _key, files: _files, checksum: _checksum, ...rest } = entry;
      return { entry: rest };
    } catch {
      return { damage: "its entry.json cannot be used" };
    }
  }

  /** Says that this process uses an entry, so that nobody cleans it away. */
  async use(key: string): Promise<void> {
    for (const { lock } of this.#scratches) await lock?.note(key).catch(() => {}); // a full disk is told elsewhere
  }

  /**
   * Takes tables into the cache, from a sandbox that has ended; an entry that another run made meanwhile is kept.
   *
   * @throws {PluginError} If something among the tables is no plain file.
   */
  async store(key: string, tables: TakenFolder, entry: CacheEntry): Promise<void> {
    const target = join(this.directory, key);
    const content = { ...entry, key, files: await digestFiles(tables) };
    if (await exists(join(target, "entry.json"))) return;
    const aside = freshAside(join(this.directory, key));
    try {
      await Deno.mkdir(aside, { recursive: true });
      await moveFolder(tables.path, join(aside, "tables"));
      await writeJson(join(aside, "entry.json"), { ...content, checksum: checksumOf(content) });
      await Deno.rename(aside, target);
    } catch (error) {
      await removeFolder(aside);
      if (!await exists(join(target, "entry.json"))) throw error;
    }
  }

  /**
   * Removes what lies under a key.
   *
   * @throws {ConfigError} If it cannot be removed.
   */
  async drop(key: string): Promise<void> {
    const aside = freshAside(join(this.directory, key));
    try {
      await Deno.rename(join(this.directory, key), aside);
      await removeFolder(aside);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return; // another run dropped it
      throw cannotRemove(join(this.directory, key), error);
    }
  }

  /** The entries among some keys, with their sizes; those that a process uses at this moment are left out. */
  async unused(keys: readonly string[]): Promise<{ readonly key: string; readonly bytes: number }[]> {
    const users = await runningUsers(SCRATCH.map((name) => join(this.directory, name)));
    const found: { key: string; bytes: number }[] = [];
    for (const key of keys) {
      const path = join(this.directory, key);
      if (!KEY.test(key) || OTHERS.has(key) || users.keys.has(key) || !await exists(path)) continue;
      found.push({ key, bytes: await sizeBelow(path) });
    }
    return found;
  }

  /** A fresh shared directory, and the place beside it. */
  async scratchShared(): Promise<ScratchShared> {
    return await ScratchShared.create(await this.scratch(), await this.scratch());
  }

  /** A fresh folder that lives as long as this process; removes those that a process left when it was killed. */
  async scratch(): Promise<ScratchFolder> {
    const scratch = await ScratchFolder.create(join(this.directory, "shared"));
    this.#scratches.push(scratch);
    await this.#removeHalfStored().catch(() => {}); // another process may be doing the same
    return scratch;
  }

  /**
   * Removes entries that were half stored: at once where only this process uses the cache, else those that are a day old,
   * as another may be storing them.
   */
  async #removeHalfStored(): Promise<void> {
    const asides = (await namesIn(this.directory)).filter(isAside);
    if (asides.length === 0) return;
    // looked at after the names: whoever stores one of these had its lock before
    const { folders } = await runningUsers(SCRATCH.map((name) => join(this.directory, name)));
    const own = this.#scratches.map(({ path }) => basename(path));
    const hasLocks = own.every((name) => folders.has(name)); // else nothing is known of the others
    if (!hasLocks || folders.size > own.length) await removeStale(this.directory, isAside);
    else for (const name of asides) await removeFolder(join(this.directory, name));
  }

  /** The folder that Deno uses as its cache for the sandbox of one plugin; made here. */
  async denoDir(plugin: string): Promise<string> {
    const path = join(this.directory, "deno", plugin);
    await Deno.mkdir(path, { recursive: true });
    return await Deno.realPath(path);
  }

  /** Entries with their size, largest first, and what is in their place without being one. */
  async list(): Promise<CacheItem[]> {
    const found: CacheItem[] = [];
    for (const key of await namesIn(this.directory)) {
      if (!ENTRY_NAME.test(key)) continue;
      const entry = describedEntry(await this.#read(key).catch(() => undefined));
      found.push({ key, entry, bytes: await sizeBelow(join(this.directory, key)) });
    }
    return found.sort((a, b) => b.bytes - a.bytes);
  }

  /**
   * Removes all entries, descriptions and left-over shared directories but what runs use at this moment.
   *
   * @returns Names in the cache that were kept for a run.
   * @throws {ConfigError} If the folder holds anything that is not of a cache, and then nothing is removed; or if something
   * cannot be removed, and then all else is removed first.
   */
  async clean(): Promise<string[]> {
    const names = await namesIn(this.directory);
    if (!requireCache(this.directory, names)) return [];
    const users = await runningUsers(SCRATCH.map((name) => join(this.directory, name)));
    const isKept = (name: string): boolean =>
      users.keys.has(name) || (users.folders.size > 0 && (name === "deno" || isAside(name)));
    const kept: string[] = [];
    let failure: Error | undefined;
    const remove = async (path: string): Promise<void> => {
      await removeFolder(path).catch((error) => failure ??= cannotRemove(path, error));
    };
    for (const name of names) {
      const path = join(this.directory, name);
      if (isKept(name)) kept.push(name);
      else if (!(SCRATCH as readonly string[]).includes(name) || users.folders.size === 0) await remove(path);
      else {
        for (const inner of await namesIn(path)) {
          if (users.folders.has(inner.replace(/\.lock$/, ""))) kept.push(`${name}/${inner}`);
          else await remove(join(path, inner));
        }
      }
    }
    if (failure) throw failure;
    await Deno.remove(this.directory).catch(() => {}); // not empty, or not there
    return kept;
  }

  async #read(key: string): Promise<Json> {
    const path = join(this.directory, key, "entry.json");
    return safeParseJson(await Deno.readTextFile(path), path);
  }

  /** Digest of a file of an entry; undefined where there is no plain file. */
  async #digest(key: string, path: string): Promise<string | undefined> {
    const file = join(this.tables(key), path);
    const info = await Deno.lstat(file).catch(() => undefined);
    return info?.isFile ? await this.seen.digestOf(file).catch(() => undefined) : undefined;
  }
}

/** The entry that was read, where it is one of this key and nothing in it was changed. */
function checkedEntry(json: Json, key: string): StoredEntry {
  const { checksum, ...content } = json as unknown as StoredEntry;
  if (content.schema === "beamline-cache/2" && content.key === key && checksum === checksumOf(content)) {
    return { ...content, checksum };
  }
  throw new SyntaxError("Cannot use entry.json as it must match its checksum: it does not");
}

function checksumOf(content: Omit<StoredEntry, "checksum">): string {
  return sha256Hex(canonicalJson(content as unknown as Json));
}

/** What a list shows of an entry, of whichever version. */
function describedEntry(json: Json | undefined): CacheItem["entry"] {
  const { plugin, created, source } = (json ?? {}) as { readonly [key: string]: Json };
  return typeof plugin === "string" && typeof created === "string" && typeof source === "string"
    ? { plugin, created, source }
    : undefined;
}

/** SHA-256 of each file below a folder, by relative path. */
async function digestFiles(folder: TakenFolder, prefix = ""): Promise<{ [path: string]: string }> {
  const digests: { [path: string]: string } = {};
  for (const name of await namesIn(join(folder.path, prefix))) {
    const path = prefix === "" ? name : `${prefix}/${name}`;
    const { isDirectory } = await Deno.lstat(join(folder.path, path));
    if (isDirectory) Object.assign(digests, await digestFiles(folder, path));
    else digests[path] = sha256Source(folder.source(path)).sha256;
  }
  return digests;
}

/** Folders whose process lives, and the entries that these processes use. */
async function runningUsers(
  parents: readonly string[],
): Promise<{ folders: Set<string>; keys: Set<string> }> {
  const [folders, keys] = [new Set<string>(), new Set<string>()];
  for (const parent of parents) {
    for (const name of await namesIn(parent)) {
      const path = join(parent, name);
      if (!name.endsWith(".lock") || !await isLocked(path)) continue;
      folders.add(name.slice(0, -".lock".length));
      for (const key of (await Deno.readTextFile(path).catch(() => "")).split("\n")) keys.add(key);
    }
  }
  return { folders, keys };
}

/**
 * Whether there is anything to clean: a folder that is a cache and nothing else. Whoever names another one, such as that of
 * the project, must not lose it.
 *
 * @throws {ConfigError} With what it holds that is not of a cache.
 */
function requireCache(directory: string, names: readonly string[]): boolean {
  const others = names.filter((name) => !OF_SYSTEMS.test(name));
  const isOurs = (name: string): boolean => OTHERS.has(name) || ENTRY_NAME.test(name) || isAside(name);
  const foreign = others.filter((name) => !isOurs(name));
  const isCache = others.some((name) => SIGNS.has(name) || ENTRY_NAME.test(name) || isAside(name));
  if (others.length === 0) return false;
  if (foreign.length === 0 && isCache) return true;
  const [first, ...more] = foreign.length > 0 ? foreign : others;
  const found = `found "${first}"${more.length > 0 ? ` and ${more.length} more` : ""}`;
  throw new ConfigError(
    `Cannot clean "${directory}" as it must be a folder of prepared data and hold nothing else: ${found}`,
  );
}

function cannotRemove(path: string, cause: unknown): ConfigError {
  return new ConfigError(
    `Cannot remove "${path}" as the cache must be a folder that can be written: ${(cause as Error).name}`,
  );
}
