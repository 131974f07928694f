/**
 * The files of the repository, as the tools see them.
 *
 * @module
 */
import { ROOT } from "./public_api.ts";

/** Folders that hold nothing of ours. */
const SKIPPED: readonly string[] = ["node_modules", ".git", "runs", "cache"];

/** Files whose name ends in `ending`, relative to the repository with "/", sorted. */
export async function listFiles(ending: string, folder = ""): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of Deno.readDir(`${ROOT}/${folder}`)) {
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory && !SKIPPED.includes(entry.name)) found.push(...await listFiles(ending, path));
    if (entry.isFile && entry.name.endsWith(ending)) found.push(path);
  }
  return found.sort();
}
