/**
 * What this user's Beamline has seen of plugins, kept in the state folder: which were run here as they are, and which
 * folders are the user's own. Nothing beside a plugin says so, as whoever sends a plugin can send a lock, too.
 *
 * @module
 */
import { z } from "zod";
import { sha256Hex } from "../core/hash.ts";
import { canonicalJson } from "../core/json.ts";
import { dirname, join } from "../files/paths.ts";
import { readState, stateDirectory, writeState } from "../files/state.ts";
import type { Pin } from "./pins.ts";

const seenShape = z.object({
  schema: z.literal("beamline-known-plugin/1"),
  /** Real path of the plugin's folder. */
  directory: z.string(),
  /** Digests of the pins that were run or trusted last, the latest first. */
  pins: z.array(z.string()),
});

/** Pins that are remembered of one plugin: a lock of an older state, such as that of a branch, stays known. */
const MAX_PINS = 32;

const ownShape = z.object({
  schema: z.literal("beamline-own-folder/1"),
  /** Real path. */
  directory: z.string(),
});

/** The memory of plugins in one state folder. */
export class KnownPlugins {
  /** @param state The state folder; without one nothing is known, and nothing can be remembered. */
  constructor(readonly state: string | undefined = stateDirectory()) {}

  /** Whether a plugin was run or trusted here as it is, and this user was told what it may touch. */
  async hasSeen(directory: string, pin: Pin): Promise<boolean> {
    const seen = await this.#read("plugins", await real(directory), seenShape);
    return seen?.pins.includes(digestOf(pin)) ?? false;
  }

  /** Remembers a plugin as it is; returns whether it could be. */
  async remember(directory: string, pin: Pin): Promise<boolean> {
    const path = await real(directory);
    const before = (await this.#read("plugins", path, seenShape))?.pins ?? [];
    const pins = [...new Set([digestOf(pin), ...before])].slice(0, MAX_PINS);
    return this.#write("plugins", path, { schema: "beamline-known-plugin/1", directory: path, pins });
  }

  /** Whether a folder, or one that holds it, was declared to be the user's own. */
  async isOwn(directory: string): Promise<boolean> {
    for (let folder = await real(directory);; folder = dirname(folder)) {
      if (await this.#read("own", folder, ownShape)) return true;
      if (dirname(folder) === folder) return false;
    }
  }

  /**
   * Declares a folder to be the user's own.
   *
   * @returns The file that says so, whose removal takes it back; undefined if it cannot be written.
   */
  async declareOwn(directory: string): Promise<string | undefined> {
    const path = await real(directory);
    const isWritten = await this.#write("own", path, { schema: "beamline-own-folder/1", directory: path });
    return isWritten ? this.#file("own", path) : undefined;
  }

  #file(kind: "plugins" | "own", path: string): string | undefined {
    return this.state === undefined
      ? undefined
      : join(this.state, kind, `${sha256Hex(path).slice(0, 32)}.json`);
  }

  async #read<T extends { readonly directory: string }>(
    kind: "plugins" | "own",
    path: string,
    shape: z.ZodType<T>,
  ): Promise<T | undefined> {
    const file = this.#file(kind, path);
    if (file === undefined) return undefined;
    const { data: entry } = shape.safeParse(await readState(file));
    return entry?.directory === path ? entry : undefined;
  }

  async #write(kind: "plugins" | "own", path: string, entry: unknown): Promise<boolean> {
    const file = this.#file(kind, path);
    return file !== undefined && await writeState(file, entry);
  }
}

function digestOf({ modules, packages, reads }: Pin): string {
  return sha256Hex(canonicalJson({ modules, packages, reads: [...reads] }));
}

function real(path: string): Promise<string> {
  return Deno.realPath(path).catch(() => path);
}
