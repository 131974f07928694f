/**
 * The runs that this user made or accepted, kept in the state folder: nothing in a run folder says where it comes from,
 * as whoever sends one writes all of it.
 *
 * @module
 */
import { z } from "zod";
import { sha256Hex } from "../../core/hash.ts";
import { canonicalJson } from "../../core/json.ts";
import type { Json } from "../../core/types.ts";
import { dirname, join } from "../../files/paths.ts";
import { readState, stateDirectory, writeState } from "../../files/state.ts";
import { RUN_ID, type RunDirectory } from "../store/run_directory.ts";
import type { Named } from "./named.ts";

/** The most runs that are remembered; the oldest are forgotten, and asked about once if they are used again. */
const MAX_RUNS = 20_000;

/** Runs that are forgotten at once, so that the folder is not tidied at every run. */
const FORGOTTEN = 1_000;

const entryShape = z.object({
  schema: z.literal("beamline-known-run/1"),
  /** Made by this user, or sent by somebody and accepted. */
  origin: z.enum(["made", "accepted"]),
  digest: z.string(),
  /** What the user named or accepted: absolute paths; with a hash where the code was part of the run. */
  paths: z.array(z.string()),
});

type Entry = z.output<typeof entryShape>;

/**
 * Of what a run names, that which this user has neither named nor accepted.
 *
 * @param named What a command would use.
 * @param state The state folder.
 */
export async function unknownOf(
  run: RunDirectory,
  named: readonly Named[],
  state: string | undefined = stateDirectory(),
): Promise<readonly Named[]> {
  if (named.length === 0) return [];
  const entry = await readEntry(run, state);
  return entry ? named.filter((one) => !isCovered(entry, one)) : named;
}

/** In a run of one's own a link that one named may lead elsewhere by now, and one's plugin may ask for more. */
function isCovered({ origin, paths }: Entry, named: Named): boolean {
  if (paths.includes(acceptedAs(named))) return true;
  return origin === "made" && (named.kind === "grant" || paths.includes(named.path));
}

/** What is remembered of something that was accepted: where it leads to, and of code in the run which code it was. */
function acceptedAs({ real, code }: Named): string {
  return code === undefined ? real : `${real} ${code}`;
}

/**
 * Remembers a run with what it names; what was remembered before stays. A run that was accepted stays one that was sent.
 *
 * @param origin Of a run that is not known yet.
 * @param state The state folder.
 * @returns Whether it could be remembered.
 */
export async function rememberRun(
  run: RunDirectory,
  named: readonly Named[],
  origin: Entry["origin"],
  state: string | undefined = stateDirectory(),
): Promise<boolean> {
  const [file, digest] = [fileOf(run, state), digestOf(run)];
  if (file === undefined || digest === undefined) return false;
  const before = await readEntry(run, state);
  const kept = before?.origin ?? origin;
  const added = named.flatMap((one) => kept === "made" ? [one.path, acceptedAs(one)] : [acceptedAs(one)]);
  const entry: Entry = {
    schema: "beamline-known-run/1",
    origin: kept,
    digest,
    paths: [...new Set([...before?.paths ?? [], ...added])],
  };
  return await writeState(file, entry) && await forgetOldest(dirname(file)).then(() => true, () => false);
}

/** Forgets a run that is removed; a copy of it is asked about like one that was sent. */
export async function forgetRun(
  run: RunDirectory,
  state: string | undefined = stateDirectory(),
): Promise<void> {
  const file = fileOf(run, state);
  if (file !== undefined) await Deno.remove(file).catch(() => {}); // it was never known, or may not be written
}

async function readEntry(run: RunDirectory, state: string | undefined): Promise<Entry | undefined> {
  const file = fileOf(run, state);
  if (file === undefined) return undefined;
  const { data: entry } = entryShape.safeParse(await readState(file));
  return entry && entry.digest === digestOf(run) ? entry : undefined;
}

function fileOf({ record }: RunDirectory, state: string | undefined): string | undefined {
  const isId = typeof record.id === "string" && RUN_ID.test(record.id); // it becomes the name of a file
  return state === undefined || !isId ? undefined : join(state, "runs", `${record.id}.json`);
}

/**
 * Digest of the fields that decide which code runs and what it is given, and which no later command changes. Of the others,
 * such as the seed, a verification says whether they are as they were. Undefined for texts that have no canonical form.
 */
function digestOf({ record }: RunDirectory): string | undefined {
  const { id, plugin: { name, path = null }, action, files = [] } = record;
  try {
    return sha256Hex(canonicalJson({ id, plugin: { name, path }, action, files } as unknown as Json));
  } catch {
    return undefined;
  }
}

/** Ids begin with their time, so that the oldest come first. */
async function forgetOldest(directory: string): Promise<void> {
  const names = (await Array.fromAsync(Deno.readDir(directory), ({ name }) => name)).sort();
  if (names.length <= MAX_RUNS) return;
  for (const name of names.slice(0, names.length - MAX_RUNS + FORGOTTEN)) {
    await Deno.remove(join(directory, name)).catch(() => {}); // another process forgot it
  }
}
