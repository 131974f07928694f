/**
 * A session on any build of ONNX Runtime: state in two copies that take turns, programs as graphs that read one copy and
 * write the other.
 *
 * @module
 */
import { setImmediate } from "node:timers/promises";
import { InternalError } from "../../../core/errors.ts";
import type { OnnxNode } from "../../onnx/builder.ts";
import { verifyProgram } from "../../program/verify.ts";
import type { Program } from "../../program/types.ts";
import { checkInputs, checkLoadedState, checkState } from "../arrays.ts";
import { type GraphCache, type ReadyGraph, sharedGraphs } from "./graph_cache.ts";
import { type GraphCalls, loadCalls } from "./graph_calls.ts";
import type { Ort, OrtCall, OrtTensor } from "./ort_types.ts";
import type { PackageOrt } from "./ort_package.ts";
import { StateStore } from "./store.ts";
import type { CompileOptions, Executable, Session, Tensors } from "../types.ts";

/** What a {@linkcode GraphSession} runs on. */
export interface GraphBackend {
  /** Name of the engine. */
  readonly engine: string;
  readonly ort: PackageOrt;
  /** The most threads of a program, for the record. */
  readonly threads: number;
  /** Threads of a program with so many multiplications. */
  threadsFor(multiplications: number): number;
  /** Shards of a program, each on a thread, when they hand over partial sums of so many numbers. @default 1 */
  shardsFor?(multiplications: number, numbers: number): number;
  /** Nodes that must run on the CPU whatever the provider. @default none */
  onCpu?(node: OnnxNode): boolean;
  /** Programs that were lowered before. @default those of this process */
  readonly graphs?: GraphCache | undefined;
}

/** State tensors and the graphs that share them. */
export class GraphSession implements Session {
  readonly engine: string;
  readonly threads: number;
  readonly #backend: GraphBackend;
  readonly #store: StateStore;
  readonly #executables = new Set<Executable>();
  /** Runs take turns: each begins when the one before has ended. */
  #last: Promise<unknown> = Promise.resolve();
  #isDisposed = false;

  constructor(backend: GraphBackend, state: Tensors) {
    this.engine = backend.engine;
    this.threads = backend.threads;
    this.#backend = backend;
    this.#store = new StateStore(backend.ort, state);
  }

  async compile(program: Program, { sharesCores }: CompileOptions = {}): Promise<Executable> {
    const { ort, threadsFor } = this.#backend;
    verifyProgram(program);
    checkState(program, (name) => this.#store.find(name));
    // Laying tensors flat moves them: no run may be reading them, and no other program may be moving them.
    const graph = await this.#turn(() => this.#graph(program, sharesCores));
    const threads = threadsFor(graph.multiplications);
    const calls = await loadCalls(graph, ort, { threads, sharesCores });
    const executable = new GraphExecutable(program, graph, calls, ort, this.#store, (run) => this.#turn(run));
    this.#executables.add(executable);
    return executable;
  }

  async #graph(program: Program, sharesCores = false): Promise<ReadyGraph> {
    const { engine, onCpu, shardsFor, graphs = sharedGraphs } = this.#backend;
    const graph = await graphs.ready({
      program,
      engine,
      layout: this.#store.layout,
      accept: (flat) => this.#store.flatten(flat.name, flat.members),
      onCpu,
      // Shards are of one size: beside others, the slowest would be waited for.
      ...(sharesCores ? {} : { shardsFor }),
    });
    const absent = graph.flatStates.find(({ name }) => !this.#store.find(name));
    if (!absent) return graph;
    throw new InternalError(
      `Cannot compile "${program.name}" as flat state "${absent.name}" must exist: found none`,
    );
  }

  /** Does something when all that was asked for before has been done. */
  #turn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => {});
    return turn;
  }

  async state(): Promise<Tensors> {
    await this.#last;
    return this.#store.read();
  }

  async load(state: Tensors): Promise<void> {
    await this.#last;
    checkLoadedState(state, (name) => this.#store.find(name));
    this.#store.write(state);
  }

  async dispose(): Promise<void> {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    await this.#last;
    for (const executable of this.#executables) await executable.dispose();
    this.#executables.clear();
    this.#store.dispose();
  }
}

type Turn = <T>(run: () => Promise<T>) => Promise<T>;

class GraphExecutable implements Executable {
  readonly #inputs: readonly OrtTensor[];
  readonly #outputs: readonly OrtTensor[];
  readonly #results: Tensors;
  /** Bound calls by which copy of every state they read. */
  readonly #bound = new Map<string, OrtCall>();
  #version = -1;
  #isOpen = true;

  constructor(
    readonly program: Program,
    readonly graph: ReadyGraph,
    readonly calls: GraphCalls,
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

  get onnx(): Uint8Array {
    return this.graph.onnx;
  }

  async run(inputs: Tensors, unchanged: readonly string[] = []): Promise<Tensors> {
    checkInputs(this.program, inputs);
    return await this.turn(async () => {
      if (!this.#isOpen) {
        throw new InternalError(`Cannot run "${this.program.name}" as it must be open: it was disposed`);
      }
      this.program.inputs.forEach(({ name }, i) => {
        if (!unchanged.includes(name)) this.#inputs[i]!.data.set(inputs[name]!.data);
      });
      await this.#call()();
      this.store.turn(this.graph.names.updates.map((update) => update.name));
      // Timers, signals and other tasks get their turn between steps.
      await setImmediate();
      return this.#results;
    });
  }

  async dispose(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#bound.clear();
    await this.calls.dispose();
    for (const tensor of [...this.#inputs, ...this.#outputs]) this.ort.release(tensor);
  }

  /** The call for the present sides of all state. */
  #call(): OrtCall {
    const { graph: { names }, store } = this;
    if (this.#version !== store.version) this.#bound.clear();
    this.#version = store.version;
    const touched = [...names.state, ...names.updates];
    const key = touched.map(({ name }) => store.side(name)).join("");
    const known = this.#bound.get(key);
    if (known) return known;
    const call = this.calls.bind({
      input: (name) => this.#inputs[this.program.inputs.findIndex((input) => input.name === name)]!,
      output: (name) => this.#outputs[this.program.outputs.findIndex((output) => output.name === name)]!,
      present: (name) => store.present(name),
      next: (name) => store.next(name),
    });
    this.#bound.set(key, call);
    return call;
  }
}
