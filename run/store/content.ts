/**
 * The content of the folders that a plugin may read, whatever the kind of file, without runs and caches in them.
 *
 * @module
 */
import { safeParseJson } from "../../core/json.ts";
import { join } from "../../files/paths.ts";
import { GIT_FOLDER } from "../../registry/framework.ts";
import type { SeenDigests } from "./seen.ts";

/** How content is looked at. */
export interface ContentOptions {
  readonly seen: SeenDigests;
  /** Folders that do not count, wherever they are met; absolute. */
  readonly leftOut: readonly string[];
  /** Whether `.git` of the folder itself counts, too; a sandbox may not read it in a plugin's folder. */
  readonly hasGit: boolean;
}

/** A digest, or what it is in place of a file, by relative path. */
export type Content = { [path: string]: string };

/**
 * What can be read below a path: the digest of each file, where links lead and what is there. Runs and caches are left
 * out, as they change with each run and are not what data are made from.
 *
 * @param root A folder or a file; one that is not there has no content.
 */
export async function contentOf(root: string, options: ContentOptions): Promise<Content> {
  const walk = new Walk(options, await Promise.all(options.leftOut.map(realOrSame)));
  const info = await Deno.stat(root).catch(() => undefined);
  if (info?.isDirectory) await walk.folder(await realOrSame(root), "", true);
  else if (info) await walk.file(root, ".");
  return Object.fromEntries(Object.entries(walk.found).sort(([a], [b]) => a < b ? -1 : 1));
}

function realOrSame(path: string): Promise<string> {
  return Deno.realPath(path).catch(() => path);
}

class Walk {
  readonly found: Content = {};
  /** Folders that were entered; a link can lead back to one. */
  readonly #entered = new Set<string>();

  constructor(readonly options: ContentOptions, readonly leftOut: readonly string[]) {}

  /** @param folder Its real path. */
  async folder(folder: string, name: string, isRoot = false): Promise<void> {
    if (this.#entered.has(folder) || (!isRoot && this.leftOut.includes(folder))) return;
    this.#entered.add(folder);
    const entries = await entriesOf(folder);
    if (!entries) return void (this.found[name] = "a folder that cannot be read");
    if (!isRoot && await isOurs(folder, new Set(entries.map(({ name }) => name)))) return;
    for (const entry of entries) {
      if (isRoot && entry.name === GIT_FOLDER && !this.options.hasGit) continue;
      await this.#entry(entry, join(folder, entry.name), name === "" ? entry.name : `${name}/${entry.name}`);
    }
  }

  async file(path: string, name: string): Promise<void> {
    const info = await Deno.stat(path).catch(() => undefined);
    // a pipe or a device is never opened: it may wait for ever
    this.found[name] = info?.isFile
      ? await this.options.seen.digestOf(path).catch(() => "a file that cannot be read")
      : "no file";
  }

  async #entry({ isDirectory, isSymlink }: Deno.DirEntry, path: string, name: string): Promise<void> {
    if (isDirectory) return await this.folder(path, name);
    if (!isSymlink) return await this.file(path, name);
    const target = await Deno.realPath(path).catch(() => undefined);
    if (target !== undefined && this.leftOut.includes(target)) return;
    this.found[`${name} ->`] = await Deno.readLink(path);
    if (target === undefined) return;
    if ((await Deno.stat(target)).isDirectory) await this.folder(target, name);
    else await this.file(target, name);
  }
}

/** What is in a folder, in the order of names; undefined where it cannot be read. */
async function entriesOf(folder: string): Promise<Deno.DirEntry[] | undefined> {
  try {
    return (await Array.fromAsync(Deno.readDir(folder))).sort((a, b) => a.name < b.name ? -1 : 1);
  } catch {
    return undefined;
  }
}

/** Whether a folder is a run, or a cache: by what every one of them has. */
async function isOurs(folder: string, names: ReadonlySet<string>): Promise<boolean> {
  if (names.has("deno") && names.has("describe") && names.has("shared")) return true;
  if (!names.has("run.json") || !names.has("config.json")) return false;
  try {
    const record = safeParseJson(await Deno.readTextFile(join(folder, "run.json")), "run.json");
    return (record as { schema?: unknown } | null)?.schema === "beamline-run/1";
  } catch {
    return false;
  }
}
