/**
 * Arrays between host and box: one `.npy` a piece, named by position, because names may hold any characters.
 *
 * @module
 */
import type { NdArray } from "../core/types.ts";
import { readNpy, writeNpy } from "../data/npy.ts";
import { join } from "./paths.ts";

/** Writes arrays as `0.npy`, `1.npy`, ... in the order of their names. */
export async function writeArrays(
  directory: string,
  arrays: { readonly [name: string]: NdArray },
): Promise<void> {
  await Deno.mkdir(directory, { recursive: true });
  for (const [i, array] of Object.values(arrays).entries()) {
    await writeNpy(join(directory, `${i}.npy`), array);
  }
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
