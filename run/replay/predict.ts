/**
 * Applying the trained model of a run to new data, without labels.
 *
 * @module
 */
import { ConfigError, DataError } from "../../core/errors.ts";
import type { ConfigRecord, DataRecord } from "../../core/records.ts";
import type { Column, JsonObject, Table, TextTable, Warning } from "../../core/types.ts";
import { writeNpy } from "../../formats/npy.ts";
import { readTableWith } from "../../data/tables.ts";
import { Cache } from "../store/cache.ts";
import { CheckpointStore } from "../../train/checkpoint.ts";
import { mapPaths } from "../config/config.ts";
import type { Description } from "../../sandbox/protocol/description.ts";
import { removeOldAsides } from "../../files/asides.ts";
import { writeJson } from "../../files/atomic.ts";
import { flagsOf } from "../../core/flags.ts";
import { loadModel } from "../../train/models.ts";
import { asColumn } from "../../train/programs/run_over.ts";
import { join, resolve } from "../../files/paths.ts";
import { readRunJson, readRunPrograms, recordedThreads } from "./replay.ts";
import type { PluginSource } from "../hooks/plugin_source.ts";
import { readForPredictionResult } from "../hooks/results.ts";
import { checkedResult } from "../hooks/workspace.ts";
import type { RunListener } from "../stages/request.ts";
import type { RunDirectory } from "../store/run_directory.ts";

/** What to predict. */
export interface PredictRequest {
  readonly run: RunDirectory;
  readonly source: PluginSource;
  readonly description: Description;
  /** Absolute path of the new data. */
  readonly data: string;
  /** The folder to write to. */
  readonly directory: string;
  readonly cache: string;
  /** Sets `skipBad` of the plugin's configuration, whatever it was in the run. @default as in the run */
  readonly skipBad?: boolean | undefined;
  readonly engine?: string | undefined;
  readonly threads?: number | undefined;
  /** Hears what the plugin says while it reads. */
  readonly onEvent?: RunListener["onEvent"];
}

/** What was predicted. */
export interface PredictOutcome {
  readonly rows: number;
  readonly simulated: boolean;
  readonly source: string;
  readonly notes: readonly TextTable[];
  /** What the plugin warned of, such as rows that it left out. */
  readonly warnings: readonly Warning[];
  /** Path, unit and numbers by name. */
  readonly predictions: { readonly [name: string]: Column & { readonly path: string } };
}

/**
 * Reads new data in the sandbox with the run's configuration, runs the best weights over them, writes one `.npy` a column.
 *
 * @throws {ConfigError} If the run has no trained model, or the plugin no field for `skipBad`.
 * @throws {DataError} If the data are missing or unsuitable.
 */
export async function predictNew(request: PredictRequest): Promise<PredictOutcome> {
  const { run } = request;
  const names = await trainedModels(run);
  requireReader(request.description);
  const config = await readRunJson<ConfigRecord>(run, "config.json");
  const flags = flagsOf(request.description.schema);
  if (request.skipBad && !flags.some(({ path }) => path === "skipBad")) {
    throw new ConfigError(
      `Cannot predict with --skip-bad as plugin "${run.record.plugin.name}" must have a field "skipBad": it has none`,
    );
  }
  const values = {
    ...mapPaths(config.values, flags, (path) => resolve(run.path, path)),
    ...(request.skipBad && { skipBad: true }),
  };
  const cache = new Cache(request.cache);
  const shared = await cache.scratchShared();
  const sharedDirectory = shared.path;
  const denoDir = await cache.denoDir(request.source.name);
  const host = await request.source.open({ read: [request.data], sharedDirectory, denoDir });
  try {
    const hook = "readForPrediction";
    const args = { config: values as JsonObject, path: request.data, seed: run.record.seed };
    const warnings: Warning[] = [];
    const value = await host.call(hook, args, {
      onEvent(event) {
        if (event.event === "warn") warnings.push({ code: event.code, message: event.message });
        request.onEvent?.(event);
      },
    });
    const answer = checkedResult(readForPredictionResult, value, request.source.name, hook);
    await host.close(); // what it left changes no more
    const tables = shared.take("tables", { plugin: request.source.name, hook });
    const table = readTableWith(tables.opener, `${tables.name}/new`);
    const predicted = await runModels(request, names, table);
    const kept = Object.entries(table).filter(([name, column]) =>
      column.shape.length === 1 && !(name in predicted)
    );
    const all = { ...predicted, ...Object.fromEntries(kept) };
    return {
      rows: Object.values(table)[0]?.shape[0] ?? 0,
      simulated: answer.simulated,
      source: answer.source,
      notes: answer.notes as readonly TextTable[],
      warnings,
      predictions: await writePredictions(all, request.directory),
    };
  } finally {
    await host.close();
    await shared.remove();
  }
}

function requireReader({ name, hooks }: Description): void {
  if (hooks.includes("readForPrediction")) return;
  throw new ConfigError(
    `Cannot predict with plugin "${name}" as it must read new data: it has no hook "readForPrediction"`,
  );
}

async function trainedModels(run: RunDirectory): Promise<{ readonly [model: string]: string }> {
  const best = await new CheckpointStore(run.file("checkpoints")).pointer("best");
  if (!best) {
    throw new ConfigError(
      `Cannot predict with run "${run.record.id}" as it must hold a trained model: its status is "${run.record.status}" and it has no best checkpoint`,
    );
  }
  return best.models;
}

/** Outputs of every model; with several models the names begin with the model's. */
async function runModels(
  request: PredictRequest,
  names: { readonly [model: string]: string },
  table: Table,
): Promise<{ [name: string]: Column }> {
  const { run } = request;
  const checkpoints = new CheckpointStore(run.file("checkpoints"));
  const units = await outputUnits(run);
  const found: { [name: string]: Column } = {};
  const isOnly = Object.keys(names).length === 1;
  for (const [name, directory] of Object.entries(names)) {
    const { state } = await checkpoints.read(directory);
    const model = await loadModel({
      name,
      programs: readRunPrograms(run, name, ["predict"]),
      engine: request.engine ?? run.record.engine?.name ?? "native",
      threads: request.threads ?? recordedThreads(run.record),
      seed: run.record.seed,
      state,
    });
    try {
      for (const [output, array] of Object.entries(await model.runOver("predict", table))) {
        const unit = units[`${name}.${output}`] ?? "1";
        found[isOnly ? output : `${name}_${output}`] = { ...asColumn(array), unit };
      }
    } finally {
      await model.dispose();
    }
  }
  return found;
}

/** Units of model outputs, as recorded when they were traced. */
async function outputUnits(run: RunDirectory): Promise<{ [output: string]: string }> {
  const record = await readRunJson<DataRecord>(run, "data.json");
  return record.outputUnits ?? {};
}

/** Columns and outputs are named by the plugin: a name may not lead out of the folder. */
function checkFileStem(name: string): void {
  if (/^[\p{L}\p{N}_][\p{L}\p{N}_.-]{0,100}$/u.test(name)) return;
  throw new DataError(
    `Cannot write predictions as their names must be letters, digits, _, . and -: found ${
      JSON.stringify(name)
    }`,
  );
}

async function writePredictions(table: Table, directory: string): Promise<PredictOutcome["predictions"]> {
  await Deno.mkdir(directory, { recursive: true });
  await removeOldAsides(directory);
  const written: { [name: string]: Column & { path: string } } = {};
  for (const [name, column] of Object.entries(table)) {
    checkFileStem(name);
    const path = join(directory, `${name}.npy`);
    await writeNpy(path, column);
    written[name] = { ...column, path };
  }
  const index = Object.fromEntries(
    Object.entries(table).map(([name, { dtype, shape, unit }]) => [name, { dtype, shape, unit }]),
  );
  await writeJson(join(directory, "predictions.json"), index);
  return written;
}
