/**
 * The hooks of a plugin as functions from JSON to JSON, with arrays in files of the shared directory. The same code
 * runs in the sandbox (`bootstrap.ts`) and in this process (`in_process.ts`).
 *
 * Layout of the shared directory, and of the folder of answers beside it:
 *
 * | path | written by | content |
 * |---|---|---|
 * | `tables/` | prepare, readForPrediction | prepared columns |
 * | `models/<model>/<program>.json`, `state.safetensors` | trace | programs and initial weights |
 * | `figures/<name>.{svg,json}`, `predictions/<name>.npy` | evaluate, action | results |
 * | `call-<n>/` | evaluate, action | arrays for a call to a program; the host takes them |
 * | `../<shared>.answers/<n>/` | host | arrays of its answer; read-only in the sandbox |
 * | `files/` | simulate | files in the real format |
 *
 * @module
 */
import { sentHistory, type WrittenHistory } from "../protocol/history.ts";
import { z } from "zod";
import { ConfigError, InternalError } from "../../core/errors.ts";
import type {
  BuiltModel,
  Evaluation,
  HookContext,
  ModelDefinition,
  Plugin,
  PrepareContext,
  ProgramInputs,
} from "../../core/plugin.ts";
import { listNames, type NamedAs, withMissingNames } from "../../core/missing_names.ts";
import { decodeRecord, sendMetric, sendTable } from "../../core/not_finite.ts";
import { nearestName } from "../../core/names.ts";
import { randomFor } from "../../core/random.ts";
import { schemaIssues, strictSchema } from "../../core/strict_schema.ts";
import { TRAINING_DEFAULTS, type TrainingPlan } from "../../core/training.ts";
import type {
  Column,
  Fold,
  Json,
  JsonObject,
  NdArray,
  Table,
  Tables,
  TrainingRecord,
} from "../../core/types.ts";
import { isPagedTable } from "../../data/paged.ts";
import { readTables, writeTable, writeTables } from "../../data/tables.ts";
import { writeNpy } from "../../formats/npy.ts";
import { writeSafetensors } from "../../formats/safetensors.ts";
import { readWeights } from "../../formats/weights.ts";
import { join } from "../../files/paths.ts";
import { type CallSurroundings, HostCalls } from "./calls.ts";
import { TableWriters } from "./table_writers.ts";
import { acceptFormerNames, offerFormerNames } from "./former_names.ts";
import type { Description, ModelPlan } from "../protocol/description.ts";
import type { HookName } from "../protocol/limits.ts";
import { type HookEvent, shortEvent } from "../protocol/messages.ts";

/** What the runner needs from its environment. */
export interface HookSurroundings extends CallSurroundings {
  emit(event: HookEvent): void;
}

/** The most problems of a configuration that are reported at once; an answer has room for no more. */
const MOST_ISSUES = 1000;

type AnyPlugin = Plugin<z.ZodObject, JsonObject>;
type Model = ModelDefinition<Record<string, unknown>, JsonObject>;

/** Runs the hooks of one plugin. */
export class HookRunner {
  readonly #plugin: AnyPlugin;
  /** Its configuration, without room for unknown keys. */
  readonly #schema: z.ZodObject;
  readonly #calls: HostCalls;
  readonly #formerNames = new Set<string>();

  /** @throws {TypeError} If the module's default export is not a plugin. */
  constructor(plugin: unknown, readonly surroundings: HookSurroundings) {
    if (!isPlugin(plugin)) {
      throw new TypeError(
        "Cannot load the plugin as its entry must have a default export made by definePlugin: none found",
      );
    }
    this.#plugin = acceptFormerNames("plugin", plugin);
    this.#schema = strictSchema(plugin.config);
    this.#calls = new HostCalls(surroundings);
  }

  /** Runs a hook by name. */
  async call(hook: string, args: Json): Promise<Json> {
    const hooks: { [name in HookName]: (args: never) => Promise<Json> | Json } = {
      describe: () => this.#describe() as unknown as Json,
      parse: (a: { values: JsonObject }) => this.#parse(a.values),
      prepare: (a: PrepareArgs) => this.#prepare(a),
      trace: (a: TraceArgs) => this.#trace(a),
      evaluate: (a: EvaluateArgs) => this.#evaluate(a),
      action: (a: EvaluateArgs & { action: string; files: string[] }) => this.#evaluate(a),
      readForPrediction: (a: ReadForPredictionArgs) => this.#readForPrediction(a),
      simulate: (a: HookArgs) => this.#simulate(a),
    };
    const run = Object.hasOwn(hooks, hook) ? hooks[hook as HookName] : undefined;
    if (!run) throw new InternalError(`Cannot run hook "${hook}" as there is no such hook`);
    return await withMissingNames(async () => await run(args as never));
  }

  #describe(): Description {
    const plugin = this.#plugin;
    return {
      name: plugin.name,
      title: plugin.title,
      schema: z.toJSONSchema(plugin.config, { io: "input" }) as JsonObject,
      presets: (plugin.presets ?? {}) as { [name: string]: JsonObject },
      formerPresets: plugin.formerPresets ?? {},
      metrics: (plugin.metrics ?? []).map(({ key, label, unit, better }) => ({ key, label, unit, better })),
      models: mapValues(plugin.models ?? {}, (model, name) => ({ title: model.title ?? name })),
      actions: mapValues(plugin.actions ?? {}, (action) => ({
        title: action.title,
        prepare: action.prepare ?? true,
        train: action.train ?? false,
        models: action.models ?? action.train ?? false,
      })),
      hooks: ["prepare", "evaluate", "readForPrediction", "simulate"].filter((hook) => hook in plugin),
    };
  }

  /** Parses the configuration with the plugin's own schema and reports what will be trained. */
  #parse(values: JsonObject): Json {
    const parsed = this.#schema.safeParse(values);
    if (!parsed.success) {
      const issues = schemaIssues(parsed.error).slice(0, MOST_ISSUES).map(({ path, message }) => ({
        path,
        message,
      }));
      return { ok: false, issues };
    }
    const models = mapValues(this.#enabledModels(parsed.data), (model) => modelPlan(model, parsed.data));
    return { ok: true, config: parsed.data as JsonObject, models: models as unknown as Json };
  }

  #enabledModels(config: Record<string, unknown>): { [name: string]: Model } {
    const models = (this.#plugin.models ?? {}) as { [name: string]: Model };
    return Object.fromEntries(Object.entries(models).filter(([, model]) => model.enabled?.(config) ?? true));
  }

  #config(values: JsonObject): Record<string, unknown> {
    return this.#schema.parse(values);
  }

  #context(seed: number): HookContext {
    const emit = (event: HookEvent): void => this.surroundings.emit(shortEvent(event));
    return {
      seed,
      random: (purpose, position = {}) => randomFor({ seed, purpose: `plugin/${purpose}`, ...position }),
      progress: (done, total, label = "") => emit({ event: "progress", done, total, label }),
      log: (text) => emit({ event: "log", text }),
      warn: (code, message) => emit({ event: "warn", code, message }),
    };
  }

  #prepareContext(seed: number, writers: TableWriters): PrepareContext {
    return { ...this.#context(seed), writer: (split, options) => writers.open(split, options) };
  }

  async #prepare(args: PrepareArgs): Promise<Json> {
    const prepare = this.#required("prepare");
    const writers = new TableWriters(join(this.surroundings.sharedDirectory, "tables"));
    let readsFold = false;
    const context: PrepareContext = {
      ...this.#prepareContext(args.seed, writers),
      get fold() {
        readsFold = true;
        return args.fold;
      },
    };
    const given = await prepare.call(this.#plugin, this.#config(args.config), context);
    const prepared = acceptFormerNames("prepared", given, this.#onFormerName);
    await writeTables(writers.directory, prepared.tables, await writers.settle(prepared.tables));
    return {
      simulated: prepared.simulated,
      source: prepared.source,
      metadata: prepared.metadata ?? {},
      notes: (prepared.notes ?? []).map(sendTable) as unknown as Json,
      readsFold,
    };
  }

  async #readForPrediction(args: ReadForPredictionArgs): Promise<Json> {
    const readForPrediction = this.#required("readForPrediction");
    const writers = new TableWriters(join(this.surroundings.sharedDirectory, "tables"), "new");
    const found = await readForPrediction.call(
      this.#plugin,
      this.#config(args.config),
      args.path,
      this.#prepareContext(args.seed, writers),
    );
    const written = await writers.settle({ new: found.table });
    if (!written.has("new")) await writeTable(join(writers.directory, "new"), found.table);
    return {
      simulated: found.simulated,
      source: found.source,
      notes: (found.notes ?? []).map(sendTable) as unknown as Json,
    };
  }

  async #simulate(args: HookArgs): Promise<Json> {
    const simulate = this.#required("simulate");
    const directory = join(this.surroundings.sharedDirectory, "files");
    await Deno.mkdir(directory, { recursive: true });
    return await simulate.call(this.#plugin, this.#config(args.config), {
      ...this.#context(args.seed),
      directory,
    });
  }

  /** Warns of a former name of the contract, once. */
  readonly #onFormerName = (former: string, name: string): void => {
    if (this.#formerNames.has(former)) return;
    this.#formerNames.add(former);
    this.surroundings.emit({
      event: "warn",
      code: "former-name",
      message: `the plugin uses "${former}", which is called "${name}" now`,
    });
  };

  #required<K extends "prepare" | "readForPrediction" | "simulate">(hook: K): NonNullable<AnyPlugin[K]> {
    const found = this.#plugin[hook];
    if (!found) {
      throw new ConfigError(
        `Cannot run hook "${hook}" as the plugin must have it: "${this.#plugin.name}" has none`,
      );
    }
    return found as NonNullable<AnyPlugin[K]>;
  }

  /**
   * Traces the enabled models and writes their programs and initial state. Where nothing is trained, models whose columns
   * were not prepared are left out.
   */
  async #trace(args: TraceArgs): Promise<Json> {
    const { traceModel } = await import("../../engine/trace/trace.ts");
    const { encodeProgram } = await import("../../engine/program/encode.ts");
    const config = this.#config(args.config);
    const traced: { [model: string]: { programs: string[]; outputs: Json } } = {};
    for (const [name, model] of Object.entries(this.#enabledModels(config))) {
      const plan = modelPlan(model, config);
      if (args.isTrained === false && plan.inputs.some((name) => !Object.hasOwn(args.columns, name))) {
        continue;
      }
      requireColumns(name, [...plan.inputs, ...plan.targets], Object.keys(args.columns));
      const context = offerFormerNames("context", {
        ...this.#context(args.seed),
        metadata: listNames(args.metadata, METADATA),
        shapes: listNames(mapValues(args.columns, (column) => column.shape), COLUMN),
        rows: listNames(args.rows, { kind: "table" }),
        weights: readWeights,
      }, this.#onFormerName);
      const { programs, state } = await traceModel({
        build: (): BuiltModel => {
          const built = model.build(config, context);
          this.#calls.declare(name, built.programs ?? {});
          return built;
        },
        columns: args.columns,
        inputs: plan.inputs,
        targets: plan.targets,
        batchSize: args.batches[name]!.train,
        lastValidationBatch: args.batches[name]!.lastValidationBatch,
        predictBatch: args.batches[name]!.predict,
        programBatch: args.batches[name]!.programs,
        seed: args.seed,
        purpose: `initialize/${name}`,
      });
      const directory = join(this.surroundings.sharedDirectory, "models", name);
      await Deno.mkdir(directory, { recursive: true });
      for (const [program, traced] of Object.entries(programs)) {
        await Deno.writeTextFile(join(directory, `${program}.json`), encodeProgram(traced));
      }
      await writeSafetensors(join(directory, "state.safetensors"), state);
      traced[name] = { programs: Object.keys(programs), outputs: (model.outputs ?? {}) as unknown as Json };
    }
    return traced;
  }

  /** Runs `evaluate` or an action. */
  async #evaluate(args: EvaluateArgs & { action?: string; files?: string[] }): Promise<Json> {
    const config = this.#config(args.config);
    const directory = join(this.surroundings.sharedDirectory, "files");
    await Deno.mkdir(directory, { recursive: true });
    const tables = args.tables === null ? {} : await readTables(args.tables);
    const context = offerFormerNames("context", {
      ...this.#context(args.seed),
      metadata: listNames(args.metadata, METADATA),
      simulated: args.simulated,
      source: args.source,
      tables,
      history: (await sentHistory(this.surroundings.sharedDirectory, args.history)).map(decodeRecord),
      directory,
      predict: (model: string, table: Table | string) => this.#predict(model, splitOf(tables, table)),
      call: async (model: string, program: string, inputs: ProgramInputs) =>
        listNames(await this.#calls.call(model, program, inputs), outputOf(`program "${program}"`)),
      upload: (array: NdArray) =>
        offerFormerNames("deviceArray", this.#calls.upload(array), this.#onFormerName),
      accumulate: (model: string, program: string) => this.#calls.accumulate(model, program),
    }, this.#onFormerName);
    const action = args.action === undefined ? undefined : this.#plugin.actions?.[args.action];
    const evaluation = action
      ? await action.run(config, context, args.files ?? [])
      : await this.#plugin.evaluate?.(config, context) ?? {};
    return await this.#writeEvaluation(evaluation);
  }

  async #predict(model: string, table: Table | string): Promise<Table> {
    const outputs = await this.#calls.predict(model, table);
    const declared = this.#plugin.models?.[model]?.outputs ?? {};
    const columns = mapValues(outputs, (array, name): Column => ({
      ...array,
      dims: declared[name]?.dims ?? ["row", ...array.shape.slice(1).map((_, i) => `axis_${i + 1}`)],
      unit: declared[name]?.unit ?? "1",
      ...(declared[name]?.description === undefined ? {} : { description: declared[name].description }),
    }));
    return listNames(columns, outputOf(`model "${model}"`));
  }

  async #writeEvaluation(evaluation: Evaluation): Promise<Json> {
    const { sharedDirectory } = this.surroundings;
    const figures = await Promise.all(evaluation.figures ?? []); // first: one of them may fail at any time
    await Deno.mkdir(join(sharedDirectory, "figures"), { recursive: true });
    await Deno.mkdir(join(sharedDirectory, "predictions"), { recursive: true });
    for (const figure of figures) {
      await Deno.writeTextFile(join(sharedDirectory, "figures", `${figure.name}.svg`), figure.svg);
      await Deno.writeTextFile(
        join(sharedDirectory, "figures", `${figure.name}.json`),
        JSON.stringify(figure.data),
      );
    }
    for (const [name, column] of Object.entries(evaluation.predictions ?? {})) {
      await writeNpy(join(sharedDirectory, "predictions", `${name}.npy`), column);
    }
    return {
      metrics: mapValues(evaluation.metrics ?? {}, sendMetric) as unknown as Json,
      figures: figures.map(({ name, title, caption }) => ({ name, title, caption })),
      tables: (evaluation.tables ?? []).map(sendTable) as unknown as Json,
      files: evaluation.files ?? [],
      predictions: mapValues(evaluation.predictions ?? {}, ({ unit }) => ({ unit })),
      results: evaluation.results ?? {},
      summary: evaluation.summary ?? "",
      simulated: evaluation.simulated ?? null,
    };
  }
}

/** What records that hooks are given hold. */
const METADATA: NamedAs = { kind: "metadata" };
const COLUMN: NamedAs = { kind: "column", of: "the training table" };
const outputOf = (of: string): NamedAs => ({ kind: "output", of });
/** The name of a split for its table where that is on disk: the host has its rows. */
function splitOf(tables: Tables, table: Table | string): Table | string {
  if (typeof table === "string" || !isPagedTable(table)) return table;
  return Object.keys(tables).find((split) => tables[split] === table) ?? table;
}

interface HookArgs {
  readonly config: JsonObject;
  readonly seed: number;
}
interface PrepareArgs extends HookArgs {
  readonly fold?: Fold;
}
interface ReadForPredictionArgs extends HookArgs {
  readonly path: string;
}
interface TraceArgs extends HookArgs {
  readonly metadata: JsonObject;
  /** Per-row shape and dtype of the training columns. */
  readonly columns: {
    readonly [name: string]: { readonly shape: readonly number[]; readonly dtype: "float32" | "int32" };
  };
  readonly rows: { readonly [split: string]: number };
  readonly batches: {
    readonly [model: string]: {
      train: number;
      lastValidationBatch: number;
      predict: number;
      programs?: number;
    };
  };
  /** Whether training may follow. @default true */
  readonly isTrained?: boolean;
}
interface EvaluateArgs extends HookArgs {
  readonly metadata: JsonObject;
  readonly simulated: boolean;
  readonly source: string;
  /** Folder of the prepared tables; null where nothing was prepared. */
  readonly tables: string | null;
  readonly history: readonly TrainingRecord[] | WrittenHistory;
}

function isPlugin(value: unknown): value is AnyPlugin {
  const candidate = value as Partial<AnyPlugin> | null;
  return typeof candidate === "object" && candidate !== null && typeof candidate.name === "string" &&
    candidate.config instanceof z.ZodObject;
}

/** Refuses a model that names columns which the training table does not have. */
function requireColumns(model: string, names: readonly string[], known: readonly string[]): void {
  const missing = names.find((name) => !known.includes(name));
  if (missing === undefined) return;
  const nearest = nearestName(missing, known);
  throw new TypeError(
    `Cannot train model "${model}" as its inputs and targets must be columns of the training table: found no "${missing}" among ${
      known.join(", ") || "no columns"
    }${nearest === undefined ? "" : `; did you mean "${nearest}"?`}`,
  );
}

function modelPlan(model: Model, config: Record<string, unknown>): ModelPlan {
  const fields = Object.keys(TRAINING_DEFAULTS) as (keyof TrainingPlan)[];
  const fromConfig = Object.fromEntries(
    fields.filter((field) => field in config).map((field) => [field, config[field]]),
  );
  return {
    title: model.title ?? "",
    inputs: model.inputs(config),
    targets: model.targets?.(config) ?? [],
    training: model.training?.(config) ?? { ...TRAINING_DEFAULTS, ...fromConfig },
  };
}

function mapValues<A, B>(
  record: { readonly [key: string]: A },
  map: (value: A, key: string) => B,
): { [key: string]: B } {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value, key)]));
}
