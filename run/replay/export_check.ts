/**
 * Whether an exported file gives what the run's own program gives, whatever the number of rows.
 *
 * @module
 */
import { UnsupportedError } from "../../core/errors.ts";
import { randomFor } from "../../core/random.ts";
import { sizeOf, type Table } from "../../core/types.ts";
import { BATCH, type OpenValue } from "../../engine/onnx/dynamic.ts";
import type { ExportedModel } from "../../engine/onnx/export.ts";
import type { Program, Tensor, Tensors, ValueType } from "../../engine/mod.ts";
import { runOnnxFile } from "../../engine/runtimes/onnx_check.ts";
import { BatchBuffer, programColumn } from "../../train/batches.ts";
import { loadModel } from "../../train/models.ts";
import { readRunPrograms } from "./replay.ts";
import type { RunDirectory } from "../store/run_directory.ts";

/** What is compared. */
export interface ExportCheck {
  readonly run: RunDirectory;
  readonly engine: string;
  readonly model: string;
  /** The program of the model that was exported. */
  readonly program: string;
  /** Weights in the file. */
  readonly state: Tensors;
  readonly exported: ExportedModel;
  /** Rows to try it on, where they are still at hand. */
  readonly sample: Table | undefined;
}

/** A number of rows at which a file was right. */
export interface CheckedRows {
  readonly rows: number;
  /** The largest difference, relative to the largest number of the output. */
  readonly difference: number;
}

/** Numbers of rows at which a file is tried besides that of the run. */
const TRIED_ROWS = [1, 7] as const;
/**
 * Relative to the largest number of an output: float32 sums in another order, as the number of rows decides how products are
 * split. Measured: 0 for one layer, 2e-7 for seven, 5e-5 for a transformer; rows that depend on each other are far beyond.
 */
const TOLERANCE = 5e-4;

/**
 * Runs a file with a few numbers of rows, and the program of the run with its own, on the same numbers.
 *
 * @throws {UnsupportedError} If they differ: then what is computed for a row depends on other rows.
 */
export async function checkExport(
  { run, engine, model: name, program: programName, state, exported, sample }: ExportCheck,
): Promise<readonly CheckedRows[]> {
  const model = await loadModel({
    name,
    programs: readRunPrograms(run, name, [programName]),
    engine,
    threads: 1,
    seed: run.record.seed,
    state,
  });
  try {
    const executable = await model.executable(programName);
    const { program } = executable;
    const inputs = trialInputs(program, run.record.seed, sample);
    const expected = await executable.run(inputs);
    const all = rowsOf(program, exported.inputs);
    const checked: CheckedRows[] = [];
    for (const rows of [...TRIED_ROWS.filter((rows) => rows < all), all]) {
      const actual = await runOnnxFile(
        engine,
        exported.onnx,
        firstRows(inputs, exported.inputs, rows),
        typesOf(exported.outputs, rows),
      );
      const wanted = firstRows(expected, exported.outputs, rows);
      checked.push({ rows, difference: compare(actual, wanted, exported.outputs, rows, all) });
    }
    return checked;
  } finally {
    await model.dispose();
  }
}

/** Prepared rows where there are some; else numbers in [0, 1), and zeros for integers: an index must be in its range. */
function trialInputs(program: Program, seed: number, sample: Table = {}): Tensors {
  return Object.fromEntries(program.inputs.map(({ name, value, distribution }): [string, Tensor] => {
    const { dtype, shape } = program.values[value]!;
    const column = Object.hasOwn(sample, name) ? programColumn(sample[name]!, name) : undefined;
    if (
      column && column.rows > 0 && column.dtype === dtype && column.shape.join() === shape.slice(1).join()
    ) {
      const buffer = new BatchBuffer({ [name]: column }, shape[0]!);
      buffer.fillRange(0);
      return [name, buffer.tensors[name]!];
    }
    const size = sizeOf(shape);
    if (dtype === "int32") return [name, { dtype, shape, data: new Int32Array(size) }];
    if (dtype === "bool") return [name, { dtype, shape, data: new Uint8Array(size) }];
    const data = new Float32Array(size);
    const random = randomFor({ seed, purpose: `export/${name}` });
    if (distribution === "normal") random.fillNormal(data);
    else random.fillUniform(data);
    return [name, { dtype, shape, data }];
  }));
}

/** The number of rows that the run's program takes. */
function rowsOf(program: Program, inputs: readonly OpenValue[]): number {
  const open = inputs.find(({ shape }) => shape[0] === BATCH);
  const input = program.inputs.find(({ name }) => name === open?.name);
  return input ? program.values[input.value]!.shape[0]! : 1;
}

/** A length at a number of rows. */
function lengthAt(length: number | string, rows: number): number {
  if (typeof length === "number") return length;
  const [, slope = "1", offset = "0"] = new RegExp(`^(?:(-?\\d+)\\*)?${BATCH}([+-]\\d+)?$`).exec(length)!;
  return Number(slope) * rows + Number(offset);
}

function typesOf(values: readonly OpenValue[], rows: number): { readonly [name: string]: ValueType } {
  return Object.fromEntries(
    values.map(({ name, dtype, shape }) => [
      name,
      { dtype, shape: shape.map((length) => lengthAt(length, rows)) } as ValueType,
    ]),
  );
}

/** The tensors cut to what they are at fewer rows. */
function firstRows(tensors: Tensors, values: readonly OpenValue[], rows: number): Tensors {
  return Object.fromEntries(values.map(({ name, shape }): [string, Tensor] => {
    const { dtype, data } = tensors[name]!;
    const cut = shape.map((length) => lengthAt(length, rows));
    return [name, { dtype, shape: cut, data: data.slice(0, sizeOf(cut)) } as Tensor];
  }));
}

/** The largest difference, relative to the largest number; outputs that are not by row are compared at all rows only. */
function compare(
  actual: Tensors,
  wanted: Tensors,
  outputs: readonly OpenValue[],
  rows: number,
  all: number,
): number {
  let worst = 0;
  for (const { name, shape } of outputs) {
    const isByRow = shape[0] === BATCH && shape.slice(1).every((length) => typeof length === "number");
    if (!isByRow && rows !== all) continue;
    const relative = apart(actual[name]!.data, wanted[name]!.data);
    if (!(relative <= TOLERANCE)) {
      throw new UnsupportedError(
        `Cannot export output "${name}" as every row must be computed alone: with ${rows} rows it is off by ${
          relative.toExponential(1)
        } of its largest number`,
        "dynamic batch",
      );
    }
    worst = Math.max(worst, relative);
  }
  return worst;
}

/** The largest difference relative to the largest finite number; numbers that are not finite must be the same. */
function apart(found: Tensor["data"], expected: Tensor["data"]): number {
  let [scale, difference] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    if (Object.is(found[i], expected[i])) {
      if (Number.isFinite(found[i])) scale = Math.max(scale, Math.abs(expected[i]!));
      continue;
    }
    if (!Number.isFinite(found[i]) || !Number.isFinite(expected[i])) return Infinity;
    scale = Math.max(scale, Math.abs(expected[i]!));
    difference = Math.max(difference, Math.abs(found[i]! - expected[i]!));
  }
  return difference === 0 ? 0 : difference / scale;
}
