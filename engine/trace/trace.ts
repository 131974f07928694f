/**
 * Turns the functions of a model into programs: each runs on symbolic tensors, twice, and what tfjs does is recorded,
 * gradients and parameter updates included.
 *
 * @module
 */
import { UnsupportedError } from "../../core/errors.ts";
import type { Batch, BuiltModel, StepContext } from "../../core/plugin.ts";
import { listNames } from "../../core/missing_names.ts";
import type { Scalar, Tensor } from "../../core/tensor.ts";
import { hashProgram } from "../program/hash.ts";
import { formatType } from "../program/kernels.ts";
import type { Program, ProgramDtype, ValueId, ValueType } from "../program/types.ts";
import type { Tensor as ArrayTensor, Tensors } from "../runtimes/types.ts";
import { frozenWeights, type WeightedLayer } from "../layer_weights.ts";
import * as tf from "../tf.ts";
import { TRACE_BACKEND, type TraceBackend, traceBackend } from "./backend.ts";
import { type RandomRequest, setCurrentTrace } from "./current.ts";
import { Hooks } from "./hooks.ts";
import { type DataId, type EngineInternals, engineInternals, type OpenVariable } from "./internals.ts";
import { Names, slotNames } from "./names.ts";
import { constantData, Recorder } from "./recorder.ts";

/** Shape of a row and element type of a column. */
export interface ColumnType {
  readonly shape: readonly number[];
  readonly dtype: "float32" | "int32";
  /** Given whole to every batch: no batch dimension is added. @default false */
  readonly shared?: boolean;
}

/** What to trace. */
export interface TraceRequest {
  /** Makes layers, variables and optimizer; runs once. */
  build(): BuiltModel;
  /** Every column named in `inputs` and `targets`. */
  readonly columns: { readonly [name: string]: ColumnType };
  /** Columns that all functions see. */
  readonly inputs: readonly string[];
  /** Columns that only the loss sees. */
  readonly targets: readonly string[];
  /** Rows of a training and a validation batch. */
  readonly batchSize: number;
  /** Rows of the last, smaller validation batch; 0 when there is none. */
  readonly lastValidationBatch: number;
  /** Rows of a batch of `predict` and of further programs. */
  readonly predictBatch: number;
  /** Rows of a batch of further programs, whatever they ask for. @default what each asks for, else `predictBatch` */
  readonly programBatch?: number | undefined;
  /** Seed of the run: initial values repeat with it. */
  readonly seed: number;
  /** Tells models of one run apart, such as "model/mlp". */
  readonly purpose: string;
}

/** The programs of a model and the initial values of the state that they share. */
export interface TracedModel {
  /** `step`, `validate`, `validate_tail`, `predict` and the model's own, as far as it has them. */
  readonly programs: { readonly [name: string]: Program };
  /** By state name, in the order of creation. */
  readonly state: Tensors;
}

/** Names of programs that a model cannot give to its own. */
const RESERVED_PROGRAMS: readonly string[] = ["step", "validate", "validate_tail", "predict"];

/** What tfjs says when an optimizer has nothing to update. */
const NOTHING_TO_TRAIN =
  /^(variableGrads\(\) expects at least one|Cannot find a connection between any variable)/;

/** What tfjs says when a layer has lost its weights. */
const DISPOSED = /^LayersVariable .* is already disposed/;

/** Programs become files of their name. */
const PROGRAM_NAME = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;

/**
 * Traces a model.
 *
 * - `step` (with a loss and an optimizer, or with `step`): inputs are the batch columns, the scalar `learningRate` and
 *   random inputs `random/1`, ...; outputs are `loss` and the other values that the function returns.
 * - `validate`, and `validate_tail` for the smaller last batch: the loss without an update.
 * - `predict`, and one program per entry of `programs`.
 *
 * Inputs that a function does not use are left out. State names are the same in every process: the layer, a slash, and
 * the weight.
 *
 * @throws {TypeError} If a function does not return what the contract says.
 * @throws {UnsupportedError} If it reads a tensor, draws random numbers in JavaScript, or uses a kernel that programs
 * do not have ({@linkcode NoRuleError}).
 */
export async function traceModel(request: TraceRequest): Promise<TracedModel> {
  const backend = await traceBackend();
  // From here to the end nothing waits, so that traces cannot mix in tfjs's global engine.
  return new Trace(backend, request).run();
}

interface StateEntry {
  readonly variable: tf.Variable;
  /** Whether it was there before the trace: it is state where a function uses it. */
  readonly isOutside: boolean;
  /** The known data of the initial value: what `build` left in it. */
  initial: DataId;
  /** Whether optimizers may update it; said by its first use, so that every pass says the same. */
  trainable: boolean;
}

type Values = { readonly [name: string]: ValueId };

class Trace {
  readonly #backend: TraceBackend;
  readonly #request: TraceRequest;
  readonly #engine: EngineInternals = engineInternals();
  readonly #names = new Names();
  readonly #hooks: Hooks;
  readonly #entries: StateEntry[] = [];
  readonly #slots = new Map<tf.Variable, string>();
  readonly #optimizers = new Set<tf.Optimizer>();
  #recorder: Recorder | undefined;
  /** Name of the program being recorded. */
  #program: string | undefined;
  /** Layers that `build` used. */
  readonly #layers: WeightedLayer[] = [];
  #isBuilt = false;
  /** How often a variable was found to belong to a frozen layer. */
  #frozenCount = 0;
  /** Whether the function may still create variables: on its first pass. */
  #mayCreate = false;

  constructor(backend: TraceBackend, request: TraceRequest) {
    this.#backend = backend;
    this.#request = request;
    this.#hooks = new Hooks(
      {
        program: () => this.#program,
        random: (wanted) => this.#random(wanted),
        variable: (variable) => this.#addVariable(variable),
        initialized: (variables) => this.#initialize(variables),
        layer: (layer) => this.#seeLayer(layer),
        optimizer: (optimizer) => this.#optimizers.add(optimizer),
      },
      this.#names,
      request.seed,
      request.purpose,
    );
  }

  run(): TracedModel {
    const restore = this.#enter();
    try {
      const model = this.#request.build();
      this.#takeBuilt();
      const programs = this.#programs(model);
      return this.#named(programs);
    } finally {
      restore();
    }
  }

  /** Gives the trace an engine of its own: no variables, fresh counters. Returns what undoes it. */
  #enter(): () => void {
    const engine = this.#engine;
    const { state } = engine;
    const counters = engine.constructor as unknown as { nextVariableId: number };
    const before = {
      backend: engine.backendName ?? "cpu",
      variables: state.registeredVariables,
      nextVariable: counters.nextVariableId,
      depth: state.scopeStack.length,
      gradientDepth: state.gradientDepth,
      kernelDepth: state.kernelDepth,
    };
    // Both backends exist, so that setBackend does its work before it returns the promise.
    void tf.setBackend(TRACE_BACKEND);
    state.registeredVariables = {};
    counters.nextVariableId = 0;
    this.#admit(before.variables);
    this.#hooks.install();
    const [hooks, entries] = [this.#hooks, this.#entries];
    setCurrentTrace({
      get variables() {
        return entries.filter(({ isOutside }) => !isOutside).map(({ variable }) => variable);
      },
      get capturesRandom() {
        return hooks.capturesRandom;
      },
      random: (wanted) => this.#random(wanted),
    });
    engine.startScope("trace");
    return () => {
      setCurrentTrace(undefined);
      this.#hooks.remove();
      this.#recorder = undefined;
      this.#program = undefined;
      while (state.scopeStack.length > before.depth) engine.endScope();
      this.#dismiss(before.variables);
      for (const variable of Object.values(state.registeredVariables)) variable.dispose();
      state.activeTape = null;
      state.gradientDepth = before.gradientDepth;
      state.kernelDepth = before.kernelDepth;
      state.registeredVariables = before.variables;
      counters.nextVariableId = before.nextVariable;
      this.#backend.end();
      void tf.setBackend(before.backend);
    };
  }

  /**
   * Lets models that were made before be used and trained; state is only what a function uses. For the time of the trace
   * their variables have names that no other can have, so that those of the trace do not depend on what was before.
   */
  #admit(variables: { readonly [name: string]: tf.Variable }): void {
    for (const [name, variable] of Object.entries(variables)) {
      if (!isStateful(variable)) continue;
      this.#names.alias(variable, name);
      variable.name = `outside ${this.#entries.length}/${name}`;
      this.#engine.state.registeredVariables[variable.name] = variable;
      this.#entries.push(entryOf(variable, true));
    }
  }

  /** Gives variables that were made before their names back. */
  #dismiss(variables: { [name: string]: tf.Variable }): void {
    for (const [name, variable] of Object.entries(variables)) {
      delete this.#engine.state.registeredVariables[variable.name];
      variable.name = name;
      if (variable.isDisposed) delete variables[name];
    }
  }

  #programs(model: BuiltModel): Program[] {
    const { inputs, targets, columns, batchSize, lastValidationBatch } = this.#request;
    const { predictBatch, programBatch } = this.#request;
    const pick = (names: readonly string[]) =>
      Object.fromEntries(names.map((name) => {
        const column = Object.hasOwn(columns, name) ? columns[name] : undefined;
        if (column) return [name, column];
        throw new TypeError(
          `Cannot trace a model as every column must have a type: found none for "${name}"`,
        );
      }));
    const all = pick([...new Set([...inputs, ...targets])]);
    const seen = pick(inputs);
    const programs: Program[] = [];
    const { loss } = model;
    if (loss) {
      const validate: Traced = (batch, context) => this.#scalars("loss", loss.call(model, batch, context));
      programs.push(this.#trace("validate", all, batchSize, false, validate));
      if (lastValidationBatch > 0) {
        programs.push(this.#trace("validate_tail", all, lastValidationBatch, false, validate));
      }
    }
    if (model.predict) {
      const predict: Traced = (batch, context) => this.#tensors("predict", model.predict!(batch, context));
      programs.push(this.#trace("predict", seen, predictBatch, false, predict));
    }
    for (const [name, program] of Object.entries(model.programs ?? {})) {
      if (RESERVED_PROGRAMS.includes(name)) {
        throw new TypeError(`Cannot trace program "${name}" as the name is taken: found it in programs`);
      }
      if (!PROGRAM_NAME.test(name)) {
        throw new TypeError(
          `Cannot trace program "${name}" as a name is a letter, then letters, digits, "-" and "_": found "${name}"`,
        );
      }
      const types = Object.fromEntries(
        Object.entries(program.inputs).map(([input, { shape, dtype, shared }]) =>
          [input, { shape, dtype: dtype ?? "float32", shared: shared ?? false }] as const
        ),
      );
      programs.push(
        this.#trace(
          name,
          types,
          programBatch ?? program.rows ?? predictBatch,
          false,
          (batch, context) => this.#tensors(name, program.run(batch, context)),
        ),
      );
    }
    // Traced last: a layer that builds its weights when first called has them by now, and its gradient finds them.
    const step = this.#stepFunction(model);
    if (step) programs.unshift(this.#trace("step", all, batchSize, true, step));
    return programs;
  }

  /** The function of the training step, if the model trains. */
  #stepFunction(model: BuiltModel): Traced | undefined {
    const { step, loss, optimizer } = model;
    if (step) return (batch, context) => this.#scalars("step", step.call(model, batch, context));
    if (!loss) return undefined;
    if (!optimizer) {
      throw new TypeError('Cannot trace "step" as a model with a loss must have an optimizer: found none');
    }
    return (batch, context) => {
      let values: Values = {};
      optimizer.minimize(() => {
        const result = loss.call(model, batch, context);
        values = this.#scalars("loss", result);
        return result.loss;
      }, context.learningRate);
      return values;
    };
  }

  /** Records a function until two passes agree. */
  #trace(
    name: string,
    columns: { readonly [name: string]: ColumnType },
    rows: number,
    training: boolean,
    run: Traced,
  ): Program {
    const [created, frozen] = [this.#entries.length, this.#frozenCount];
    let first = this.#pass(name, columns, rows, training, run, true);
    const second = this.#pass(name, columns, rows, training, run, false);
    let last = second;
    if (this.#entries.length > created || this.#frozenCount > frozen) {
      first = second;
      last = this.#pass(name, columns, rows, training, run, false);
    }
    if (hashProgram(first) !== hashProgram(last)) {
      throw new UnsupportedError(
        `Cannot trace "${name}" as two passes must record the same program: found random numbers or a counter ` +
          "frozen into it; use context.randomUniform and variables",
        "numbers that change between traces",
      );
    }
    return last;
  }

  #pass(
    name: string,
    columns: { readonly [name: string]: ColumnType },
    rows: number,
    training: boolean,
    run: Traced,
    mayCreate: boolean,
  ): Program {
    const recorder = new Recorder();
    this.#backend.begin({ recorder, scope: () => this.#hooks.scope() });
    this.#recorder = recorder;
    this.#program = name;
    this.#mayCreate = mayCreate;
    this.#engine.startScope("program");
    try {
      const symbols = Object.fromEntries(
        Object.entries(columns).map(([column, { shape, dtype, shared }]) => {
          const type = { dtype, shape: shared ? shape : [rows, ...shape] };
          return [column, this.#symbol(recorder.input(column, "batch", type))];
        }),
      );
      const batch: Batch = listNames(symbols, { kind: "column", of: `the batch of "${name}"` });
      const rate = recorder.input("learningRate", "scalar", { dtype: "float32", shape: [] });
      const states = new Map<StateEntry, ValueId>();
      this.#entries.forEach((entry, i) => states.set(entry, this.#open(entry, i, recorder)));
      const values = run(batch, this.#context(training, this.#symbol(rate) as Scalar));
      const outputs = Object.entries(values).map(([output, value]) => ({ name: output, value }));
      // Slots before parameters: engines that join equal updates see the whole of the slots first.
      const entries = [...this.#entries.entries()];
      const ordered = [true, false].flatMap((isSlot) =>
        entries.filter(([, { trainable }]) => trainable !== isSlot)
      );
      const updates = ordered.flatMap(([i, entry]) => {
        const value = this.#backend.idOf(entry.variable);
        return states.has(entry) && states.get(entry) === value ? [] : [{ state: `${i}`, value }];
      });
      const isFirst = this.#entries.length > states.size;
      return recorder.finish(name, { outputs, updates: isFirst ? [] : updates });
    } catch (error) {
      throw this.#explained(name, error as Error);
    } finally {
      this.#close();
      this.#engine.endScope();
      this.#recorder = undefined;
      this.#program = undefined;
      this.#backend.end();
    }
  }

  /** In place of tfjs's error of a loss without variables, one that says which there are. */
  #explained(name: string, error: Error): Error {
    if (DISPOSED.test(error.message)) {
      return new TypeError(
        `Cannot trace "${name}" as a layer without an input shape must be made in build: ` +
          "found one whose weights ended with the trace that built it",
        { cause: error },
      );
    }
    if (!NOTHING_TO_TRAIN.test(error.message)) return error;
    const used = this.#entries.filter(({ isOutside }) => !isOutside);
    const frozen = used.filter(({ variable }) => !variable.trainable).length;
    return new TypeError(
      `Cannot trace "${name}" as the loss must depend on a variable that is not frozen: ` +
        `found ${used.length} variables made in build, ${frozen} of them not trainable`,
      { cause: error },
    );
  }

  #context(training: boolean, learningRate: Scalar): StepContext {
    const draw = (distribution: "uniform" | "normal") => (shape: readonly number[]): Tensor =>
      this.#random({
        distribution,
        shape,
        shift: 0,
        scale: 1,
        dtype: "float32",
        op: distribution === "uniform" ? "randomUniform" : "randomNormal",
      });
    return { training, learningRate, randomUniform: draw("uniform"), randomNormal: draw("normal") };
  }

  #random({ distribution, shape, shift, scale, dtype, seed, op }: RandomRequest): Tensor {
    const recorder = this.#recorder;
    if (!recorder) throw new TypeError("Cannot make a random input as a function must be traced: found none");
    const name = `random/${recorder.randomCount + 1}${seed === undefined ? "" : `/seed ${seed}`}`;
    const id = recorder.input(name, "random", { dtype: "float32", shape }, distribution);
    let numbers: Tensor = this.#symbol(id);
    if (scale !== 1) numbers = tf.mul(numbers, scale);
    if (op === "randomUniformInt") {
      return tf.add(tf.cast(tf.floor(numbers), "int32"), tf.scalar(shift, "int32"));
    }
    if (shift !== 0) numbers = tf.add(numbers, shift);
    if (dtype === "float32") return numbers;
    if (distribution === "normal") return tf.cast(tf.round(numbers), "int32");
    // The sum, rounded to float32, may be the upper end, which does not belong to the range.
    const last = Math.ceil(shift + scale) - 1;
    const integers = tf.cast(numbers, "int32");
    return last < 0 ? integers : tf.minimum(integers, tf.scalar(last, "int32"));
  }

  #symbol(id: ValueId): Tensor {
    return this.#engine.makeTensorFromTensorInfo(this.#backend.symbol(id), this.#backend);
  }

  #addVariable(variable: tf.Variable): void {
    const entry = entryOf(variable, false);
    if (!this.#recorder) {
      this.#entries.push(entry);
      return;
    }
    if (this.#backend.isSymbolic(variable)) {
      throw new UnsupportedError(
        `Cannot create variable "${variable.name}" as its initial value must be known while tracing: found ${
          formatType(typeOf(variable))
        } computed in "${this.#hooks.scope()}"; create it in build`,
        "variables with computed initial values",
      );
    }
    if (!this.#mayCreate) {
      throw new UnsupportedError(
        `Cannot create variable "${variable.name}" as a variable must be created once: found it on the second call ` +
          "of the model function; create it in build",
        "variables created on each call",
      );
    }
    this.#entries.push(entry);
    this.#open(entry, this.#entries.length - 1, this.#recorder);
  }

  /** What `build` assigned to variables, and which layers it froze, is how training begins. */
  #takeBuilt(): void {
    for (const layer of this.#layers) this.#freeze(layer);
    for (const entry of this.#entries) {
      entry.initial = (entry.variable as unknown as OpenVariable).dataId;
      entry.trainable = entry.variable.trainable;
    }
    this.#isBuilt = true;
  }

  /** A layer that is first used in a function was made outside, or is built by the call: it may be frozen, too. */
  #seeLayer(layer: WeightedLayer): void {
    if (this.#isBuilt) this.#freeze(layer);
    else this.#layers.push(layer);
  }

  #freeze(layer: WeightedLayer): void {
    const frozen = new Set(frozenWeights(layer));
    for (const entry of this.#entries) {
      if (!frozen.has(entry.variable)) continue;
      entry.variable.trainable = false;
      if (entry.trainable) this.#frozenCount++;
      entry.trainable = false;
    }
  }

  /** Takes what was assigned to new variables of a layer while it was built as their initial values. */
  #initialize(variables: readonly tf.Variable[]): void {
    const recorder = this.#recorder;
    if (!recorder || !this.#mayCreate) return;
    for (const [i, entry] of this.#entries.entries()) {
      if (!variables.includes(entry.variable) || this.#backend.isSymbolic(entry.variable)) continue;
      entry.initial = (entry.variable as unknown as OpenVariable).dataId;
      this.#open(entry, i, recorder);
    }
  }

  /** Makes a variable symbolic. Its state is named by number until all names are known. */
  #open({ variable, trainable }: StateEntry, index: number, recorder: Recorder): ValueId {
    const id = recorder.state(`${index}`, trainable, typeOf(variable));
    const symbol = this.#symbol(id);
    this.#backend.incRef(symbol.dataId);
    (variable as unknown as OpenVariable).dataId = symbol.dataId;
    return id;
  }

  /** Gives all variables their initial values back. */
  #close(): void {
    for (const { variable, initial } of this.#entries) {
      const open = variable as unknown as OpenVariable;
      if (open.dataId === initial) continue;
      this.#backend.disposeData(open.dataId);
      open.dataId = initial;
    }
  }

  #scalars(name: string, result: { readonly [name: string]: Tensor }): Values {
    const values = this.#tensors(name, result);
    if (!Object.hasOwn(values, "loss")) {
      throw new TypeError(
        `Cannot trace "${name}" as it must return {loss, ...}: found ${
          Object.keys(values).join(", ") || "nothing"
        }`,
      );
    }
    for (const [key, tensor] of Object.entries(result)) {
      if (tensor.shape.length === 0 && tensor.dtype === "float32") continue;
      throw new TypeError(
        `Cannot trace "${name}" as "${key}" must be a float32 scalar, the mean over the batch: found ${
          formatType(typeOf(tensor))
        }`,
      );
    }
    return values;
  }

  #tensors(name: string, result: { readonly [name: string]: Tensor }): Values {
    const entries = result !== null && typeof result === "object" ? Object.entries(result) : [];
    if (entries.length === 0 || result instanceof tf.Tensor) {
      throw new TypeError(
        `Cannot trace "${name}" as it must return tensors by name: found ${describe(result)}`,
      );
    }
    return Object.fromEntries(entries.map(([key, tensor]) => {
      if (tensor instanceof tf.Tensor) return [key, this.#backend.idOf(tensor)];
      throw new TypeError(`Cannot trace "${name}" as "${key}" must be a tensor: found ${describe(tensor)}`);
    }));
  }

  /** Puts the final names of state into the programs and reads the initial values. */
  #named(programs: readonly Program[]): TracedModel {
    for (const optimizer of this.#optimizers) {
      for (const [variable, name] of slotNames(optimizer)) this.#slots.set(variable, name);
    }
    const numbers = new Set(programs.flatMap((program) => program.state.map((entry) => Number(entry.name))));
    const entries = this.#entries.filter(({ isOutside }, i) => !isOutside || numbers.has(i));
    const names = this.#names.resolve(entries.map((entry) => entry.variable), this.#slots);
    const rename = (number: string) => names.get(this.#entries[Number(number)]!.variable)!;
    const renamed = programs.map((program): Program => ({
      ...program,
      state: program.state.map((entry) => ({ ...entry, name: rename(entry.name) })),
      updates: program.updates.map((update) => ({ ...update, state: rename(update.state) })),
    }));
    const used = new Set(renamed.flatMap((program) => program.state.map((entry) => entry.name)));
    const state = entries.flatMap(({ variable }): [string, ArrayTensor][] => {
      const name = names.get(variable)!;
      if (!used.has(name)) return [];
      const { dtype, shape } = typeOf(variable);
      return [[name, { dtype, shape, data: constantData(variable.dataSync(), dtype) }]];
    });
    return {
      programs: Object.fromEntries(renamed.map((program) => [program.name, program])),
      state: Object.fromEntries(state),
    };
  }
}

/** A function of the model, with its results as ids of the recorder. */
type Traced = (batch: Batch, context: StepContext) => Values;

function entryOf(variable: tf.Variable, isOutside: boolean): StateEntry {
  const { dataId } = variable as unknown as OpenVariable;
  return { variable, isOutside, initial: dataId, trainable: variable.trainable };
}

/** Dtypes that programs hold. */
const STATE_DTYPES: readonly string[] = ["float32", "int32", "bool"] satisfies ProgramDtype[];

/** Whether a variable that was made before the trace can be state. */
function isStateful(variable: tf.Variable): boolean {
  return STATE_DTYPES.includes(variable.dtype) && !variable.isDisposed;
}

function typeOf(tensor: Tensor): ValueType {
  return { dtype: tensor.dtype as ProgramDtype, shape: [...tensor.shape] };
}

function describe(value: unknown): string {
  if (value instanceof Promise) return "a promise";
  if (value === null) return "null";
  return value instanceof tf.Tensor ? `one tensor ${formatType(typeOf(value))}` : `a ${typeof value}`;
}
