/**
 * Values that are not finite: columns before training, the loss of a step, the state. Each error names where they are.
 *
 * @module
 */
import { ConfigError, DataError } from "../core/errors.ts";
import type { Column, Table } from "../core/types.ts";
import { blocksOf, isPaged } from "../data/paged.ts";
import type { Tensors } from "../engine/runtimes/types.ts";
import { programDtype } from "./batches.ts";
import type { TrainingCounters } from "./counters.ts";

/** Where a training stands. */
export interface TrainingPlace {
  readonly model: string;
  /** Counters after the step. */
  readonly counters: Pick<TrainingCounters, "step" | "epoch" | "stepInEpoch">;
}

/** A value of a training step that is not finite. */
export interface NonFinite {
  readonly model: string;
  /** The output that is not finite. */
  readonly output: string;
  readonly value: number;
  /** Counters after the step. */
  readonly counters: Pick<TrainingCounters, "step" | "epoch">;
}

/** What to throw when a step gives a value that is not finite; `state` holds all tensors after the step. */
export function nonFiniteError({ model, output, value, counters }: NonFinite, state: Tensors): ConfigError {
  const first = firstNonFinite(state);
  const where = first === undefined
    ? "all parameters are still finite"
    : `the first tensor that is not finite is "${first}"`;
  return new ConfigError(
    `Cannot train "${model}" as "${output}" must be finite: ${value} at step ${counters.step} ` +
      `(epoch ${counters.epoch + 1}), ${where}; try a lower --learning-rate`,
  );
}

/** The first float32 tensor with an element that is NaN or infinite; undefined where there is none. */
export function firstNonFinite(state: Tensors): string | undefined {
  return firstWith(state, (data) => !data.every(Number.isFinite));
}

/**
 * Refuses a state that holds NaN, whatever the loss is. An infinite element stays allowed: a running minimum begins
 * with one.
 *
 * @throws {ConfigError} Naming the first such tensor and the step.
 */
export function checkFiniteState({ model, counters }: TrainingPlace, state: Tensors): void {
  const first = firstWith(state, hasNaN);
  if (first === undefined) return;
  const epoch = counters.stepInEpoch === 0 ? counters.epoch : counters.epoch + 1;
  throw new ConfigError(
    `Cannot train "${model}" as its state must not hold NaN: the first tensor with NaN is "${first}" after step ` +
      `${counters.step} (epoch ${epoch}), although the loss is finite; try a lower --learning-rate`,
  );
}

function firstWith(state: Tensors, isFault: (data: Float32Array) => boolean): string | undefined {
  return Object.keys(state).find((name) => {
    const { dtype, data } = state[name]!;
    return dtype === "float32" && isFault(data as Float32Array);
  });
}

/** A plain loop: it runs beside every fingerprint. */
function hasNaN(data: Float32Array): boolean {
  for (let i = 0; i < data.length; i++) if (data[i] !== data[i]) return true;
  return false;
}

/** Rows that an error lists; the others are counted. */
const LISTED_ROWS = 5;

/**
 * Refuses columns with values that a program cannot compute with: NaN, infinities, numbers beyond float32, whole numbers
 * beyond 32 bits.
 *
 * @param names The columns that the model reads; one that is not in the table is passed over.
 * @throws {DataError} Naming every such column, its first five rows, counted from 0, and how many there are.
 */
export function checkColumns(model: string, split: string, table: Table, names: readonly string[]): void {
  const faults = [...new Set(names)].flatMap((name) => {
    const column = table[name];
    const fault = column && columnFault(column);
    return fault === undefined ? [] : [`column "${name}" of split "${split}" ${fault}`];
  });
  if (faults.length === 0) return;
  throw new DataError(
    `Cannot train "${model}" as the columns that it reads must hold finite numbers that fit 32 bits: ${
      faults.join("; ")
    }`,
  );
}

/** What is wrong with a column; undefined where nothing is. */
function columnFault(column: Column): string | undefined {
  const isFloat = programDtype(column) === "float32";
  if (!isFloat && NARROW.has(column.dtype)) return undefined;
  const isFault = isFloat ? isBeyondFloat32 : isBeyondInt32;
  const [rows = 0] = column.shape;
  const listed: string[] = [];
  let count = 0;
  for (const { from, part } of partsOf(column)) {
    const { data, shape } = part;
    const [partRows = 0] = shape;
    const width = partRows === 0 ? 0 : data.length / partRows;
    for (let row = 0; row < partRows; row++) {
      for (let i = row * width; i < (row + 1) * width; i++) {
        if (!isFault(data[i]!)) continue;
        if (count++ < LISTED_ROWS) listed.push(`${data[i]} in row ${from + row}`);
        break;
      }
    }
  }
  if (count === 0) return undefined;
  const more = count > LISTED_ROWS ? ", ..." : "";
  return `has others in ${count} of ${rows} rows (${listed.join(", ")}${more}; counted from 0)`;
}

/** A column in memory at once; one on disk block by block. */
function* partsOf(column: Column): Generator<{ readonly from: number; readonly part: Column }> {
  if (!isPaged(column)) return yield { from: 0, part: column };
  let from = 0;
  for (const { part } of blocksOf<Table>({ part: column })) {
    yield { from, part: part as Column };
    from += (part as Column).shape[0] ?? 0;
  }
}

/** Whole numbers that always fit 32 bits. */
const NARROW: ReadonlySet<string> = new Set(["int32", "int16", "int8", "uint16", "uint8", "bool"]);

function isBeyondFloat32(value: number | bigint): boolean {
  return !Number.isFinite(Math.fround(value as number));
}

function isBeyondInt32(value: number | bigint): boolean {
  return value < -(2 ** 31) || value > 2 ** 31 - 1;
}
