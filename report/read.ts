/**
 * Reads a run directory, forgivingly: only `run.json` must be there and whole.
 *
 * @module
 */
import { DataError, NotFoundError } from "../core/errors.ts";
import { safeParseJson } from "../core/json.ts";
import { faultOf, LINE_SHAPES, MAX_RECORD_BYTES, type RecordFile, SHAPES } from "../core/record_shapes.ts";
import type {
  ConfigRecord,
  DataRecord,
  FigureIndex,
  InputsRecord,
  ResultsRecord,
  RunRecord,
} from "../core/records.ts";
import { decodeMetrics, decodeRecord, type StoredMetric } from "../core/not_finite.ts";
import type { Json, JsonObject, Metrics, TrainingRecord } from "../core/types.ts";
import { pathBelow, readPlainText } from "../files/plain_file.ts";

/** A file that may be absent (`value` undefined, no fault) or damaged (`fault` says how). */
export interface Part<T> {
  readonly value?: T;
  readonly fault?: string;
}

/** A figure as stored in the directory; `svg` has not been checked. */
export interface FigureFile {
  readonly name: string;
  readonly title: string;
  readonly caption: string;
  readonly svg: Part<string>;
}

/** Fields of `run.json` that an older writer may have left out. */
type Optional =
  | "finished"
  | "seconds"
  | "engine"
  | "seed"
  | "versions"
  | "command"
  | "configHash"
  | "error"
  | "warnings";

/** What a run directory holds. */
export interface RunFiles {
  readonly run: Omit<RunRecord, Optional> & Partial<Pick<RunRecord, Optional>>;
  readonly config: Part<Pick<ConfigRecord, "values"> & Partial<ConfigRecord>>;
  readonly data: Part<Omit<DataRecord, "notes" | "facts"> & Partial<DataRecord>>;
  readonly metrics: Part<Metrics>;
  readonly results: Part<Partial<ResultsRecord>>;
  readonly history: Part<readonly TrainingRecord[]>;
  readonly figures: Part<readonly FigureFile[]>;
  readonly inputs: Part<InputsRecord>;
  readonly git: Part<JsonObject>;
  readonly environment: Part<JsonObject>;
  readonly modules: Part<JsonObject>;
  readonly permissions: Part<Json>;
}

/**
 * Reads everything the report shows.
 *
 * @throws {NotFoundError} If there is no `run.json`.
 * @throws {DataError} If `run.json` is damaged.
 */
export async function readRunFiles(directory: string): Promise<RunFiles> {
  const run = await readPart(directory, "run.json");
  if (run.fault !== undefined) {
    throw new DataError(
      `Cannot report run "${directory}" as its run.json must be whole: ${run.fault}`,
      "run.json",
    );
  }
  if (run.value === undefined) {
    throw new NotFoundError(
      `Cannot report run "${directory}" as it must hold a run.json: found none`,
      "file",
      "run.json",
    );
  }
  const part = <T>(file: RecordFile): Promise<Part<T>> => readPart(directory, file) as Promise<Part<T>>;
  const [config, data, metrics, results, history, figures, inputs, git, environment, modules, permissions] =
    await Promise
      .all([
        part<RunFiles["config"]["value"] & object>("config.json"),
        part<RunFiles["data"]["value"] & object>("data.json"),
        part<{ readonly [key: string]: StoredMetric }>("metrics.json").then(decoded),
        part<Partial<ResultsRecord>>("results.json"),
        readHistory(directory),
        readFigures(directory),
        part<InputsRecord>("provenance/inputs.json"),
        part<JsonObject>("provenance/git.json"),
        part<JsonObject>("provenance/environment.json"),
        part<JsonObject>("provenance/modules.json"),
        part<Json>("provenance/permissions.json"),
      ]);
  return {
    run: run.value as unknown as RunFiles["run"],
    config,
    data,
    metrics,
    results,
    history,
    figures,
    inputs,
    git,
    environment,
    modules,
    permissions,
  };
}

function decoded({ value, ...rest }: Part<{ readonly [key: string]: StoredMetric }>): Part<Metrics> {
  return value === undefined ? rest : { ...rest, value: decodeMetrics(value) };
}

/** What is known of a part that has no value. */
function withoutValue({ fault }: Part<unknown>): { readonly fault?: string } {
  return fault === undefined ? {} : { fault };
}

/** The text of a plain file; undefined when there is none. */
function readText(directory: string, file: string): Promise<Part<string>> {
  return Promise.try(() => {
    try {
      return { value: readPlainText(pathBelow(directory, file), MAX_RECORD_BYTES) };
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return {};
      return { fault: (error as Error).message };
    }
  });
}

async function readPart(directory: string, file: RecordFile): Promise<Part<Json>> {
  const text = await readText(directory, file);
  if (text.value === undefined) return withoutValue(text);
  try {
    const value = safeParseJson(text.value, file);
    const fault = faultOf(value, SHAPES[file]);
    return fault === null ? { value } : { fault };
  } catch (error) {
    return { fault: (error as Error).message };
  }
}

/** The lines of `metrics.jsonl`; a cut last line, as of a killed run, is left out. */
async function readHistory(directory: string): Promise<Part<readonly TrainingRecord[]>> {
  const file = "metrics.jsonl";
  const text = await readText(directory, file);
  if (text.value === undefined) return withoutValue(text);
  const lines = text.value.split("\n").filter((line) => line.trim() !== "");
  const records: TrainingRecord[] = [];
  for (const [i, line] of lines.entries()) {
    try {
      const value = safeParseJson(line, file);
      const fault = faultOf(value, LINE_SHAPES["metrics.jsonl"]);
      if (fault !== null) return { value: records, fault: `line ${i + 1}: ${fault}` };
      records.push(decodeRecord(value as JsonObject));
    } catch (error) {
      if (i < lines.length - 1) {
        return { value: records, fault: `line ${i + 1}: ${(error as Error).message}` };
      }
    }
  }
  return { value: records };
}

const FILE_STEM = /^[A-Za-z0-9][A-Za-z0-9_-]*$/;

async function readFigures(directory: string): Promise<Part<readonly FigureFile[]>> {
  const index = await readPart(directory, "figures/index.json");
  if (index.value === undefined) return withoutValue(index);
  const entries = index.value as unknown as FigureIndex;
  const figures = await Promise.all(entries.map(async (entry): Promise<FigureFile> => {
    if (!FILE_STEM.test(entry.name)) return { ...entry, svg: { fault: "its name is not a file stem" } };
    return { ...entry, svg: await readText(directory, `figures/${entry.name}.svg`) };
  }));
  return { value: figures };
}
