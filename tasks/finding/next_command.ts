/**
 * Commands for the user to type next, such that they can be pasted: started as this one was, from where the user stands,
 * on the run that is meant.
 *
 * @module
 */
import { basename, join, relative, resolve } from "../../files/paths.ts";
import { isInProjectRuns, shownPath, userDirectory } from "./user_paths.ts";

/** What is known of the place that a command is typed in. */
export interface Place {
  /** The folder that the user stands in. */
  readonly directory: string;
  /** The folder of `deno.json`. */
  readonly project: string;
  /** Whether the shell finds `deno`. */
  readonly hasDeno: boolean;
  readonly os: typeof Deno.build.os;
}

/** This place. */
export function thisPlace(): Place {
  return { directory: userDirectory(), project: Deno.cwd(), hasDeno: hasDeno(), os: Deno.build.os };
}

/** Whether the shell finds `deno`; not in what npx and `deno task` put before it, which ends with them. */
function hasDeno(): boolean {
  let path: string;
  try {
    path = Deno.env.get("PATH") ?? "";
  } catch {
    return true; // this task may not look
  }
  const [separator, names] = Deno.build.os === "windows" ? [";", ["deno.exe", "deno.cmd"]] : [":", ["deno"]];
  const folders = path.split(separator).filter((folder) =>
    folder !== "" && !/node_modules[\\/]\.bin[\\/]?$/.test(folder)
  );
  return folders.some((folder) => names.some((name) => isFile(join(folder, name))));
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** Flags whose value a command that follows needs as well, by the tasks that take them. */
const CARRIED: { readonly [flag: string]: readonly string[] } = {
  cache: ["resume", "verify", "predict", "export", "evaluate"],
};

/**
 * A command on a run.
 *
 * @param more What follows the run.
 * @param typed The arguments of this command: the folder of prepared data is named again where it was named.
 */
export function nextCommand(
  task: string,
  run: string,
  more: readonly string[] = [],
  typed: readonly string[] = Deno.args,
  place: Place = thisPlace(),
): string {
  const reference = isInProjectRuns(run) ? basename(run) : shownPath(run, place.directory);
  const carried = Object.entries(CARRIED).flatMap(([flag, tasks]) => {
    const value = tasks.includes(task) ? lastValue(typed, flag) : undefined;
    return value === undefined
      ? []
      : [`--${flag}`, shownPath(resolve(place.directory, value), place.directory)];
  });
  const words = [...launcher(place), task, reference, ...carried].map((word) => quoted(word, place.os));
  return [...words, ...more].join(" ");
}

/** How a task is started from where the user stands. */
function launcher({ directory, project, hasDeno }: Place): string[] {
  const program = hasDeno ? ["deno"] : ["npx", "--yes", `deno@${Deno.version.deno}`];
  const isOutside = /^\.\.([\\/]|$)/.test(relative(project, directory));
  return [
    ...program,
    "task",
    ...isOutside ? ["--config", shownPath(join(project, "deno.json"), directory)] : [],
  ];
}

/** The value that a flag has at last among the arguments. */
function lastValue(typed: readonly string[], flag: string): string | undefined {
  const values = typed.flatMap((arg, i) =>
    arg === `--${flag}`
      ? typed.slice(i + 1, i + 2)
      : arg.startsWith(`--${flag}=`)
      ? [arg.slice(flag.length + 3)]
      : []
  );
  return values.at(-1);
}

/** A word as a shell reads it back. */
export function quoted(word: string, os: typeof Deno.build.os = Deno.build.os): string {
  if (/^[\w@%+=:,./-]+$/.test(word) || (os === "windows" && /^[\w@+=:,.\\/-]+$/.test(word))) return word;
  return os === "windows" ? `"${word.replaceAll('"', '""')}"` : `'${word.replaceAll("'", `'\\''`)}'`;
}
