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
  /** The only model to export. @default all models with a best checkpoint */
  readonly model?: string | undefined;
  /** Path of the file, for one model. @default `<run>/export/<model>.onnx` */
  readonly out?: string | undefined;
  readonly cache: string;
  /** What the file is compared with and runs on: "native", "wasm", ... */
  readonly engine: string;
}

/** A file that was written. */
export interface ExportedFile {
  readonly model: string;
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

/**
 * Writes the best models of a run.
 *
 * @throws {ConfigError} If the run has no trained model, or `model` is none of them.
 * @throws {UnsupportedError} If a model depends on the number of rows: which node, and how.
 */
export async function exportRun(request: ExportRequest): Promise<readonly ExportedFile[]> {
  const { run } = request;
  const folders = await chosenModels(request);
  const traces = await traceAgain(request, Object.keys(folders));
  const sample = await preparedRows(run, new Cache(request.cache));
  const files: ExportedFile[] = [];
  for (const [model, folder] of Object.entries(folders)) {
    const { manifest, state } = await new CheckpointStore(run.file("checkpoints")).read(folder);
    const pair = traces[model]!;
    const facts = await factsOf(run, model, manifest.globalStep, pair[0]);
    const [a, b] = pair.map((program, i) => ({ program, rows: TRACED_ROWS[i]! }));
    const exported = exportOnnx([a!, b!], state, facts);
    const checked = await checkExport({ run, engine: request.engine, model, state, exported, sample });
    const path = resolve(request.out ?? run.file("export", `${model}.onnx`));
    await Deno.mkdir(dirname(path), { recursive: true });
    await writeAtomic(path, exported.onnx, { isTidied: true });
    const { onnx, inputs, outputs } = exported;
    const common = { opset: EXPORT_OPSET, irVersion: EXPORT_IR_VERSION, inputs, outputs, checked };
    files.push({ model, path, bytes: onnx.length, sha256: sha256Hex(onnx), ...common });
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

/** Folders of the best checkpoints by model. */
async function chosenModels(
  { run, model, out }: ExportRequest,
): Promise<{ readonly [model: string]: string }> {
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
  const names = model === undefined ? known : [model];
  if (out !== undefined && names.length > 1) {
    throw new ConfigError(
      `Cannot write to --out as it names one file: the run has ${names.length} models; choose one with --model`,
    );
  }
  return Object.fromEntries(names.map((name) => [name, best.models[name]!]));
}

type Pair = readonly [Program, Program];

/** The programs for both numbers of rows of {@linkcode TRACED_ROWS}, traced by the plugin in its sandbox. */
async function traceAgain(
  request: ExportRequest,
  models: readonly string[],
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
          { train: steps[model] ?? 1, lastValidationBatch: 0, predict: rows },
        ]),
      );
      await host.call("trace", { ...common, batches } as unknown as Json);
      const folder = shared.take("models", { plugin: source.name, hook: "trace" });
      for (const model of models) {
        const bytes = folder.takeFolder(model).read("predict.json", DEFAULT_LIMITS.textBytes);
        found[model]!.push(await checkedProgram(bytes, run, model));
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
async function checkedProgram(bytes: Uint8Array, run: RunDirectory, model: string): Promise<Program> {
  const program = parseProgram(new TextDecoder().decode(bytes));
  verifyProgram(program);
  const recorded = await recordedProgram(run, model);
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

async function recordedProgram(run: RunDirectory, model: string): Promise<Program> {
  return await Promise.try(() => parseProgram(readPlainText(run.file("programs", `${model}-predict.json`))));
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
  const [inputUnits, units] = [inputUnitsOf(program, data), outputUnitsOf(program, data, model)];
  const metadata: { readonly [key: string]: string | undefined } = {
    run: record.id,
    plugin: record.plugin.name,
    model,
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
    description: `${record.plugin.title}: model "${model}" of run ${record.id}, weights after step ${step}` +
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
