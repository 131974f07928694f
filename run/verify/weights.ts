/**
 * Whether a repetition came to the same weights.
 *
 * @module
 */
import { CheckpointStore } from "../../train/checkpoint.ts";
import { changedKeys, digestOf } from "../provenance/environment_diff.ts";
import type { RunDirectory } from "../store/run_directory.ts";
import { count, different, equal, otherBits, skipped } from "./results.ts";
import type { Pair, Result } from "./types.ts";

/** Compares the best and the last checkpoint of each model, weights before counters. */
export async function compareWeights(pair: Pair): Promise<Result> {
  const [then, today] = [await weightsOf(pair.before), await weightsOf(pair.now)];
  if (Object.keys(then).length === 0 && Object.keys(today).length === 0) {
    return skipped("nothing was trained");
  }
  const changed = changedKeys(then, today);
  const name = changed.find((key) => key.includes(" weights of ")) ?? changed[0];
  if (name === undefined) return equal(count(Object.keys(then).length, "file"));
  const damage = await damagedCheckpoint(pair.before);
  return damage === undefined ? otherBits(pair, `${name} differ`) : different(`${name} differ; ${damage}`);
}

/** Digests of the files of the best and the last checkpoint of each model. */
async function weightsOf(run: RunDirectory): Promise<{ [file: string]: string }> {
  const store = new CheckpointStore(run.file("checkpoints"));
  const found: { [file: string]: string } = {};
  for (const which of ["best", "last"] as const) {
    for (const [model, directory] of Object.entries((await store.pointer(which))?.models ?? {})) {
      for (const [what, file] of [["weights", "state.safetensors"], ["counters", "manifest.json"]]) {
        const path = `checkpoints/${directory}/${file}`;
        found[`${which} ${what} of "${model}" (${path})`] = await digestOf(run.file(path));
      }
    }
  }
  return found;
}

/** A checkpoint of the record that does not match its own checksum was changed after it was written. */
async function damagedCheckpoint(run: RunDirectory): Promise<string | undefined> {
  const store = new CheckpointStore(run.file("checkpoints"));
  for (const directory of await store.newestFirst()) {
    try {
      await store.read(directory);
    } catch {
      return `checkpoint ${directory} does not match its own checksum`;
    }
  }
  return undefined;
}
