/**
 * CSV files as typed columns, block by block.
 *
 * @module
 */
import { DataError } from "../core/errors.ts";
import { type ByteSource, openSource, withFile } from "../formats/byte_source.ts";
import { CsvScanner, decimalFromBytes } from "../formats/csv.ts";
import { checkIsData } from "../formats/not_data.ts";
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

/** Options of {@linkcode readCsv}. */
export interface CsvOptions {
  /** One ASCII character between fields. @default "," */
  readonly delimiter?: string;
  /** Whether the first line has the names; without it, a column without `from` is that of its place in the schema. @default true */
  readonly header?: boolean;
  /** Fields that count as missing. @default the empty one */
  readonly missing?: readonly string[];
  /** Takes lines with defects, which are left out. @default the first one is an error */
  readonly defects?: Defects;
}

/** Options of {@linkcode readCsvBlocks}. */
export interface CsvBlocksOptions extends CsvOptions {
  /** Rows of a block; the last one may have fewer. @default 65,536 */
  readonly rows?: number;
}

const BLOCK_ROWS = 65_536;

/**
 * Reads a CSV file in blocks, for one that is larger than memory.
 *
 * @param schema The columns to read, with dtype and unit; others are passed over.
 * @returns Tables of at most `rows` rows; none for a file without rows.
 * @throws {DataError} If the file is not CSV, has no such column, or a value does not fit, naming file, line, column and
 * value. With `defects`, lines with values that do not fit are added to the list and left out.
 *
 * @example A large file, part by part
 * ```ts ignore
 * const schema = { energy: { dtype: "float32", unit: "GeV" }, label: { dtype: "uint8", unit: "1" } } as const;
 * const writer = context.writer("train");
 * for await (const rows of readCsvBlocks("events.csv", schema)) await writer.append(rows);
 * ```
 */
export async function* readCsvBlocks<const S extends TableSchema>(
  path: string,
  schema: S,
  options: CsvBlocksOptions = {},
): AsyncGenerator<TableOf<S>, void, undefined> {
  const source = openSource(path);
  try {
    const reader = new CsvReader(source, schema, options);
    for (let block = reader.next(); block !== undefined; block = reader.next()) yield block;
  } finally {
    source.close();
  }
}

/**
 * Reads a CSV file as a whole.
 *
 * @throws As {@linkcode readCsvBlocks}.
 *
 * @example
 * ```ts ignore
 * const table = await readCsv("events.csv", { energy: { dtype: "float32", unit: "GeV" } });
 * const energies: Float32Array = table.energy.data;
 * ```
 */
export async function readCsv<const S extends TableSchema>(
  path: string,
  schema: S,
  options: CsvOptions = {},
): Promise<TableOf<S>> {
  const blocks = await Array.fromAsync(readCsvBlocks(path, schema, options));
  return joinTables(blocks.length > 0 ? blocks : [new TableBuilder(schema, 0).take()]);
}

class CsvReader<S extends TableSchema> {
  readonly #scanner: CsvScanner;
  readonly #builder: TableBuilder<S>;
  readonly #places: readonly number[];
  readonly #missing: ReadonlySet<string>;
  /** Whether a number can stand for a missing one, such as -999. */
  readonly #isAnyMissing: boolean;
  readonly #fields: number;
  readonly #defects: Defects | undefined;
  /** Rows of the file so far, sound or not. */
  #row = 0;
  #isPending: boolean;

  constructor(readonly source: ByteSource, schema: S, options: CsvBlocksOptions) {
    const { delimiter = ",", header = true, missing = [""], rows = BLOCK_ROWS } = options;
    if (!/^[\t -~]$/.test(delimiter) || delimiter === '"' || !Number.isSafeInteger(rows) || rows < 1) {
      throw new RangeError(
        `Cannot read "${source.name}" as a delimiter is one ASCII character other than a quote, and a block has rows: found ${
          JSON.stringify(delimiter)
        } and ${rows}`,
      );
    }
    this.#missing = new Set(missing);
    this.#isAnyMissing = missing.some((text) => text !== "");
    this.#defects = options.defects;
    this.#builder = new TableBuilder(schema, rows);
    this.#scanner = withFile(source.name, () => {
      checkIsData(source, "a CSV file");
      return new CsvScanner(source, delimiter);
    });
    const isThere = withFile(source.name, () => this.#scanner.next());
    if (header && !isThere) {
      throw new DataError(
        `Cannot read "${source.name}" as a CSV file must begin with the names of its columns: found no lines`,
        source.name,
      );
    }
    const names = isThere ? this.#scanner.texts() : [];
    this.#fields = names.length;
    this.#isPending = isThere && !header;
    this.#places = header || !isThere
      ? placesOf(isThere ? schema : {}, names.map((name) => name.trim()), source.name)
      : placesOf(placed(schema), names.map((_, i) => `${i}`), source.name);
  }

  /** The next block; undefined at the end. */
  next(): TableOf<S> | undefined {
    return withFile(this.source.name, () => {
      while (!this.#builder.isFull && this.#advance()) this.#readRow();
      this.#defects?.checked(this.source.name, this.#row);
      return this.#builder.rows > 0 ? this.#builder.take() : undefined;
    });
  }

  #advance(): boolean {
    if (!this.#isPending) return this.#scanner.next();
    this.#isPending = false;
    return true;
  }

  #readRow(): void {
    const row = this.#row++;
    const builder = this.#builder;
    const { columns } = builder;
    if (this.#scanner.fields !== this.#fields) {
      return this.#defect(row, `lines must have ${this.#fields} fields`, `${this.#scanner.fields} fields`);
    }
    for (let i = 0; i < columns.length; i++) {
      const column = columns[i]!;
      try {
        this.#readField(column, this.#places[i]!, builder.rows);
      } catch (error) {
        if (!(error instanceof Unfit)) throw error;
        const shown = quoted(this.#scanner.text(this.#places[i]!));
        return this.#defect(row, `values of column "${column.name}" ${error.message}`, shown);
      }
    }
    builder.rows++;
  }

  #readField(column: ColumnBuilder, field: number, row: number): void {
    const { bytes, starts, ends } = this.#scanner;
    if (column.isFloat) {
      const value = decimalFromBytes(bytes, starts[field]!, ends[field]!);
      // most numbers; what is NaN or very large here is looked at as text
      if (value < 3e38 && value > -3e38 && !this.#isAnyMissing) return column.put(row, value);
    }
    const text = this.#scanner.text(field);
    if (this.#missing.has(text)) column.setMissing(row);
    else column.set(row, text);
  }

  #defect(row: number, rule: string, found: string): void {
    const { name: file } = this.source;
    const where = `line ${this.#scanner.line}`;
    if (this.#defects) return this.#defects.add({ file, rule, found, where, row });
    throw new DataError(`Cannot read "${file}" as ${rule}: found ${found} in ${where}`, file);
  }
}

/** A schema whose columns are those of their place, where they do not say otherwise. */
function placed(schema: TableSchema): TableSchema {
  return Object.fromEntries(
    Object.entries(schema).map(([name, column], place) => [name, { ...column, from: column.from ?? place }]),
  );
}
