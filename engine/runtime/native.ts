/**
 * The engine `native`: programs as ONNX graphs on ONNX Runtime's C++ kernels.
 *
 * Deterministic: at a fixed number of threads equal inputs give equal bits, from process to process.
 *
 * @module
 */
import { setImmediate } from "node:timers/promises";
import { InternalError, NotFoundError } from "../../core/errors.ts";
import { lower, type Lowered } from "../lower/lower.ts";
import { encodeOnnx } from "../lower/onnx.ts";
import { optimize } from "../lower/passes.ts";
import { verifyProgram } from "../program/verify.ts";
import type { Program } from "../program/types.ts";
import { checkInputs, checkState, checkTensor } from "./arrays.ts";
import { openOrt, type Ort, type OrtModel, type OrtTensor } from "./ort.ts";
import { StateStore } from "./store.ts";
import { defaultThreads, threadsFor } from "./threads.ts";
import type { Engine, Executable, Session, SessionOptions, Tensors } from "./types.ts";

/** ONNX Runtime on the CPU. */
export const nativeEngine: Engine = nativeEngineOn(openOrt);

/** The engine on a library that is reached in a certain way. */
export function nativeEngineOn(open: () => Promise<Ort>): Engine {
  return {
    name: "native",
    async open(state, options = {}) {
      return new NativeSession(await open(), state, options);
    },
  };
}

class NativeSession implements Session {
  readonly engine = "native";
  readonly threads: number;
  readonly #ort: Ort;
  readonly #store: StateStore;
  readonly #isFixed: boolean;
  readonly #executables = new Set<NativeExecutable>();
  /** Runs take turns: each begins when the one before has ended. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(ort: Ort, state: Tensors, { threads }: SessionOptions) {
    if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1 && threads <= 1024)) {
      throw new RangeError(`Cannot open session as threads must be an integer in 1..1024: found ${threads}`);
    }
    this.#ort = ort;
    this.#isFixed = threads !== undefined;
    this.threads = threads ?? defaultThreads();
    this.#store = new StateStore(ort, state);
  }

  async compile(program: Program): Promise<Executable> {
    verifyProgram(program);
    checkState(program, (name) => this.#store.find(name));
    const { program: optimized, packs } = optimize(
      program,
      (pack) => this.#store.pack(pack.name, pack.members),
    );
    for (const pack of packs) {
      if (!this.#store.find(pack.name)) {
        throw new InternalError(
          `Cannot compile "${program.name}" as pack "${pack.name}" must exist: found none`,
        );
      }
    }
    const lowered = lower(optimized);
    const onnx = await encodeOnnx(lowered.graph);
    const threads = this.#isFixed ? this.threads : threadsFor(optimized, this.threads);
    const names = {
      inputs: [...lowered.inputs, ...lowered.state.map((entry) => entry.input)],
      outputs: [...lowered.outputs, ...lowered.updates.map((entry) => entry.output)],
    };
    const model = await this.#ort.load(onnx, names, { threads });
    const executable = new NativeExecutable(program, onnx, lowered, model, this.#ort, this.#store, (run) => {
      const turn = this.#last.then(run);
      this.#last = turn.catch(() => {});
      return turn;
    });
    this.#executables.add(executable);
    return executable;
  }

  async state(): Promise<Tensors> {
    await this.#last;
    return this.#store.read();
  }

  async load(state: Tensors): Promise<void> {
    await this.#last;
    for (const [name, tensor] of Object.entries(state)) {
      const known = this.#store.find(name);
      if (!known) {
        throw new NotFoundError(
          `Cannot load state as its names must exist in the session: found "${name}"`,
          "state",
          name,
        );
      }
      checkTensor(`load state "${name}"`, tensor, known);
    }
    this.#store.write(state);
  }

  async dispose(): Promise<void> {
    await this.#last;
    for (const executable of this.#executables) await executable.dispose();
    this.#store.dispose();
  }
}

type Turn = <T>(run: () => Promise<T>) => Promise<T>;

class NativeExecutable implements Executable {
  readonly #inputs: readonly OrtTensor[];
  readonly #outputs: readonly OrtTensor[];
  readonly #results: Tensors;
  /** Bound calls by which copy of every state they read. */
  readonly #calls = new Map<string, () => void | Promise<void>>();
  #version = -1;

  constructor(
    readonly program: Program,
    readonly onnx: Uint8Array,
    readonly lowered: Lowered,
    readonly model: OrtModel,
    readonly ort: Ort,
    readonly store: StateStore,
    readonly turn: Turn,
  ) {
    const tensor = (value: number) => {
      const { dtype, shape } = program.values[value]!;
      return ort.tensor(dtype, shape);
    };
    this.#inputs = program.inputs.map((input) => tensor(input.value));
    this.#outputs = program.outputs.map((output) => tensor(output.value));
    this.#results = Object.fromEntries(program.outputs.map(({ name }, i) => {
      const { dtype, shape, data } = this.#outputs[i]!;
      return [name, { dtype, shape, data }];
    }));
  }

  async run(inputs: Tensors): Promise<Tensors> {
    checkInputs(this.program, inputs);
    return await this.turn(async () => {
      this.program.inputs.forEach(({ name }, i) => this.#inputs[i]!.data.set(inputs[name]!.data));
      await this.#call()();
      this.store.turn(this.lowered.updates.map((update) => update.name));
      // Timers, signals and other tasks get their turn between steps.
      await setImmediate();
      return this.#results;
    });
  }

  async dispose(): Promise<void> {
    await this.model.dispose();
    for (const tensor of [...this.#inputs, ...this.#outputs]) this.ort.release(tensor);
    this.#calls.clear();
  }

  /** The call for the present sides of all state. */
  #call(): () => void | Promise<void> {
    const { lowered, store } = this;
    if (this.#version !== store.version) this.#calls.clear();
    this.#version = store.version;
    const touched = [...lowered.state, ...lowered.updates];
    const key = touched.map(({ name }) => store.side(name)).join("");
    const known = this.#calls.get(key);
    if (known) return known;
    const call = this.model.bind(
      [...this.#inputs, ...lowered.state.map(({ name }) => store.present(name))],
      [...this.#outputs, ...lowered.updates.map(({ name }) => store.next(name))],
    );
    this.#calls.set(key, call);
    return call;
  }
}
