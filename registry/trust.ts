/**
 * The experiment lock: `beamline.lock` beside the user's `deno.json` pins the code and the grants of plugins that are
 * not built in.
 *
 * A plugin that is registered in `deno.json` is refused when its code or its grants are not the pinned ones,
 * until `deno task trust` accepts it. A plugin that is named by its path was chosen by hand, often while it
 * is being written: a change is reported and recorded. A plugin in a folder that the user declared to be their own is
 * pinned anew. With `--frozen` all are refused, and nothing is pinned.
 *
 * Whoever sends a plugin can send a lock. So a lock says what the code must be, and never that the user knows it: that is
 * remembered outside of projects ({@link ./known_plugins.ts}).
 *
 * @module
 */
import { z } from "zod";
import { ConfigError } from "../core/errors.ts";
import { safeParseJson } from "../core/json.ts";
import { exists, writeJson } from "../files/atomic.ts";
import { readPlainText } from "../files/plain_file.ts";
import { KnownPlugins } from "./known_plugins.ts";
import type { PluginLocation } from "./manifest.ts";
import { type Pin, pinOf } from "./pins.ts";
import { FileLock } from "../files/lock.ts";
import { join, relative, resolve } from "../files/paths.ts";

const lockShape = z.object({
  schema: z.literal("beamline-lock/1"),
  /** By name for registered plugins, by path relative to the lock ("./" or "../") for others. */
  plugins: z.record(
    z.string(),
    z.object({ modules: z.string(), packages: z.string().nullable(), reads: z.array(z.string()) }),
  ),
});

type Lock = z.output<typeof lockShape>;

/** How a plugin compares with the lock, and with what this user has seen. */
export type Standing =
  | { readonly state: "trusted" }
  | { readonly state: "new"; readonly pin: Pin }
  /** As it is pinned, but by a lock that somebody else wrote. */
  | { readonly state: "unseen"; readonly pin: Pin }
  | {
    readonly state: "changed";
    readonly pin: Pin;
    readonly changes: readonly string[];
    /** Whether it wants to read more than before. */
    readonly isWider: boolean;
    /** Whether this user was told of the plugin as it was pinned, or as it is. */
    readonly isSeen: boolean;
  };

/** Tries to be the only one that writes the lock; some two seconds. */
const BUSY_TRIES = 100;

/** Bytes of the largest lock that is read. */
const MAX_LOCK_BYTES = 2 ** 24;

const EMPTY: Lock = { schema: "beamline-lock/1", plugins: {} };

/** The lock of a working directory. */
export class ExperimentLock {
  readonly path: string;

  /** @param known Where it is remembered that this user was told of a plugin. */
  constructor(readonly directory: string, readonly known: KnownPlugins = new KnownPlugins()) {
    this.path = join(directory, "beamline.lock");
  }

  /** Compares a plugin with its pin; built-in plugins are part of the framework. */
  async standing(location: PluginLocation): Promise<Standing> {
    if (location.origin === "built-in") return { state: "trusted" };
    const pin = await pinOf(location);
    const pinned = (await this.#read()).plugins[this.#key(location)];
    if (!pinned) return { state: "new", pin };
    const changes = changesOf(pinned, pin);
    const hasSeen = (one: Pin) => this.known.hasSeen(location.directory, one);
    if (changes.length === 0) return { state: await hasSeen(pin) ? "trusted" : "unseen", pin };
    const isWider = pin.reads.some((path) => !pinned.reads.includes(path));
    return { state: "changed", pin, changes, isWider, isSeen: await hasSeen(pinned) || await hasSeen(pin) };
  }

  /** Pins a plugin as it is, drops folders that no longer exist, and remembers that the user knows the plugin. */
  async accept(location: PluginLocation, pin: Pin): Promise<void> {
    await this.known.remember(location.directory, pin);
    const lock = await FileLock.take(`${this.path}.busy`, BUSY_TRIES); // another run may pin at the same time
    try {
      const { plugins, ...rest } = await this.#read();
      const kept: [string, Pin][] = [[this.#key(location), pin]];
      for (const [key, other] of Object.entries(plugins)) {
        const isGone = key.startsWith(".") && !await exists(resolve(this.directory, key));
        if (key !== this.#key(location) && !isGone) kept.push([key, other]);
      }
      const sorted = Object.fromEntries(kept.sort(([a], [b]) => a < b ? -1 : 1));
      await writeJson(this.path, { ...rest, plugins: sorted }, { isTidied: true });
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
 * Decides whether a plugin may run, pins it on its first run, and says what the user should know. A lock that this user's
 * Beamline did not write is compared, but says nothing about whether the user knows the plugin.
 *
 * @param directory The working directory.
 * @param known What this user has seen.
 * @throws {ConfigError} If the plugin is refused; the message names the command that accepts it.
 */
export async function checkTrust(
  location: PluginLocation,
  directory: string,
  isFrozen: boolean,
  known: KnownPlugins = new KnownPlugins(),
): Promise<TrustNotice> {
  const lock = new ExperimentLock(directory, known);
  const standing = await lock.standing(location);
  if (standing.state === "trusted") return { lines: [] };
  const command = `deno task trust ${
    location.origin === "path" ? relative(directory, location.directory) || "." : location.manifest.name
  }`;
  if (isFrozen) refuseFrozen(location, standing, command, await known.isOwn(directory));
  if (standing.state === "changed") return await changedNotice(location, lock, standing, command, known);
  const isPinned = standing.state === "unseen" ||
    await lock.accept(location, standing.pin).then(() => true, () => false);
  await known.remember(location.directory, standing.pin);
  return {
    lines: [
      grantsLine(location, standing.pin),
      ...(isPinned ? [] : [`beamline.lock cannot be written in "${directory}"`]),
    ],
  };
}

type Doubtful = Exclude<Standing, { state: "trusted" }>;

/** With `--frozen` a plugin must be pinned as it is, by this user here, or by a lock in a folder of the user's own. */
function refuseFrozen(
  { manifest }: PluginLocation,
  standing: Doubtful,
  command: string,
  isOwnLock: boolean,
): void {
  const { name } = manifest;
  if (standing.state === "changed") throw changedError(name, standing.changes, command);
  if (standing.state === "new") {
    throw new ConfigError(
      `Cannot run plugin "${name}" as with --frozen it must be in beamline.lock: it is not; accept it with "${command}"`,
    );
  }
  if (isOwnLock) return;
  throw new ConfigError(
    `Cannot run plugin "${name}" as with --frozen beamline.lock must be yours: it was not written here; accept the plugin with "${command}", or the folder with "deno task trust --own ."`,
  );
}

function changedError(name: string, changes: readonly string[], command: string): ConfigError {
  return new ConfigError(
    `Cannot run plugin "${name}" as it must be as it was when it was trusted: changed are ${
      changes.join(", ")
    }; accept it with "${command}"`,
  );
}

/** What is said of a plugin that is not as it was pinned; a folder of the user's own is pinned anew. */
async function changedNotice(
  location: PluginLocation,
  lock: ExperimentLock,
  { pin, changes, isWider, isSeen }: Extract<Standing, { state: "changed" }>,
  command: string,
  known: KnownPlugins,
): Promise<TrustNotice> {
  const { name } = location.manifest;
  if (!isWider && await known.isOwn(location.directory)) {
    await lock.accept(location, pin).catch(() => {}); // it is said again at the next run
    const first = isSeen ? [] : [grantsLine(location, pin)];
    return {
      lines: [...first, `plugin "${name}" has changed and is pinned anew, as its folder is your own`],
    };
  }
  if (location.origin === "deno.json") throw changedError(name, changes, command);
  if (!isSeen) await known.remember(location.directory, pin);
  return {
    lines: [
      ...(isSeen ? [] : [grantsLine(location, pin)]),
      `plugin "${name}" has changed since it was trusted: ${changes.join(", ")}; accept it with "${command}"`,
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
