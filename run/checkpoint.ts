/**
 * Checkpoints: all state tensors (weights, optimizer slots, moving averages) and the counters of the training loop.
 * A checkpoint is written aside and renamed, so that a folder under its final name is complete.
 *
 * | path | content |
 * |---|---|
 * | `checkpoints/<step>/state.safetensors` | tensors by state name |
 * | `checkpoints/<step>/manifest.json` | {@linkcode CheckpointManifest} |
 * | `checkpoints/best.json`, `last.json` | {@linkcode CheckpointPointer} |
 *
 * @module
 */
import { DataError } from "../core/errors.ts";
import { sha256Hex } from "../core/hash.ts";
import { safeParseJson } from "../core/json.ts";
import { encodeSafetensors, parseSafetensors } from "../data/safetensors.ts";
import type { Tensors } from "../engine/runtime/types.ts";
import { exists, removeFolder, writeAtomic, writeJson } from "./files.ts";
import { join } from "./paths.ts";

/** Counters of the training loop; with the state tensors and the seed they say everything. */
export interface TrainingCounters {
  /** Steps done in this model's training. */
  readonly step: number;
  /** Whole epochs done. */
  readonly epoch: number;
  /** Steps done in the epoch that was begun. */
  readonly stepInEpoch: number;
  /** Best monitored loss so far; null before the first epoch's end. */
  readonly bestLoss: number | null;
  readonly bestEpoch: number | null;
  readonly bestStep: number | null;
  readonly epochsSinceBest: number;
  readonly plateauDrops: number;
  readonly epochsSinceDrop: number;
  /** Sums of the recorded values over the epoch that was begun. */
  readonly sums: { readonly [name: string]: number };
}

/** `manifest.json` of a checkpoint. */
export interface CheckpointManifest {
  readonly schema: "beamline-checkpoint/1";
  readonly model: string;
  /** Steps of all models trained so far in this run; the name of the folder. */
  readonly globalStep: number;
  readonly counters: TrainingCounters;
  readonly files: { readonly [name: string]: { readonly bytes: number; readonly sha256: string } };
}

/** `best.json` and `last.json`: the folder of the latest model, and of each model. */
export interface CheckpointPointer {
  readonly step: number;
  readonly directory: string;
  readonly models: { readonly [model: string]: string };
}

/** The checkpoints of one run. */
export class CheckpointStore {
  constructor(readonly directory: string) {}

  /** Writes a checkpoint; nothing happens when the folder is there already. */
  async write(model: string, globalStep: number, counters: TrainingCounters, state: Tensors): Promise<void> {
    const target = join(this.directory, String(globalStep));
    if (await exists(target)) return;
    const aside = `${target}.${crypto.randomUUID().slice(0, 8)}.tmp`;
    try {
      await Deno.mkdir(aside, { recursive: true });
      const bytes = encodeSafetensors(state, { model, step: String(globalStep) });
      await writeAtomic(join(aside, "state.safetensors"), bytes);
      const manifest: CheckpointManifest = {
        schema: "beamline-checkpoint/1",
        model,
        globalStep,
        counters,
        files: { "state.safetensors": { bytes: bytes.length, sha256: sha256Hex(bytes) } },
      };
      await writeJson(join(aside, "manifest.json"), manifest);
      await Deno.rename(aside, target);
    } catch (error) {
      await removeFolder(aside);
      throw error;
    }
  }

  /** Points `best.json` or `last.json` at a checkpoint. */
  async point(which: "best" | "last", model: string, globalStep: number): Promise<void> {
    const earlier = await this.pointer(which);
    const directory = String(globalStep);
    const pointer: CheckpointPointer = {
      step: globalStep,
      directory,
      models: { ...earlier?.models, [model]: directory },
    };
    await writeJson(join(this.directory, `${which}.json`), pointer);
  }

  /** What `best.json` or `last.json` says; undefined where there is none. */
  async pointer(which: "best" | "last"): Promise<CheckpointPointer | undefined> {
    const path = join(this.directory, `${which}.json`);
    if (!await exists(path)) return undefined;
    return safeParseJson(await Deno.readTextFile(path), path) as unknown as CheckpointPointer;
  }

  /**
   * Reads a checkpoint and checks it against its manifest.
   *
   * @throws {DataError} If it is missing or damaged.
   */
  async read(directory: string): Promise<{ readonly manifest: CheckpointManifest; readonly state: Tensors }> {
    const folder = join(this.directory, directory);
    try {
      const manifest = safeParseJson(
        await Deno.readTextFile(join(folder, "manifest.json")),
        "manifest.json",
      ) as unknown as CheckpointManifest;
      const bytes = await Deno.readFile(join(folder, "state.safetensors"));
      const expected = manifest.files["state.safetensors"]?.sha256;
      const actual = sha256Hex(bytes);
      if (actual !== expected) throw new SyntaxError(`Expected sha256 ${expected}, got ${actual}`);
      return { manifest, state: parseSafetensors(bytes).tensors as Tensors };
    } catch (cause) {
      throw new DataError(
        `Cannot read checkpoint "${directory}" as it must be complete and match its checksums: ${
          (cause as Error).message
        }`,
        folder,
        { cause },
      );
    }
  }

  /** Folders of complete checkpoints, newest first. */
  async newestFirst(): Promise<string[]> {
    const steps: number[] = [];
    for await (const entry of Deno.readDir(this.directory)) {
      if (entry.isDirectory && /^\d+$/.test(entry.name)) steps.push(Number(entry.name));
    }
    return steps.sort((a, b) => b - a).map(String);
  }

  /** Removes all checkpoints but those given and those that a pointer names. */
  async prune(keep: readonly string[]): Promise<void> {
    const kept = new Set(keep);
    for (const which of ["best", "last"] as const) {
      for (const directory of Object.values((await this.pointer(which))?.models ?? {})) kept.add(directory);
    }
    for await (const entry of Deno.readDir(this.directory)) {
      if (entry.isDirectory && !kept.has(entry.name)) await removeFolder(join(this.directory, entry.name));
    }
  }
}
