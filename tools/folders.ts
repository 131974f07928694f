/**
 * How many files a folder may hold before nobody finds anything in it.
 *
 * @module
 */
import { posix } from "node:path";
import { isTest, roomOf } from "./layers.ts";

/** Rooms whose folders are counted. */
const COUNTED_ROOMS: readonly string[] = ["run", "engine", "sandbox", "train"];

/** Folders of a table of kernels, one file a family. */
const TABLES: readonly string[] = ["engine/onnx/kernels", "engine/program/kernels"];

/** Files that a folder may hold directly, tests not counted. */
export const MOST_FILES = 12;

/** A folder with too many files. */
export interface CrowdedFolder {
  readonly folder: string;
  /** Files besides tests. */
  readonly count: number;
}

/**
 * Folders that directly hold more than {@linkcode MOST_FILES} `.ts` files besides tests.
 *
 * @param files Every `.ts` file, relative to the repository, with "/".
 */
export function crowdedFolders(files: readonly string[]): CrowdedFolder[] {
  const counted = files.filter((file) => COUNTED_ROOMS.includes(roomOf(file)) && !isTest(file));
  const folders = Map.groupBy(counted, (file) => posix.dirname(file));
  return [...folders]
    .map(([folder, { length: count }]) => ({ folder, count }))
    .filter(({ folder, count }) => count > MOST_FILES && !TABLES.includes(folder));
}
