/**
 * Traced models on an engine: compiles what the sandbox wrote, trains it and predicts with it.
 *
 * @module
 */
import { NotFoundError } from "../core/errors.ts";
import { nearestName } from "../core/names.ts";
import { engineByName, printProgram, type Program } from "../engine/mod.ts";
import { calibrateThreads, type Calibration } from "../engine/runtimes/calibrate.ts";
import type { GraphCache } from "../engine/runtimes/graphs/graph_cache.ts";
import type { Executable, Session, Tensors } from "../engine/runtimes/types.ts";
import { writeAtomic } from "../files/atomic.ts";
import { join } from "../files/paths.ts";
import { type Arrays, runOver, type RunOverOptions } from "./programs/run_over.ts";

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
    if (inputs instanceof Promise) inputs.catch(() => {}); // reported when their turn comes
    const result = this.#queue.then(async () =>
      await runOver({
        ...options,
        inputs: await inputs,
        executable: await this.executable(program),
        random: { seed: this.seed, purpose: `${this.name}/${program}` },
      })
    );
    this.#queue = result.catch(() => {});
    return result;
  }

  /** The onnx bytes of a compiled program, where the engine has them. */
  onnx(program: string): Uint8Array | undefined {
    return this.#executables.get(program)?.onnx;
  }

  async dispose(): Promise<void> {
    await this.session.dispose(); // and its programs with it
  }
}

/** A model's programs and state, and how to run them. */
export interface LoadRequest {
  readonly name: string;
  /** Checked already (`readPrograms`). */
  readonly programs: { readonly [name: string]: Program };
  readonly state: Tensors;
  readonly engine: string;
  readonly threads?: number | undefined;
  readonly seed: number;
  /** Programs that were lowered before. @default those of this process */
  readonly graphs?: GraphCache | undefined;
}

/** The number of threads with which steps of a model are quickest; undefined for a model without a step. */
export async function calibrate(request: LoadRequest): Promise<Calibration | undefined> {
  const step = Object.hasOwn(request.programs, "step") ? request.programs.step : undefined;
  if (!step) return undefined;
  const engine = await engineByName(request.engine);
  const { graphs } = request;
  const options = { most: navigator.hardwareConcurrency, now: () => performance.now(), graphs };
  return await calibrateThreads(engine, step, request.state, options);
}

/** Opens a session on the engine. */
export async function loadModel(request: LoadRequest): Promise<LoadedModel> {
  const engine = await engineByName(request.engine);
  const { programs, state, threads, graphs } = request;
  const session = await engine.open(state, threads === undefined ? { graphs } : { threads, graphs });
  return new LoadedModel(request.name, programs, session, request.seed);
}

/**
 * Writes `programs/<model>-<program>.{json,txt,onnx}`.
 *
 * @param files The programs as they were read, by the name of their file.
 */
export async function writePrograms(
  model: LoadedModel,
  files: ReadonlyMap<string, Uint8Array>,
  target: string,
): Promise<void> {
  for (const [name, program] of Object.entries(model.programs)) {
    const stem = join(target, `${model.name}-${name}`);
    await writeAtomic(`${stem}.json`, files.get(`${name}.json`)!);
    await writeAtomic(`${stem}.txt`, printProgram(program));
    const onnx = model.onnx(name);
    if (onnx) await writeAtomic(`${stem}.onnx`, onnx);
  }
}
