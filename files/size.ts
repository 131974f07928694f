/**
 * What things take on a disk.
 *
 * @module
 */
import { join } from "./paths.ts";

/** Bytes of a file, or of all files below a folder; links are not followed, and what cannot be read counts nothing. */
export async function sizeBelow(path: string): Promise<number> {
  const info = await Deno.lstat(path).catch(() => undefined);
  if (!info?.isDirectory) return info?.size ?? 0;
  let bytes = 0;
  for (const name of await namesIn(path)) bytes += await sizeBelow(join(path, name));
  return bytes;
}

/** Names in a folder, sorted; none where it is not there or cannot be read. */
export async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(folder), ({ name }) => name)).sort();
  } catch {
    return [];
  }
}
