/**
 * Where a plugin's hooks run: in a sandbox, or in this process for trusted code.
 *
 * @module
 */
import type { Plugin } from "../../core/plugin.ts";
import { fieldNameProblem } from "../../core/field_names.ts";
import { sha256Hex } from "../../core/hash.ts";
import { canonicalJson, safeParseJson } from "../../core/json.ts";
import type { Json } from "../../core/types.ts";
import { openInProcess } from "../../sandbox/host/in_process.ts";
import type { Description } from "../../sandbox/protocol/description.ts";
import { openSandbox } from "../../sandbox/host/host.ts";
import type { PluginHost, SandboxGrants } from "../../sandbox/protocol/plugin_host.ts";
import { limitsFor, type SandboxLimits } from "../../sandbox/protocol/limits.ts";
import { Cache } from "../store/cache.ts";
import { exists, writeJson } from "../../files/atomic.ts";
import { contentOf } from "../store/content.ts";
import type { SeenDigests } from "../store/seen.ts";
import {
  FRAMEWORK_ROOT,
  hashOfModules,
  HOOK_ROOMS,
  moduleHashes,
  SANDBOX_ROOMS,
} from "../../registry/framework.ts";
import type { PluginLocation } from "../../registry/manifest.ts";
import { join } from "../../files/paths.ts";

/** A plugin and the way to run it. */
export interface PluginSource {
  readonly name: string;
  readonly title: string;
  /** Folder of its code; undefined where it was handed in as an object. */
  readonly directory: string | undefined;
  /** How it was found; undefined where it was handed in as an object. */
  readonly origin?: PluginLocation["origin"];
  open(grants: SandboxGrants): Promise<PluginHost>;
  /** Hash of the code that decides what its hooks do. */
  hash(): Promise<string>;
  /**
   * Hash of all that `prepare` may read beside the inputs: every file of the plugin's folder and of `permissions.read`.
   * Undefined where it cannot be known; what was prepared is then not kept.
   */
  contentHash(places: ContentPlaces): Promise<string | undefined>;
}

/** Where digests are remembered, and what does not count although it may lie in a plugin's folder. */
export interface ContentPlaces {
  readonly seen: SeenDigests;
  /** The folders of runs and of prepared data; absolute. */
  readonly leftOut: readonly string[];
}

/** A plugin that runs in a sandbox. */
export function sandboxedSource(location: PluginLocation, hookTimeoutSeconds?: number): PluginSource {
  const limits: SandboxLimits = limitsFor(location.manifest, hookTimeoutSeconds);
  let hash: Promise<string> | undefined;
  return {
    name: location.manifest.name,
    title: location.manifest.title,
    directory: location.directory,
    origin: location.origin,
    open: (grants) => openSandbox(location, grants, limits),
    hash: () => hash ??= moduleHashes(location.directory).then(hashOfModules),
    contentHash: (places) => contentHash(location, places),
  };
}

/** Equal content gives equal hashes wherever it lies; another plugin of the same name has another. */
async function contentHash(
  { directory, reads, manifest }: PluginLocation,
  places: ContentPlaces,
): Promise<string> {
  const own = await contentOf(directory, { ...places, hasGit: false });
  const others = await Promise.all(reads.map((read) => contentOf(read, { ...places, hasGit: true })));
  const named = manifest.permissions.read.map((name, i) => [name, others[i]!] as const);
  await places.seen.save();
  return sha256Hex(canonicalJson([own, named] as unknown as Json));
}

/** A trusted plugin that runs in this process: no sandbox, no limits. */
export function inProcessSource(plugin: Plugin): PluginSource {
  return {
    name: plugin.name,
    title: plugin.title,
    directory: undefined,
    open: (grants) => Promise.resolve(openInProcess(plugin, grants.sharedDirectory ?? "")),
    // What a closure holds cannot be seen, whatever modules it came from: nothing of such a plugin is kept.
    hash: () => Promise.resolve(crypto.randomUUID()),
    contentHash: () => Promise.resolve(undefined),
  };
}

let framework: Promise<string> | undefined;

/** Hash of the framework's modules that decide what hooks return. */
export function frameworkHash(): Promise<string> {
  return framework ??= (async () => {
    const hashes = await Promise.all(
      HOOK_ROOMS.map((room) => moduleHashes(join(FRAMEWORK_ROOT, room)).then(hashOfModules)),
    );
    return sha256Hex(hashes.join(""));
  })();
}

let readable: Promise<string> | undefined;

/** Hash of the framework as a sandbox may read it, and of the packages it may load: `prepare` can import all of it. */
export function readableFrameworkHash(): Promise<string> {
  return readable ??= (async () => {
    const parts = await Promise.all(
      [...SANDBOX_ROOMS, "deno.lock"].map(async (name) => {
        const path = join(FRAMEWORK_ROOT, name);
        const info = await Deno.stat(path).catch(() => undefined);
        if (!info) return "";
        return info.isDirectory
          ? hashOfModules(await moduleHashes(path))
          : sha256Hex(await Deno.readFile(path));
      }),
    );
    return sha256Hex(parts.join("\n"));
  })();
}

/**
 * What the plugin says of itself. Kept in the cache by the hash of its code, so that help and flags are quick.
 *
 * @param cacheDirectory Folder of the cache; it is not made when it is not there and cannot be.
 */
export async function describePlugin(source: PluginSource, cacheDirectory: string): Promise<Description> {
  const key = sha256Hex(canonicalJson([source.name, await source.hash(), await frameworkHash()])).slice(
    0,
    32,
  );
  const file = join(cacheDirectory, "describe", `${key}.json`);
  if (source.directory !== undefined && await exists(file)) {
    return safeParseJson(await Deno.readTextFile(file), file) as unknown as Description;
  }
  const denoDir = await new Cache(cacheDirectory).denoDir(source.name).catch(() => undefined);
  const host = await source.open({ read: [], ...(denoDir === undefined ? {} : { denoDir }) });
  try {
    const description = await host.call("describe", {}) as unknown as Description;
    if (description.name !== source.name) {
      throw new TypeError(
        `Cannot load plugin "${source.name}" as manifest and definePlugin must agree on the name: found "${description.name}"`,
      );
    }
    const problem = fieldNameProblem(description.schema); // an object that definePlugin never saw
    if (problem !== undefined) throw new TypeError(`Cannot load plugin "${source.name}" as ${problem}`);
    if (source.directory !== undefined) await keep(file, description as unknown as Json);
    return description;
  } finally {
    await host.close();
  }
}

/** Keeps a description where the cache can be written; it is only a short cut. */
async function keep(file: string, description: Json): Promise<void> {
  try {
    await Deno.mkdir(join(file, ".."), { recursive: true });
    await writeJson(file, description, { isTidied: true });
  } catch {
    // a cache that cannot be written is told when data are prepared
  }
}
