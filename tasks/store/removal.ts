/**
 * Removing runs: what would go and how large it is, a question, and nothing but the folders of the runs.
 *
 * @module
 */
import { ConfigError } from "../../core/errors.ts";
import { formatBytes } from "../../core/format.ts";
import { asideTarget } from "../../core/writing.ts";
import { freshAside } from "../../files/asides.ts";
import { FileLock } from "../../files/lock.ts";
import { basename, dirname, join } from "../../files/paths.ts";
import { removeClosed } from "../../files/scratch.ts";
import { sizeBelow } from "../../files/size.ts";
import { forgetRun } from "../../run/origin/known_runs.ts";
import type { Cache } from "../../run/store/cache.ts";
import { LOCK_FILE, type RunDirectory } from "../../run/store/run_directory.ts";
import type { Asked } from "../shared/consent.ts";
import { textTable } from "../terminal/text_table.ts";
import { tell } from "../terminal/print.ts";
import type { FoundRun } from "./selection.ts";

/** What was done. */
export interface RemovalOutcome {
  /** Paths of runs that are gone. */
  readonly removed: readonly string[];
  readonly bytes: number;
  /** Keys of prepared data that are gone. */
  readonly prepared: readonly string[];
  /** Runs that were kept, and why. */
  readonly kept: readonly { readonly run: string; readonly reason: string }[];
}

/** What is to be removed, and who is asked. */
export interface RemovalOptions extends Asked {
  /** Whether the runs were named one by one: then one that cannot be removed is an error, and nothing is. */
  readonly isNamed: boolean;
  /** Prepared data that go, too, of those among the runs that are removed. @default none */
  readonly prepared?:
    | { readonly cache: Cache; readonly keysOf: (runs: readonly RunDirectory[]) => readonly string[] }
    | undefined;
}

/**
 * Asks, and removes runs. A run that a process works on stays, and so does one that is reached over a link.
 *
 * @throws {ConfigError} If nobody consents.
 */
export async function removeRuns(
  runs: readonly FoundRun[],
  { isNamed, isAccepted, ask, prepared }: RemovalOptions,
): Promise<RemovalOutcome> {
  const reasons = await Promise.all(runs.map(reasonToKeep));
  const kept = runs.flatMap(({ run }, i) =>
    reasons[i] === undefined ? [] : [{ run: run.path, reason: reasons[i]! }]
  );
  if (isNamed && kept[0]) throw cannotRemove(kept[0].run, kept[0].reason);
  for (const { run, reason } of kept) tell(`kept  ${basename(run)}: ${reason}`);
  const open = runs.filter((_, i) => reasons[i] === undefined);
  if (open.length === 0) return { removed: [], bytes: 0, prepared: [], kept };
  const sizes = await Promise.all(open.map(({ run }) => sizeBelow(run.path)));
  const entries = await prepared?.cache.unused(prepared.keysOf(open.map(({ run }) => run))) ?? [];
  const bytes = sum([...sizes, ...entries.map(({ bytes }) => bytes)]);
  tell(plan(open, sizes));
  for (const entry of entries) tell(`prepared data ${entry.key.slice(0, 8)}  ${formatBytes(entry.bytes)}`);
  const rest = prepared ? "" : "; prepared data stay in the cache, without --prepared";
  tell(`${open.length === 1 ? "1 run" : `${open.length} runs`}, ${formatBytes(bytes)}${rest}`);
  requireYes(isAccepted, ask);
  const removed: RunDirectory[] = [];
  for (const { run } of open) {
    const reason = await removeRun(run);
    if (reason === undefined) removed.push(run);
    else kept.push({ run: run.path, reason });
  }
  const gone = removed.length === open.length ? entries : []; // a run that stayed may need them
  for (const { key } of gone) await prepared!.cache.drop(key);
  return {
    removed: removed.map(({ path }) => path),
    bytes: sum([
      ...open.flatMap(({ run }, i) => removed.includes(run) ? sizes[i]! : []),
      ...gone.map(({ bytes }) => bytes),
    ]),
    prepared: gone.map(({ key }) => key),
    kept,
  };
}

function sum(sizes: readonly number[]): number {
  return sizes.reduce((total, size) => total + size, 0);
}

function plan(runs: readonly FoundRun[], sizes: readonly number[]): string[] {
  const hasNames = runs.some(({ run }) => run.record.name !== undefined);
  const rows = runs.map(({ run: { record }, state }, i) => [
    `${record.plugin.name}/${record.id}`,
    ...(hasNames ? [record.name ?? ""] : []),
    state,
    formatBytes(sizes[i]!),
  ]);
  return textTable(["run", ...(hasNames ? ["name"] : []), "status", "size"], rows);
}

function requireYes(isAccepted: boolean, ask: Asked["ask"]): void {
  if (isAccepted) return;
  if (!ask) {
    throw new ConfigError("Cannot remove runs as somebody must agree: nobody could be asked; --yes agrees");
  }
  if (!ask("remove? [y/N]")) {
    throw new ConfigError("Cannot remove runs as somebody must agree: it was declined");
  }
}

/** Why a run must stay; undefined where it can go. */
async function reasonToKeep({ run, state }: FoundRun): Promise<string | undefined> {
  if (state === "running") return "a process works on it";
  const [folder, parent] = await Promise.all([run.path, dirname(run.path)].map((path) => Deno.lstat(path)));
  if (folder!.isSymlink) return "it is a link to a folder elsewhere";
  if (parent!.isSymlink) {
    return `"${dirname(run.path)}" is a link; name the folder of runs that it leads to with --runs`;
  }
  return undefined;
}

/** Removes the folder of a run; returns why it could not be. What is said of a lock is that of the moment of removal. */
async function removeRun(run: RunDirectory): Promise<string | undefined> {
  let lock: FileLock | undefined;
  try {
    lock = await FileLock.take(run.file(LOCK_FILE));
    if (!lock) return "a process works on it";
    const aside = freshAside(run.path);
    await Deno.rename(run.path, aside); // at once: nobody finds half a run
    if ((await Deno.lstat(aside)).isSymlink) return `a link was put in its place, which is at "${aside}" now`;
    await Deno.remove(join(aside, "run.json"));
    await removeClosed(aside);
    await forgetRun(run);
    return undefined;
  } catch (error) {
    return (error as Error).message.split("\n")[0];
  } finally {
    await lock?.release();
  }
}

/** Removes what is left of runs whose removal was cut off. */
export async function removeLeftOvers(runs: readonly FoundRun[]): Promise<void> {
  for (const parent of new Set(runs.map(({ run }) => dirname(run.path)))) {
    for await (const { name, isDirectory } of Deno.readDir(parent)) {
      const path = join(parent, name);
      if (!isDirectory || asideTarget(name) === undefined) continue;
      const lock = await FileLock.take(join(path, LOCK_FILE)).catch(() => undefined);
      if (!lock) continue;
      await removeClosed(path).catch(() => {}); // tidying is no reason to fail
      await lock.release();
    }
  }
}

function cannotRemove(run: string, reason: string): ConfigError {
  return new ConfigError(
    `Cannot remove run "${basename(run)}" as nobody may work on it, and no link lead to it: ${reason}`,
  );
}
