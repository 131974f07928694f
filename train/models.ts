/**
 * Traced models on an engine: reads what the sandbox wrote, checks it, compiles it, predicts with it.
 *
 * @module
 */
import { NotFoundError, PluginError } from "../core/errors.ts";
import { nearestName } from "../core/names.ts";
import type { Column, NdArray, Table } from "../core/types.ts";
import { sizeOf } from "../core/types.ts";
import { readSafetensors } from "../formats/safetensors.ts";
import { engineByName, parseProgram, printProgram, type Program, verifyProgram } from "../engine/mod.ts";
import { calibrateThreads, type Calibration } from "../engine/runtimes/calibrate.ts";
import type { GraphCache } from "../engine/runtimes/graphs/graph_cache.ts";
import type { Executable, Session, Tensor, Tensors } from "../engine/runtimes/types.ts";
import { BatchBuffer, type ProgramColumn, programColumn, programColumns } from "./batches.ts";
import { writeAtomic } from "../files/atomic.ts";
import { join } from "../files/paths.ts";
import { batchSizeOf, randomInputs, scalarInputs } from "./loop.ts";

/** Programs that only training runs. */
const TRAINING_PROGRAMS: ReadonlySet<string> = new Set(["step", "validate", "validate_tail"]);

/** A model's programs, its state on an engine, and the programs compiled so far. */
export class LoadedModel {
  readonly #executables = new Map<string, Executable>();
  #queue: Promise<unknown> = Promise.resolve();

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
    // Training has the machine to itself; a hook that calls a program computes beside it.
    const compiled = await this.session.compile(traced, { sharesCores: !TRAINING_PROGRAMS.has(program) });
    this.#executables.set(program, compiled);
    return compiled;
  }

  /**
   * Runs a program over all rows of its inputs, batch by batch; the last batch is padded and its padding cut off. Calls
   * wait for each other, in their order, whenever their inputs come: the arrays of an executable are valid only until its
   * next run.
   */
  runOver(
    program: string,
    inputs: Arrays | Promise<Arrays>,
    options: RunOverOptions = {},
  ): Promise<Arrays> {
    if (inputs instanceof Promise) inputs.catch(() => {}); // told when their turn comes
    const result = this.#queue.then(async () => this.#runOver(program, await inputs, options));
    this.#queue = result.catch(() => {});
    return result;
  }

  async #runOver(
    program: string,
    inputs: Arrays,
    { shared = [], sums = [], into }: RunOverOptions,
  ): Promise<Arrays> {
    const executable = await this.executable(program);
    if (into) checkSums(executable.program, sums);
    const names = executable.program.inputs.filter((input) => input.role === "batch").map((input) =>
      input.name
    );
    const columns = programColumns(asTable(inputs), names.filter((name) => !shared.includes(name)), "given");
    checkShapes(columns, executable.program);
    const rows = Object.values(columns)[0]?.rows ?? 0;
    const batchSize = batchSizeOf(executable, shared);
    const buffer = new BatchBuffer(columns, batchSize);
    const whole = sharedTensors(inputs, names.filter((name) => shared.includes(name)), executable.program);
    const collected = new Collector(rows, sums, into);
    for (let from = 0; from < rows; from += batchSize) {
      const outputs = await executable.run({
        ...buffer.range(from, sums.length > 0 ? "zero" : "repeat"),
        ...whole,
        ...scalarInputs(executable, 0),
        ...randomInputs(executable, this.seed, `${this.name}/${program}`, 0, from),
      }, from === 0 ? [] : Object.keys(whole));
      for (const [name, output] of Object.entries(outputs)) {
        collected.add(name, output, from, Math.min(batchSize, rows - from));
      }
    }
    return collected.arrays;
  }

  /** The onnx bytes of a compiled program, where the engine has them. */
  onnx(program: string): Uint8Array | undefined {
    return this.#executables.get(program)?.onnx;
  }

  async dispose(): Promise<void> {
    await this.session.dispose(); // and its programs with it
  }
}

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
    const expected = program.values[input.value]!.shape;
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
    );
    return [name, { dtype, shape: array.shape, data }];
  }));
}

/** Arrays as a table, which has dims and units. */
function asTable(arrays: Arrays): Table {
  return Object.fromEntries(Object.entries(arrays).map(([name, array]) => [name, asColumn(array)]));
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
  /** Programs that were lowered before. @default those of this process */
  readonly graphs?: GraphCache | undefined;
}

/**
 * The number of threads with which steps of a model are quickest; undefined for a model without a step.
 *
 * @throws {PluginError} If its programs are not sound.
 */
export async function calibrate(request: LoadRequest): Promise<Calibration | undefined> {
  if (!request.programs.includes("step")) return undefined;
  const { step } = await readPrograms({ ...request, programs: ["step"] });
  const engine = await engineByName(request.engine);
  const { graphs } = request;
  const options = { most: navigator.hardwareConcurrency, now: () => performance.now(), graphs };
  return await calibrateThreads(engine, step!, await initialState(request), options);
}

/** Reads and checks what `trace` wrote and opens a session on the engine. */
export async function loadModel(request: LoadRequest): Promise<LoadedModel> {
  const programs = await readPrograms(request);
  const state = request.state ?? await initialState(request);
  const engine = await engineByName(request.engine);
  const { threads, graphs } = request;
  const session = await engine.open(state, threads === undefined ? { graphs } : { threads, graphs });
  return new LoadedModel(request.name, programs, session, request.seed);
}

async function initialState({ directory }: LoadRequest): Promise<Tensors> {
  return (await readSafetensors(join(directory, "state.safetensors"))).tensors as Tensors;
}

async function readPrograms(request: LoadRequest): Promise<{ readonly [name: string]: Program }> {
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
  return programs;
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
