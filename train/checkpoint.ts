/**
 * Checkpoints: all state tensors (weights, optimizer slots, moving averages) and the counters of the training loop.
 * A checkpoint is written aside and renamed, so that a folder under its final name is complete.
 *
 * | path | content |
 * |---|---|
 * | `checkpoints/<step>/state.safetensors` | tensors by state name; the first 0 steps of a later model are `<step>-<model>`, and so are those of a model that is trained on after a later one has begun |
 * | `checkpoints/<step>/manifest.json` | {@linkcode CheckpointManifest} |
 * | `checkpoints/best.json`, `last.json` | {@linkcode CheckpointPointer} |
 *
 * @module
 */
import { z } from "zod";
import { DataError } from "../core/errors.ts";
import { sha256Hex } from "../core/hash.ts";
import { safeParseJson } from "../core/json.ts";
import { decodeNumber, encodeNumber, NOT_FINITE } from "../core/not_finite.ts";
import { encodeSafetensors, parseSafetensors } from "../formats/safetensors.ts";
import type { Tensors } from "../engine/runtimes/types.ts";
import { freshAside, removeAsides } from "../files/asides.ts";
import { exists, removeFolder, writeAtomic, writeJson } from "../files/atomic.ts";
import { join } from "../files/paths.ts";
import { pathBelow, readPlainFile, readPlainText } from "../files/plain_file.ts";
import type { TrainingCounters } from "./counters.ts";

/** `manifest.json` of a checkpoint. */
export interface CheckpointManifest {
  readonly schema: "beamline-checkpoint/1";
  readonly model: string;
  /** Steps of all models trained so far in this run; the name of the folder. */
  readonly globalStep: number;
  readonly counters: TrainingCounters;
  readonly files: { readonly [name: string]: { readonly bytes: number; readonly sha256: string } };
}

/** The manifest as JSON: numbers that are not finite are texts. */
type StoredManifest = Omit<CheckpointManifest, "counters"> & {
  readonly counters: ReturnType<typeof encodeCounters>;
};

/** `best.json` and `last.json`: the folder of the latest model, and of each model. */
export interface CheckpointPointer {
  readonly step: number;
  readonly directory: string;
  readonly models: { readonly [model: string]: string };
}

/** The checkpoints of one run. */
export class CheckpointStore {
  constructor(readonly directory: string) {}

  /**
   * Writes a checkpoint and returns the name of its folder; nothing happens when the folder is there already.
   *
   * @param isBehind Whether a later model may have a folder of these steps.
   */
  async write(
    model: string,
    globalStep: number,
    counters: TrainingCounters,
    state: Tensors,
    isBehind = false,
  ): Promise<string> {
    const directory = checkpointFolder(model, globalStep, counters.step, isBehind);
    const target = join(this.directory, directory);
    if (await exists(target)) return directory;
    const aside = freshAside(target);
    try {
      await Deno.mkdir(aside, { recursive: true });
      const bytes = encodeSafetensors(state, { model, step: String(globalStep) });
      await writeAtomic(join(aside, "state.safetensors"), bytes, { isSynced: true });
      const manifest: StoredManifest = {
        schema: "beamline-checkpoint/1",
        model,
        globalStep,
        counters: encodeCounters(counters),
        files: { "state.safetensors": { bytes: bytes.length, sha256: sha256Hex(bytes) } },
      };
      await writeJson(join(aside, "manifest.json"), manifest, { isSynced: true });
      await Deno.rename(aside, target);
      return directory;
    } catch (error) {
      await removeFolder(aside);
      throw error;
    }
  }

  /** Points `best.json` or `last.json` at a checkpoint. */
  async point(which: "best" | "last", model: string, directory: string): Promise<void> {
    const earlier = await this.pointer(which);
    const pointer: CheckpointPointer = {
      step: stepOf(directory),
      directory,
      models: { ...earlier?.models, [model]: directory },
    };
    await writeJson(join(this.directory, `${which}.json`), pointer);
  }

  /** What `best.json` or `last.json` says; undefined where there is none, or a damaged one. */
  async pointer(which: "best" | "last"): Promise<CheckpointPointer | undefined> {
    const path = join(this.directory, `${which}.json`);
    if (!await exists(path)) return undefined;
    try {
      return pointerShape.parse(safeParseJson(readPlainText(path), path));
    } catch {
      return undefined; // the checkpoints themselves say the same
    }
  }

  /**
   * Reads a checkpoint and checks it against its manifest.
   *
   * @throws {DataError} If it is missing or damaged.
   */
  read(directory: string): Promise<{ readonly manifest: CheckpointManifest; readonly state: Tensors }> {
    return Promise.try(() => this.#read(directory));
  }

  #read(directory: string): { readonly manifest: CheckpointManifest; readonly state: Tensors } {
    try {
      const manifest = manifestShape.parse(
        safeParseJson(
          readPlainText(pathBelow(this.directory, `${directory}/manifest.json`)),
          "manifest.json",
        ),
      );
      const bytes = readPlainFile(pathBelow(this.directory, `${directory}/state.safetensors`));
      const expected = manifest.files["state.safetensors"]?.sha256;
      const actual = sha256Hex(bytes);
      if (actual !== expected) throw new SyntaxError(`Expected sha256 ${expected}, got ${actual}`);
      return { manifest, state: parseSafetensors(bytes).tensors as Tensors };
    } catch (cause) {
      throw new DataError(
        `Cannot read checkpoint "${directory}" as it must be complete and match its checksums: ${
          reasonOf(cause)
        }`,
        `checkpoints/${directory}`,
        { cause },
      );
    }
  }

  /** Folders of complete checkpoints, newest first. */
  async newestFirst(): Promise<string[]> {
    if (!await exists(this.directory)) return [];
    const found: string[] = [];
    for await (const { name, isDirectory } of Deno.readDir(this.directory)) {
      if (isDirectory && FOLDER.test(name)) found.push(name);
    }
    return found.sort((a, b) => stepOf(b) - stepOf(a));
  }

  /** Removes a checkpoint; under its final name a folder is never half there. */
  async remove(directory: string): Promise<void> {
    const aside = freshAside(join(this.directory, directory));
    await Deno.rename(join(this.directory, directory), aside);
    await removeFolder(aside);
  }

  /** Removes all checkpoints but those given and those that a pointer names. */
  async prune(keep: readonly string[]): Promise<void> {
    const kept = new Set(keep);
    for (const which of ["best", "last"] as const) {
      for (const directory of Object.values((await this.pointer(which))?.models ?? {})) kept.add(directory);
    }
    for (const directory of await this.newestFirst()) {
      if (!kept.has(directory)) await this.remove(directory);
    }
    await removeAsides(this.directory);
  }
}

/** Name of a checkpoint's folder; a model that has not begun keeps apart from the last step of the model before. */
const FOLDER = /^\d+(-[A-Za-z0-9_-]+)?$/;

/** Names of models become parts of file names; one that a pointer brings must not lead out of a folder. */
const MODEL_NAME = /^[^/\\\0]{1,200}$/;

/**
 * Name of a checkpoint's folder.
 *
 * @param globalStep Steps of all models up to it.
 * @param step Steps of its model.
 * @param isBehind Whether a later model has begun, as where a model is trained on: both may have the same steps.
 */
export function checkpointFolder(model: string, globalStep: number, step: number, isBehind: boolean): string {
  return isBehind || (step === 0 && globalStep > 0) ? `${globalStep}-${model}` : String(globalStep);
}

function stepOf(directory: string): number {
  return Number.parseInt(directory, 10);
}

/** One line for a person; zod's own messages are lists. */
function reasonOf(cause: unknown): string {
  if (!(cause instanceof z.ZodError)) return (cause as Error).message;
  const issue = cause.issues[0]!;
  return `"${issue.path.join(".")}" of manifest.json is not right: ${issue.message}`;
}

/** Counters as JSON, which has no NaN and no infinities: they are texts, so that none is lost. */
function encodeCounters({ bestLoss, sums, ...counters }: TrainingCounters) {
  const values = Object.entries(sums).map(([name, sum]) => [name, encodeNumber(sum)] as const);
  // the order of `INITIAL_COUNTERS`
  const { step, epoch, stepInEpoch, ...others } = counters;
  return {
    step,
    epoch,
    stepInEpoch,
    bestLoss: bestLoss === null ? null : encodeNumber(bestLoss),
    ...others,
    sums: Object.fromEntries(values),
  };
}

const count = z.int().min(0);
const anyNumber = z.union([z.number(), z.enum(NOT_FINITE)]).transform(decodeNumber);

const manifestShape: z.ZodType<CheckpointManifest> = z.object({
  schema: z.literal("beamline-checkpoint/1"),
  model: z.string(),
  globalStep: count,
  counters: z.object({
    step: count,
    epoch: count,
    stepInEpoch: count,
    bestLoss: anyNumber.nullable(),
    bestEpoch: count.nullable(),
    bestStep: count.nullable(),
    epochsSinceBest: count,
    plateauDrops: count,
    epochsSinceDrop: count,
    sums: z.record(z.string(), anyNumber),
  }),
  files: z.record(z.string(), z.object({ bytes: count, sha256: z.string() })),
});

const pointerShape: z.ZodType<CheckpointPointer> = z.object({
  step: count,
  directory: z.string().regex(FOLDER),
  models: z.record(z.string().regex(MODEL_NAME), z.string().regex(FOLDER)),
});
