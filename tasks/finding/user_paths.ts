/**
 * Paths as the user types and reads them. `deno task` works in the folder of `deno.json`, wherever in the project it was
 * typed; relative paths mean the folder that the user stands in, and folders that nobody named (`runs`, `cache`) are those
 * of the project.
 *
 * @module
 */
import { basename, isAbsolute, join, relative, resolve } from "../../files/paths.ts";
import { FRAMEWORK_ROOT } from "../../registry/framework.ts";

/** Where the command was typed, as `deno task` and npx say it. */
const START_VARIABLE = "INIT_CWD";

/**
 * The folder that the user stands in. `deno task` does not replace a variable that an outer command set before it: it is
 * believed below the working directory, and where that is the folder of our own `deno.json`, as with `--config`.
 *
 * @param started The variable. @default that of the environment
 * @param working The working directory.
 * @param project The folder of our own `deno.json`.
 */
export function userDirectory(
  started: string | undefined = startVariable(),
  working: string = Deno.cwd(),
  project: string = FRAMEWORK_ROOT,
): string {
  if (started === undefined || !isAbsolute(started) || !isFolder(started)) return working;
  return isBelow(working, started) || relative(working, project) === "" ? resolve(started) : working;
}

function startVariable(): string | undefined {
  try {
    return Deno.env.get(START_VARIABLE);
  } catch {
    return undefined; // this task may not read it
  }
}

function isFolder(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}

function isBelow(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== ".." && !/^\.\.[\\/]/.test(way) && !isAbsolute(way);
}

/** A path that was typed, for whoever opens it: as it is where the user stands in the working directory, else absolute. */
export function userPath(typed: string, directory: string = userDirectory()): string {
  return directory === Deno.cwd() ? typed : resolve(directory, typed);
}

/** A name or a path that was typed: what has a separator, `.` and `..` are paths. */
export function userReference(typed: string, directory?: string): string {
  return /[\\/]|^\.{1,2}$/.test(typed) ? userPath(typed, directory) : typed;
}

/** A run that was typed: a path where a run lies there, else a name, an id or a prefix. */
export function runReference(typed: string): string {
  const path = userPath(typed);
  return entryAt(join(path, "run.json")) || (basename(path) === "run.json" && entryAt(path)) ? path : typed;
}

/** What is done to the value of a flag that is or can be a path, by its placeholder in the help text; others stay. */
export const PATH_VALUES: { readonly [placeholder: string]: (typed: string) => string } = {
  dir: (typed) => userPath(typed),
  file: (typed) => userPath(typed),
  path: (typed) => userPath(typed),
  "name|path": (typed) => userReference(typed),
  "run|file": (typed) =>
    entryAt(userPath(typed))?.isFile ? userPath(typed) : runReference(userReference(typed)),
};

function entryAt(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch {
    return undefined; // nothing is there
  }
}

/** A path as it is printed: from where the user stands, or absolute where that is shorter. */
export function shownPath(path: string, directory: string = userDirectory()): string {
  const absolute = resolve(path);
  const way = relative(directory, absolute) || ".";
  return way.startsWith("..") && way.length > absolute.length ? absolute : way;
}

/** A path of the project's own folder of runs, of which every task knows without a flag. */
export function isInProjectRuns(runPath: string): boolean {
  return resolve(runPath, "..", "..") === join(Deno.cwd(), "runs");
}
