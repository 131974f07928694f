/**
 * Files of a run and its repetition; and the levels that are nothing but files: programs and predictions.
 *
 * @module
 */
import { sha256Hex } from "../../core/hash.ts";
import { exists } from "../../files/atomic.ts";
import { readPlainFile } from "../../files/plain_file.ts";
import { changedKeys } from "../provenance/environment_diff.ts";
import { readRunJson } from "../replay/replay.ts";
import type { RunDirectory } from "../store/run_directory.ts";
import { count, different, equal, otherBits, skipped } from "./results.ts";
import type { Pair, Result } from "./types.ts";

/** A JSON file of both runs. */
export async function readBoth<T>(before: RunDirectory, now: RunDirectory, name: string): Promise<[T, T]> {
  return [await readRunJson<T>(before, name), await readRunJson<T>(now, name)];
}

/** Compares `programs/*.json` by their digests. */
export async function comparePrograms({ before, now }: Pair): Promise<Result> {
  const [then, today] = [
    await digestsIn(before, "programs", ".json"),
    await digestsIn(now, "programs", ".json"),
  ];
  const [name] = changedKeys(then, today);
  if (name !== undefined) return different(`programs/${name} differs`);
  const programs = Object.keys(then).length;
  return programs === 0 ? skipped("the run has no models") : equal(count(programs, "program"));
}

/** Compares `predictions/*.npy` by their digests. */
export async function comparePredictions(pair: Pair): Promise<Result> {
  const then = await digestsIn(pair.before, "predictions", ".npy");
  const today = await digestsIn(pair.now, "predictions", ".npy");
  const [name] = changedKeys(then, today);
  if (name !== undefined) return otherBits(pair, `predictions/${name} differs`);
  const files = Object.keys(then).length;
  return files === 0 ? skipped("the run has none") : equal(count(files, "file"));
}

/** Digests of the files directly in a folder of the run, by name. */
async function digestsIn(
  run: RunDirectory,
  folder: string,
  ending: string,
): Promise<{ [name: string]: string }> {
  const found: { [name: string]: string } = {};
  if (!await exists(run.file(folder))) return found;
  for await (const { name, isFile } of Deno.readDir(run.file(folder))) {
    if (isFile && name.endsWith(ending)) found[name] = sha256Hex(readPlainFile(run.file(folder, name)));
  }
  return found;
}
