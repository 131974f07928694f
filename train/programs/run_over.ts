/**
 * A program over all rows of its inputs: split into batches, the last one padded, outputs put together again.
 *
 * @module
 */
import type { Column, NdArray, Table } from "../../core/types.ts";
import { sizeOf } from "../../core/types.ts";
import { PagedColumn } from "../../data/paged.ts";
import type { Program } from "../../engine/mod.ts";
import type { Executable, Tensor, Tensors } from "../../engine/runtimes/types.ts";
import { BatchBuffer, type ColumnDtype, type ProgramColumn, programColumn } from "../batches.ts";
import { chunksOf, columnsIn, openRows, rowsIn } from "../rows/rows.ts";
import { batchSizeOf, randomInputs, scalarInputs } from "./inputs.ts";

/** Arrays by name. */
export type Arrays = { readonly [name: string]: NdArray };

/** How a program's inputs and outputs run over batches; see `ModelProgram`. */
export interface RunOverOptions {
  readonly shared?: readonly string[];
  readonly sums?: readonly string[];
  /** Sums of calls before, to which those of this call are added. */
  readonly into?: Sums | undefined;
}

/** Sums by output name, float64. */
export type Sums = Map<string, NdArray>;

/** What {@linkcode runOver} runs. */
export interface RunOverRequest extends RunOverOptions {
  readonly executable: Executable;
  readonly inputs: Arrays;
  /** Which random numbers the program gets. */
  readonly random: { readonly seed: number; readonly purpose: string };
}

/**
 * Runs a program over all rows of its inputs, batch by batch; the last batch is padded and its padding cut off. The
 * arrays of an executable are valid only until its next run, so a call must end before the next one begins.
 *
 * @throws {TypeError} If a column is missing or has another shape than the program was traced for, or if `into` is given
 * and an output is not a sum.
 * @throws {DataError} If a number does not fit the dtype that the program takes.
 */
export async function runOver(
  { executable, inputs, random, shared = [], sums = [], into }: RunOverRequest,
): Promise<Arrays> {
  const { program } = executable;
  if (into) checkSums(program, sums);
  const names = program.inputs.filter(({ role }) => role === "batch").map(({ name }) => name);
  const rowNames = names.filter((name) => !shared.includes(name));
  const given = openRows(asTable(inputs), rowNames, "given", inputDtypes(program));
  checkShapes(columnsIn(given), program);
  const rows = rowsIn(given);
  const batchSize = batchSizeOf(executable, shared);
  const whole = sharedTensors(inputs, names.filter((name) => shared.includes(name)), program);
  const collected = new Collector(rows, sums, into);
  for (const { from: start, columns } of chunksOf(given, rowNames, batchSize)) {
    const buffer = new BatchBuffer(columns, batchSize);
    const end = start + (Object.values(columns)[0]?.rows ?? 0);
    for (let from = start; from < end; from += batchSize) {
      const outputs = await executable.run({
        ...buffer.range(from - start, sums.length > 0 ? "zero" : "repeat"),
        ...whole,
        ...scalarInputs(executable, 0),
        ...randomInputs(executable, { ...random, epoch: 0, step: from }),
      }, from === 0 ? [] : Object.keys(whole));
      for (const [name, output] of Object.entries(outputs)) {
        collected.add(name, output, from, Math.min(batchSize, end - from));
      }
    }
  }
  return collected.arrays;
}

/** What a program takes, by input. */
function inputDtypes({ inputs, values }: Program): { readonly [name: string]: ColumnDtype } {
  return Object.fromEntries(inputs.map(({ name, value }) => [name, values[value]!.dtype as ColumnDtype]));
}

/** Outputs of all batches: rows put one after the other, sums added up. */
class Collector {
  readonly #found: Map<string, NdArray>;

  constructor(readonly rows: number, readonly sums: readonly string[], into?: Sums) {
    this.#found = into ?? new Map();
  }

  get arrays(): Arrays {
    return Object.fromEntries(this.#found);
  }

  add(name: string, output: Tensor, from: number, present: number): void {
    if (this.sums.includes(name)) this.#addUp(name, output);
    else this.#append(name, output, from, present);
  }

  #addUp(name: string, { shape, data }: Tensor): void {
    if (!this.#found.has(name)) {
      this.#found.set(name, { dtype: "float64", shape, data: new Float64Array(data.length) });
    }
    const total = this.#found.get(name)!.data as Float64Array;
    for (let i = 0; i < total.length; i++) total[i]! += data[i]!;
  }

  #append(name: string, { dtype, shape, data }: Tensor, from: number, present: number): void {
    const rowShape = shape.slice(1);
    const size = sizeOf(rowShape);
    if (!this.#found.has(name)) {
      const length = this.rows * size;
      const target = dtype === "float32" ? new Float32Array(length) : new Int32Array(length);
      this.#found.set(
        name,
        {
          dtype: dtype === "float32" ? dtype : "int32",
          shape: [this.rows, ...rowShape],
          data: target,
        } as NdArray,
      );
    }
    (this.#found.get(name)!.data as Float32Array).set(
      (data as Float32Array).subarray(0, present * size),
      from * size,
    );
  }
}

/** Only sums carry over from call to call. */
function checkSums({ name, outputs }: Program, sums: readonly string[]): void {
  const other = outputs.find((output) => !sums.includes(output.name));
  if (!other) return;
  throw new TypeError(
    `Cannot accumulate program "${name}" as all its outputs must be sums: found "${other.name}"`,
  );
}

/** Inputs that every batch is given whole. */
function sharedTensors(inputs: Arrays, names: readonly string[], program: Program): Tensors {
  return Object.fromEntries(names.map((name) => {
    const array = inputs[name];
    const input = program.inputs.find((candidate) => candidate.name === name)!;
    const { shape: expected, dtype: taken } = program.values[input.value]!;
    if (array?.shape.join() !== expected.join()) {
      throw new TypeError(
        `Cannot run program "${program.name}" as "${name}" must have shape [${expected.join(",")}]: found [${
          array?.shape.join(",") ?? "nothing"
        }]`,
      );
    }
    const { dtype, data } = programColumn(
      { ...array, shape: [1, ...array.shape], dims: [], unit: "1" },
      name,
      taken as ColumnDtype,
    );
    return [name, { dtype, shape: array.shape, data }];
  }));
}

/** Arrays as a table, which has dims and units. */
function asTable(arrays: Arrays): Table {
  return Object.fromEntries(
    Object.entries(arrays).map((
      [name, array],
    ) => [name, array instanceof PagedColumn ? array : asColumn(array)]),
  );
}

/** An array as a column without a unit. */
export function asColumn(array: NdArray): Column {
  return { dims: ["row", ...array.shape.slice(1).map((_, i) => `axis_${i + 1}`)], unit: "1", ...array };
}

/** Rows must have the shape the program was traced for. */
function checkShapes(columns: { readonly [name: string]: ProgramColumn }, program: Program): void {
  for (const input of program.inputs) {
    if (input.role !== "batch") continue;
    const expected = program.values[input.value]!.shape.slice(1);
    const column = columns[input.name];
    if (!column) continue; // given whole
    const found = column.shape;
    if (expected.join() !== found.join()) {
      throw new TypeError(
        `Cannot run program "${program.name}" as rows of "${input.name}" must have shape [${
          expected.join(",")
        }]: found [${found.join(",")}]`,
      );
    }
  }
}
