/**
 * Whether a repetition prepared the same data.
 *
 * @module
 */
import type { DataRecord } from "../../core/records.ts";
import { exists } from "../../files/atomic.ts";
import { changedKeys } from "../provenance/environment_diff.ts";
import { readBoth } from "./files.ts";
import { count, different, equal, skipped } from "./results.ts";
import type { Pair, Result } from "./types.ts";

/** Compares `data.json`: type, shape, unit and digest of each column, and the metadata of `prepare`. */
export async function compareData({ before, now }: Pair): Promise<Result> {
  if (!await exists(before.file("data.json"))) return skipped("nothing was prepared");
  const records = await readBoth<DataRecord>(before, now, "data.json");
  const [then, today] = [describe(records[0]), describe(records[1])];
  const [name] = changedKeys(then, today);
  if (name !== undefined) return different(`${name} differs`);
  return equal(count(Object.keys(then).length - 1, "column"));
}

/** Columns by a name for a person, and the metadata. */
function describe({ tables, facts }: DataRecord): { readonly [thing: string]: unknown } {
  const columns = Object.entries(tables).flatMap(([split, table]) =>
    Object.entries(table.columns).map(([name, column]) => [`column "${name}" of "${split}"`, column] as const)
  );
  return { ...Object.fromEntries(columns), facts };
}
