/**
 * The run store: plain files, one folder per run, no index. See the run directory in `docs/run_directory.md`.
 *
 * @module
 */
import { ConfigError, DataError, NotFoundError } from "../../core/errors.ts";
import { safeParseJson } from "../../core/json.ts";
import { faultOf, MAX_RECORD_BYTES, SHAPES } from "../../core/record_shapes.ts";
import type { RunRecord } from "../../core/records.ts";
import type { Json } from "../../core/types.ts";
import { asideTarget, diskFailure } from "../../core/writing.ts";
import { removeAsides } from "../../files/asides.ts";
import { exists, removeFolder, writeJson } from "../../files/atomic.ts";
import { FileLock, isLocked, stateOfLock } from "../../files/lock.ts";
import { basename, join, resolve } from "../../files/paths.ts";
import { readPlainText } from "../../files/plain_file.ts";

/** The file that is locked by the process that works on a run; gone when it ended orderly. */
export const LOCK_FILE = "lock";

/** How far a run is, as its record and its lock say it. */
export type RunState = RunRecord["status"] | "killed";

/** An open run directory. */
export class RunDirectory {
  #record: RunRecord;
  #lock: FileLock | undefined;

  constructor(readonly path: string, record: RunRecord) {
    this.#record = record;
  }

  get record(): RunRecord {
    return this.#record;
  }

  /** Path of a file in the directory. */
  file(...parts: string[]): string {
    return join(this.path, ...parts);
  }

  /** Changes fields of `run.json`. */
  async update(changes: Partial<RunRecord>): Promise<void> {
    this.#record = { ...this.#record, ...changes };
    await writeJson(this.file("run.json"), this.#record, { isSynced: true });
  }

  /** How far the run is; "killed" when it was running and no process works on it any more. */
  async state(): Promise<RunState> {
    const { status } = this.record;
    return status === "running" && !await isLocked(this.file(LOCK_FILE)) ? "killed" : status;
  }

  /**
   * Makes this process the only one that works on the run.
   *
   * @param action What is to be done with it, for the error.
   * @throws {ConfigError} If another process does.
   */
  async lock(action = "resume"): Promise<void> {
    this.#lock = await FileLock.take(this.file(LOCK_FILE));
    if (this.#lock) return;
    throw new ConfigError(
      `Cannot ${action} run "${this.record.id}" as one process at a time may work on it: another one does`,
    );
  }

  /** Reads the record again, and removes what a process that was killed left half written. Call it with the lock. */
  async refresh(): Promise<void> {
    this.#record = (await openRun(this.path)).record;
    await removeAsides(this.path);
  }

  /** Lets go of the lock. */
  async unlock(): Promise<void> {
    await this.#lock?.release();
    this.#lock = undefined;
  }

  /** Writes a JSON file. */
  write(name: string, value: unknown): Promise<void> {
    return writeJson(this.file(name), value);
  }
}

/** The form of ids: time, beginning of the hash of the configuration, random digits. */
export const RUN_ID = /^\d{8}T\d{6}Z-[0-9a-f]{8}-[0-9a-f]{4}$/;

/** "20261121T205543Z" */
export function timeStamp(time: Date): string {
  return time.toISOString().replace(/[-:]/g, "").replace(/\.\d+/, "");
}

/** Folders every run has. */
const FOLDERS = ["programs", "checkpoints", "predictions", "figures", "provenance"];

/** Parts of a new run that hold paths relative to it. */
export interface RelativeParts {
  readonly record?: Partial<RunRecord>;
  readonly files?: { readonly [name: string]: unknown };
  /** Called when all but `run.json` is written: a process that is killed later leaves a run that can be resumed. */
  readonly beforeRecord?: (run: RunDirectory) => Promise<void>;
}

/**
 * Makes a new run directory, locked; the exclusive `mkdir` decides the id, so that runs started together never collide.
 * `run.json` is written last: where it is, the run can be resumed.
 *
 * @param more What depends on the directory's path: fields of the record, JSON files to write before `run.json`.
 * @throws {ConfigError} If the folder cannot be made.
 */
export async function createRun(
  out: string,
  record: Omit<RunRecord, "id" | "schema" | "status" | "created" | "finished">,
  more: (path: string) => RelativeParts = () => ({}),
): Promise<RunDirectory> {
  const parent = join(resolve(out), record.plugin.name);
  try {
    await Deno.mkdir(parent, { recursive: true });
    await removeUnbegun(parent).catch(() => {}); // another run may be doing the same
    for (;;) {
      const now = new Date();
      const random = crypto.randomUUID().slice(0, 4);
      const id = `${timeStamp(now)}-${record.configHash.slice(0, 8)}-${random}`;
      try {
        await Deno.mkdir(join(parent, id));
      } catch (error) {
        if (error instanceof Deno.errors.AlreadyExists) continue;
        throw error;
      }
      const full: RunRecord = {
        schema: "beamline-run/1",
        id,
        status: "running",
        created: now.toISOString(),
        finished: null,
        ...record,
      };
      const path = join(parent, id);
      const parts = more(path);
      return await fillRun(new RunDirectory(path, { ...full, ...parts.record }), parts);
    }
  } catch (cause) {
    throw new ConfigError(
      `Cannot write to "${out}" as runs need a folder that can be written: ${plainReason(cause)}`,
    );
  }
}

/** Folders that were begun as lately may be locked in a moment. */
const FRESH_MS = 60_000;

/** Where the file system has no locks: no run takes as long to begin. */
const OLD_MS = 3_600_000;

/** Removes folders of runs that were killed before their run.json was there, and hold no results. */
async function removeUnbegun(parent: string): Promise<void> {
  for await (const { name, isDirectory } of Deno.readDir(parent)) {
    const path = join(parent, name);
    if (isDirectory && RUN_ID.test(name) && await isUnbegun(path)) await removeFolder(path);
  }
}

async function isUnbegun(path: string): Promise<boolean> {
  if (await exists(join(path, "run.json"))) return false;
  const lock = await stateOfLock(join(path, LOCK_FILE));
  const begun = (await Deno.lstat(path)).mtime?.getTime() ?? Date.now();
  if (lock === "held" || Date.now() - begun < (lock === "free" ? FRESH_MS : OLD_MS)) return false;
  return !await exists(join(path, "metrics.jsonl")) && await isEmpty(join(path, "checkpoints"));
}

/** Whether there is nothing in a folder, or no folder. */
async function isEmpty(folder: string): Promise<boolean> {
  return !await exists(folder) || (await Array.fromAsync(Deno.readDir(folder))).length === 0;
}

async function fillRun(
  run: RunDirectory,
  { files = {}, beforeRecord }: RelativeParts,
): Promise<RunDirectory> {
  try {
    await run.lock();
    for (const folder of FOLDERS) await Deno.mkdir(run.file(folder));
    for (const [name, value] of Object.entries(files)) await run.write(name, value);
    await beforeRecord?.(run);
    await run.update({});
    return run;
  } catch (error) {
    await run.unlock();
    await removeFolder(run.path);
    throw error;
  }
}

function plainReason(cause: unknown): string {
  const reason = diskFailure(cause);
  if (reason !== undefined) return reason;
  const error = cause as Error;
  return error.message.split("\n")[0]!.replace(/ \(os error \d+\)/, "").replace(
    /: (mkdir|writefile|rename) .*/,
    "",
  );
}

/**
 * Reads the record of a run directory.
 *
 * @throws {NotFoundError} If there is none.
 * @throws {DataError} If it is a link, or no file.
 */
export function openRun(path: string): Promise<RunDirectory> {
  return Promise.try(() => readRun(path));
}

function readRun(path: string): RunDirectory {
  const file = join(path, "run.json");
  let text: string;
  try {
    text = readPlainText(file, MAX_RECORD_BYTES);
  } catch (error) {
    if (error instanceof DataError) throw error; // a link, a pipe
    if (!(error instanceof Deno.errors.NotFound)) throw unreadable(file, error);
    throw new NotFoundError(
      `Cannot open run "${path}" as its folder must hold run.json: none found`,
      "run",
      path,
    );
  }
  const value = safeParseJson(text, file);
  const schema = (value as { schema?: Json } | null)?.schema;
  if (schema !== "beamline-run/1") {
    throw new SyntaxError(
      `Cannot open run "${path}" as its schema must be "beamline-run/1": found ${JSON.stringify(schema)}`,
    );
  }
  const fault = faultOf(value, SHAPES["run.json"]);
  if (fault !== null) throw new SyntaxError(`Cannot open run "${path}" as of its run.json ${fault}`);
  return new RunDirectory(resolve(path), { ...ABSENT, ...value as unknown as RunRecord });
}

function unreadable(path: string, cause: unknown): DataError {
  return new DataError(
    `Cannot open "${path}" as it must be one that can be read: ${plainReason(cause)}`,
    path,
  );
}

/** Fields that older versions did not write, and readers rely on. */
const ABSENT = {
  finished: null,
  seconds: {},
  engine: null,
  seed: 0,
  versions: {},
  command: [],
  configHash: "",
  error: null,
  warnings: [],
};

/** A folder in the place of a run whose record cannot be read. */
export interface BrokenRun {
  readonly path: string;
  /** The rule, and what was found. */
  readonly message: string;
}

/**
 * All runs below a store, oldest first. The folders of the store can be links. A folder without run.json is none: it was
 * cut off before its first write.
 *
 * @param onBroken Hears of runs whose record cannot be read; they do not hide the others.
 */
export async function listRuns(
  out: string,
  onBroken: (broken: BrokenRun) => void = () => {},
): Promise<RunDirectory[]> {
  const runs: RunDirectory[] = [];
  for (const plugin of await folders(resolve(out))) {
    for (const path of await foldersOf(plugin, onBroken)) {
      try {
        if (asideTarget(basename(path)) === undefined) runs.push(readRun(path)); // else it is being removed
      } catch (error) {
        if (!(error instanceof NotFoundError)) onBroken({ path, message: (error as Error).message });
      }
    }
  }
  return runs.sort((a, b) =>
    a.record.created < b.record.created ? -1 : a.record.created > b.record.created ? 1 : 0
  );
}

/** The last runs of a plugin whose records can be read, newest first, among its last folders. */
export async function newestRuns(plugin: string, most: number): Promise<RunDirectory[]> {
  const newest = (await foldersOf(plugin, () => {})).slice(-most).reverse();
  return newest.flatMap((path) => {
    try {
      return [readRun(path)];
    } catch {
      return [];
    }
  });
}

/** The folders of a plugin's runs; one that cannot be read hides no other. */
async function foldersOf(plugin: string, onBroken: (broken: BrokenRun) => void): Promise<string[]> {
  try {
    return await folders(plugin);
  } catch (error) {
    onBroken({ path: plugin, message: unreadable(plugin, error).message });
    return [];
  }
}

/** Folders in a folder, and links to folders. */
async function folders(path: string): Promise<string[]> {
  const found: string[] = [];
  try {
    for await (const { name, isDirectory, isSymlink } of Deno.readDir(path)) {
      const inner = join(path, name);
      if (isDirectory || isSymlink && await leadsToFolder(inner)) found.push(inner);
    }
  } catch (error) {
    const isAbsent = error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory;
    if (!isAbsent) throw error;
  }
  return found.sort();
}

function leadsToFolder(link: string): Promise<boolean> {
  return Deno.stat(link).then(({ isDirectory }) => isDirectory, () => false);
}
