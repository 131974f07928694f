/**
 * Stage "prepare": tables of columns, from the cache or from the plugin, read once.
 *
 * @module
 */
import { ConfigError } from "../../core/errors.ts";
import type { DataRecord } from "../../core/records.ts";
import type { Fold, JsonObject, Table, Tables, TextTable, Warning } from "../../core/types.ts";
import { isPagedTable } from "../../data/paged.ts";
import { readTables, readTablesWith } from "../../data/tables.ts";
import { resolve } from "../../files/paths.ts";
import type { ResolvedConfig } from "../config/config.ts";
import { type PluginSource, readableFrameworkHash } from "../hooks/plugin_source.ts";
import { prepareResult } from "../hooks/results.ts";
import type { Hooks } from "../hooks/workspace.ts";
import type { InputFile } from "../provenance/provenance.ts";
import { type Cache, type CacheEntry, cacheKey, dataConfig, digestTables } from "../store/cache.ts";
import type { Journal } from "./journal.ts";

/** What the stage is given. */
export interface PrepareInput {
  readonly source: Pick<PluginSource, "name" | "contentHash">;
  readonly config: Pick<ResolvedConfig, "values" | "flags">;
  readonly inputs: readonly InputFile[];
  readonly seed: number;
  readonly fold?: Fold | undefined;
  readonly cache: Cache;
  /** The folder of runs; it does not count where it lies in the plugin's folder. */
  readonly out: string;
  readonly hooks: Hooks;
  readonly journal: Journal;
  /** Adds a warning of the stage itself; those of the hook are in the journal. */
  warn(warning: Warning): void;
  /** Leaves paths of this machine out of texts that are recorded. */
  plain<T>(value: T): T;
}

/** What it gives. */
export interface PreparedData {
  /** Folder of the tables; absolute. */
  readonly directory: string;
  /** The tables, by split. */
  readonly tables: Tables;
  readonly metadata: JsonObject;
  readonly simulated: boolean;
  readonly source: string;
  /** `data.json` of the run. */
  readonly record: DataRecord;
}

/** Tables and what is kept beside them. */
interface Prepared {
  readonly entry: CacheEntry;
  readonly tables: Tables;
  readonly directory: string;
}

/**
 * Prepares data, or takes them from the cache where the same parts made them before.
 *
 * @throws {PluginError} If the plugin fails.
 */
export async function prepare(input: PrepareInput): Promise<PreparedData> {
  const { journal } = input;
  const key = await keyOf(input);
  const cached = key === undefined ? undefined : await find(key, input);
  if (cached) journal.listener.onPhase?.("prepare", "cached");
  const { entry, tables, directory } = cached ?? await journal.during("prepare", () => make(key, input));
  journal.warn(...entry.warnings);
  const { simulated, source, facts: metadata } = entry;
  const record = recordOf(key, entry, tables);
  return { directory, tables, metadata, simulated, source, record };
}

/** The tables that the same parts made before. A damaged entry is dropped, with a warning. */
async function find(key: string, { cache, warn }: PrepareInput): Promise<Prepared | undefined> {
  await cache.use(key);
  const found = await cache.take(key);
  if (!found) return undefined;
  if ("entry" in found) {
    const directory = cache.tables(key);
    return { entry: found.entry, tables: await readTables(directory), directory };
  }
  await cache.drop(key);
  warn({
    code: "damaged-cache",
    message: `prepared data in the cache were damaged and made anew: ${key}, ${found.damage}`,
  });
  return undefined;
}

/** Undefined where nobody can know what the data are made from. */
async function keyOf(
  { source, config, inputs, seed, fold, cache, out }: PrepareInput,
): Promise<string | undefined> {
  const leftOut = [resolve(out), cache.directory];
  const pluginHash = await source.contentHash({ seen: cache.seen, leftOut });
  if (pluginHash === undefined) return undefined;
  return cacheKey({
    plugin: source.name,
    pluginHash,
    frameworkHash: await readableFrameworkHash(),
    config: dataConfig(config.values, config.flags),
    seed,
    inputs: inputs.map(({ name, sha256 }) => ({ name, sha256 })),
    ...(fold ? { fold } : {}),
  });
}

/** Lets the plugin prepare; what it gave is digested as it was read, and goes into the cache where it has a key. */
async function make(key: string | undefined, input: PrepareInput): Promise<Prepared> {
  const { source, config, seed, fold, cache, hooks, journal, plain } = input;
  const before = journal.warnings.length;
  const args = { config: config.values, seed, ...(fold ? { fold: { ...fold } } : {}) };
  const result = await hooks.call("prepare", args, prepareResult);
  if (fold && !result.readsFold) throw withoutFolds(source.name);
  await hooks.end(); // what is read, digested and kept is one and the same
  const taken = hooks.take("tables", "prepare");
  const tables = readTablesWith(taken.opener, taken.name);
  const entry: CacheEntry = {
    schema: "beamline-cache/2",
    plugin: source.name,
    created: new Date().toISOString(),
    simulated: result.simulated,
    source: plain(result.source),
    facts: result.metadata as JsonObject,
    notes: plain(result.notes as unknown as TextTable[]),
    warnings: journal.warnings.splice(before),
    digests: digestTables(tables),
  };
  if (key !== undefined) await cache.store(key, taken, entry);
  const directory = key === undefined ? taken.path : cache.tables(key);
  // Tables on disk are read from where they are now; the sandbox has ended and reaches neither place.
  const isMoved = Object.values(tables).some(isPagedTable);
  return { entry, tables: isMoved ? await readTables(directory) : tables, directory };
}

/** Folds that are all alike would show a spread of zero. */
function withoutFolds(plugin: string): ConfigError {
  return new ConfigError(
    `Cannot run plugin "${plugin}" in folds as its prepare must divide the rows by context.fold: it does not read it`,
  );
}

function recordOf(key: string | undefined, entry: CacheEntry, tables: Tables): DataRecord {
  return {
    simulated: entry.simulated,
    source: entry.source,
    ...(key === undefined ? {} : { cacheKey: key }),
    tables: Object.fromEntries(
      Object.entries(tables).map(([split, table]) => [split, describeTable(split, table, entry.digests)]),
    ),
    facts: entry.facts,
    notes: entry.notes,
  };
}

/** Rows of a table. */
export function rowsOf(table: Table): number {
  return Object.values(table)[0]?.shape[0] ?? 0;
}

function describeTable(
  split: string,
  table: Table,
  digests: CacheEntry["digests"],
): DataRecord["tables"][string] {
  return {
    rows: rowsOf(table),
    columns: Object.fromEntries(
      Object.entries(table).map(([name, { dtype, shape, dims, unit, description }]) => [
        name,
        {
          dtype,
          shape,
          dims,
          unit,
          ...(description === undefined ? {} : { description }),
          sha256: digests[`${split}/${name}`] ?? "",
        },
      ]),
    ),
  };
}
