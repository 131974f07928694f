/**
 * Tables of columns in memory and on disk: a folder with one `.npy` file per column and `columns.json`, which says
 * dtype, shape, dimensions, unit and description of each. A folder of tables has one such folder per split and
 * `tables.json`, which lists them in order. The `.json` is written last, so a folder that was not finished is not read.
 *
 * `columns.json`: `{"schema": "beamline-columns/1", "rows": n, "columns": {name: {"file", "dtype", "shape", "dims",
 * "unit", "description"?}}, "blockRows"?}`. `blockRows` is there where the table was written in parts, and says how many
 * rows of it are read at a time where it is larger than memory.
 *
 * @module
 */
import { DataError, NotFoundError } from "../core/errors.ts";
import type { ArrayOf, Column, Dtype, NdArray, Table, Tables, TypedArray } from "../core/types.ts";
import { sizeOf } from "../core/types.ts";
import { checkNdArray, createArray, describeArray, dtypeOfArray, DTYPES } from "../formats/arrays.ts";
import {
  type ByteSource,
  cannotWrite,
  oneLine,
  openSource,
  readSource,
  withFile,
  writeAside,
} from "../formats/byte_source.ts";
import { listNames } from "../core/missing_names.ts";
import { nearestName } from "../core/names.ts";
import { readNpySource, writeNpy } from "../formats/npy.ts";
import { BLOCKS_TOGETHER, isPagedTable, openPagedColumn, PagedColumn, TableReader } from "./paged.ts";

const COLUMNS_SCHEMA = "beamline-columns/1";
const TABLES_SCHEMA = "beamline-tables/1";

/** What describes a column besides its numbers. */
export interface ColumnOptions<D extends Dtype = Dtype> {
  /** As printed on an axis: "cm", "GeV", "1" for a pure number. */
  readonly unit: string;
  /** Lengths, the number of rows first. @default `[data.length]` */
  readonly shape?: readonly number[];
  /** A name per dimension, the first being "row". @default "row", "axis1", "axis2", ... */
  readonly dims?: readonly string[];
  readonly description?: string;
  /** Needed only to distinguish "bool" from "uint8". @default the dtype of the array */
  readonly dtype?: D;
}

/** The dtype whose array is `A`. */
export type DtypeOf<A extends TypedArray> = {
  [D in Exclude<Dtype, "bool">]: A extends ArrayOf[D] ? D : never;
}[Exclude<Dtype, "bool">];

/**
 * A column from a typed array, which is used as it is, not copied.
 *
 * @param data Row-major elements.
 * @throws {TypeError} If shape, dims and data do not agree.
 *
 * @example Five energies, and three 2 by 2 images
 * ```ts
 * import { column } from "beamline/data";
 * const energy = column(Float32Array.of(1, 2, 4, 8, 16), { unit: "GeV" }); // shape [5], dims ["row"]
 * const image = column(new Uint8Array(12), { unit: "1", shape: [3, 2, 2], dims: ["row", "y", "x"] });
 * ```
 */
export function column<A extends TypedArray>(
  data: A,
  options: ColumnOptions<DtypeOf<A>> & { readonly dtype?: DtypeOf<A> },
): Column<DtypeOf<A>>;
/** A column of booleans, one byte each. */
export function column(
  data: Uint8Array<ArrayBuffer>,
  options: ColumnOptions<"bool"> & { readonly dtype: "bool" },
): Column<"bool">;
export function column(data: TypedArray, options: ColumnOptions): Column {
  const dtype = options.dtype ?? dtypeOfArray(data);
  const shape = options.shape ?? [data.length];
  const dims = options.dims ?? shape.map((_, axis) => axis === 0 ? "row" : `axis${axis}`);
  const { unit, description } = options;
  const made = { dtype, shape: [...shape], dims: [...dims], unit, data } as Column;
  checkColumn("column", made);
  return description === undefined ? made : { ...made, description };
}

function checkColumn(name: string, made: Column): void {
  if (made.shape.length === 0) {
    throw new TypeError(`Cannot make column "${name}" as it must have rows: found a scalar`);
  }
  if (made.dims.length !== made.shape.length || made.dims[0] !== "row") {
    throw new TypeError(
      `Cannot make column "${name}" as dims must name every dimension and start with "row": found [${
        made.dims.join(", ")
      }] for ${describeArray(made.dtype, made.shape)}`,
    );
  }
  checkNdArray(name, made);
}

/**
 * The number of rows of a table; 0 when it has no columns.
 *
 * @throws {TypeError} If the columns differ in it.
 */
export function rowCount(table: Table): number {
  const [first, ...others] = Object.entries(table);
  if (first === undefined) return 0;
  const rows = first[1].shape[0] ?? 0;
  for (const [name, { shape }] of others) {
    if (shape[0] !== rows) {
      throw new TypeError(
        `Cannot use the table as its columns must have the same number of rows: "${
          first[0]
        }" has ${rows}, "${name}" has ${shape[0] ?? "none"}`,
      );
    }
  }
  return rows;
}

/**
 * A column of the table by name.
 *
 * @throws {NotFoundError} If there is none, naming those that are there.
 */
export function columnOf(table: Table, name: string): Column;
/**
 * A column of the table by name and dtype, so that its numbers have the type of their array.
 *
 * @throws {NotFoundError} If there is none, naming those that are there.
 * @throws {TypeError} If it has another dtype.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { column, columnOf } from "beamline/data";
 * const table = { energy: column(Float32Array.of(2, 4), { unit: "GeV" }) };
 * const energies: Float32Array = columnOf(table, "energy", "float32").data;
 * assert.throws(() => columnOf(table, "energy", "float64"), /must be float64: found float32/);
 * ```
 */
export function columnOf<D extends Dtype>(table: Table, name: string, dtype: D): Column<D>;
export function columnOf(table: Table, name: string, dtype?: Dtype): Column {
  if (!Object.hasOwn(table, name)) throw absent("column", name, "the table has", Object.keys(table));
  const found = table[name]!;
  if (dtype === undefined || found.dtype === dtype) return found;
  throw new TypeError(`Cannot use column "${name}" as its dtype must be ${dtype}: found ${found.dtype}`);
}

/**
 * A table by its split.
 *
 * @throws {NotFoundError} If there is none, naming those that are there.
 */
export function tableOf(tables: Tables, split: string): Table {
  if (Object.hasOwn(tables, split)) return tables[split]!;
  throw absent("table", split, "the prepared data have", Object.keys(tables));
}

function absent(kind: string, name: string, where: string, known: readonly string[]): NotFoundError {
  const nearest = nearestName(name, known);
  const has = known.join(", ") || `no ${kind}s`;
  const hint = nearest === undefined ? "" : `; did you mean "${nearest}"`;
  return new NotFoundError(`Cannot find ${kind} "${name}" as ${where} ${has}${hint}`, kind, name, nearest);
}

/**
 * The given rows, in the given order, of every column. Rows may repeat.
 *
 * @param rows Row numbers from 0.
 * @returns New arrays. O(rows × width).
 * @throws {RangeError} If a row is not in the table.
 *
 * @example
 * ```ts
 * import { column, takeRows } from "beamline/data";
 * const table = { x: column(Float32Array.of(10, 11, 12), { unit: "cm" }) };
 * takeRows(table, [2, 0]).x; // Float32Array [12, 10]
 * ```
 */
export function takeRows<T extends Table>(table: T, rows: Uint32Array | readonly number[]): T {
  const count = rowCount(table);
  for (const row of rows) {
    if (!(Number.isInteger(row) && row >= 0 && row < count)) {
      throw new RangeError(`Cannot take row ${row} as the table has ${count} rows: found ${row}`);
    }
  }
  if (isPagedTable(table)) return takePagedRows(table, rows);
  return mapColumns(table, (from) => ({ ...from, ...takeArrayRows(from, rows) }));
}

/**
 * Rows `from` up to, not including, `to` of every column.
 *
 * @throws {RangeError} If they are not in the table.
 */
export function sliceRows<T extends Table>(table: T, from: number, to: number): T {
  const count = rowCount(table);
  if (!(Number.isInteger(from) && Number.isInteger(to) && 0 <= from && from <= to && to <= count)) {
    throw new RangeError(
      `Cannot take rows ${from} to ${to} as the table has ${count} rows: found ${from} to ${to}`,
    );
  }
  if (isPagedTable(table)) {
    using reader = new TableReader(table);
    return reader.rows(from, to) as T;
  }
  return mapColumns(table, (old) => {
    const shape = [to - from, ...old.shape.slice(1)];
    const width = sizeOf(old.shape.slice(1));
    return { ...old, shape, data: old.data.slice(from * width, to * width) } as Column;
  });
}

/** Rows that are read one by one; each takes a call of the system per column. */
function takePagedRows<T extends Table>(table: T, rows: Uint32Array | readonly number[]): T {
  using reader = new TableReader(table);
  const taken = { ...reader.rows(0, 0) };
  const targets = Object.entries(taken).map(([name, { dtype, shape }]) => {
    const width = sizeOf(shape.slice(1));
    return { name, width, data: createArray(dtype, rows.length * width) as Float64Array<ArrayBuffer> };
  });
  rows.forEach((row: number, i: number) => {
    const one = reader.rows(row, row + 1);
    for (const { name, width, data } of targets) data.set(one[name]!.data as Float64Array, i * width);
  });
  for (const { name, data } of targets) {
    const column = taken[name]!;
    taken[name] = { ...column, shape: [rows.length, ...column.shape.slice(1)], data } as unknown as Column;
  }
  return taken as T;
}

function mapColumns<T extends Table>(table: T, change: (old: Column) => Column): T {
  const changed = Object.fromEntries(Object.entries(table).map(([name, old]) => [name, change(old)])) as T;
  return listNames(changed, { kind: "column", of: "the table" });
}

function takeArrayRows(from: NdArray, rows: Uint32Array | readonly number[]): NdArray {
  const shape = [rows.length, ...from.shape.slice(1)];
  const width = sizeOf(from.shape.slice(1));
  const source = from.data as Float64Array<ArrayBuffer>; // One element type for the checker; elements are only moved.
  const target = createArray(from.dtype, rows.length * width) as Float64Array<ArrayBuffer>;
  for (let i = 0; i < rows.length; i++) {
    const start = rows[i]! * width;
    // Up to about this width a loop is quicker than making a view for `set`.
    if (width > 32) target.set(source.subarray(start, start + width), i * width);
    else for (let k = 0, to = i * width; k < width; k++) target[to + k] = source[start + k]!;
  }
  return { dtype: from.dtype, shape, data: target as unknown as NdArray["data"] };
}

/** A column in `columns.json`. */
export interface StoredColumn {
  readonly file: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly dims: readonly string[];
  readonly unit: string;
  readonly description?: string;
}

/**
 * Writes a table into a folder, which is made if missing. A table already there is replaced.
 *
 * @throws {TypeError} If a column's data do not fit its shape, or the columns differ in their rows.
 * @throws {DataError} If the folder cannot be written.
 */
export async function writeTable(directory: string, table: Table): Promise<void> {
  const rows = rowCount(table);
  for (const [name, one] of Object.entries(table)) checkColumn(name, one);
  makeDirectory(directory);
  const files = columnFiles(Object.keys(table));
  const columns: (readonly [string, StoredColumn])[] = [];
  for (const [name, one] of Object.entries(table)) {
    const file = files.get(name)!;
    await writeNpy(`${directory}/${file}`, one);
    columns.push([name, { file, ...one }]);
  }
  await writeColumnsFile(directory, rows, columns);
}

/** Writes `columns.json`, which ends a table. */
export async function writeColumnsFile(
  directory: string,
  rows: number,
  entries: readonly (readonly [string, StoredColumn])[],
  blockRows?: number,
): Promise<void> {
  const columns: Record<string, StoredColumn> = Object.create(null);
  for (const [name, { file, dtype, shape, dims, unit, description }] of entries) {
    columns[name] = { file, dtype, shape, dims, unit, ...(description === undefined ? {} : { description }) };
  }
  const parts = blockRows === undefined ? {} : { blockRows };
  await writeJson(`${directory}/columns.json`, { schema: COLUMNS_SCHEMA, rows, columns, ...parts });
}

/** A file name per column: other characters than letters, digits and `_.-` are escaped, and case alone never differs. */
export function columnFiles(names: readonly string[]): Map<string, string> {
  const taken = new Set<string>();
  const files = new Map<string, string>();
  for (const name of names) {
    const escaped = name.replace(/^\.|[^A-Za-z0-9_.-]/gu, (character) => {
      const bytes = new TextEncoder().encode(character);
      return Array.from(bytes, (byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
    });
    let file = `${escaped}.npy`;
    for (let n = 2; taken.has(file.toLowerCase()); n++) file = `${escaped}~${n}.npy`;
    taken.add(file.toLowerCase());
    files.set(name, file);
  }
  return files;
}

/** Options of {@linkcode readTable}. */
export interface ReadTableOptions {
  /** Read these columns alone. @default all */
  readonly columns?: readonly string[];
}

/**
 * Reads a table that {@linkcode writeTable} wrote.
 *
 * @throws {DataError} If a file is missing or damaged, does not agree with `columns.json`, or a column is not there.
 */
// deno-lint-ignore require-await
export async function readTable(directory: string, options: ReadTableOptions = {}): Promise<Table> {
  return readTableWith(openSource, directory, options);
}

/** Opens a file by its path. */
export type OpenFile = (path: string) => ByteSource;

/** {@linkcode readTable} of files that are opened in a way of the caller's. */
export function readTableWith(open: OpenFile, directory: string, options: ReadTableOptions = {}): Table {
  const path = `${directory}/columns.json`;
  const json = readJson(open(path));
  const stored = parseColumns(json, path);
  const blockRows = pagedBy(json, stored, path);
  const names = options.columns ?? [...stored.keys()];
  const table: Record<string, Column> = Object.create(null);
  for (const name of names) {
    const entry = stored.get(name);
    if (entry === undefined) throw missing(directory, "column", name, [...stored.keys()]);
    const { file, ...facts } = entry;
    const filePath = `${directory}/${file}`;
    const array = blockRows === undefined
      ? readNpySource(open(filePath))
      : openPagedColumn(facts, filePath, blockRows, () => open(filePath));
    const header = array instanceof PagedColumn ? array.header : array;
    const [found, wanted] = [header, facts].map(({ dtype, shape }) => describeArray(dtype, shape));
    // A bool column is stored as bool, so the dtypes must agree exactly.
    if (found !== wanted) {
      throw new DataError(
        `Cannot read "${directory}/${file}" as columns.json says ${wanted}: found ${found}`,
        `${directory}/${file}`,
      );
    }
    table[name] = array instanceof PagedColumn ? array : { ...facts, data: array.data } as Column;
  }
  return listNames({ ...table }, { kind: "column", of: `table "${directory.split("/").at(-1)}"` });
}

/**
 * The rows of a block where the table stays on disk: where it was written in parts and has more rows than are shuffled
 * together. Its columns must have the same number of rows, as they are read side by side.
 */
function pagedBy(
  json: unknown,
  columns: ReadonlyMap<string, StoredColumn>,
  path: string,
): number | undefined {
  const blockRows = (json as { readonly blockRows?: unknown }).blockRows;
  if (blockRows === undefined) return undefined;
  const lengths = new Set([...columns.values()].map(({ shape }) => shape[0]!));
  if (!Number.isSafeInteger(blockRows) || (blockRows as number) < 1 || lengths.size > 1) {
    throw new DataError(
      `Cannot read "${path}" as a table in parts has columns of one length, and blocks with rows: found blocks of ${blockRows} and lengths ${
        [...lengths].join(", ")
      }`,
      path,
    );
  }
  const [rows = 0] = lengths;
  return rows > (blockRows as number) * BLOCKS_TOGETHER ? blockRows as number : undefined;
}

/** @throws {RangeError} If a table of this name cannot be a folder. */
export function checkSplitName(name: string): void {
  if (SPLIT.test(name)) return;
  throw new RangeError(`Cannot write tables as a name is letters, digits, "_" and "-": found "${name}"`);
}

/**
 * Writes tables by split, each in a folder of its name. Names are letters, digits, `_` and `-`.
 *
 * @param written Those that are there already, as they were written in parts.
 * @throws {RangeError} If a name cannot be a folder.
 */
export async function writeTables(
  directory: string,
  tables: Tables,
  written: ReadonlySet<string> = new Set(),
): Promise<void> {
  for (const name of Object.keys(tables)) checkSplitName(name);
  makeDirectory(directory);
  for (const [name, table] of Object.entries(tables)) {
    if (!written.has(name)) await writeTable(`${directory}/${name}`, table);
  }
  await writeJson(`${directory}/tables.json`, { schema: TABLES_SCHEMA, tables: Object.keys(tables) });
}

/** Options of {@linkcode readTables}. */
export interface ReadTablesOptions extends ReadTableOptions {
  /** Read these tables alone. @default all */
  readonly tables?: readonly string[];
}

/**
 * Reads tables that {@linkcode writeTables} wrote.
 *
 * @throws {DataError} As {@linkcode readTable}.
 */
// deno-lint-ignore require-await
export async function readTables(directory: string, options: ReadTablesOptions = {}): Promise<Tables> {
  return readTablesWith(openSource, directory, options);
}

/** {@linkcode readTables} of files that are opened in a way of the caller's. */
export function readTablesWith(open: OpenFile, directory: string, options: ReadTablesOptions = {}): Tables {
  const path = `${directory}/tables.json`;
  const json = readJson(open(path));
  const names = isRecord(json) && json["schema"] === TABLES_SCHEMA ? json["tables"] : undefined;
  if (!Array.isArray(names) || !names.every((name) => typeof name === "string" && SPLIT.test(name))) {
    throw new DataError(
      `Cannot read "${path}" as it must be a list of tables of "${TABLES_SCHEMA}": found another`,
      path,
    );
  }
  const tables: Record<string, Table> = {};
  for (const name of options.tables ?? names) {
    if (!names.includes(name)) throw missing(directory, "table", name, names);
    tables[name] = readTableWith(open, `${directory}/${name}`, options);
  }
  return listNames(tables, { kind: "table" });
}

const SPLIT = /^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$/;

function missing(directory: string, kind: string, name: string, known: readonly string[]): DataError {
  const nearest = nearestName(name, known);
  const hint = nearest === undefined ? "" : `; did you mean "${nearest}"`;
  return new DataError(
    `Cannot read ${kind} "${name}" of "${directory}" as it has ${
      known.join(", ") || "none"
    }: found no "${name}"${hint}`,
    directory,
  );
}

/** Makes a folder. @throws {DataError} If it cannot be made. */
export function makeDirectory(directory: string): void {
  try {
    Deno.mkdirSync(directory, { recursive: true });
  } catch (cause) {
    throw cannotWrite(directory, cause);
  }
}

async function writeJson(path: string, value: unknown): Promise<void> {
  await writeAside(path, (write) => write(new TextEncoder().encode(JSON.stringify(value, null, 2) + "\n")));
}

function readJson(source: ByteSource): unknown {
  const path = source.name;
  return withFile(path, () => {
    const bytes = readSource(source);
    try {
      return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) as unknown;
    } catch (cause) {
      throw new SyntaxError(
        `Cannot read "${path}" as it must be JSON: ${oneLine((cause as Error).message)}`,
        { cause },
      );
    }
  });
}

function parseColumns(json: unknown, path: string): Map<string, StoredColumn> {
  const columns = isRecord(json) && json["schema"] === COLUMNS_SCHEMA ? json["columns"] : undefined;
  if (!isRecord(columns)) {
    throw new DataError(
      `Cannot read "${path}" as it must have columns of "${COLUMNS_SCHEMA}": found another`,
      path,
    );
  }
  const parsed = new Map<string, StoredColumn>();
  for (const [name, entry] of Object.entries(columns)) {
    if (!isStoredColumn(entry)) {
      throw new DataError(
        `Cannot read "${path}" as a column has file, dtype, shape, dims and unit: found another in "${name}"`,
        path,
      );
    }
    parsed.set(name, entry);
  }
  return parsed;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A plain file name, so that a damaged or foreign `columns.json` cannot lead out of its folder. */
const FILE_NAME = /^[A-Za-z0-9_%~-][A-Za-z0-9_.%~-]*\.npy$/;

function isStoredColumn(entry: unknown): entry is StoredColumn {
  if (!isRecord(entry)) return false;
  const { file, dtype, shape, dims, unit, description } = entry;
  return typeof file === "string" && FILE_NAME.test(file) && (DTYPES as unknown[]).includes(dtype) &&
    Array.isArray(shape) && shape.length > 0 &&
    shape.every((length) => Number.isSafeInteger(length) && length >= 0) &&
    Array.isArray(dims) && dims.length === shape.length && dims.every((dim) => typeof dim === "string") &&
    typeof unit === "string" && (description === undefined || typeof description === "string");
}
