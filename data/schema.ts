/**
 * What the caller says of the columns of a text file or Parquet file, and the typed columns that come of it.
 *
 * @module
 */
import { DataError } from "../core/errors.ts";
import { nearestName } from "../core/names.ts";
import type { ArrayOf, Column, Dtype } from "../core/types.ts";
import { createArray } from "../formats/arrays.ts";

/** One column to read. */
export interface ColumnSchema<D extends Dtype = Dtype> {
  readonly dtype: D;
  /** As printed on an axis: "cm", "GeV", "1" for a pure number. */
  readonly unit: string;
  readonly description?: string;
  /** Its name in the file, or its number there, from 0. @default the name in the schema */
  readonly from?: string | number;
  /** The number in place of a missing one, such as NaN. @default a missing one is a defect */
  readonly missing?: number;
  /** Texts that the column holds; it becomes the place of each in this list, from 0. @default numbers */
  readonly categories?: readonly string[];
}

/** The columns to read, by the name that they get. Others of the file are passed over. */
export type TableSchema = { readonly [column: string]: ColumnSchema };

/** The table that a schema gives: each column with its dtype. */
export type TableOf<S extends TableSchema> = { readonly [K in keyof S]: Column<S[K]["dtype"]> };

/** The number of a value in a file; throws {@linkcode Unfit} where it is none of the column. */
export type Convert = (value: unknown) => number | bigint;

/** What is wrong with a value: the rule that it breaks. */
export class Unfit extends Error {}

/** Least and largest of each whole dtype. */
const RANGES: { readonly [D in Dtype]?: readonly [number | bigint, number | bigint] } = {
  int8: [-128, 127],
  int16: [-32768, 32767],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint8: [0, 255],
  uint16: [0, 65535],
  uint32: [0, 2 ** 32 - 1],
  uint64: [0n, 2n ** 64n - 1n],
};

/** Columns that grow row by row, up to a number of rows, and are then handed out as a table. */
export class TableBuilder<S extends TableSchema> {
  readonly columns: readonly ColumnBuilder[];
  rows = 0;

  constructor(readonly schema: S, readonly capacity: number) {
    this.columns = Object.entries(schema).map(([name, column]) => new ColumnBuilder(name, column, capacity));
  }

  get isFull(): boolean {
    return this.rows >= this.capacity;
  }

  /** The rows so far as a table of its own; empties the builder. */
  take(): TableOf<S> {
    const { rows } = this;
    this.rows = 0;
    return Object.fromEntries(this.columns.map((column) => [column.name, column.take(rows)])) as TableOf<S>;
  }
}

/** One column that grows. */
export class ColumnBuilder {
  readonly data: ArrayOf[Dtype];
  /** Whether its numbers are float32 or float64, and not those of a list of categories. */
  readonly isFloat: boolean;
  readonly isFloat32: boolean;
  readonly convert: Convert;
  readonly #range: readonly [number | bigint, number | bigint] | undefined;
  readonly #isBig: boolean;

  /** @throws {RangeError} If what stands for missing values does not fit the dtype. */
  constructor(readonly name: string, readonly schema: ColumnSchema, capacity: number) {
    const { dtype, categories, missing } = schema;
    this.data = createArray(dtype, capacity);
    this.isFloat32 = dtype === "float32";
    this.#isBig = dtype === "int64" || dtype === "uint64";
    this.#range = RANGES[dtype];
    this.isFloat = dtype.startsWith("float") && categories === undefined;
    const own = categories
      ? categoryOf(categories)
      : dtype === "bool"
      ? truthOf
      : this.#isBig
      ? bigOf
      : numberOf;
    this.convert = (value) => this.#fitting(own(value));
    if (missing === undefined) return;
    try {
      this.#fitting(missing);
    } catch (error) {
      throw new RangeError(
        `Cannot read column "${name}" as what stands for missing values must fit: ${
          (error as Error).message
        }: found ${missing}`,
      );
    }
  }

  /** Sets the number of a row from a value of the file. @throws {Unfit} If it does not fit. */
  set(row: number, value: unknown): void {
    this.put(row, this.convert(value));
  }

  /** Sets the number of a row whose value is missing. @throws {Unfit} If the schema says nothing in its place. */
  setMissing(row: number): void {
    if (this.schema.missing === undefined) throw new Unfit("must not be missing");
    this.put(row, this.#fitting(this.schema.missing));
  }

  /** Sets a number that fits. */
  put(row: number, value: number | bigint): void {
    (this.data as Float64Array)[row] = value as number;
  }

  take(rows: number): Column {
    const { dtype, unit, description } = this.schema;
    const data = this.data.slice(0, rows);
    return { dtype, shape: [rows], dims: ["row"], unit, ...(description && { description }), data } as Column;
  }

  /** A number as the dtype holds it. */
  #fitting(value: number | bigint): number | bigint {
    const range = this.#range;
    if (range === undefined) {
      if (!this.isFloat32 || Number.isFinite(Math.fround(value as number)) || !Number.isFinite(value)) {
        return value;
      }
      throw new Unfit("must be below 3.4e38, the largest of float32");
    }
    if (typeof value === "number" && !Number.isInteger(value)) throw new Unfit("must be whole numbers");
    if (value < range[0] || value > range[1]) throw new Unfit(`must be from ${range[0]} to ${range[1]}`);
    return this.#isBig ? BigInt(value) : value;
  }
}

/** What a number looks like; JavaScript's own rule would take "", "0x1f" and "1_000". */
const NUMBER = /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i;
const NOT_FINITE: { readonly [text: string]: number } = {
  nan: NaN,
  inf: Infinity,
  infinity: Infinity,
};

function numberOf(value: unknown): number {
  if (typeof value === "number") return value;
  if (typeof value === "boolean") return Number(value);
  if (typeof value === "bigint") {
    if (BigInt(Number(value)) === value) return Number(value);
    throw new Unfit("must be numbers that float64 holds exactly");
  }
  if (typeof value !== "string") throw new Unfit("must be numbers");
  if (NUMBER.test(value)) return Number(value);
  const word = value.trim().toLowerCase();
  const found = NOT_FINITE[word.replace(/^[+-]/, "")];
  if (found === undefined || !Object.hasOwn(NOT_FINITE, word.replace(/^[+-]/, ""))) {
    throw new Unfit("must be numbers");
  }
  return word.startsWith("-") ? -found : found;
}

function bigOf(value: unknown): number | bigint {
  if (typeof value === "bigint") return value;
  if (typeof value === "string" && /^\s*[+-]?\d+\s*$/.test(value)) {
    return BigInt(value.trim().replace(/^\+/, ""));
  }
  const number = numberOf(value);
  if (!Number.isInteger(number)) throw new Unfit("must be whole numbers");
  return BigInt(number);
}

const TRUTHS: { readonly [text: string]: number } = { true: 1, false: 0, "1": 1, "0": 0 };

function truthOf(value: unknown): number {
  const word = String(value).trim().toLowerCase();
  if (Object.hasOwn(TRUTHS, word)) return TRUTHS[word]!;
  throw new Unfit("must be true, false, 1 or 0");
}

function categoryOf(categories: readonly string[]): Convert {
  const places = new Map(categories.map((category, place) => [category, place]));
  return (value) => {
    const place = places.get(String(value));
    if (place !== undefined) return place;
    throw new Unfit(`must be one of ${categories.map((category) => `"${category}"`).join(", ")}`);
  };
}

/**
 * Where each column of a schema is in a file.
 *
 * @param names The columns of the file.
 * @throws {DataError} If a column is missing, naming those that are there, or its name is there twice.
 */
export function placesOf(schema: TableSchema, names: readonly string[], path: string): number[] {
  return Object.entries(schema).map(([name, { from = name }]) => {
    const place = typeof from === "number" ? from : names.indexOf(from);
    if (Number.isInteger(place) && place >= 0 && place < names.length) {
      if (typeof from === "number" || names.lastIndexOf(from) === place) return place;
      throw new DataError(
        `Cannot read "${path}" as the name of a column must be there once: found "${from}" twice`,
        path,
      );
    }
    const nearest = typeof from === "string" ? nearestName(from, names) : undefined;
    const listed = names.slice(0, LISTED_NAMES).map(quoted).join(", ");
    const more = names.length > LISTED_NAMES ? `, and ${names.length - LISTED_NAMES} more` : "";
    throw new DataError(
      `Cannot read column "${from}" of "${path}" as its columns are ${listed}${more}: found no such column${
        nearest === undefined ? "" : `; did you mean ${quoted(nearest)}`
      }`,
      path,
    );
  });
}

/** A name or value of a file as a message shows it: on one line, and cut where it is long. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH)}...` : text);
}

const SHOWN_LENGTH = 60;

/** Names that an error lists. */
const LISTED_NAMES = 40;
