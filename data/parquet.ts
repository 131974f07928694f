/**
 * Parquet files as typed columns, block by block.
 *
 * @module
 */
import { DataError } from "../core/errors.ts";
import type { Table } from "../core/types.ts";
import { openSource } from "../formats/byte_source.ts";
import { openParquet, type ParquetFile } from "../formats/parquet.ts";
import type { Defects } from "./defects.ts";
import { joinTables } from "./join.ts";
import {
  type ColumnBuilder,
  placesOf,
  quoted,
  TableBuilder,
  type TableOf,
  type TableSchema,
  Unfit,
} from "./schema.ts";
import { rowCount, sliceRows, takeRows } from "./tables.ts";

/** Options of {@linkcode readParquet}. */
export interface ParquetOptions {
  /** Takes rows with defects, which are left out. @default the first one is an error */
  readonly defects?: Defects;
}

/** Options of {@linkcode readParquetBlocks}. */
export interface ParquetBlocksOptions extends ParquetOptions {
  /** Rows of a block; the last one of a row group may have fewer. @default 65,536 */
  readonly rows?: number;
}

const BLOCK_ROWS = 65_536;

/**
 * Reads a Parquet file in blocks. The columns of the schema of one row group are in memory at a time.
 *
 * @param schema The columns to read, with dtype and unit; others are passed over. Null counts as missing.
 * @throws {DataError} If the file is damaged, has no such column, or a value does not fit, naming file, row, column and value.
 * With `defects`, rows with values that do not fit are added to the list and left out.
 * @throws {UnsupportedError} If a column of the schema is nested or of a type that is not read.
 *
 * @example A large file, part by part
 * ```ts ignore
 * const schema = { energy: { dtype: "float32", unit: "GeV" } } as const;
 * const writer = context.writer("train");
 * for await (const rows of readParquetBlocks("events.parquet", schema)) await writer.append(rows);
 * ```
 */
export async function* readParquetBlocks<const S extends TableSchema>(
  path: string,
  schema: S,
  options: ParquetBlocksOptions = {},
): AsyncGenerator<TableOf<S>, void, undefined> {
  const { rows: blockRows = BLOCK_ROWS, defects } = options;
  if (!Number.isSafeInteger(blockRows) || blockRows < 1) {
    throw new RangeError(`Cannot read "${path}" as a block must have rows: found ${blockRows}`);
  }
  using file = await openParquet(openSource(path));
  const names = file.columns.map(({ name }) => name);
  const places = placesOf(schema, names, path).map((place) => names[place]!);
  let firstRow = 0;
  for (const [group, count] of file.groups.entries()) {
    const table = await new GroupReader(file, path, schema, { firstRow, defects }).read(group, places);
    firstRow += count;
    defects?.checked(path, firstRow);
    const sound = rowCount(table as Table);
    for (let from = 0; from < sound; from += blockRows) {
      yield sliceRows(table as Table, from, Math.min(sound, from + blockRows)) as TableOf<S>;
    }
  }
}

/**
 * Reads a Parquet file as a whole.
 *
 * @throws As {@linkcode readParquetBlocks}.
 *
 * @example
 * ```ts ignore
 * const table = await readParquet("events.parquet", { energy: { dtype: "float32", unit: "GeV" } });
 * const energies: Float32Array = table.energy.data;
 * ```
 */
export async function readParquet<const S extends TableSchema>(
  path: string,
  schema: S,
  options: ParquetOptions = {},
): Promise<TableOf<S>> {
  const blocks = await Array.fromAsync(readParquetBlocks(path, schema, { ...options, rows: 2 ** 26 }));
  return joinTables(blocks.length > 0 ? blocks : [new TableBuilder(schema, 0).take()]);
}

/** Where a row group is, and who hears of defects. */
interface GroupPlace {
  readonly firstRow: number;
  readonly defects: Defects | undefined;
}

class GroupReader<S extends TableSchema> {
  readonly #bad = new Set<number>();

  constructor(
    readonly file: ParquetFile,
    readonly path: string,
    readonly schema: S,
    readonly place: GroupPlace,
  ) {}

  /** The rows of a group that have no defects. */
  async read(group: number, names: readonly string[]): Promise<TableOf<S>> {
    const count = this.file.groups[group]!;
    // Values first: memory for the rows is taken where they are there.
    let builder: TableBuilder<S> | undefined;
    for (const [i, name] of names.entries()) {
      const chunks = await this.file.read(name, group);
      builder ??= new TableBuilder(this.schema, count);
      let row = 0;
      for (const chunk of chunks) {
        this.#fill(builder.columns[i]!, chunk, row);
        row += chunk.length;
      }
    }
    builder ??= new TableBuilder(this.schema, 0);
    builder.rows = names.length === 0 ? 0 : count;
    const table = builder.take();
    if (this.#bad.size === 0) return table;
    const sound = Array.from({ length: count }, (_, row) => row).filter((row) => !this.#bad.has(row));
    return takeRows(table as Table, sound) as TableOf<S>;
  }

  #fill(column: ColumnBuilder, values: ArrayLike<unknown>, firstRow: number): void {
    if (column.isFloat && values instanceof column.data.constructor) {
      (column.data as Float64Array).set(values as Float64Array, firstRow);
      return;
    }
    for (let i = 0; i < values.length; i++) {
      const value = values[i];
      try {
        if (value === undefined) throw this.#damaged(column.name, firstRow + i);
        if (value === null) column.setMissing(firstRow + i);
        else column.set(firstRow + i, value);
      } catch (error) {
        if (!(error instanceof Unfit)) throw error;
        this.#defect(firstRow + i, `values of column "${column.name}" ${error.message}`, shown(value));
      }
    }
  }

  #damaged(column: string, rowInGroup: number): DataError {
    const row = this.place.firstRow + rowInGroup;
    return new DataError(
      `Cannot read "${this.path}" as each value of column "${column}" must be in its dictionary: found another in row ${row}, counted from 0`,
      this.path,
    );
  }

  #defect(rowInGroup: number, rule: string, found: string): void {
    const row = this.place.firstRow + rowInGroup;
    const where = `row ${row}`;
    this.#bad.add(rowInGroup);
    if (this.place.defects) return this.place.defects.add({ file: this.path, rule, found, where, row });
    throw new DataError(
      `Cannot read "${this.path}" as ${rule}: found ${found} in ${where}, counted from 0`,
      this.path,
    );
  }
}

/** A value as an error shows it. */
function shown(value: unknown): string {
  return typeof value === "string" ? quoted(value) : quoted(String(value)).slice(1, -1);
}
