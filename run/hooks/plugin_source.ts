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
import { FRAMEWORK_ROOT, hashOfModules, HOOK_ROOMS, moduleHashes } from "../../registry/framework.ts";
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
  /** Hash of everything that decides what its hooks do. */
  hash(): Promise<string>;
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
  };
}

/** A trusted plugin that runs in this process: no sandbox, no limits. */
export function inProcessSource(plugin: Plugin): PluginSource {
  return {
    name: plugin.name,
    title: plugin.title,
    directory: undefined,
    open: (grants) => Promise.resolve(openInProcess(plugin, grants.sharedDirectory ?? "")),
    // the code of an object cannot be hashed: a fresh name each time keeps it out of the cache
    hash: () => Promise.resolve(crypto.randomUUID()),
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
    await writeJson(file, description);
  } catch {
    // a cache that cannot be written is told when data are prepared
  }
}
