/**
 * Where in a plugin's code an error came from: file, line and column as its author wrote them.
 *
 * @module
 */
import { COMPUTING_ROOMS, FRAMEWORK_ROOT } from "../../registry/framework.ts";
import { isAbsolute, join, relative, toFileUrl } from "../../files/paths.ts";

/** Folders of the framework whose code is nobody's plugin. */
const OUR_ROOMS = [...COMPUTING_ROOMS, "mod.ts", "tasks", "node_modules"];

/** The most lines of stacks that are looked at. */
const MOST_LINES = 2_000;

/** What the code of a plugin is: a folder, or, for an object of this process, whatever is not the framework's. */
export type PluginCode = { readonly directory: string } | { readonly below: string };

/**
 * The innermost frame of a stack that is in the plugin's code, packages in its `node_modules` only where there is no
 * other.
 *
 * @param stack As in `Error.stack`; may be several, one after the other.
 * @returns `mod.ts:12:34`, relative to the plugin's folder; undefined where no frame is in its code.
 */
export function placeInPlugin(stack: string, code: PluginCode): string | undefined {
  const places = stack.split("\n", MOST_LINES).flatMap((line) => {
    const frame = parseFrame(line);
    const file = frame && localFile(frame.url, code);
    return file === undefined ? [] : [`${file}:${frame!.position}`];
  });
  return places.find((place) => !/(^|\/)node_modules\//.test(place)) ?? places[0];
}

/** The address and `line:column` at the end of a line of a stack. */
function parseFrame(line: string): { readonly url: string; readonly position: string } | undefined {
  const start = line.indexOf("file://");
  const end = /:(\d+:\d+)\)?\s*$/.exec(line);
  if (start < 0 || !end || end.index < start) return undefined;
  return { url: line.slice(start, end.index), position: end[1]! };
}

/** The path of an address in the plugin's code, as its author knows it; undefined for any other. */
export function localFile(url: string, code: PluginCode): string | undefined {
  if ("directory" in code) return below(code.directory, url);
  if (OUR_ROOMS.some((room) => isIn(join(FRAMEWORK_ROOT, room), url))) return undefined;
  const path = decoded(url.slice("file://".length));
  const found = relative(code.below, path);
  return found.startsWith("..") || isAbsolute(found) ? path : found;
}

function isIn(path: string, url: string): boolean {
  const own = toFileUrl(path);
  return url === own || url.startsWith(`${own}/`);
}

function below(directory: string, url: string): string | undefined {
  const root = `${toFileUrl(directory)}/`;
  return url.startsWith(root) ? decoded(url.slice(root.length)) : undefined;
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
