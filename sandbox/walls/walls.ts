/**
 * The walls around a sandbox besides Deno's own permissions, each used where the machine provides it, and
 * recorded:
 *
 * | wall | adds |
 * |---|---|
 * | `bubblewrap` | only the granted files exist; no network; no other processes; no capabilities |
 * | `landlock` | only the granted files open; no links, pipes, sockets and devices can be made; also inside bubblewrap |
 * | `prlimit` | memory, open files, size of a file, no core dumps |
 * | `setpriv` | the sandbox dies with the host, and no program in it gains rights |
 *
 * @module
 */
import { FRAMEWORK_ROOT } from "../../registry/framework.ts";
import { exists } from "../../files/atomic.ts";
import { dirname, join } from "../../files/paths.ts";
import { landlockArgs } from "./landlock.ts";
import type { SandboxLimits } from "../protocol/limits.ts";

/** What is used around a sandbox. */
export interface Walls {
  readonly bubblewrap: boolean;
  readonly landlock: boolean;
  readonly prlimit: boolean;
  readonly setpriv: boolean;
}

/** Deno's permissions alone, as on a machine that has none of the programs. */
export const NO_WALLS: Walls = { bubblewrap: false, landlock: false, prlimit: false, setpriv: false };

/** What a sandbox needs of the file system. Paths are absolute; if one is inside another, the deeper one counts. */
export interface Mounts {
  readonly read: readonly string[];
  readonly write: readonly string[];
}

/** A command and what it is run with. */
export interface SandboxCommand {
  readonly command: readonly string[];
  readonly mounts: Mounts;
  /** All that the sandbox sees of the environment. */
  readonly environment: { readonly [name: string]: string };
  readonly directory: string;
}

/** Whether something besides Deno's permissions keeps a sandbox to its files. */
export function hasFileWall(walls: Walls): boolean {
  return walls.bubblewrap || walls.landlock;
}

/** The walls in use and the others, for the record. */
export function describeWalls(walls: Walls): string[] {
  return Object.entries(walls).map(([name, isUsed]) => `${isUsed ? "--wall" : "--no-wall"}=${name}`);
}

let found: Promise<Walls> | undefined;

/** Tries the programs once; bubblewrap and Landlock count only if Deno starts behind them on this machine. */
export function findWalls(): Promise<Walls> {
  return found ??= (async () => {
    const nothing: Mounts = { read: [], write: [] };
    const probe = [Deno.execPath(), "--version"];
    const bubblewrapped = await bubblewrapArgs(nothing, {});
    const { read, write } = await landlockMounts(nothing);
    const [bubblewrap, landlock, both, prlimit, setpriv] = await Promise.all([
      succeeds([...bubblewrapped, ...probe]),
      succeeds([...landlockArgs(read, write), ...probe]),
      succeeds([...bubblewrapped, ...landlockInside(nothing), ...probe]),
      succeeds([...PRLIMIT, "true"]),
      succeeds([...SETPRIV, "true"]),
    ]);
    return { bubblewrap, landlock: landlock && (both || !bubblewrap), prlimit, setpriv };
  })();
}

async function succeeds([program, ...args]: readonly string[]): Promise<boolean> {
  try {
    const streams = { stdin: "null", stdout: "null", stderr: "null" } as const;
    return (await new Deno.Command(program!, { args, ...streams }).output()).success;
  } catch {
    return false;
  }
}

/** Puts the walls around a command; bubblewrap is the outermost. */
export async function wrap(inner: SandboxCommand, walls: Walls, limits: SandboxLimits): Promise<string[]> {
  const { mounts, environment, directory } = inner;
  const fileWall = walls.bubblewrap
    ? [
      ...await bubblewrapArgs(mounts, environment),
      "--chdir",
      directory,
      ...walls.landlock ? landlockInside(mounts) : [],
    ]
    : walls.landlock
    ? await landlockMounts(mounts).then(({ read, write }) => landlockArgs(read, write))
    : [];
  return [
    ...fileWall,
    ...walls.setpriv ? SETPRIV : [],
    ...walls.prlimit ? [...PRLIMIT, `--data=${limits.memoryBytes}`, `--fsize=${limits.diskBytes}`] : [],
    ...inner.command,
  ];
}

/** Without core dumps; 1024 open files. */
const PRLIMIT: readonly string[] = ["prlimit", "--nofile=1024", "--core=0"];
const SETPRIV: readonly string[] = ["setpriv", "--pdeathsig", "KILL", "--no-new-privs"];

/** Folders that Deno's dynamic linker needs; no `/etc`, no `/home`, no `/tmp`. */
const SYSTEM: readonly string[] = ["/usr", "/lib", "/lib64", "/bin", "/nix/store", "/gnu/store"];

/** What a sandbox reads of the framework besides its modules, and Deno itself. */
function programFiles(): string[] {
  return [Deno.execPath(), ...["node_modules", "deno.lock"].map((name) => join(FRAMEWORK_ROOT, name))];
}

/**
 * Landlock behind bubblewrap, which has already left nothing but the granted files: for what it adds, that no link can be
 * made. `node:wasi` makes them in a folder that may be read and written.
 */
function landlockInside({ write }: Mounts): string[] {
  return landlockArgs(["/"], ["/dev/null", ...write]);
}

/** A path that is missing is left out: it cannot be granted. */
async function landlockMounts({ read, write }: Mounts): Promise<Mounts> {
  return {
    read: await present([...SYSTEM, "/dev/urandom", "/dev/random", "/dev/zero", ...programFiles(), ...read]),
    write: await present(["/dev/null", ...write]),
  };
}

async function present(paths: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const path of paths) if (await exists(path)) found.push(path);
  return found;
}

/**
 * Everything keeps its path inside, so that permission flags mean the same with and without bubblewrap. The
 * order matters: later mounts cover earlier ones. The root itself is read-only in the end, so that what is
 * not on the list cannot be written, not even by a temporary file of a library.
 */
async function bubblewrapArgs(mounts: Mounts, environment: SandboxCommand["environment"]): Promise<string[]> {
  const args = ["bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL"];
  args.push("--clearenv");
  for (const [name, value] of Object.entries(environment)) args.push("--setenv", name, value);
  for (const path of SYSTEM) args.push("--ro-bind-try", path, path);
  args.push("--proc", "/proc", "--dev", "/dev", "--dir", "/tmp");
  const modes = new Map<string, "--ro-bind" | "--bind">();
  for (const path of await present([...programFiles(), ...mounts.read])) modes.set(path, "--ro-bind");
  for (const path of mounts.write) modes.set(path, "--bind");
  for (const path of shallowestFirst([...modes.keys()])) args.push(modes.get(path)!, path, path);
  args.push("--remount-ro", "/");
  return args;
}

/** A folder before its contents. */
function shallowestFirst(paths: readonly string[]): string[] {
  const depth = (path: string): number => path === dirname(path) ? 0 : path.split("/").length;
  return [...paths].sort((a, b) => depth(a) - depth(b) || (a < b ? -1 : 1));
}
