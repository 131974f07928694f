/**
 * Prepared data of runs that are removed: entries of the cache that no other run of the folder names.
 *
 * @module
 */
import { MAX_RECORD_BYTES, parseRecord } from "../../core/record_shapes.ts";
import type { DataRecord } from "../../core/records.ts";
import { readPlainText } from "../../files/plain_file.ts";
import type { RunDirectory } from "../../run/store/run_directory.ts";

/** Key of the prepared data of a run; undefined where they are not kept, or its record cannot be read. */
function keyOf(run: RunDirectory): string | undefined {
  try {
    const path = run.file("data.json");
    const data = parseRecord(
      "data.json",
      readPlainText(path, MAX_RECORD_BYTES),
      path,
    ) as unknown as DataRecord;
    return data.cacheKey;
  } catch {
    return undefined;
  }
}

/** Keys of prepared data that only the runs to remove name, among all runs of a folder. */
export function onlyTheirs(removed: readonly RunDirectory[], all: readonly RunDirectory[]): string[] {
  const paths = new Set(removed.map(({ path }) => path));
  const others = new Set(all.filter(({ path }) => !paths.has(path)).map(keyOf));
  const keys = new Set(removed.flatMap((run) => keyOf(run) ?? []));
  return [...keys].filter((key) => !others.has(key));
}
