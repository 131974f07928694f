/**
 * The walls around a box beside Deno's own permissions: `prlimit` for memory and files, bubblewrap for the file system,
 * the network and other processes. Each is used where the machine has it, and recorded.
 *
 * @module
 */
import { FRAMEWORK_ROOT } from "../framework.ts";
import { exists } from "../files.ts";
import { dirname, join } from "../paths.ts";

/** What is used around the box on this machine. */
export interface Walls {
  readonly prlimit: boolean;
  readonly bubblewrap: boolean;
}

/** What a box needs of the file system. */
export interface Mounts {
  /** Absolute paths that are there for reading. */
  readonly read: readonly string[];
  /** Absolute paths that are there for writing. */
  readonly write: readonly string[];
}

let found: Promise<Walls> | undefined;

/** Tries the programs once; bubblewrap counts only if it can make its namespaces here. */
export function findWalls(): Promise<Walls> {
  return found ??= (async () => ({
    prlimit: await succeeds("prlimit", ["--version"]),
    bubblewrap: await succeeds("bwrap", ["--unshare-all", "--ro-bind", "/", "/", "true"]),
  }))();
}

async function succeeds(program: string, args: string[]): Promise<boolean> {
  try {
    const { success } = await new Deno.Command(program, {
      args,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).output();
    return success;
  } catch {
    return false;
  }
}

/** Open files a box may have, and the largest file it may write. */
const MAX_FILES = 1024;
const MAX_FILE_BYTES = 64 * 2 ** 30;

/** Puts the walls around a command. `environment` is all that the box sees of the environment. */
export async function wrap(
  command: readonly string[],
  walls: Walls,
  mounts: Mounts,
  memoryBytes: number,
  environment: { readonly [name: string]: string },
): Promise<string[]> {
  const limited = walls.prlimit ? [...prlimitArgs(memoryBytes), ...command] : [...command];
  return walls.bubblewrap ? [...await bubblewrapArgs(mounts, environment), ...limited] : limited;
}

function prlimitArgs(memoryBytes: number): string[] {
  return [
    "prlimit",
    `--data=${memoryBytes}`,
    `--nofile=${MAX_FILES}`,
    `--fsize=${MAX_FILE_BYTES}`,
    "--core=0",
    "--",
  ];
}

/** System folders that Deno's dynamic linker needs; no `/etc`, no `/home`. */
const SYSTEM = ["/usr", "/lib", "/lib64", "/bin"];

/**
 * Everything keeps its path inside, so that permission flags mean the same with and without bubblewrap. The order
 * matters: later mounts lie over earlier ones.
 */
async function bubblewrapArgs(
  mounts: Mounts,
  environment: { readonly [name: string]: string },
): Promise<string[]> {
  const args = ["bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--clearenv"];
  for (const [name, value] of Object.entries(environment)) args.push("--setenv", name, value);
  for (const path of SYSTEM) args.push("--ro-bind-try", path, path);
  args.push("--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp");
  const framework = ["node_modules", "deno.lock"].map((name) => join(FRAMEWORK_ROOT, name));
  const present: string[] = [];
  for (const path of [dirname(Deno.execPath()), ...framework, ...mounts.read]) {
    if (await exists(path)) present.push(path);
  }
  for (const path of shallowestFirst(present)) args.push("--ro-bind", path, path);
  for (const path of shallowestFirst(mounts.write)) args.push("--bind", path, path);
  return args;
}

/** A folder before what lies in it. */
function shallowestFirst(paths: readonly string[]): string[] {
  return [...new Set(paths)].sort((a, b) => a.split("/").length - b.split("/").length || (a < b ? -1 : 1));
}
