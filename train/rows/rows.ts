/**
 * The rows that a model is trained and validated on: in memory, or on disk where the table is larger than that.
 *
 * @module
 */
import { randomFor } from "../../core/random.ts";
import type { Table } from "../../core/types.ts";
import { isPagedTable } from "../../data/paged.ts";
import { type ColumnDtype, type ProgramColumns, programColumns } from "../batches.ts";
import { PagedRows } from "./paged_rows.ts";
import type { Chunk, OrderKey, RowOrder } from "./types.ts";

export type { Chunk, OrderKey, RowOrder } from "./types.ts";

/** Rows in memory, or on disk. */
export type TrainRows = ProgramColumns | PagedRows;

/**
 * The named columns of a table as programs take them, in memory or on disk as the table is. To be closed.
 *
 * @throws As `programColumns`.
 */
export function openRows(
  table: Table,
  names: readonly string[],
  where: string,
  dtypes: { readonly [name: string]: ColumnDtype } = {},
): TrainRows {
  return isPagedTable(table)
    ? new PagedRows(table, names, where, dtypes)
    : programColumns(table, names, where, dtypes);
}

/** Gives back the files of rows on disk. */
export async function closeRows(rows: TrainRows | undefined): Promise<void> {
  if (rows instanceof PagedRows) await rows.close();
}

/** The columns; of rows on disk without numbers. */
export function columnsIn(rows: TrainRows): ProgramColumns {
  return rows instanceof PagedRows ? rows.columns : rows;
}

/** The number of rows. */
export function rowsIn(rows: TrainRows): number {
  return Object.values(columnsIn(rows))[0]?.rows ?? 0;
}

/** The order of an epoch: all rows in memory are shuffled; see {@linkcode PagedRows.order} for those on disk. */
export function orderOf(rows: TrainRows, names: readonly string[], key: OrderKey): RowOrder {
  if (rows instanceof PagedRows) return rows.order(names, key);
  const order = randomFor(key).permutation(rowsIn(rows));
  return {
    isReading: false,
    fill(batch, from) {
      batch.fillFrom(order, from);
      return undefined;
    },
  };
}

/**
 * All rows in their order: at once from memory, in chunks from disk. A chunk holds whole batches, the last one the rows
 * that are left too.
 */
export function* chunksOf(rows: TrainRows, names: readonly string[], batchSize: number): Generator<Chunk> {
  if (rows instanceof PagedRows) yield* rows.chunks(names, batchSize);
  else yield { from: 0, columns: Object.fromEntries(names.map((name) => [name, rows[name]!])) };
}
