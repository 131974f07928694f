/**
 * Lists of paths in Deno's permission flags, which separates them by commas and knows no other way to write one.
 *
 * @module
 */
import { ConfigError } from "../core/errors.ts";

/**
 * Paths as the value of a permission flag, such as `--allow-read=`.
 *
 * @throws {ConfigError} If a path has a comma: its parts would be granted in its place.
 */
export function pathList(paths: readonly string[]): string {
  const split = paths.find((path) => path.includes(","));
  if (split === undefined) return paths.join(",");
  throw new ConfigError(
    `Cannot grant "${split}" to a process as Deno separates paths by commas: found one in it; rename or move the folder`,
  );
}

/** The paths of such a value. */
export function splitPaths(list: string): string[] {
  return list.split(",");
}
