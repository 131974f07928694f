/**
 * Arrays between host and sandbox: one `.npy` each, named by position, because names may contain any
 * characters.
 *
 * @module
 */
import type { NdArray } from "../../core/types.ts";
import { readNpy, writeNpyInPlace } from "../../formats/npy.ts";
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

/** Reads arrays that {@linkcode writeArrays} wrote. */
export async function readArrays(
  directory: string,
  names: readonly string[],
): Promise<{ [name: string]: NdArray }> {
  const found: { [name: string]: NdArray } = {};
  for (const [i, name] of names.entries()) found[name] = await readNpy(join(directory, `${i}.npy`));
  return found;
}
