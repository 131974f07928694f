/**
 * Rows of a table on disk, as programs take them: in chunks one after the other, or shuffled in windows of blocks.
 *
 * An order is a function of seed, purpose and epoch alone: the blocks of the table are permuted, sixteen at a time make a
 * window, and the rows of a window are shuffled together. While a window is used, the next one is read.
 *
 * @module
 */
import { randomFor } from "../../core/random.ts";
import type { Column, Table } from "../../core/types.ts";
import { sizeOf } from "../../core/types.ts";
import { BLOCKS_TOGETHER, isPaged, type PagedColumn, rowBytesOf, TableReader } from "../../data/paged.ts";
import { createArray } from "../../formats/arrays.ts";
import {
  type BatchBuffer,
  type ColumnDtype,
  type ProgramColumn,
  programColumn,
  type ProgramColumns,
  programDtype,
  requireColumns,
} from "../batches.ts";
import { ColumnFile } from "./column_file.ts";
import type { Chunk, OrderKey, RowOrder } from "./types.ts";

/** Bytes of a chunk, and at least one batch. */
const CHUNK_BYTES = 1 << 25;

/** A table on disk as programs take it; its files are open from the first use until {@linkcode PagedRows.close}. */
export class PagedRows {
  readonly rows: number;
  /** Without numbers. */
  readonly columns: ProgramColumns;
  readonly #table: Table;
  readonly #blockRows: number;
  readonly #files = new Map<string, ColumnFile>();
  #order: PagedOrder | undefined;

  /** @throws {TypeError} If a column is missing. */
  constructor(
    table: Table,
    names: readonly string[],
    where: string,
    readonly dtypes: { readonly [name: string]: ColumnDtype } = {},
  ) {
    requireColumns(table, names, where);
    this.#table = Object.fromEntries(names.map((name) => [name, table[name]!]));
    const paged = Object.values(table).find(isPaged);
    this.#blockRows = paged?.blockRows ?? 1;
    this.rows = paged?.shape[0] ?? 0;
    this.columns = Object.fromEntries(
      Object.entries(this.#table).map(([name, column]) => [name, this.#empty(name, column)]),
    );
  }

  #empty(name: string, column: Column): ProgramColumn {
    const shape = column.shape.slice(1);
    const dtype = this.dtypes[name] ?? programDtype(column);
    return { dtype, shape, rowSize: sizeOf(shape), rows: this.rows, data: createArray(dtype, 0) };
  }

  /** The named columns of all rows in their order; each chunk holds whole batches, the last one what is left too. */
  *chunks(names: readonly string[], batchSize: number): Generator<Chunk> {
    const table = Object.fromEntries(names.map((name) => [name, this.#table[name]!]));
    const batches = Math.max(1, Math.floor(CHUNK_BYTES / rowBytesOf(table) / batchSize));
    using reader = new TableReader(table);
    for (let from = 0, to = 0; from < this.rows; from = to) {
      const next = from + batches * batchSize;
      to = next + batchSize > this.rows ? this.rows : next;
      const columns = Object.entries(reader.rows(from, to)).map(([name, column]) =>
        [name, programColumn(column, name, this.columns[name]!.dtype, from)] as const
      );
      yield { from, columns: Object.fromEntries(columns) };
    }
  }

  /** The order of an epoch; ends the one before. */
  order(names: readonly string[], key: OrderKey): RowOrder {
    const before = this.#order?.release();
    const files = new Map(names.map((name) => [name, this.#file(name)]));
    const place = { rows: this.rows, blockRows: this.#blockRows };
    this.#order = new PagedOrder(files, place, key, before);
    return this.#order;
  }

  #file(name: string): ColumnFile {
    let file = this.#files.get(name);
    if (file === undefined) {
      file = new ColumnFile(name, this.#table[name] as PagedColumn, this.columns[name]!.dtype);
      this.#files.set(name, file);
    }
    return file;
  }

  /** Waits for what is being read, and gives back the files. */
  async close(): Promise<void> {
    await this.#order?.release();
    for (const file of this.#files.values()) file.close();
    this.#files.clear();
    this.#order = undefined;
  }
}

/** Where the rows of a table are. */
interface Place {
  readonly rows: number;
  readonly blockRows: number;
}

/** Memory for the columns of a window. */
type WindowBuffer = { readonly [name: string]: ProgramColumn["data"] };

/** Rows that are shuffled together. */
interface Window {
  /** Position of its first row in the order of the epoch. */
  readonly from: number;
  readonly order: Uint32Array;
  readonly columns: ProgramColumns;
  readonly buffer: WindowBuffer;
}

class PagedOrder implements RowOrder {
  readonly #blocks: Uint32Array;
  /** Windows by their number, as far as they were begun and not ended; at most two. */
  readonly #windows = new Map<number, Promise<Window>>();
  #current: Window | undefined;
  #currentNumber = -1;
  #reading = 0;

  /** Memory that no window uses. */
  #buffers: WindowBuffer[] = [];
  #isBegun = false;

  /** @param before Memory of an order before, as soon as that one has ended: one order at a time reads the files. */
  constructor(
    readonly files: ReadonlyMap<string, ColumnFile>,
    readonly place: Place,
    readonly key: OrderKey,
    readonly before: Promise<WindowBuffer[]> | undefined,
  ) {
    const count = Math.ceil(place.rows / place.blockRows);
    this.#blocks = randomFor({ ...key, purpose: `${key.purpose}/blocks` }).permutation(count);
  }

  get isReading(): boolean {
    return this.#reading > 0;
  }

  fill(batch: BatchBuffer, from: number): Promise<void> | undefined {
    const window = this.#current;
    const end = window ? window.from + window.order.length : 0;
    if (window === undefined || from < window.from || from + batch.batchSize > end) {
      return this.#fillAcross(batch, from);
    }
    batch.fillPart(window.columns, window.order, from - window.from, 0, batch.batchSize);
    return undefined;
  }

  /** Fills a batch whose rows lie in more than one window, or in one that must be waited for. */
  async #fillAcross(batch: BatchBuffer, from: number): Promise<void> {
    for (let at = 0; at < batch.batchSize;) {
      const window = await this.#enter(this.#windowAt(from + at));
      const first = from + at - window.from;
      const count = Math.min(batch.batchSize - at, window.order.length - first);
      batch.fillPart(window.columns, window.order, first, at, count);
      at += count;
    }
  }

  /** Makes a window the current one, and begins to read the next. */
  async #enter(number: number): Promise<Window> {
    if (this.#current && number === this.#currentNumber) return this.#current;
    if (this.#current) {
      this.#buffers.push(this.#current.buffer);
      this.#windows.delete(this.#currentNumber);
      this.#current = undefined;
    }
    this.#current = await this.#window(number);
    this.#currentNumber = number;
    if ((number + 1) * BLOCKS_TOGETHER < this.#blocks.length) {
      this.#window(number + 1).catch(() => {}); // reported when it is entered
    }
    return this.#current;
  }

  #window(number: number): Promise<Window> {
    let found = this.#windows.get(number);
    if (found === undefined) {
      this.#reading++;
      found = this.#read(number).finally(() => this.#reading--);
      this.#windows.set(number, found);
    }
    return found;
  }

  async #read(number: number): Promise<Window> {
    await this.#begin();
    const { rows, blockRows } = this.place;
    const blocks = this.#blocksOf(number);
    const buffer = this.#buffers.pop() ?? this.#makeBuffer();
    await Promise.all([...this.files].map(async ([name, file]) => {
      let at = 0;
      for (const block of blocks) {
        const [from, to] = [block * blockRows, Math.min(rows, (block + 1) * blockRows)];
        await file.read(from, to, buffer[name]!, at);
        at += to - from;
      }
    }));
    const count = blocks.reduce((sum, block) => sum + this.#rowsOfBlock(block), 0);
    const order = randomFor({ ...this.key, purpose: `${this.key.purpose}/rows`, step: number })
      .permutation(count);
    const columns = [...this.files].map(([name, { dtype, shape, rowSize }]) =>
      [name, { dtype, shape, rowSize, rows: count, data: buffer[name]! }] as const
    );
    return { from: this.#startOf(number), order, columns: Object.fromEntries(columns), buffer };
  }

  async #begin(): Promise<void> {
    if (this.#isBegun) return;
    const buffers = await this.before ?? [];
    if (!this.#isBegun) this.#buffers = buffers;
    this.#isBegun = true;
  }

  #makeBuffer(): WindowBuffer {
    const rows = this.place.blockRows * BLOCKS_TOGETHER;
    return Object.fromEntries(
      [...this.files].map(([name, { dtype, rowSize }]) => [name, createArray(dtype, rows * rowSize)]),
    );
  }

  #blocksOf(window: number): Uint32Array {
    return this.#blocks.subarray(window * BLOCKS_TOGETHER, (window + 1) * BLOCKS_TOGETHER);
  }

  /** All blocks have the same rows but the last one of the table, which can be anywhere in the order. */
  #rowsOfBlock(block: number): number {
    const { rows, blockRows } = this.place;
    return Math.min(rows, (block + 1) * blockRows) - block * blockRows;
  }

  #startOf(window: number): number {
    const { blockRows } = this.place;
    const whole = window * BLOCKS_TOGETHER * blockRows;
    return this.#shortWindow < window ? whole - this.#missing : whole;
  }

  #windowAt(position: number): number {
    const size = this.place.blockRows * BLOCKS_TOGETHER;
    const number = Math.floor(position / size);
    return position < this.#startOf(number + 1) ? number : number + 1;
  }

  /** The window with the last block of the table. */
  get #shortWindow(): number {
    return Math.floor(this.#blocks.indexOf(this.#blocks.length - 1) / BLOCKS_TOGETHER);
  }

  /** Rows that the last block of the table has less than the others. */
  get #missing(): number {
    return this.#blocks.length * this.place.blockRows - this.place.rows;
  }

  /** Ends the order. Nothing is being read any more when the promise is kept; it gives the memory for another one. */
  async release(): Promise<WindowBuffer[]> {
    const windows = await Promise.allSettled(this.#windows.values());
    const used = windows.flatMap((window) => window.status === "fulfilled" ? [window.value.buffer] : []);
    this.#windows.clear();
    this.#current = undefined;
    return [...this.#buffers, ...used];
  }
}
