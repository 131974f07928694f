/**
 * The run store: plain files, one folder per run, no index. See the run directory in `docs/run_directory.md`.
 *
 * @module
 */
import { ConfigError, NotFoundError } from "../core/errors.ts";
import { safeParseJson } from "../core/json.ts";
import type { RunRecord } from "../core/records.ts";
import { exists, writeJson } from "./files.ts";
import { basename, dirname, join, resolve } from "./paths.ts";

/** An open run directory. */
export class RunDirectory {
  #record: RunRecord;

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
    await writeJson(this.file("run.json"), this.#record);
  }

  /** Writes a JSON file. */
  write(name: string, value: unknown): Promise<void> {
    return writeJson(this.file(name), value);
  }
}

/** "20261121T205543Z" */
export function timeStamp(time: Date): string {
  return time.toISOString().replace(/[-:]/g, "").replace(/\.\d+/, "");
}

/** Folders every run has. */
const FOLDERS = ["programs", "checkpoints", "predictions", "figures", "provenance"];

/**
 * Makes a new run directory; the exclusive `mkdir` decides the id, so that runs started together never collide.
 *
 * @throws {ConfigError} If the folder cannot be made.
 */
export async function createRun(
  out: string,
  record: Omit<RunRecord, "id" | "schema" | "status" | "created" | "finished">,
): Promise<RunDirectory> {
  const parent = join(resolve(out), record.plugin.name);
  try {
    await Deno.mkdir(parent, { recursive: true });
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
      const run = new RunDirectory(join(parent, id), full);
      await run.update({});
      for (const folder of FOLDERS) await Deno.mkdir(run.file(folder));
      return run;
    }
  } catch (cause) {
    throw new ConfigError(
      `Cannot write to "${out}" as runs need a folder that can be written: ${plainReason(cause)}`,
    );
  }
}

function plainReason(cause: unknown): string {
  const error = cause as Error;
  return error.message.split("\n")[0]!.replace(/ \(os error \d+\)/, "").replace(
    /: (mkdir|writefile|rename) .*/,
    "",
  );
}

/** Reads the record of a run directory. */
export async function openRun(path: string): Promise<RunDirectory> {
  const file = join(path, "run.json");
  let text: string;
  try {
    text = await Deno.readTextFile(file);
  } catch {
    throw new NotFoundError(
      `Cannot open run "${path}" as its folder must hold run.json: none found`,
      "run",
      path,
    );
  }
  const record = safeParseJson(text, file) as unknown as RunRecord;
  if (record?.schema !== "beamline-run/1") {
    throw new SyntaxError(
      `Cannot open run "${path}" as its schema must be "beamline-run/1": found ${
        JSON.stringify(record?.schema)
      }`,
    );
  }
  return new RunDirectory(resolve(path), record);
}

/** All runs below a store, oldest first; folders that are not runs are passed over. */
export async function listRuns(out: string): Promise<RunDirectory[]> {
  const runs: RunDirectory[] = [];
  for (const plugin of await folders(resolve(out))) {
    for (const run of await folders(plugin)) {
      try {
        runs.push(await openRun(run));
      } catch {
        // not a run, or one that was cut off before its first write
      }
    }
  }
  return runs.sort((a, b) =>
    a.record.created < b.record.created ? -1 : a.record.created > b.record.created ? 1 : 0
  );
}

async function folders(path: string): Promise<string[]> {
  const found: string[] = [];
  try {
    for await (const entry of Deno.readDir(path)) if (entry.isDirectory) found.push(join(path, entry.name));
  } catch (error) {
    const isAbsent = error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory;
    if (!isAbsent) throw error;
  }
  return found.sort();
}

/**
 * The run meant by a path, an id, a unique prefix of an id, or `latest`.
 *
 * @throws {NotFoundError} If none or more than one fits.
 */
export async function findRun(reference: string, out: string): Promise<RunDirectory> {
  if (await exists(join(reference, "run.json"))) return await openRun(reference);
  if (reference.endsWith("run.json") && await exists(reference)) return await openRun(dirname(reference));
  const runs = await listRuns(out);
  const fitting = reference === "latest"
    ? runs.slice(-1)
    : runs.filter((run) =>
      basename(run.path).startsWith(reference) || `${run.record.plugin.name}/${run.record.id}` === reference
    );
  if (fitting.length === 1) return fitting[0]!;
  throw new NotFoundError(
    fitting.length === 0
      ? `Cannot find run "${reference}" as no run in "${out}" has this path, id or prefix: ${runs.length} runs are there`
      : `Cannot find run "${reference}" as the prefix must be unique: ${fitting.length} runs begin with it`,
    "run",
    reference,
  );
}
