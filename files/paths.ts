/**
 * Path helpers in one place: `node:path` and `node:url` under the names used here.
 *
 * @module
 */
export { basename, dirname, isAbsolute, join, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** The path of a `file:` URL. */
export function fromFileUrl(url: string | URL): string {
  return fileURLToPath(url);
}

/** The `file:` URL of a path, as text. */
export function toFileUrl(path: string): string {
  return pathToFileURL(path).href;
}
