/**
 * Writing a table in parts: rows are appended to one `.npy` file a column, and the header of each gets its number of rows
 * in the end. The files are byte for byte those that `writeTable` writes of the whole table.
 *
 * @module
 */
import type { TableWriter, TableWriterOptions } from "../core/plugin.ts";
import type { Column, Table } from "../core/types.ts";
import { sizeOf } from "../core/types.ts";
import { bytesOf, checkNdArray, describeArray, ITEM_BYTES } from "../formats/arrays.ts";
import { appendInPlace, overwriteStart, writeInPlace } from "../formats/byte_source.ts";
import { encodeNpyHeader, parseNpyHeader } from "../formats/npy.ts";
import { BLOCKS_TOGETHER, PagedColumn, rowBytesOf } from "./paged.ts";
import { checkSplitName, columnFiles, makeDirectory, rowCount, writeColumnsFile } from "./tables.ts";

/** Bytes of rows that are shuffled together unless the writer says how many; twice of it is in memory in training. */
const SHUFFLE_BYTES = 2 ** 28;

/** What the first rows said of a column. */
interface Begun {
  readonly file: string;
  readonly first: Omit<Column, "data">;
}

/** A {@linkcode TableWriter} into a folder. */
export class FolderTableWriter implements TableWriter {
  readonly #columns = new Map<string, Begun>();
  readonly #shuffleRows: number | undefined;
  #rowBytes = 1;
  #rows = 0;
  #table: Promise<Table> | undefined;

  /**
   * @param directory The folder of the table; made with the first rows.
   * @param name What errors call it.
   * @throws {RangeError} If the name cannot be a folder, or `shuffleRows` is not a whole number from 1.
   */
  constructor(readonly directory: string, readonly name: string, options: TableWriterOptions = {}) {
    checkSplitName(name);
    this.#shuffleRows = options.shuffleRows;
    if (options.shuffleRows === undefined) return;
    if (Number.isSafeInteger(options.shuffleRows) && options.shuffleRows >= 1) return;
    throw new RangeError(
      `Cannot write table "${name}" as "shuffleRows" must be a whole number from 1: found ${options.shuffleRows}`,
    );
  }

  get rows(): number {
    return this.#rows;
  }

  // deno-lint-ignore require-await
  async append(rows: Table): Promise<void> {
    if (this.#table) throw this.#refused("it must not be finished", "it is");
    if (this.#columns.size === 0) this.#begin(rows);
    const count = this.#checked(rows);
    for (const [name, { file }] of this.#columns) {
      appendInPlace(`${this.directory}/${file}`, bytesOf(rows[name]!.data));
    }
    this.#rows += count;
  }

  finish(): Promise<Table> {
    return this.#table ??= this.#finish();
  }

  async #finish(): Promise<Table> {
    if (this.#columns.size === 0) throw this.#refused("rows must have been appended", "none were");
    const columns = [...this.#columns].map(([name, { file, first }]) => {
      const shape = [this.#rows, ...first.shape.slice(1)];
      overwriteStart(`${this.directory}/${file}`, encodeNpyHeader(first.dtype, shape));
      return [name, { file, ...first, shape }] as const;
    });
    const window = this.#shuffleRows ?? Math.max(1, Math.floor(SHUFFLE_BYTES / this.#rowBytes));
    const blockRows = Math.ceil(window / BLOCKS_TOGETHER);
    await writeColumnsFile(this.directory, this.#rows, columns, blockRows);
    return Object.fromEntries(columns.map(([name, { file, ...facts }]) => {
      const path = `${this.directory}/${file}`;
      const start = encodeNpyHeader(facts.dtype, facts.shape);
      const size = start.length + sizeOf(facts.shape) * ITEM_BYTES[facts.dtype];
      // Not read: a sandbox may be allowed to write here and not to read.
      return [name, new PagedColumn(facts, path, parseNpyHeader(start, size, path), blockRows)];
    }));
  }

  /** Takes the columns from the first rows, and begins their files with a header of as many bytes as the last one has. */
  #begin(rows: Table): void {
    const names = Object.keys(rows);
    if (names.length === 0) throw this.#refused("rows must have columns", "none");
    for (const [name, { shape }] of Object.entries(rows)) {
      if (shape.length === 0) throw this.#refused(`column "${name}" must have rows`, "a scalar");
    }
    makeDirectory(this.directory);
    this.#rowBytes = rowBytesOf(rows);
    for (const [name, file] of columnFiles(names)) {
      const { dtype, shape, dims, unit, description } = rows[name]!;
      const first = { dtype, shape, dims, unit, ...(description === undefined ? {} : { description }) };
      writeInPlace(`${this.directory}/${file}`, [encodeNpyHeader(dtype, [0, ...shape.slice(1)])]);
      this.#columns.set(name, { file, first });
    }
  }

  /** The number of rows, where their columns are those of the first rows. */
  #checked(rows: Table): number {
    for (const name of Object.keys(rows)) {
      if (this.#columns.has(name)) continue;
      throw this.#refused("rows must have the columns of the first ones", `column "${name}" is new`);
    }
    for (const [name, { first }] of this.#columns) {
      const given = Object.hasOwn(rows, name) ? rows[name] : undefined;
      if (!given) throw this.#refused("rows must have the columns of the first ones", `no column "${name}"`);
      const [wanted, found] = [first, given].map(inWords);
      if (wanted !== found) throw this.#refused(`column "${name}" must be ${wanted} as before`, `${found}`);
      checkNdArray(name, given);
    }
    return rowCount(rows);
  }

  #refused(rule: string, found: string): TypeError {
    return new TypeError(`Cannot write table "${this.name}" as ${rule}: found ${found}`);
  }
}

/** What must not change from part to part, such as `float32[row,3] in "GeV"`. */
function inWords({ dtype, shape, unit }: Omit<Column, "data">): string {
  return `${describeArray(dtype, ["row", ...shape.slice(1)] as unknown as number[])} in "${unit}"`;
}
