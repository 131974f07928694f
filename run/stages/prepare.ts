/**
 * Stage "prepare": tables of columns, from the cache or from the plugin, read once.
 *
 * @module
 */
import type { DataRecord } from "../../core/records.ts";
import type { JsonObject, Table, Tables, TextTable } from "../../core/types.ts";
import { readTables } from "../../data/tables.ts";
import { join } from "../../files/paths.ts";
import type { ResolvedConfig } from "../config/config.ts";
import { frameworkHash, type PluginSource } from "../hooks/plugin_source.ts";
import { prepareResult } from "../hooks/results.ts";
import type { Hooks } from "../hooks/workspace.ts";
import type { InputFile } from "../provenance/provenance.ts";
import { type Cache, type CacheEntry, cacheKey, dataConfig, digestTables } from "../store/cache.ts";
import type { Journal } from "./journal.ts";

/** What the stage is given. */
export interface PrepareInput {
  readonly source: Pick<PluginSource, "name" | "hash">;
  readonly config: Pick<ResolvedConfig, "values" | "flags">;
  readonly inputs: readonly InputFile[];
  readonly seed: number;
  readonly cache: Cache;
  readonly hooks: Hooks;
  readonly journal: Journal;
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
}

/**
 * Prepares data, or takes them from the cache where the same parts made them before.
 *
 * @throws {PluginError} If the plugin fails.
 */
export async function prepare(input: PrepareInput): Promise<PreparedData> {
  const { cache, journal } = input;
  const key = await keyOf(input);
  const cached = await cache.find(key);
  if (cached) journal.listener.onPhase?.("prepare", "cached");
  const { entry, tables } = cached
    ? { entry: cached, tables: await readTables(cache.tables(key)) }
    : await journal.during("prepare", () => make(key, input));
  journal.warn(...entry.warnings);
  const { simulated, source, facts: metadata } = entry;
  const record = recordOf(key, entry, tables);
  return { directory: cache.tables(key), tables, metadata, simulated, source, record };
}

async function keyOf({ source, config, inputs, seed }: PrepareInput): Promise<string> {
  return cacheKey({
    plugin: source.name,
    pluginHash: await source.hash(),
    frameworkHash: await frameworkHash(),
    config: dataConfig(config.values, config.flags),
    seed,
    inputs: inputs.map(({ name, sha256 }) => ({ name, sha256 })),
  });
}

/** Lets the plugin prepare; what it gave is digested as it was read, and goes into the cache. */
async function make(key: string, input: PrepareInput): Promise<Prepared> {
  const { source, config, seed, cache, hooks, journal, plain } = input;
  const before = journal.warnings.length;
  const result = await hooks.call("prepare", { config: config.values, seed }, prepareResult);
  const tables = await readTables(join(hooks.directory, "tables"));
  const entry: CacheEntry = {
    schema: "beamline-cache/1",
    plugin: source.name,
    created: new Date().toISOString(),
    simulated: result.simulated,
    source: plain(result.source),
    facts: result.metadata as JsonObject,
    notes: plain(result.notes as unknown as TextTable[]),
    warnings: journal.warnings.splice(before),
    digests: digestTables(tables),
  };
  await cache.store(key, hooks.directory, entry);
  return { entry, tables };
}

function recordOf(key: string, entry: CacheEntry, tables: Tables): DataRecord {
  return {
    simulated: entry.simulated,
    source: entry.source,
    cacheKey: key,
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
