/**
 * The types every room shares: arrays with units, tables, estimates, figures, training events. This file
 * imports nothing.
 *
 * @module
 */

/** Element types of arrays on disk and between host and sandbox. */
export type Dtype =
  | "float64"
  | "float32"
  | "int64"
  | "int32"
  | "int16"
  | "int8"
  | "uint64"
  | "uint32"
  | "uint16"
  | "uint8"
  | "bool";

/** The JavaScript array that holds each {@linkcode Dtype}; `bool` is one byte per element. */
export interface ArrayOf {
  float64: Float64Array<ArrayBuffer>;
  float32: Float32Array<ArrayBuffer>;
  int64: BigInt64Array<ArrayBuffer>;
  int32: Int32Array<ArrayBuffer>;
  int16: Int16Array<ArrayBuffer>;
  int8: Int8Array<ArrayBuffer>;
  uint64: BigUint64Array<ArrayBuffer>;
  uint32: Uint32Array<ArrayBuffer>;
  uint16: Uint16Array<ArrayBuffer>;
  uint8: Uint8Array<ArrayBuffer>;
  bool: Uint8Array<ArrayBuffer>;
}

/** Any array that holds a {@linkcode Dtype}. */
export type TypedArray = ArrayOf[Dtype];

/** Numbers in row-major order with their shape. `data.length` is the product of `shape`; a scalar has shape `[]`. */
export interface NdArray<D extends Dtype = Dtype> {
  readonly dtype: D;
  readonly shape: readonly number[];
  readonly data: ArrayOf[D];
}

/** A JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
/** A JSON object. */
export type JsonObject = { readonly [key: string]: Json };

/**
 * One quantity of a table: an array whose first dimension is the row. `unit` is a UCUM-like string as printed
 * on an axis ("cm", "GeV", "1" for a pure number).
 */
export interface Column<D extends Dtype = Dtype> extends NdArray<D> {
  /** A name per dimension; the first is "row". */
  readonly dims: readonly string[];
  readonly unit: string;
  readonly description?: string;
}

/** Columns by name; all have the same number of rows. */
export type Table = { readonly [column: string]: Column };

/** Tables by split name: usually `train`, `validation`, `test`. */
export type Tables = { readonly [split: string]: Table };

/** A part of a cross-validation: which of how many parts of the rows is tested. */
export interface Fold {
  /** 0 to `count` - 1. */
  readonly index: number;
  /** At least 2. */
  readonly count: number;
}

/** How an error was obtained; printed with every metric. */
export type ErrorKind = "bootstrap" | "fit" | "wilson" | "delong" | "analytic" | "spread" | "none";

/** A value with its uncertainty (one standard deviation unless `errorKind` says otherwise). */
export interface Estimate {
  readonly value: number;
  readonly error: number | null;
  readonly errorKind: ErrorKind;
}

/** One entry of `metrics.json`. */
export interface Metric extends Estimate {
  readonly unit: string;
  /** Which direction is an improvement. */
  readonly better: "lower" | "higher" | "zero" | "none";
  /** Rows that went into the number. */
  readonly rows: number;
  readonly split: string;
  /** Short text for tables, such as "core width of x". */
  readonly label?: string;
  /**
   * Of a value that is the mean over several runs: their standard deviation, with one less than their number in the
   * denominator; null where only one gave a number. `error` is that of one run then.
   */
  readonly spread?: number | null;
  /** How many runs the mean is over; those whose value is no number are left out. */
  readonly members?: number;
}

/** Metrics by key, such as `core_sigma_x` or `centroid.half_width_68_x`. */
export type Metrics = { readonly [key: string]: Metric };

/** A picture and the numbers drawn in it. */
export interface Figure {
  /** File stem: `figures/<name>.svg`. Lower case, digits, `_`. */
  readonly name: string;
  readonly title: string;
  /** What a reader should see, and the conditions (rows, split, cuts). */
  readonly caption: string;
  /** One self-contained `<svg>` element. */
  readonly svg: string;
  /** The data drawn, JSON-able: written to `figures/<name>.json`. */
  readonly data: Json;
}

/** A small table for the report, such as a cut flow. */
export interface TextTable {
  readonly name: string;
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number | null)[])[];
  readonly note?: string;
}

/** Something a reader of the report must know; a value, never printed from the depths. */
export interface Warning {
  /** Stable identifier, such as "few-rows". */
  readonly code: string;
  readonly message: string;
}

/** One line of `metrics.jsonl`. `values` hold `loss` first. */
export interface TrainingRecord {
  readonly step: number;
  readonly epoch: number;
  readonly split: "train" | "validation";
  readonly learningRate?: number;
  readonly seconds?: number;
  readonly [value: string]: number | string | undefined;
}

/** Number of elements of a shape; 1 for a scalar. */
export function sizeOf(shape: readonly number[]): number {
  let size = 1;
  for (const length of shape) size *= length;
  return size;
}
