/**
 * Pretrained weights that a run begins with: taken from an earlier run or from a file, and kept in the run, so that it can
 * be resumed and done again without them.
 *
 * @module
 */
import { ConfigError, DataError } from "../../core/errors.ts";
import { sha256Hex } from "../../core/hash.ts";
import type { InitRecord } from "../../core/records.ts";
import type { NdArray } from "../../core/types.ts";
import { parseProgram, type Program } from "../../engine/mod.ts";
import { exists, writeAtomic } from "../../files/atomic.ts";
import { readPlainFile, readPlainText } from "../../files/plain_file.ts";
import { basename, join } from "../../files/paths.ts";
import { encodeSafetensors, parseSafetensors } from "../../formats/safetensors.ts";
import { holdsWeights, readWeights } from "../../formats/weights.ts";
import { CheckpointStore } from "../../train/checkpoint.ts";
import type { RunRequest } from "../stages/request.ts";
import { requirePlainRun } from "../origin/plain_run.ts";
import { findRun } from "../store/find_run.ts";
import type { RunDirectory } from "../store/run_directory.ts";

/** Arrays by name. */
type Arrays = { readonly [name: string]: NdArray };

/** Pretrained weights, read. */
export interface InitialWeights {
  readonly record: InitRecord;
  /** Arrays by model of the source; of a file under {@linkcode FILE_MODEL}. */
  readonly models: { readonly [model: string]: Arrays };
  /** The files to keep, by their path in the run. */
  readonly files: { readonly [file: string]: Uint8Array<ArrayBuffer> };
}

/** Stands for the model of a file, which has none. */
export const FILE_MODEL = "weights";

/** Folder of the copies in a run. */
const FOLDER = "init";

/** Names of models, which become names of files. */
const MODEL_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

/**
 * Reads the weights that a run is to begin with; undefined where it begins with those of `build`.
 *
 * @throws {NotFoundError} If neither a file of weights nor a run has the name.
 * @throws {ConfigError} If the run has no checkpoint, or the copy is missing.
 * @throws {DataError} If the weights are damaged.
 */
export async function openInitial(
  { init, resume, out }: Pick<RunRequest, "init" | "resume" | "out">,
): Promise<InitialWeights | undefined> {
  if (resume) return resume.record.init && await readKept(resume, resume.record.init);
  if (init === undefined) return undefined;
  if (typeof init !== "string") {
    if (init.record.init) return await readKept(init, init.record.init);
    throw new ConfigError(
      `Cannot take the first weights of run "${init.record.id}" as it must have begun with pretrained ones: it did not`,
    );
  }
  if (holdsWeights(init)) return openFile(init);
  const run = await findRun(init, out, { action: "begin with" });
  await requirePlainRun(run, "begin with");
  return await openRunWeights(run);
}

function openFile(path: string): InitialWeights {
  const read = readWeights(path);
  return initialOf("file", basename(path.replace(/[/\\]+$/, "")), { [FILE_MODEL]: { arrays: read } });
}

interface Source {
  readonly arrays: Arrays;
  readonly checkpoint?: { readonly folder: string; readonly sha256: string };
}

/** The best weights of each model of a run, else the last ones; nothing in its folder is changed. */
async function openRunWeights(run: RunDirectory): Promise<InitialWeights> {
  const store = new CheckpointStore(run.file("checkpoints"));
  const [last, best] = [await store.pointer("last"), await store.pointer("best")];
  const folders = { ...last?.models, ...best?.models };
  const sources: { [model: string]: Source } = {};
  for (const [model, folder] of Object.entries(folders)) {
    checkModelName(model);
    const { manifest, state } = await store.read(folder);
    const parameters = await parametersOf(run, model);
    const arrays = Object.fromEntries(
      Object.entries(state).filter(([name]) => parameters === undefined || parameters.has(name)),
    );
    const { sha256 } = manifest.files["state.safetensors"]!;
    sources[model] = { arrays, checkpoint: { folder, sha256 } };
  }
  const { id, plugin, status } = run.record;
  if (Object.keys(sources).length > 0) return initialOf("run", `${plugin.name}/${id}`, sources);
  throw new ConfigError(
    `Cannot begin with the weights of run "${id}" as it must have a checkpoint: its status is "${status}" and it has none`,
  );
}

function initialOf(
  kind: InitRecord["kind"],
  name: string,
  sources: { readonly [model: string]: Source },
): InitialWeights {
  const models: { [model: string]: Arrays } = {};
  const files: { [file: string]: Uint8Array<ArrayBuffer> } = {};
  const kept: { [model: string]: InitRecord["kept"][string] } = {};
  for (const [model, { arrays, checkpoint }] of Object.entries(sources)) {
    const file = `${FOLDER}/${model}.safetensors`;
    const bytes = encodeSafetensors(arrays);
    models[model] = arrays;
    files[file] = bytes;
    kept[model] = { file, sha256: sha256Hex(bytes), ...(checkpoint ? { checkpoint } : {}) };
  }
  return { record: { kind, name, kept }, models, files };
}

/** What programs hold beside the state of an optimizer; undefined where the programs are gone. */
async function parametersOf(run: RunDirectory, model: string): Promise<ReadonlySet<string> | undefined> {
  const programs: Program[] = [];
  if (!await exists(run.file("programs"))) return undefined;
  for await (const { name } of Deno.readDir(run.file("programs"))) {
    const isOurs = name.startsWith(`${model}-`) && name.endsWith(".json");
    if (isOurs) programs.push(parseProgram(readPlainText(run.file("programs", name))));
  }
  return programs.length > 0 ? parameterNames(programs) : undefined;
}

/**
 * Names of the state that is the model's own: used by another program than the step, or trained by it. The rest are
 * moments and counters of optimizers.
 */
export function parameterNames(programs: readonly Program[]): ReadonlySet<string> {
  return new Set(
    programs.flatMap(({ name, state }) =>
      state.filter(({ trainable }) => trainable || name !== "step").map((entry) => entry.name)
    ),
  );
}

function checkModelName(model: string): void {
  if (MODEL_NAME.test(model)) return;
  throw new DataError(
    `Cannot begin with the weights of a run as names of models are letters, digits, "-" and "_": found ${
      JSON.stringify(model)
    }`,
  );
}

/** Keeps the weights in the run that begins with them. */
export async function keepInitial(run: RunDirectory, { files }: InitialWeights): Promise<void> {
  await Deno.mkdir(run.file(FOLDER), { recursive: true });
  for (const [file, bytes] of Object.entries(files)) {
    await writeAtomic(run.file(file), bytes, { isSynced: true });
  }
}

/** The weights that a run began with, from its own copy. */
async function readKept(run: RunDirectory, { models: _, ...record }: InitRecord): Promise<InitialWeights> {
  const models: { [model: string]: Arrays } = {};
  const files: { [file: string]: Uint8Array<ArrayBuffer> } = {};
  for (const [model, { file, sha256 }] of Object.entries(record.kept)) {
    checkModelName(model);
    const path = join(run.path, FOLDER, `${model}.safetensors`); // never a path from the record
    if (!await exists(path)) {
      throw new DataError(
        `Cannot do run "${run.record.id}" again as it must hold the weights that it began with: "${file}" is missing, ` +
          `a copy of those of ${record.kind} "${record.name}"`,
        file,
      );
    }
    const bytes = readPlainFile(path);
    const found = sha256Hex(bytes);
    if (found !== sha256) {
      throw new DataError(
        `Cannot do run "${run.record.id}" again as the weights that it began with must be as they were: "${file}" has ` +
          `sha256 ${found.slice(0, 12)}, expected ${sha256.slice(0, 12)}`,
        file,
      );
    }
    models[model] = parseSafetensors(bytes, file).tensors;
    files[`${FOLDER}/${model}.safetensors`] = bytes;
  }
  return { record, models, files };
}
