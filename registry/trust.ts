/**
 * The experiment lock: `beamline.lock` beside the user's `deno.json` pins the code and the grants of plugins that are
 * not built in.
 *
 * A plugin that is registered in `deno.json` is refused when its code or its grants are not the pinned ones,
 * until `deno task trust` accepts it. A plugin that is named by its path was chosen by hand, often while it
 * is being written: a change is reported and recorded. With `--frozen` both are refused, and nothing is
 * pinned.
 *
 * @module
 */
import fs from "node:fs";
import { z } from "zod";
import { ConfigError, DataError } from "../core/errors.ts";
import { safeParseJson } from "../core/json.ts";
import { exists, writeJson } from "../files/atomic.ts";
import { readPlainText } from "../files/plain_file.ts";
import { hashOfModules, moduleHashes } from "./framework.ts";
import type { PluginLocation } from "./manifest.ts";
import { FolderHasher, refuseGiant } from "./walk_folder.ts";
import { FileLock } from "../files/lock.ts";
import { dirname, join, relative, resolve } from "../files/paths.ts";

/** What is pinned of one plugin. */
export interface Pin {
  /**
   * Hash over all code files in the plugin's folder, tests and packages included: all that it can import; and over
   * modules in the folders that it may read.
   */
  readonly modules: string;
  /** Hash of the plugin's own lock file, its npm closure; null where it has none. */
  readonly packages: string | null;
  /** Folders beyond its own that it may read, relative to the plugin. */
  readonly reads: readonly string[];
}

const lockShape = z.object({
  schema: z.literal("beamline-lock/1"),
  /** By name for registered plugins, by path relative to the lock ("./" or "../") for others. */
  plugins: z.record(
    z.string(),
    z.object({ modules: z.string(), packages: z.string().nullable(), reads: z.array(z.string()) }),
  ),
});

type Lock = z.output<typeof lockShape>;

/** How a plugin compares with the lock. */
export type Standing =
  | { readonly state: "trusted" }
  | { readonly state: "new"; readonly pin: Pin }
  | { readonly state: "changed"; readonly pin: Pin; readonly changes: readonly string[] };

/** Tries to be the only one that writes the lock; some two seconds. */
const BUSY_TRIES = 100;

/** Modules in folders of data, by their ending or without one; JSON is data there. */
const MODULE = /(^\.?[^.]*|\.([cm]?[jt]s|[jt]sx|wasm))$/i;

/** Bytes of the largest lock that is read. */
const MAX_LOCK_BYTES = 2 ** 24;

const EMPTY: Lock = { schema: "beamline-lock/1", plugins: {} };

/**
 * What a plugin's folder holds now.
 *
 * @throws {DataError} If the plugin's folder, or what it may read, cannot be pinned: pipes, devices, files of terabytes.
 */
export async function pinOf(location: PluginLocation): Promise<Pin> {
  const { directory, reads } = location;
  const { "deno.lock": packages = null, ...modules } = await moduleHashes(directory, { isComplete: true });
  for (const name of LOCK_FILES) delete modules[name];
  for (const read of reads) {
    for (const [path, hash] of Object.entries(await readableCode(read))) {
      modules[relative(directory, join(read, path))] = hash;
    }
  }
  return {
    modules: hashOfModules(modules),
    packages,
    reads: reads.map((path) => relative(directory, path)).sort(),
  };
}

/** Names of the lock and of the file beside it: where the plugin's folder is the working directory, each run writes them. */
const LOCK_FILES = ["beamline.lock", "beamline.lock.busy"];

/** Folders of the kernel: what is in them are no files. */
const KERNEL_FOLDERS = ["/proc", "/sys", "/dev"];

/** Code in what a plugin may read besides its folder: modules in a folder, or the file that is named, whatever its name. */
async function readableCode(read: string): Promise<{ readonly [path: string]: string }> {
  const refuse = (rule: string, found: string): never => {
    throw new DataError(`Cannot grant "${read}" of permissions.read as ${rule}: ${found}`, read);
  };
  const real = await Deno.realPath(read).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return undefined; // a sandbox does not start without it
    return read; // Deno opens no folder of the kernel: the check below says so
  });
  if (real === undefined) return {};
  if (real === "/") refuse("a plugin may not read the whole disk", "it is the root");
  const kernel = KERNEL_FOLDERS.find((folder) => real === folder || real.startsWith(`${folder}/`));
  if (kernel !== undefined) refuse("it must lie on a disk", `it lies in ${kernel}`);
  const info = fs.lstatSync(real, { throwIfNoEntry: false });
  if (info === undefined) return refuse("it must be readable", "it is not");
  refuseGiant(real, info);
  if (info.isFile()) return { "": new FolderHasher(dirname(real), Infinity).hashFile(real) };
  if (!info.isDirectory()) refuse("it must be a file or a folder", "it is a pipe, device or socket");
  return await moduleHashes(real, { isComplete: true, pattern: MODULE, isData: true });
}

/** The lock of a working directory. */
export class ExperimentLock {
  readonly path: string;

  constructor(readonly directory: string) {
    this.path = join(directory, "beamline.lock");
  }

  /** Compares a plugin with its pin; built-in plugins are part of the framework. */
  async standing(location: PluginLocation): Promise<Standing> {
    if (location.origin === "built-in") return { state: "trusted" };
    const pin = await pinOf(location);
    const pinned = (await this.#read()).plugins[this.#key(location)];
    if (!pinned) return { state: "new", pin };
    const changes = changesOf(pinned, pin);
    return changes.length === 0 ? { state: "trusted" } : { state: "changed", pin, changes };
  }

  /** Pins a plugin as it is, and drops folders that no longer exist. */
  async accept(location: PluginLocation, pin: Pin): Promise<void> {
    const lock = await FileLock.take(`${this.path}.busy`, BUSY_TRIES); // another run may pin at the same time
    try {
      const { plugins, ...rest } = await this.#read();
      const kept: [string, Pin][] = [[this.#key(location), pin]];
      for (const [key, other] of Object.entries(plugins)) {
        const isGone = key.startsWith(".") && !await exists(resolve(this.directory, key));
        if (key !== this.#key(location) && !isGone) kept.push([key, other]);
      }
      const sorted = Object.fromEntries(kept.sort(([a], [b]) => a < b ? -1 : 1));
      await writeJson(this.path, { ...rest, plugins: sorted });
    } finally {
      await lock?.release();
    }
  }

  #key(location: PluginLocation): string {
    if (location.origin === "deno.json") return location.manifest.name;
    const path = relative(this.directory, location.directory);
    return path.startsWith("../") ? path : `./${path}`; // never the name of a registered one
  }

  async #read(): Promise<Lock> {
    if (!await exists(this.path)) return EMPTY;
    const text = readPlainText(await Deno.realPath(this.path), MAX_LOCK_BYTES);
    const parsed = lockShape.safeParse(safeParseJson(text, this.path));
    if (parsed.success) return parsed.data;
    const issue = parsed.error.issues[0];
    throw new SyntaxError(
      `Cannot read "${this.path}" as its schema must be "beamline-lock/1": "${
        issue?.path.join(".")
      }" is not right: ${issue?.message}`,
    );
  }
}

function changesOf(pinned: Pin, pin: Pin): string[] {
  const added = pin.reads.filter((path) => !pinned.reads.includes(path));
  return [
    ...(pinned.modules === pin.modules ? [] : ["its code"]),
    ...(pinned.packages === pin.packages ? [] : ["its packages"]),
    ...added.map((path) => `it also wants to read "${path}"`),
  ];
}

/** What to report to the user before a run. */
export interface TrustNotice {
  readonly lines: readonly string[];
}

/**
 * Decides whether a plugin may run, pins it on its first run, and says what the user should know.
 *
 * @throws {ConfigError} If the plugin is refused; the message names the command that accepts it.
 */
export async function checkTrust(
  location: PluginLocation,
  directory: string,
  isFrozen: boolean,
): Promise<TrustNotice> {
  const lock = new ExperimentLock(directory);
  const standing = await lock.standing(location);
  const { name } = location.manifest;
  if (standing.state === "trusted") return { lines: [] };
  const command = `deno task trust ${
    location.origin === "path" ? relative(directory, location.directory) || "." : name
  }`;
  if (standing.state === "changed") {
    const what = standing.changes.join(", ");
    if (isFrozen || location.origin === "deno.json") {
      throw new ConfigError(
        `Cannot run plugin "${name}" as it must be as it was when it was trusted: changed are ${what}; accept it with "${command}"`,
      );
    }
    return {
      lines: [`plugin "${name}" has changed since it was trusted: ${what}; accept it with "${command}"`],
    };
  }
  if (isFrozen) {
    throw new ConfigError(
      `Cannot run plugin "${name}" as with --frozen it must be in beamline.lock: it is not; accept it with "${command}"`,
    );
  }
  const isPinned = await lock.accept(location, standing.pin).then(() => true, () => false);
  return {
    lines: [
      grantsLine(location, standing.pin),
      ...(isPinned ? [] : [`beamline.lock cannot be written in "${directory}"`]),
    ],
  };
}

/** What a plugin may touch, in one line. */
export function grantsLine(location: PluginLocation, pin: Pin): string {
  const reads = pin.reads.length === 0
    ? "its own folder and the data you give it"
    : `its own folder, ${pin.reads.join(", ")} and the data you give it`;
  return `plugin "${location.manifest.name}" runs for the first time: it may read ${reads}; it has no network, no environment, no other programs`;
}
