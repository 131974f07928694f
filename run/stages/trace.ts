/**
 * Stage "trace": model code becomes programs, and programs become graphs on an engine.
 *
 * @module
 */
import type { z } from "zod";
import { PluginError } from "../../core/errors.ts";
import type { EngineRecord } from "../../core/records.ts";
import type { Json, JsonObject, Table, Tables } from "../../core/types.ts";
import type { Calibration } from "../../engine/runtimes/calibrate.ts";
import type { GraphCache } from "../../engine/runtimes/graphs/graph_cache.ts";
import { programDtype } from "../../train/batches.ts";
import {
  calibrate,
  type LoadedModel,
  loadModel,
  type LoadRequest,
  writePrograms,
} from "../../train/models.ts";
import { readInitialState, readPrograms, STATE_FILE } from "../../train/programs/files.ts";
import { DEFAULT_LIMITS } from "../../sandbox/protocol/limits.ts";
import type { TakenFolder } from "../../sandbox/host/taken.ts";
import type { ResolvedConfig } from "../config/config.ts";
import { traceResult } from "../hooks/results.ts";
import type { Hooks } from "../hooks/workspace.ts";
import { rowsOf } from "./prepare.ts";
import type { RunRequest } from "./request.ts";

/** What the stage is given. */
export interface TraceInput {
  readonly plugin: string;
  readonly config: Pick<ResolvedConfig, "values" | "models">;
  readonly seed: number;
  /** Prepared tables; none where nothing was prepared. */
  readonly tables: Tables;
  readonly metadata: JsonObject;
  /** Whether training may follow; else models whose columns were not prepared are left out. */
  readonly isTrained: boolean;
  readonly engine: string;
  readonly threads: RunRequest["threads"];
  readonly graphs: GraphCache;
  readonly hooks: Hooks;
  /** Looks at the files of a model's programs before anything of them is written. */
  readonly check?: ((model: string, files: ReadonlyMap<string, Uint8Array>) => void) | undefined;
  /** The folder for programs as JSON, text and ONNX. */
  readonly directory: string;
}

/** What it gives. */
export interface TracedModels {
  /** By name, in the order of the configuration. */
  readonly models: ReadonlyMap<string, LoadedModel>;
  /** What ran the models; undefined where no model was traced. */
  readonly engine: EngineRecord | undefined;
  /** Units of what the models predict, by "model.output". */
  readonly outputUnits: { readonly [output: string]: string };
}

/** Rows per call of `predict`. */
const PREDICT_ROWS = 512;

/**
 * Traces every model of the configuration, checks the programs and compiles them.
 *
 * @throws {PluginError} If a model cannot be traced, or its programs are not sound.
 */
export async function trace(input: TraceInput): Promise<TracedModels> {
  const traced = await input.hooks.call("trace", traceArgs(input), traceResult);
  const models = new Map<string, LoadedModel>();
  const loader = new Loader(input);
  try {
    for (const name of Object.keys(input.config.models)) {
      const found = traced[name];
      if (found) models.set(name, await loader.load(name, found.programs));
      else if (input.isTrained) {
        const message = `Cannot train model "${name}" as it was not traced`;
        throw new PluginError(message, input.plugin, "trace");
      }
    }
  } catch (error) {
    await disposeAll(models);
    throw error;
  }
  const [first] = models.values();
  return {
    models,
    engine: first && engineRecord(first, input.threads, loader.calibration),
    outputUnits: outputUnits(traced),
  };
}

/** Gives back what models hold on their engine. */
export async function disposeAll(models: ReadonlyMap<string, LoadedModel>): Promise<void> {
  for (const model of models.values()) await model.dispose();
}

/** What the hook is told of the data: shapes, rows and batches, no numbers. */
function traceArgs({ config, seed, tables, metadata, isTrained }: TraceInput): Json {
  const training = tables.train ?? {};
  const columns = Object.fromEntries(
    Object.entries(training).map((
      [name, column],
    ) => [name, { shape: column.shape.slice(1), dtype: programDtype(column) }]),
  );
  const rows = Object.fromEntries(Object.entries(tables).map(([split, table]) => [split, rowsOf(table)]));
  const batches = batchesOf(config.models, training, tables.validation);
  return { config: config.values, seed, metadata, columns, rows, batches, isTrained } as unknown as Json;
}

/** Rows that each model's programs are traced for. */
function batchesOf(
  models: ResolvedConfig["models"],
  training: Table,
  validation: Table | undefined,
): { readonly [model: string]: { train: number; lastValidationBatch: number; predict: number } } {
  return Object.fromEntries(
    Object.entries(models).map(([name, { training: plan }]) => {
      const train = Math.max(1, Math.min(plan.batchSize, rowsOf(training)));
      const lastValidationBatch = validation ? rowsOf(validation) % train : 0;
      return [name, { train, lastValidationBatch, predict: PREDICT_ROWS }];
    }),
  );
}

/**
 * Loads traced models; a number of threads that is to be found out is found out with the first that trains. The sandbox
 * runs on, so each file is read once: what is checked and compiled is what is kept in the run.
 */
class Loader {
  calibration: Calibration | undefined;
  #folder: TakenFolder | undefined;

  constructor(readonly input: TraceInput) {}

  async load(name: string, names: readonly string[]): Promise<LoadedModel> {
    const { plugin, engine, seed, graphs, hooks, directory } = this.input;
    this.#folder ??= hooks.take("models", "trace");
    const folder = this.#folder.takeFolder(name);
    const files = new Map<string, Uint8Array>();
    const read = (file: string): Uint8Array => {
      const bytes = folder.read(file, DEFAULT_LIMITS.textBytes);
      files.set(file, bytes);
      return bytes;
    };
    const fault = (message: string, cause: Error) => new PluginError(message, plugin, "trace", { cause });
    const programs = readPrograms({ read, programs: names, fault });
    this.input.check?.(name, files);
    const state = readInitialState(folder.source(STATE_FILE));
    const load: LoadRequest = { name, programs, state, engine, seed, graphs };
    const model = await loadModel({ ...load, threads: await this.#threads(load) });
    try {
      for (const program of names) await model.executable(program);
      await writePrograms(model, files, directory);
      return model;
    } catch (error) {
      await model.dispose();
      throw error;
    }
  }

  async #threads(load: LoadRequest): Promise<number | undefined> {
    const { threads } = this.input;
    if (threads !== "auto") return threads;
    this.calibration ??= await calibrate(load);
    return this.calibration?.threads;
  }
}

/** What ran the models, and where the number of threads comes from. */
function engineRecord(
  { session }: LoadedModel,
  asked: RunRequest["threads"],
  calibration: Calibration | undefined,
): EngineRecord {
  const { engine: name, threads } = session;
  if (asked !== "auto") return { name, threads, chosen: asked === undefined ? "rule" : "given" };
  return calibration
    ? { name, threads, chosen: "auto", stepMs: calibration.stepMs }
    : { name, threads, chosen: "rule" };
}

function outputUnits(traced: z.output<typeof traceResult>): { [output: string]: string } {
  return Object.fromEntries(
    Object.entries(traced).flatMap(([model, { outputs }]) =>
      Object.entries(outputs).map(([output, { unit }]) => [`${model}.${output}`, unit])
    ),
  );
}
