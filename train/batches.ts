/**
 * From columns to the tensors of a mini-batch.
 *
 * @module
 */
import { DataError } from "../core/errors.ts";
import type { Column, Table } from "../core/types.ts";
import { sizeOf } from "../core/types.ts";
import type { Tensor } from "../engine/runtimes/types.ts";

/** The dtype a column has inside a program: floats are float32, whole numbers and truth values int32. */
export function programDtype(column: Pick<Column, "dtype">): "float32" | "int32" {
  return column.dtype.startsWith("float") ? "float32" : "int32";
}

/** A column as a program takes it; converted once. */
export interface ProgramColumn {
  readonly dtype: "float32" | "int32";
  /** Shape of one row. */
  readonly shape: readonly number[];
  readonly rowSize: number;
  readonly rows: number;
  readonly data: Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>;
}

/** Columns by name, as programs take them. */
export type ProgramColumns = { readonly [name: string]: ProgramColumn };

/** A dtype in which programs take columns. */
export type ColumnDtype = ProgramColumn["dtype"];

/**
 * Converts a column. Numbers are rounded to float32, as is usual, but never become infinite; what becomes int32 must be
 * whole and fit. NaN and infinite numbers of the column itself stay.
 *
 * @param dtype What the program takes. @default {@linkcode programDtype} of the column
 * @param firstRow What the first row is called in an error, where the column is a part of one.
 * @throws {DataError} Naming the column, the first value that does not fit, and its row.
 */
export function programColumn(
  column: Column,
  name: string,
  dtype = programDtype(column),
  firstRow = 0,
): ProgramColumn {
  const shape = column.shape.slice(1);
  const common = { dtype, shape, rowSize: sizeOf(shape), rows: column.shape[0] ?? 0 };
  const convert = dtype === "float32" ? toFloat32 : toInt32;
  return { ...common, data: convert(column, name, firstRow) };
}

function toFloat32(column: Column, name: string, firstRow: number): Float32Array<ArrayBuffer> {
  if (column.data instanceof Float32Array) return column.data;
  const data = new Float32Array(column.data.length);
  for (let i = 0; i < data.length; i++) {
    const value = Number(column.data[i]);
    data[i] = value;
    if (!Number.isFinite(data[i]) && Number.isFinite(value)) {
      throw unfit(column, name, firstRow, i, "numbers must be below 3.4e38, the largest of float32");
    }
  }
  return data;
}

const WHOLE = "the numbers must be whole and fit 32 bits";

function toInt32(column: Column, name: string, firstRow: number): Int32Array<ArrayBuffer> {
  if (column.data instanceof Int32Array) return column.data;
  const data = new Int32Array(column.data.length);
  for (let i = 0; i < data.length; i++) {
    const value = Number(column.data[i]);
    data[i] = value | 0;
    if (data[i] !== value) {
      throw unfit(column, name, firstRow, i, WHOLE);
    }
  }
  return data;
}

function unfit(column: Column, name: string, firstRow: number, element: number, rule: string): DataError {
  const row = firstRow + Math.floor(element / sizeOf(column.shape.slice(1)));
  return new DataError(
    `Cannot use column "${name}" in a model as ${rule}: found ${column.data[element]} in row ${row}`,
  );
}

/**
 * Converts the named columns of a table.
 *
 * @param dtypes What the program takes, by name. @default that of each column
 * @throws {TypeError} If a column is missing.
 * @throws {DataError} As {@linkcode programColumn}.
 */
export function programColumns(
  table: Table,
  names: readonly string[],
  where: string,
  dtypes: { readonly [name: string]: ColumnDtype } = {},
): { [name: string]: ProgramColumn } {
  requireColumns(table, names, where);
  return Object.fromEntries(names.map((name) => [name, programColumn(table[name]!, name, dtypes[name])]));
}

/** @throws {TypeError} If a column is missing. */
export function requireColumns(table: Table, names: readonly string[], where: string): void {
  const missing = names.find((name) => !Object.hasOwn(table, name));
  if (missing === undefined) return;
  throw new TypeError(
    `Cannot make batches as the ${where} table must have the column "${missing}": it has ${
      Object.keys(table).join(", ")
    }`,
  );
}

/** Dtypes of columns, by name. */
export function dtypesOf(
  columns: { readonly [name: string]: ProgramColumn },
): { [name: string]: ColumnDtype } {
  return Object.fromEntries(Object.entries(columns).map(([name, { dtype }]) => [name, dtype]));
}

/** Tensors of fixed batch size that are filled again and again. */
export class BatchBuffer {
  readonly tensors: { readonly [name: string]: Tensor };

  constructor(readonly columns: { readonly [name: string]: ProgramColumn }, readonly batchSize: number) {
    this.tensors = Object.fromEntries(
      Object.entries(columns).map(([name, column]) => [name, {
        dtype: column.dtype,
        shape: [batchSize, ...column.shape],
        data: column.dtype === "float32"
          ? new Float32Array(batchSize * column.rowSize)
          : new Int32Array(batchSize * column.rowSize),
      }]),
    );
  }

  /** Copies the rows `order[from..from + batchSize)`; past the end the last row is repeated. */
  fillFrom(order: Uint32Array, from: number): void {
    this.fillPart(this.columns, order, from, 0, this.batchSize);
  }

  /**
   * Copies `count` rows, `order[from]` and those after it, to the rows of the batch from `at` on.
   *
   * @param columns Where the rows are; of the same names and shapes as those of the batch.
   */
  fillPart(columns: ProgramColumns, order: Uint32Array, from: number, at: number, count: number): void {
    for (const [name, column] of Object.entries(columns)) {
      const target = this.tensors[name]!.data as Float32Array;
      const source = column.data as Float32Array;
      const size = column.rowSize;
      for (let i = 0; i < count; i++) {
        const row = order[Math.min(from + i, order.length - 1)]!;
        if (size === 1) target[at + i] = source[row]!;
        else target.set(source.subarray(row * size, (row + 1) * size), (at + i) * size);
      }
    }
  }

  /** Adjacent rows as they lie in the columns where there are enough, else as {@linkcode fillRange} copies them. */
  range(from: number, padding: "repeat" | "zero"): { readonly [name: string]: Tensor } {
    const { columns, batchSize } = this;
    if (Object.values(columns).some(({ rows }) => from + batchSize > rows)) {
      this.fillRange(from, padding);
      return this.tensors;
    }
    return Object.fromEntries(
      Object.entries(columns).map(([name, { dtype, data, rowSize }]) => [name, {
        dtype,
        shape: this.tensors[name]!.shape,
        data: data.subarray(from * rowSize, (from + batchSize) * rowSize),
      }]),
    );
  }

  /** Copies adjacent rows; past the end the last row is repeated, or rows are zero. */
  fillRange(from: number, padding: "repeat" | "zero" = "repeat"): void {
    for (const [name, column] of Object.entries(this.columns)) {
      const target = this.tensors[name]!.data as Float32Array;
      const source = column.data as Float32Array;
      const size = column.rowSize;
      const present = Math.min(this.batchSize, column.rows - from);
      target.set(source.subarray(from * size, (from + present) * size));
      if (padding === "zero") target.fill(0, present * size);
      const last = source.subarray((column.rows - 1) * size, column.rows * size);
      for (let i = present; i < this.batchSize && padding === "repeat"; i++) target.set(last, i * size);
    }
  }
}
