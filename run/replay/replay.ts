/**
 * An earlier run as a request: to resume it, or to repeat it.
 *
 * @module
 */
import { DataError, NotFoundError } from "../../core/errors.ts";
import type { Program } from "../../engine/mod.ts";
import { readPrograms } from "../../train/programs/files.ts";
import { safeParseJson } from "../../core/json.ts";
import { isRecordFile, MAX_RECORD_BYTES, parseRecord } from "../../core/record_shapes.ts";
import type { ConfigRecord, RunRecord } from "../../core/records.ts";
import type { Json } from "../../core/types.ts";
import type { Description } from "../../sandbox/protocol/description.ts";
import type { ConfigLayer } from "../../core/merge.ts";
import { absolutePaths } from "../config/config.ts";
import { flagsOf, getPath, setPath } from "../../core/flags.ts";
import { readPlainFile, readPlainText } from "../../files/plain_file.ts";
import type { RunDirectory } from "../store/run_directory.ts";

/**
 * Reads a JSON file of a run directory, not following a link.
 *
 * @throws {NotFoundError} If it is not there.
 * @throws {DataError} If it is no plain file.
 * @throws {SyntaxError} If it is not what its kind must be.
 */
export function readRunJson<T>(run: RunDirectory, name: string): Promise<T> {
  const path = run.file(name);
  return Promise.try(() => {
    try {
      const text = readPlainText(path, MAX_RECORD_BYTES);
      return (isRecordFile(name) ? parseRecord(name, text, path) : safeParseJson(text, path)) as unknown as T;
    } catch (cause) {
      if (!(cause instanceof Deno.errors.NotFound)) throw cause;
      throw new NotFoundError(
        `Cannot use run "${run.record.id}" as its folder must hold "${name}": it is not there`,
        "file",
        name,
      );
    }
  });
}

/**
 * Programs of a model of a run.
 *
 * @throws {NotFoundError} If one is missing.
 * @throws {DataError} If one is not sound.
 */
export function readRunPrograms(
  run: RunDirectory,
  model: string,
  programs: readonly string[],
): { readonly [name: string]: Program } {
  return readPrograms({
    read: (file) => readPlainFile(run.file("programs", file)),
    programs,
    fileOf: (program) => `${model}-${program}.json`,
    fault: (message, cause) => programFault(run, model, message, cause),
  });
}

function programFault(run: RunDirectory, model: string, message: string, cause: Error): Error {
  const what = `Cannot use run "${run.record.id}" as the programs of its model "${model}" must be`;
  return cause instanceof Deno.errors.NotFound
    ? new NotFoundError(`${what} there: ${message}`, "program", model)
    : new DataError(`${what} sound: ${message}`, run.file("programs"), { cause });
}

/**
 * The number of threads with which a run must be repeated; undefined if the engine's rule chose it, which
 * gives small programs fewer threads than large ones.
 */
export function recordedThreads({ engine }: RunRecord): number | undefined {
  return engine?.chosen === "rule" ? undefined : engine?.threads;
}

/** The configuration of a run, one layer a value, so that every value keeps its source; input paths become absolute. */
export function recordedLayers(
  run: RunDirectory,
  description: Description,
  record: ConfigRecord,
): ConfigLayer[] {
  const flags = flagsOf(description.schema);
  return Object.entries(record.sources ?? {}).flatMap(([path, source]) => {
    const value = getPath(record.values, path);
    if (value === undefined) return [];
    const values: { [key: string]: Json } = {};
    setPath(values, path, value);
    return [{ source, values: absolutePaths(values, flags, run.path) }];
  });
}
