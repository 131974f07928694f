/**
 * Traced models on an engine: reads what the box wrote, checks it, compiles it, predicts with it.
 *
 * @module
 */
import { NotFoundError, PluginError } from "../core/errors.ts";
import { nearestName } from "../core/names.ts";
import type { Column, NdArray, Table } from "../core/types.ts";
import { sizeOf } from "../core/types.ts";
import { readSafetensors } from "../data/safetensors.ts";
import { readTable, writeTable } from "../data/tables.ts";
import { engineByName, parseProgram, printProgram, type Program, verifyProgram } from "../engine/mod.ts";
import type { Executable, Session, Tensors } from "../engine/runtime/types.ts";
import { BatchBuffer, type ProgramColumn, programColumns } from "./batches.ts";
import { writeAtomic } from "./files.ts";
import { join } from "./paths.ts";
import { batchSizeOf, randomInputs, scalarInputs } from "./train.ts";

/** A model's programs, its state on an engine, and the programs compiled so far. */
export class LoadedModel {
  readonly #executables = new Map<string, Executable>();

  constructor(
    readonly name: string,
    readonly programs: { readonly [name: string]: Program },
    readonly session: Session,
    readonly seed: number,
  ) {}

  has(program: string): boolean {
    return Object.hasOwn(this.programs, program);
  }

  /** The compiled program; compiled on first use. */
  async executable(program: string): Promise<Executable> {
    const found = this.#executables.get(program);
    if (found) return found;
    const traced = this.has(program) ? this.programs[program] : undefined;
    if (!traced) {
      const known = Object.keys(this.programs);
      throw new NotFoundError(
        `Cannot run program "${program}" of model "${this.name}" as there is no such program: known are ${
          known.join(", ")
        }`,
        "program",
        program,
        nearestName(program, known),
      );
    }
    const compiled = await this.session.compile(traced);
    this.#executables.set(program, compiled);
    return compiled;
  }

  /** Runs a program over all rows of a table, batch by batch; the last batch is padded and its padding cut off. */
  async runOver(program: string, table: Table): Promise<Table> {
    const executable = await this.executable(program);
    const names = executable.program.inputs.filter((input) => input.role === "batch").map((input) =>
      input.name
    );
    const columns = programColumns(table, names, "given");
    checkShapes(columns, executable.program);
    const rows = Object.values(columns)[0]?.rows ?? 0;
    const batchSize = batchSizeOf(executable);
    const buffer = new BatchBuffer(columns, batchSize);
    const collected = new Map<
      string,
      { dtype: "float32" | "int32"; shape: number[]; data: Float32Array | Int32Array }
    >();
    for (let from = 0; from < rows; from += batchSize) {
      buffer.fillRange(from);
      const outputs = await executable.run({
        ...buffer.tensors,
        ...scalarInputs(executable, 0),
        ...randomInputs(executable, this.seed, `${this.name}/${program}`, 0, from),
      });
      for (const [name, output] of Object.entries(outputs)) {
        const rowShape = output.shape.slice(1);
        const size = sizeOf(rowShape);
        if (!collected.has(name)) {
          const isFloat = output.dtype === "float32";
          const data = isFloat ? new Float32Array(rows * size) : new Int32Array(rows * size);
          collected.set(name, { dtype: isFloat ? "float32" : "int32", shape: [rows, ...rowShape], data });
        }
        const present = Math.min(batchSize, rows - from);
        collected.get(name)!.data.set((output.data as Float32Array).subarray(0, present * size), from * size);
      }
    }
    return Object.fromEntries([...collected].map(([name, array]) => [name, asColumn(array as NdArray)]));
  }

  /** The onnx bytes of a compiled program, where the engine has them. */
  onnx(program: string): Uint8Array | undefined {
    return this.#executables.get(program)?.onnx;
  }

  async dispose(): Promise<void> {
    await this.session.dispose(); // and its programs with it
  }
}

function asColumn(array: NdArray): Column {
  return { ...array, dims: ["row", ...array.shape.slice(1).map((_, i) => `axis_${i + 1}`)], unit: "1" };
}

/** Rows must have the shape the program was traced for. */
function checkShapes(columns: { readonly [name: string]: ProgramColumn }, program: Program): void {
  for (const input of program.inputs) {
    if (input.role !== "batch") continue;
    const expected = program.values[input.value]!.shape.slice(1);
    const found = columns[input.name]!.shape;
    if (expected.join() !== found.join()) {
      throw new TypeError(
        `Cannot run program "${program.name}" as rows of "${input.name}" must have shape [${
          expected.join(",")
        }]: found [${found.join(",")}]`,
      );
    }
  }
}

/** Where programs and initial state of a model lie, and how to run them. */
export interface LoadRequest {
  readonly name: string;
  /** Folder with `<program>.json` and `state.safetensors`. */
  readonly directory: string;
  readonly programs: readonly string[];
  /** File of a program in the folder. @default "<program>.json" */
  readonly fileOf?: (program: string) => string;
  readonly plugin: string;
  readonly engine: string;
  readonly threads?: number | undefined;
  readonly seed: number;
  /** In place of the initial state. */
  readonly state?: Tensors | undefined;
}

/** Reads and checks what `trace` wrote and opens a session on the engine. */
export async function loadModel(request: LoadRequest): Promise<LoadedModel> {
  const programs: { [name: string]: Program } = {};
  for (const name of request.programs) {
    const file = join(request.directory, request.fileOf?.(name) ?? `${name}.json`);
    try {
      const program = parseProgram(await Deno.readTextFile(file));
      verifyProgram(program);
      programs[name] = program;
    } catch (cause) {
      throw new PluginError((cause as Error).message, request.plugin, "trace", { cause });
    }
  }
  const state = request.state ??
    (await readSafetensors(join(request.directory, "state.safetensors"))).tensors as Tensors;
  const engine = await engineByName(request.engine);
  const session = await engine.open(state, request.threads === undefined ? {} : { threads: request.threads });
  return new LoadedModel(request.name, programs, session, request.seed);
}

/** Writes `programs/<model>-<program>.{json,txt,onnx}`. */
export async function writePrograms(model: LoadedModel, source: string, target: string): Promise<void> {
  for (const [name, program] of Object.entries(model.programs)) {
    const stem = join(target, `${model.name}-${name}`);
    await Deno.copyFile(join(source, `${name}.json`), `${stem}.json`);
    await writeAtomic(`${stem}.txt`, printProgram(program));
    const onnx = model.onnx(name);
    if (onnx) await writeAtomic(`${stem}.onnx`, onnx);
  }
}

/** Answers a box's call: reads `calls/<n>/in`, runs the program, writes `calls/<n>/out`. */
export async function answerCall(
  model: LoadedModel,
  program: string,
  exchange: string,
  call: number,
): Promise<void> {
  const directory = join(exchange, "calls", String(call));
  const outputs = await model.runOver(program, await readTable(join(directory, "in")));
  await writeTable(join(directory, "out"), outputs);
}
