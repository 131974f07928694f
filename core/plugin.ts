/**
 * The plugin contract: what an experiment declares, what its hooks receive and return.
 *
 * Declaring does no work; hooks are methods; every number has a unit; randomness, time and files come from the
 * context, never from globals.
 *
 * @module
 */
import { z } from "zod";
import { fieldNameProblem } from "./field_names.ts";
import type { Random } from "./random.ts";
import { nearestBeside, schemaIssues, strictSchema, UNKNOWN_KEY, valueAt } from "./strict_schema.ts";
import type { Scalar, Tensor } from "./tensor.ts";
import type { TrainingPlan } from "./training.ts";
import type {
  Figure,
  Fold,
  Json,
  JsonObject,
  Metric,
  Metrics,
  NdArray,
  Table,
  Tables,
  TextTable,
  TrainingRecord,
} from "./types.ts";

/** What every hook is given. */
export interface HookContext {
  /** The seed of the run. */
  readonly seed: number;
  /** A stream of random numbers for a purpose; equal arguments give equal numbers in every run with this seed. */
  random(purpose: string, position?: { readonly epoch?: number; readonly step?: number }): Random;
  /** Shows how far a long hook has got; `done` of `total` in any unit. */
  progress(done: number, total: number, label?: string): void;
  /** A line for the log. */
  log(message: string): void;
  /** A warning that goes into the run record and the report. */
  warn(code: string, message: string): void;
}

/** How a table in parts is used. */
export interface TableWriterOptions {
  /**
   * Rows that are shuffled together in training, of blocks that lie anywhere in the table; twice as many are kept in
   * memory. A table that has no more is read whole, and trains as one that was returned whole. @default what fills 256 MiB
   */
  readonly shuffleRows?: number;
}

/** Writes a table in parts, for one that is larger than memory. */
export interface TableWriter {
  /** Rows so far. */
  readonly rows: number;
  /**
   * Appends rows, which may be used again afterwards. The first ones say which columns there are.
   *
   * @throws {TypeError} If columns, dtype, shape of a row or unit are others than before.
   * @throws {DataError} If they cannot be written, such as to a full disk.
   */
  append(rows: Table): Promise<void>;
  /** Ends the table, which is then returned by the hook under the name of the writer. */
  finish(): Promise<Table>;
}

/** What `prepare` is given. */
export interface PrepareContext extends HookContext {
  /**
   * The part of a cross-validation (`--folds`) whose rows are to be the test table; undefined for the usual split. Give
   * it to `splitRows` of `beamline/data`. A plugin that does not read it cannot be run in folds.
   */
  readonly fold?: Fold | undefined;
  /**
   * A table that is written in parts. For `readForPrediction` there is one, "new".
   *
   * @param split The name under which `prepare` returns it.
   * @throws {RangeError} If there is one already, or the name cannot be that of a table.
   */
  writer(split: string, options?: TableWriterOptions): TableWriter;
}

/** What `prepare` returns. */
export interface Prepared<F extends JsonObject = JsonObject> {
  /** Tables by split; a trained plugin has at least `train` and `validation`. */
  readonly tables: Tables;
  /** Whether the rows were simulated; labels the record, the report and the figures. */
  readonly simulated: boolean;
  /** One sentence: what the rows are and where they come from. */
  readonly source: string;
  /** Constants that `build` and `evaluate` need, such as fitted scalings. */
  readonly metadata?: F;
  /** Tables for the report, such as the number of rows that each cut removed. */
  readonly notes?: readonly TextTable[];
}

/** What `readForPrediction` is given and returns: features of new data, no labels needed. */
export interface NewData {
  /** Must contain the model's input columns; others (identifiers) are kept and written with the predictions. */
  readonly table: Table;
  readonly simulated: boolean;
  readonly source: string;
  readonly notes?: readonly TextTable[];
}

/** Tensors of a batch by column name; shape [batch, ...column dims]. */
export type Batch = { readonly [column: string]: Tensor };

/** What a loss or step function is given besides the batch. */
export interface StepContext {
  /** True in the training step, false in validation and prediction. Pass it on as `{training}` to tf.layers. */
  readonly training: boolean;
  /** The learning rate of this step, a program input. */
  readonly learningRate: Scalar;
  /** Uniform [0, 1) random numbers, new on each call; a program input. */
  randomUniform(shape: readonly number[]): Tensor;
  /** Standard normal random numbers, new on each call; a program input. */
  randomNormal(shape: readonly number[]): Tensor;
}

/** Updates parameters; made by `beamline/nn` (`adam`, `adamw`, `sgd`). */
export interface Optimizer {
  /** Computes gradients of the scalar that `loss` returns and records the parameter updates. Returns the loss. */
  minimize(loss: () => Scalar, learningRate: Scalar): Scalar;
}

/** The functions of a model; all are traced once. */
export interface BuiltModel {
  /**
   * The forward pass on the columns named in `inputs`, in physical units where the result is a quantity. Only
   * a model that consists of further programs can omit it.
   */
  predict?(batch: Batch, context: StepContext): { readonly [name: string]: Tensor };
  /** Mean over the batch; `loss` is minimized, the others are only recorded. */
  loss?(batch: Batch, context: StepContext): { readonly loss: Scalar; readonly [name: string]: Scalar };
  /** Minimizes `loss`. */
  optimizer?: Optimizer;
  /** Replaces `loss` + `optimizer` for training that needs more than one minimization; returns values to record. */
  step?(batch: Batch, context: StepContext): { readonly loss: Scalar; readonly [name: string]: Scalar };
  /** Further functions that share the parameters (encode, decode, sample), called from `evaluate`. */
  programs?: { readonly [name: string]: ModelProgram };
}

/** A further function of a model. */
export interface ModelProgram {
  /** Rows of a batch. @default 512 */
  readonly rows?: number;
  /**
   * Outputs that are added up over all batches, in float64, and need not have a row dimension. The last batch
   * of a program with sums is padded with rows of zeros; without sums the last row is repeated and the
   * repetitions are removed from the result.
   */
  readonly sums?: readonly string[];
  /**
   * Inputs by name: per-row shapes, to which a batch dimension is added. A `shared` input gives its full
   * shape and is passed whole to every batch.
   */
  readonly inputs: {
    readonly [name: string]: {
      readonly shape: readonly number[];
      readonly dtype?: "float32" | "int32";
      readonly shared?: boolean;
    };
  };
  run(batch: Batch, context: StepContext): { readonly [name: string]: Tensor };
}

/** What `build` is given. */
export interface BuildContext<F extends JsonObject = JsonObject> extends HookContext {
  /** The metadata that `prepare` returned. */
  readonly metadata: F;
  /** Per-row shape of each column of the training table. */
  readonly shapes: { readonly [column: string]: readonly number[] };
  /** Rows of each table. */
  readonly rows: { readonly [split: string]: number };
  /**
   * Reads pretrained weights for `loadWeights` of `beamline/nn`: a `.safetensors` file, a `model.json` of
   * TensorFlow.js or Keras with the files beside it, or a folder with one of them. The path is the value of a
   * field made by `inputPath` (the folder, for a `model.json`), so that it is granted, digested and checked
   * by `verify`.
   *
   * @throws {DataError} If it is missing, damaged, or of another kind.
   */
  weights(path: string): { readonly [name: string]: NdArray };
}

/** A model of an experiment. */
export interface ModelDefinition<C, F extends JsonObject = JsonObject> {
  readonly title?: string;
  /** Columns that `predict` reads. */
  inputs(config: C): readonly string[];
  /** Columns that only the loss reads. */
  targets?(config: C): readonly string[];
  /** Whether this configuration uses the model. @default always */
  enabled?(config: C): boolean;
  /** How the model is trained. @default the fields of `trainingOptions` in the configuration */
  training?(config: C): TrainingPlan;
  /** Quantities that `predict` returns: unit and meaning of each. */
  readonly outputs?: {
    readonly [name: string]: {
      readonly unit: string;
      readonly dims?: readonly string[];
      readonly description?: string;
    };
  };
  /**
   * Creates layers and optimizer and returns the functions. Runs in the tracer: it must not use files, the
   * clock or `Math.random`.
   */
  build(config: C, context: BuildContext<F>): BuiltModel;
}

/** What `evaluate` and actions are given. */
export interface EvaluateContext<F extends JsonObject = JsonObject> extends HookContext {
  readonly metadata: F;
  readonly simulated: boolean;
  readonly source: string;
  /** The tables of `prepare`. */
  readonly tables: Tables;
  /** The lines of `metrics.jsonl`; empty when nothing was trained. */
  readonly history: readonly TrainingRecord[];
  /**
   * Runs the model's `predict` over all rows (best checkpoint). Columns come back by output name.
   *
   * @param rows The name of a split that `prepare` returned, whose columns need not be sent; or a table.
   */
  predict(model: string, rows: Table | string): Promise<Table>;
  /** An empty folder for files that the evaluation or action makes. */
  readonly directory: string;
  /**
   * Runs one of the model's further programs over all rows of the inputs. Calls are answered in order. Here
   * and below, arrays are copied at once: they may be changed as soon as the promise is returned, and
   * whatever the hook computes in the meantime runs in parallel with the engine.
   */
  call(model: string, program: string, inputs: ProgramInputs): Promise<ProgramOutputs>;
  /**
   * Leaves an array with the engine for calls that need it several times: it is sent once. It stays until
   * `dispose`, or until the hook ends. Errors are reported by the calls that use it.
   */
  upload(array: NdArray): DeviceArray;
  /**
   * Adds up the sums of a further program over many calls: intermediate sums stay with the engine, and only
   * the total comes back. All outputs of the program must be `sums`.
   */
  accumulate(model: string, program: string): Accumulator;
}

/** Inputs of a call by name; a device array is used as it is. */
export type ProgramInputs = { readonly [name: string]: NdArray | DeviceArray };

/** Outputs of a call by name. */
export type ProgramOutputs = { readonly [name: string]: NdArray };

/** An array that was left with the engine. */
export interface DeviceArray {
  readonly dtype: NdArray["dtype"];
  readonly shape: readonly number[];
  /** Its number among all that were uploaded. */
  readonly handle: number;
  /** Releases it; calls made before can still use it. */
  dispose(): Promise<void>;
}

/** Sums over many calls to one program. */
export interface Accumulator {
  /** Adds the sums over all rows of the inputs. */
  add(inputs: ProgramInputs): Promise<void>;
  /** The sums of everything added before, awaited or not, in float64. Ends the accumulator. */
  total(): Promise<ProgramOutputs>;
}

/** What `evaluate` and actions return. */
export interface Evaluation {
  readonly metrics?: Metrics;
  /** Figures, or promises of them as `beamline/plot` returns; in the order of the report. */
  readonly figures?: readonly (Figure | Promise<Figure>)[];
  readonly tables?: readonly TextTable[];
  /** Written to `predictions/<name>.npy`. */
  readonly predictions?: Table;
  /** Names of files written to `context.directory`; they are moved to `files/` of the run. */
  readonly files?: readonly string[];
  /** Anything machine-readable for `--json`, such as `{statistics: ...}`. */
  readonly results?: JsonObject;
  /** Whether the data were simulated, if nothing was prepared that says so. */
  readonly simulated?: boolean;
  /** One or two sentences at the top of the report: the result, and where a baseline is better. */
  readonly summary?: string;
}

/** What `simulate` is given: an empty folder to write real-format files into. */
export interface SimulateContext extends HookContext {
  readonly directory: string;
}

/** A further verb: `deno task run <plugin> <action>`. */
export interface Action<C, F extends JsonObject = JsonObject> {
  readonly title: string;
  /** Whether `prepare` runs before. @default true */
  readonly prepare?: boolean;
  /** Whether the models are trained before. @default false */
  readonly train?: boolean;
  /** Whether the models are traced, untrained, for their further programs. @default the same as `train` */
  readonly models?: boolean;
  run(config: C, context: EvaluateContext<F>, files: readonly string[]): Promise<Evaluation> | Evaluation;
}

/** A number that matters, named before it is measured: shown by `info`, first in tables and reports. */
export interface MetricDeclaration extends Pick<Metric, "unit" | "better"> {
  readonly key: string;
  readonly label: string;
}

/** An experiment. */
export interface Plugin<S extends z.ZodObject = z.ZodObject, F extends JsonObject = JsonObject> {
  /** The same as the folder; lower case, digits, hyphens. */
  readonly name: string;
  readonly title: string;
  /** Flags with help, defaults and bounds. No transforms. */
  readonly config: S;
  /** Named sets of values, between the defaults and the config file. */
  readonly presets?: { readonly [name: string]: Partial<z.input<S>> };
  /** Old names of presets, such as `{ seed: "source" }`; they still work. */
  readonly formerPresets?: { readonly [former: string]: string };
  readonly metrics?: readonly MetricDeclaration[];
  readonly models?: { readonly [name: string]: ModelDefinition<z.output<S>, F> };
  readonly actions?: { readonly [name: string]: Action<z.output<S>, F> };
  /** Reads or simulates, cleans, splits. */
  prepare?(config: z.output<S>, context: PrepareContext): Promise<Prepared<F>> | Prepared<F>;
  /** Metrics and figures. */
  evaluate?(config: z.output<S>, context: EvaluateContext<F>): Promise<Evaluation> | Evaluation;
  /** Features of new data for `deno task predict`. */
  readForPrediction?(config: z.output<S>, path: string, context: PrepareContext): Promise<NewData> | NewData;
  /** Writes simulated files in the real format for `deno task data simulate`; returns their names. */
  simulate?(config: z.output<S>, context: SimulateContext): Promise<readonly string[]> | readonly string[];
}

/** Key of a schema's `.meta()` that marks a text field as a path to read: the sandbox is granted it, and it is hashed. */
export interface PathMeta {
  readonly path: "file" | "directory" | "any";
}

/** Whether a path must be given. */
export interface InputPathOptions {
  /** Refuses a configuration without it. @default false */
  readonly required?: boolean;
}

/**
 * A config field that names a file or folder to read. The command line's path is made absolute before the plugin
 * sees it, the sandbox gets read permission for it alone, and its size and SHA-256 go into the run record.
 */
export function inputPath(
  kind: PathMeta["path"],
  help: string,
  options: InputPathOptions & { readonly required: true },
): z.ZodString;
export function inputPath(
  kind: PathMeta["path"],
  help: string,
  options?: InputPathOptions,
): z.ZodOptional<z.ZodString>;
export function inputPath(
  kind: PathMeta["path"],
  help: string,
  { required = false }: InputPathOptions = {},
): z.ZodString | z.ZodOptional<z.ZodString> {
  const path = z.string().min(1);
  return (required ? path : path.optional()).describe(help).meta({ path: kind });
}

/** The same as {@linkcode inputPath} for a flag that can be given several times; a required one at least once. */
export function inputPaths(
  kind: PathMeta["path"],
  help: string,
  options: InputPathOptions & { readonly required: true },
): z.ZodArray<z.ZodString>;
export function inputPaths(
  kind: PathMeta["path"],
  help: string,
  options?: InputPathOptions,
): z.ZodDefault<z.ZodArray<z.ZodString>>;
export function inputPaths(
  kind: PathMeta["path"],
  help: string,
  { required = false }: InputPathOptions = {},
): z.ZodDefault<z.ZodArray<z.ZodString>> | z.ZodArray<z.ZodString> {
  const paths = z.array(z.string().min(1));
  return (required ? paths.min(1) : paths.default([])).describe(help).meta({ path: kind });
}

const NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;

/**
 * Declares an experiment. Checks what can be checked without running it.
 *
 * @throws {TypeError} If the name, the schema, the name of a field or a preset is not usable.
 */
export function definePlugin<S extends z.ZodObject, F extends JsonObject = JsonObject>(
  plugin: Plugin<S, F>,
): Plugin<S, F> {
  if (!NAME.test(plugin.name)) {
    throw new TypeError(
      `Cannot define plugin "${plugin.name}" as a name is lower-case letters, digits and single hyphens: found "${plugin.name}"`,
    );
  }
  const problem = fieldNameProblem(jsonSchemaOf(plugin));
  if (problem !== undefined) throw new TypeError(`Cannot define plugin "${plugin.name}" as ${problem}`);
  for (const [name, values] of Object.entries(plugin.presets ?? {})) checkPreset(plugin, name, values);
  for (const [former, name] of Object.entries(plugin.formerPresets ?? {})) {
    if (Object.hasOwn(plugin.presets ?? {}, name) && !Object.hasOwn(plugin.presets ?? {}, former)) continue;
    throw new TypeError(
      `Cannot define plugin "${plugin.name}" as a former preset must name a preset of today: found "${former}" for "${name}"`,
    );
  }
  return plugin;
}

/** The configuration as JSON Schema; what comes out of it must have one as well, as hooks parse it again. */
function jsonSchemaOf({ name, config }: Pick<Plugin, "name" | "config">): JsonObject {
  try {
    z.toJSONSchema(config, { io: "output", override: refuseUnwritable });
    return z.toJSONSchema(config, { io: "input", override: refuseUnwritable }) as JsonObject;
  } catch (cause) {
    throw new TypeError(
      `Cannot define plugin "${name}" as its config must be expressible as JSON Schema (no transforms): ${
        (cause as Error).message
      }`,
      { cause },
    );
  }
}

/** Refuses what zod writes as JSON Schema although something of it is lost. */
function refuseUnwritable({ zodSchema }: { readonly zodSchema: z.core.$ZodTypes }): void {
  const { def } = zodSchema._zod;
  if (def.type !== "pipe") return;
  const hasTransform = [def.in, def.out].some((part) => part._zod.def.type === "transform");
  if (hasTransform || "transform" in def) throw new TypeError("Cannot write a transform as JSON Schema");
}

/** A preset need not be complete, but what it sets must be there and fit. */
function checkPreset(plugin: Pick<Plugin, "name" | "config">, preset: string, values: unknown): void {
  const schema = jsonSchemaOf(plugin);
  const parsed = strictSchema(plugin.config).safeParse(values);
  const issues = parsed.success
    ? []
    : schemaIssues(parsed.error).filter(({ path, message, isRefinement }) =>
      !isRefinement && (message === UNKNOWN_KEY || valueAt(values as Json, path) !== undefined)
    );
  if (issues.length === 0) return;
  const found = issues.map(({ path, message }) => {
    if (message !== UNKNOWN_KEY) return `"${path}" does not fit (${message})`;
    const nearest = nearestBeside(schema, path);
    return `there is no "${path}"${nearest ? `; did you mean "${nearest}"?` : ""}`;
  });
  throw new TypeError(
    `Cannot define plugin "${plugin.name}" as preset "${preset}" must fit its config: ${found.join("; ")}`,
  );
}
