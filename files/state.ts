/**
 * The state folder: what Beamline remembers of this user outside of projects, run folders and plugin folders, such as the
 * runs that were made here. Nobody who sends a folder can write into it.
 *
 * @module
 */
import { safeParseJson } from "../core/json.ts";
import type { Json } from "../core/types.ts";
import { removeOldAsides } from "./asides.ts";
import { writeJson } from "./atomic.ts";
import { dirname, join, resolve } from "./paths.ts";

/** The environment variable that names the state folder. */
export const STATE_VARIABLE = "BEAMLINE_STATE";

/**
 * Path of this user's state folder; it need not exist. `BEAMLINE_STATE`, else `beamline` below `XDG_STATE_HOME`, else
 * below `~/.local/state` (`LOCALAPPDATA` on Windows).
 *
 * @returns `undefined` where none of these variables is set, or none may be read.
 * @see https://specifications.freedesktop.org/basedir-spec/latest/
 */
export function stateDirectory(): string | undefined {
  const named = variable(STATE_VARIABLE);
  if (named !== undefined) return resolve(named);
  const base = Deno.build.os === "windows" ? variable("LOCALAPPDATA") : variable("XDG_STATE_HOME");
  if (base !== undefined) return resolve(base, "beamline");
  const home = variable("HOME") ?? variable("USERPROFILE");
  return home === undefined ? undefined : join(resolve(home), ".local", "state", "beamline");
}

/** What a file of the state folder holds; undefined where it was never written, is damaged, or may not be read. */
export async function readState(file: string): Promise<Json | undefined> {
  try {
    return safeParseJson(await Deno.readTextFile(file), file);
  } catch {
    return undefined;
  }
}

/** Writes a file of the state folder; returns whether it could be: the folder can be read-only, full, or not ours. */
export async function writeState(file: string, value: unknown): Promise<boolean> {
  try {
    await Deno.mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await removeOldAsides(dirname(file));
    await writeJson(file, value);
    return true;
  } catch {
    return false;
  }
}

function variable(name: string): string | undefined {
  try {
    return Deno.env.get(name) || undefined;
  } catch {
    return undefined; // this task may not read the environment
  }
}
