/**
 * Tables larger than memory: columns that stay on disk, of which rows are read as they are needed.
 *
 * Such a table was written in parts ({@linkcode TableWriter}) and has more rows than are shuffled together in training.
 * It reads as any table does where only dtype, shape and unit matter; its numbers come by {@linkcode blocksOf},
 * `sliceRows` and `takeRows`.
 *
 * @module
 */
import { DataError, UnsupportedError } from "../core/errors.ts";
import type { Column, Dtype, NdArray, Table } from "../core/types.ts";
import { sizeOf } from "../core/types.ts";
import { ITEM_BYTES } from "../formats/arrays.ts";
import { type ByteSource, openSource, piecesOf, withFile } from "../formats/byte_source.ts";
import { type NpyHeader, readNpyHeader, readNpyRows } from "../formats/npy.ts";

/**
 * Blocks whose rows are shuffled together in training. With 16, the rows of a batch come from 16 places of the table at
 * least, and a block is still long enough to be read at the speed of the disk.
 */
export const BLOCKS_TOGETHER = 16;

/** Opens the file of a column. */
export type OpenColumn = () => ByteSource;

/** What a column says of itself besides its numbers. */
type ColumnFacts = Omit<Column, "data">;

/** A column on disk. Rows are read when they are asked for; `data` as a whole is refused. */
export class PagedColumn implements Column {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly dims: readonly string[];
  readonly unit: string;
  readonly description?: string;

  /**
   * @param path Where the file is, for readers of their own.
   * @param header The header of the file, checked.
   * @param blockRows Rows that are read at a time in training.
   */
  constructor(
    facts: ColumnFacts,
    readonly path: string,
    readonly header: NpyHeader,
    readonly blockRows: number,
    readonly open: OpenColumn = () => openSource(path),
  ) {
    this.dtype = facts.dtype;
    this.shape = facts.shape;
    this.dims = facts.dims;
    this.unit = facts.unit;
    if (facts.description !== undefined) this.description = facts.description;
  }

  /** @throws {UnsupportedError} Always: the column may be larger than memory. */
  get data(): never {
    throw new UnsupportedError(
      `Cannot use all numbers of "${this.path}" at once as its table is larger than what is kept in memory: it has ${
        this.shape[0]
      } rows; go through blocksOf(table) of beamline/data`,
      "a whole column of a table in parts",
    );
  }

  /** Bytes of one row in the file. */
  get rowBytes(): number {
    return sizeOf(this.shape.slice(1)) * ITEM_BYTES[this.header.stored];
  }

  /** The same column with rows `from` up to, not including, `to`, in memory; `source` is its open file. */
  rowsFrom(source: ByteSource, from: number, to: number): Column {
    const array: NdArray = withFile(source.name, () => readNpyRows(source, this.header, 0, from, to));
    const { dims, unit, description } = this;
    return { ...array, dims, unit, ...(description === undefined ? {} : { description }) } as Column;
  }

  /** Its elements as bytes, as they lie in the file, in pieces that are valid until the next one. */
  *pieces(length: number): Generator<Uint8Array<ArrayBuffer>> {
    const source = this.open();
    try {
      const { dataOffset, dataBytes } = this.header;
      yield* piecesOf({
        name: source.name,
        size: dataBytes,
        readInto: (offset, target) => source.readInto(dataOffset + offset, target),
        close() {},
      }, length);
    } finally {
      source.close();
    }
  }
}

/** Whether a column stays on disk. */
export function isPaged(column: Column): column is PagedColumn {
  return column instanceof PagedColumn;
}

/** Whether a table stays on disk: it was written in parts and is larger than what is shuffled together. */
export function isPagedTable(table: Table): boolean {
  return Object.values(table).some(isPaged);
}

/**
 * Opens a stored column without reading its numbers.
 *
 * @throws {DataError} If the file is damaged, or its array is another or lies in Fortran order.
 */
export function openPagedColumn(
  facts: ColumnFacts,
  path: string,
  blockRows: number,
  open: OpenColumn,
): PagedColumn {
  const source = open();
  try {
    const header = withFile(path, () => readNpyHeader(source));
    if (header.fortranOrder || !header.isLittleEndian || header.stored !== header.dtype) {
      throw new DataError(
        `Cannot read "${path}" in blocks as its rows must lie one after the other, little-endian: found another order or type`,
        path,
      );
    }
    return new PagedColumn(facts, path, header, blockRows, open);
  } finally {
    source.close();
  }
}

/** Options of {@linkcode blocksOf}. */
export interface BlocksOptions {
  /** Rows of a block; the last one may have fewer. @default what fills 16 MiB, at least one row */
  readonly rows?: number;
  /** These columns alone. @default all */
  readonly columns?: readonly string[];
}

const BLOCK_BYTES = 1 << 24;

/**
 * Goes through a table, in memory or on disk, block by block, in the order of its rows.
 *
 * @returns Tables of at most `rows` rows, with new arrays.
 * @throws {RangeError} If `rows` is not a whole number from 1.
 * @throws {DataError} If a file cannot be read.
 *
 * @example The mean of a column, of whatever size
 * ```ts
 * import assert from "node:assert/strict";
 * import { blocksOf, column } from "beamline/data";
 * const table = { x: column(Float32Array.of(1, 2, 3, 4), { unit: "cm" }) };
 * let [sum, rows] = [0, 0];
 * for (const { x } of blocksOf(table, { rows: 3 })) {
 *   sum += x.data.reduce((a, b) => a + b);
 *   rows += x.data.length;
 * }
 * assert.equal(sum / rows, 2.5);
 * ```
 */
export function* blocksOf<T extends Table>(table: T, options: BlocksOptions = {}): Generator<T> {
  const names = options.columns ?? Object.keys(table);
  const columns = names.map((name) => [name, table[name]] as const).filter((entry): entry is [
    string,
    Column,
  ] => entry[1] !== undefined);
  const total = columns[0]?.[1].shape[0] ?? 0;
  const rows = options.rows ?? Math.max(1, Math.floor(BLOCK_BYTES / rowBytesOf(table)));
  if (!Number.isSafeInteger(rows) || rows < 1) {
    throw new RangeError(`Cannot go through the table as a block must have rows: found ${rows}`);
  }
  using reader = new TableReader(Object.fromEntries(columns));
  for (let from = 0; from < total; from += rows) {
    yield reader.rows(from, Math.min(total, from + rows)) as T;
  }
}

/** A table whose files are open. Close it, with `using` or {@linkcode TableReader.close}. */
export class TableReader {
  readonly #sources = new Map<string, ByteSource>();

  constructor(readonly table: Table) {
    try {
      for (const [name, column] of Object.entries(table)) {
        if (isPaged(column)) this.#sources.set(name, column.open());
      }
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Rows `from` up to, not including, `to`, which are in the table; new arrays. */
  rows(from: number, to: number): Table {
    return Object.fromEntries(
      Object.entries(this.table).map(([name, column]) => [name, this.#columnRows(name, column, from, to)]),
    );
  }

  #columnRows(name: string, column: Column, from: number, to: number): Column {
    if (isPaged(column)) return column.rowsFrom(this.#sources.get(name)!, from, to);
    const rest = column.shape.slice(1);
    const width = sizeOf(rest);
    return {
      ...column,
      shape: [to - from, ...rest],
      data: column.data.slice(from * width, to * width),
    } as Column;
  }

  close(): void {
    for (const source of this.#sources.values()) source.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Bytes of one row as it is kept in memory for a model: at least four for each number. */
export function rowBytesOf(table: Table): number {
  const bytes = Object.values(table).reduce(
    (sum, { dtype, shape }) => sum + sizeOf(shape.slice(1)) * Math.max(4, ITEM_BYTES[dtype]),
    0,
  );
  return Math.max(1, bytes);
}
