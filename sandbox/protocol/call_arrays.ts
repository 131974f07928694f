/**
 * Arrays between host and sandbox: one `.npy` each, named by position, because names may contain any
 * characters.
 *
 * @module
 */
import type { NdArray } from "../../core/types.ts";
import type { ByteSource } from "../../formats/byte_source.ts";
import { readNpySource, writeNpyInPlace } from "../../formats/npy.ts";
import { join } from "../../files/paths.ts";

/**
 * Writes arrays as `0.npy`, `1.npy`, ... in the order of their names; no arrays need no folder. It waits for
 * the system, so that whoever asks something about them has asked before its caller continues.
 */
export function writeArrays(directory: string, arrays: { readonly [name: string]: NdArray }): void {
  const all = Object.values(arrays);
  if (all.length === 0) return;
  Deno.mkdirSync(directory, { recursive: true });
  all.forEach((array, i) => writeNpyInPlace(join(directory, `${i}.npy`), array));
}

/**
 * Reads arrays that {@linkcode writeArrays} wrote.
 *
 * @param open Opens a file of the folder.
 */
export function readArrays(
  open: (file: string) => ByteSource,
  names: readonly string[],
): { [name: string]: NdArray } {
  return Object.fromEntries(names.map((name, i) => [name, readNpySource(open(`${i}.npy`))]));
}
