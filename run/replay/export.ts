/**
 * The trained model of a run as an ONNX file for other programs: weights inside, any number of rows, metadata.
 *
 * A program is traced for a fixed number of rows. For the file it is traced again in the sandbox for two others, and what
 * differs between the two is what depends on rows (`engine/onnx/dynamic.ts`). The file is then run with 1, 7 and as many
 * rows as the run used, and must give what the run's own program gives.
 *
 * @module
 */
import { ConfigError, PluginError } from "../../core/errors.ts";
import { sha256Hex } from "../../core/hash.ts";
import { canonicalJson } from "../../core/json.ts";
import { nearestName } from "../../core/names.ts";
import type { ConfigRecord, DataRecord } from "../../core/records.ts";
import type { StoredMetric } from "../../core/not_finite.ts";
import type { Json, JsonObject, Table } from "../../core/types.ts";
import { readTables } from "../../data/tables.ts";
import { parseProgram, type Program, verifyProgram } from "../../engine/mod.ts";
import type { OpenValue } from "../../engine/onnx/dynamic.ts";
import { exportOnnx } from "../../engine/onnx/export.ts";
import { EXPORT_IR_VERSION, EXPORT_OPSET, type FileFacts } from "../../engine/onnx/onnx_file.ts";
import type { Description } from "../../sandbox/protocol/description.ts";
import { DEFAULT_LIMITS } from "../../sandbox/protocol/limits.ts";
import { programDtype } from "../../train/batches.ts";
import { Cache } from "../store/cache.ts";
import { CheckpointStore } from "../../train/checkpoint.ts";
import { mapPaths } from "../config/config.ts";
import { type CheckedRows, checkExport } from "./export_check.ts";
import { exists, writeAtomic } from "../../files/atomic.ts";
import { flagsOf } from "../../core/flags.ts";
import { frameworkVersion } from "../../registry/framework.ts";
import { dirname, resolve } from "../../files/paths.ts";
import { readPlainText } from "../../files/plain_file.ts";
import { readRunJson } from "./replay.ts";
import type { PluginSource } from "../hooks/plugin_source.ts";
import type { RunDirectory } from "../store/run_directory.ts";

/** What to export. */
export interface ExportRequest {
  readonly run: RunDirectory;
  readonly source: PluginSource;
  readonly description: Description;
  /** The only model to export. @default all models with a best checkpoint that have the program */
  readonly model?: string | undefined;
  /** The program to export. @default "predict" */
  readonly program?: string | undefined;
  /** Path of the file, for one model. @default `<run>/export/<model>.onnx`, `<model>-<program>.onnx` for another program */
  readonly out?: string | undefined;
  readonly cache: string;
  /** What the file is compared with and runs on: "native", "wasm", ... */
  readonly engine: string;
}

/** A file that was written. */
export interface ExportedFile {
  readonly model: string;
  readonly program: string;
  /** Programs of the model that can be exported, this one included. */
  readonly programs: readonly string[];
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly opset: number;
  readonly irVersion: number;
  readonly inputs: readonly OpenValue[];
  readonly outputs: readonly OpenValue[];
  /** Numbers of rows at which the file gave the run's own numbers, and how far it was off at most. */
  readonly checked: readonly CheckedRows[];
}

/** Two primes near the usual number of rows per call, so that rules that depend on sizes make the same choices. */
const TRACED_ROWS = [509, 521] as const;

/** The program of a model that is exported where none is named. */
export const DEFAULT_PROGRAM = "predict";

/** Programs that need what only a training has: rows with targets, a learning rate. */
const OF_TRAINING: ReadonlySet<string> = new Set(["step", "validate", "validate_tail"]);

/**
 * Writes a program of the best models of a run.
 *
 * @throws {ConfigError} If the run has no trained model, `model` is none of them, or none has the program.
 * @throws {UnsupportedError} If a model depends on the number of rows: which node, and how.
 */
export async function exportRun(request: ExportRequest): Promise<readonly ExportedFile[]> {
  const { run } = request;
  const { program = DEFAULT_PROGRAM } = request;
  const chosen = await chosenModels(request);
  const traces = await traceAgain(request, chosen.map(({ model }) => model), program);
  const sample = await preparedRows(run, new Cache(request.cache));
  const files: ExportedFile[] = [];
  for (const { model, folder, programs } of chosen) {
    const { manifest, state } = await new CheckpointStore(run.file("checkpoints")).read(folder);
    const pair = traces[model]!;
    const facts = await factsOf(run, model, manifest.globalStep, pair[0]);
    const [a, b] = pair.map((program, i) => ({ program, rows: TRACED_ROWS[i]! }));
    const exported = exportOnnx([a!, b!], state, facts);
    const checked = await checkExport({
      run,
      engine: request.engine,
      model,
      program,
      state,
      exported,
      sample,
    });
    const stem = program === DEFAULT_PROGRAM ? model : `${model}-${program}`;
    const path = resolve(request.out ?? run.file("export", `${stem}.onnx`));
    await Deno.mkdir(dirname(path), { recursive: true });
    await writeAtomic(path, exported.onnx, { isTidied: true });
    const { onnx, inputs, outputs } = exported;
    const common = { opset: EXPORT_OPSET, irVersion: EXPORT_IR_VERSION, inputs, outputs, checked };
    files.push({ model, program, programs, path, bytes: onnx.length, sha256: sha256Hex(onnx), ...common });
  }
  return files;
}

/** Rows that the run was evaluated on, where the cache still has them. */
async function preparedRows(run: RunDirectory, cache: Cache): Promise<Table | undefined> {
  const { cacheKey } = await readRunJson<Partial<DataRecord>>(run, "data.json");
  const found = cacheKey === undefined ? undefined : await cache.take(cacheKey);
  if (cacheKey === undefined || !found || !("entry" in found)) return undefined;
  const { test, validation, train } = await readTables(cache.tables(cacheKey));
  return test ?? validation ?? train;
}

/** A model that is exported. */
interface ChosenModel {
  readonly model: string;
  /** Folder of its best checkpoint. */
  readonly folder: string;
  /** Its programs that can be exported. */
  readonly programs: readonly string[];
}

/** The models with the program, and their best checkpoints. */
async function chosenModels(
  { run, model, program = DEFAULT_PROGRAM, out }: ExportRequest,
): Promise<readonly ChosenModel[]> {
  const best = await new CheckpointStore(run.file("checkpoints")).pointer("best");
  if (!best) {
    throw new ConfigError(
      `Cannot export run "${run.record.id}" as it must hold a trained model: its status is "${run.record.status}" and it has no best checkpoint`,
    );
  }
  const known = Object.keys(best.models);
  if (model !== undefined && !known.includes(model)) {
    throw new ConfigError(
      `Cannot export model "${model}" as run "${run.record.id}" has ${known.join(", ")}: found no such model`,
    );
  }
  const models = await Promise.all(
    (model === undefined ? known : [model]).map(async (name) => ({
      model: name,
      folder: best.models[name]!,
      programs: await programsOf(run, name),
    })),
  );
  const chosen = models.filter(({ programs }) => programs.includes(program));
  if (chosen.length === 0) throw noProgram(program, models);
  if (out !== undefined && chosen.length > 1) {
    throw new ConfigError(
      `Cannot write to --out as it names one file: the run has ${chosen.length} models; choose one with --model`,
    );
  }
  return chosen;
}

function noProgram(program: string, models: readonly ChosenModel[]): ConfigError {
  const known = models.map(({ model, programs }) => `"${model}" has ${programs.join(", ") || "none"}`);
  const nearest = nearestName(program, models.flatMap(({ programs }) => programs));
  return new ConfigError(
    `Cannot export program "${program}" as a model of the run must have it: ${known.join("; ")}; ` +
      (nearest === undefined ? "--program names one of them" : `did you mean "${nearest}"?`),
  );
}

/** Programs of a model of a run that can be exported, "predict" first. */
async function programsOf(run: RunDirectory, model: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isFile } of Deno.readDir(run.file("programs"))) {
    const program = /^(.*)-([A-Za-z][A-Za-z0-9_]*)\.json$/.exec(name);
    if (isFile && program?.[1] === model && !OF_TRAINING.has(program[2]!)) found.push(program[2]!);
  }
  const rank = (program: string): number => program === DEFAULT_PROGRAM ? 0 : 1;
  return found.sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
}

type Pair = readonly [Program, Program];

/** The programs for both numbers of rows of {@linkcode TRACED_ROWS}, traced by the plugin in its sandbox. */
async function traceAgain(
  request: ExportRequest,
  models: readonly string[],
  program: string,
): Promise<{ readonly [model: string]: Pair }> {
  const { run, source, description } = request;
  const cache = new Cache(request.cache);
  const shared = await cache.scratchShared();
  const denoDir = await cache.denoDir(source.name);
  const host = await source.open({ read: [], sharedDirectory: shared.path, denoDir });
  try {
    const config = await readRunJson<ConfigRecord>(run, "config.json");
    const values = mapPaths(config.values, flagsOf(description.schema), (path) => resolve(run.path, path));
    const common = {
      config: values as JsonObject,
      seed: run.record.seed,
      ...await describeTables(run),
    };
    const steps = Object.fromEntries(
      await Promise.all(models.map(async (model) => [model, await stepRows(run, model)])),
    );
    const found: { [model: string]: Program[] } = Object.fromEntries(models.map((model) => [model, []]));
    for (const rows of TRACED_ROWS) {
      // Every model of the plugin is traced; those that are not exported need numbers of rows, too.
      const batches = Object.fromEntries(
        Object.keys(description.models).map((model) => [
          model,
          { train: steps[model] ?? 1, lastValidationBatch: 0, predict: rows, programs: rows },
        ]),
      );
      await host.call("trace", { ...common, batches } as unknown as Json);
      const folder = shared.take("models", { plugin: source.name, hook: "trace" });
      for (const model of models) {
        const bytes = folder.takeFolder(model).read(`${program}.json`, DEFAULT_LIMITS.textBytes);
        found[model]!.push(await checkedProgram(bytes, run, model, program));
      }
    }
    return found as unknown as { [model: string]: Pair };
  } finally {
    await host.close();
    await shared.remove();
  }
}

/** Rows of a training step, so that the trace is the one of the run. */
async function stepRows(run: RunDirectory, model: string): Promise<number> {
  const path = run.file("programs", `${model}-step.json`);
  if (!await exists(path)) return 1;
  const program = parseProgram(readPlainText(path));
  const first = program.inputs.find(({ role }) => role === "batch");
  return first ? program.values[first.value]!.shape[0] ?? 1 : 1;
}

/** Columns, rows and metadata as the trace was given them. */
async function describeTables(run: RunDirectory): Promise<{ columns: Json; rows: Json; metadata: Json }> {
  const { tables = {}, facts: metadata = {} } = await readRunJson<Partial<DataRecord>>(run, "data.json");
  const columns = Object.entries(tables.train?.columns ?? {}).map(([name, column]) => [
    name,
    { shape: column.shape.slice(1), dtype: programDtype(column as never) },
  ]);
  const rows = Object.entries(tables).map(([split, table]) => [split, table.rows]);
  return { columns: Object.fromEntries(columns), rows: Object.fromEntries(rows), metadata };
}

/** The program that was traced, which must be the one of the run but for its rows. */
async function checkedProgram(
  bytes: Uint8Array,
  run: RunDirectory,
  model: string,
  name: string,
): Promise<Program> {
  const program = parseProgram(new TextDecoder().decode(bytes));
  verifyProgram(program);
  const recorded = await recordedProgram(run, model, name);
  const outline = ({ inputs, state, nodes, outputs }: Program): string =>
    JSON.stringify([
      inputs.map(({ name }) => name),
      state.map(({ name }) => name),
      nodes.map(({ kernel }) => kernel),
      outputs.map(({ name }) => name),
    ]);
  if (outline(program) === outline(recorded)) return program;
  throw new PluginError(
    `Cannot export model "${model}" as the plugin must build the model of the run: it builds another one now`,
    run.record.plugin.name,
    "trace",
  );
}

async function recordedProgram(run: RunDirectory, model: string, program: string): Promise<Program> {
  return await Promise.try(() =>
    parseProgram(readPlainText(run.file("programs", `${model}-${program}.json`)))
  );
}

/** What the file says of itself. */
async function factsOf(
  run: RunDirectory,
  model: string,
  step: number,
  program: Program,
): Promise<FileFacts> {
  const { record } = run;
  const data = await readRunJson<Partial<DataRecord>>(run, "data.json");
  // what a further program takes and gives has no units: only its name may be that of a column
  const isDefault = program.name === DEFAULT_PROGRAM;
  const inputUnits = isDefault ? inputUnitsOf(program, data) : {};
  const units = outputUnitsOf(program, isDefault ? data : {}, model);
  const metadata: { readonly [key: string]: string | undefined } = {
    run: record.id,
    plugin: record.plugin.name,
    model,
    ...(isDefault ? {} : { program: program.name }),
    step: String(step),
    seed: String(record.seed),
    simulated: record.simulated === null ? undefined : String(record.simulated),
    config_hash: record.configHash,
    data_digest: digestOfData(data),
    metrics: await metricsText(run),
    output_units: JSON.stringify(units),
    input_units: JSON.stringify(inputUnits),
  };
  const notes = Object.entries({ ...inputUnits, ...units }).map(([name, unit]) => [name, `unit: ${unit}`]);
  return {
    producerVersion: await frameworkVersion(),
    modelVersion: step,
    description:
      `${record.plugin.title}: ${
        isDefault ? "" : `program "${program.name}" of `
      }model "${model}" of run ${record.id}, weights after step ${step}` +
      `${
        record.simulated ? ", trained on simulated data" : ""
      }. The first axis of inputs and outputs is the row.`,
    metadata: Object.fromEntries(
      Object.entries(metadata).flatMap(([key, value]) =>
        value === undefined ? [] : [[`beamline.${key}`, value]]
      ),
    ),
    notes: Object.fromEntries(notes) as { [name: string]: string },
  };
}

type Units = { readonly [name: string]: string };

/** Units of the outputs, "1" where the plugin names none. */
function outputUnitsOf({ outputs }: Program, { outputUnits }: Partial<DataRecord>, model: string): Units {
  return Object.fromEntries(outputs.map(({ name }) => [name, outputUnits?.[`${model}.${name}`] ?? "1"]));
}

/** Units of those inputs that are columns of the training table. */
function inputUnitsOf({ inputs }: Program, { tables }: Partial<DataRecord>): Units {
  return Object.fromEntries(inputs.flatMap(({ name }) => {
    const unit = tables?.train?.columns[name]?.unit;
    return unit === undefined ? [] : [[name, unit]];
  }));
}

/** One digest for all prepared columns; undefined where nothing was prepared. */
function digestOfData({ tables = {} }: Partial<DataRecord>): string | undefined {
  const digests = Object.fromEntries(
    Object.entries(tables).flatMap(([split, { columns }]) =>
      Object.entries(columns).map(([name, { sha256 }]) => [`${split}/${name}`, sha256])
    ),
  );
  return Object.keys(digests).length > 0 ? sha256Hex(canonicalJson(digests)) : undefined;
}

/** The metrics of the run as JSON, without their descriptions; undefined where it has none. */
async function metricsText(run: RunDirectory): Promise<string | undefined> {
  if (!await exists(run.file("metrics.json"))) return undefined;
  const metrics = await readRunJson<{ readonly [key: string]: StoredMetric }>(run, "metrics.json");
  return JSON.stringify(Object.fromEntries(
    Object.entries(metrics).map(([key, { value, valueText, error, unit, rows, split }]) => [key, {
      value,
      valueText, // left out where there is none
      error,
      unit,
      rows,
      split,
    }]),
  ));
}
