/**
 * `deno task slim [--dry-run]`: removes files from `node_modules` that nothing here loads.
 *
 * @module
 */
import { basename, join, relative, sep } from "node:path";
import { NotFoundError } from "../core/errors.ts";
import { formatBytes } from "../core/format.ts";
import { FRAMEWORK_ROOT } from "../registry/framework.ts";
import { type CommandSpec, withCommand } from "./shared/command.ts";
import { type PackageFile, planRemovals, type Removal, systemName } from "./slim/rules.ts";
import { EXIT } from "./terminal/exit_codes.ts";
import { main } from "./terminal/main.ts";
import { print, printJson, tell } from "./terminal/print.ts";
import { textTable } from "./terminal/text_table.ts";

const COMMAND: CommandSpec = {
  name: "slim",
  summary:
    "Removes files from node_modules that nothing here loads: libraries of other systems, builds for browsers, " +
    "source maps.",
  taskFlags: [{ name: "dry-run", help: "say what would be removed, and remove nothing" }],
  epilog: "\nTo have everything back, remove node_modules and run `deno install --frozen`.\n",
};

/** Bytes of a block as `stat` counts them (POSIX). */
const BLOCK_BYTES = 512;

/** What a file takes on disk; its length where the system counts no blocks. */
function bytesOnDisk({ blocks, size }: Deno.FileInfo): number {
  return blocks === null ? size : blocks * BLOCK_BYTES;
}

/** Entries of a folder by name; links are left out, so that nothing outside is ever reached. */
async function entriesOf(folder: string): Promise<Deno.DirEntry[]> {
  const entries = await Array.fromAsync(Deno.readDir(folder));
  return entries.filter(({ isSymlink }) => !isSymlink).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The regular files below a folder. */
async function* filesBelow(folder: string): AsyncGenerator<string> {
  for (const { name, isDirectory, isFile } of await entriesOf(folder)) {
    const path = join(folder, name);
    if (isDirectory) yield* filesBelow(path);
    else if (isFile) yield path;
  }
}

/** The package that a file below `node_modules` belongs to, and its path there; undefined for the installer's own files. */
export function packageFileOf(path: string): { package: string; path: string } | undefined {
  const match = /^(?:.*\/)?node_modules\/((?:@[^/]+\/)?[^@./][^/]*)\/(.+)$/.exec(path);
  return match ? { package: match[1]!, path: match[2]! } : undefined;
}

/** A folder of packages as it lies on disk. */
export interface Installed {
  readonly files: readonly PackageFile[];
  /** Size of all files on disk, those of the installer included; a file with two names counts twice. */
  readonly bytes: number;
}

/**
 * All files of the packages in a `node_modules` folder.
 *
 * @throws {NotFoundError} If there is no such folder, or it is a link.
 */
export async function readInstalled(folder: string): Promise<Installed> {
  const info = await Deno.lstat(folder).catch(() => undefined);
  if (info?.isDirectory !== true || basename(folder) !== "node_modules") {
    const found = info === undefined ? "nothing" : info.isSymlink ? "a link" : "something else";
    throw new NotFoundError(
      `Cannot slim "${folder}" as it must be a folder named node_modules: found ${found}`,
      "folder",
      folder,
    );
  }
  const files: PackageFile[] = [];
  let bytes = 0;
  for await (const file of filesBelow(folder)) {
    const size = bytesOnDisk(await Deno.lstat(file));
    bytes += size;
    const place = packageFileOf(`node_modules/${relative(folder, file).split(sep).join("/")}`);
    if (place) files.push({ ...place, file, bytes: size });
  }
  return { files, bytes };
}

/** Removes files; the folders that become empty stay. */
async function remove(removals: readonly Removal[]): Promise<void> {
  for (const { file } of removals) await Deno.remove(file);
}

/** What {@linkcode slimFolder} did or would do. */
export interface Slimmed {
  readonly removals: readonly Removal[];
  readonly removedBytes: number;
  readonly leftBytes: number;
}

/**
 * Removes from a `node_modules` folder what {@linkcode planRemovals} names. Links are not followed: a file that lies
 * elsewhere, such as the one copy in Deno's cache that other projects share, stays.
 *
 * @param folder The folder, absolute.
 * @throws {NotFoundError} If there is no such folder, or it is a link.
 */
export async function slimFolder(
  folder: string,
  { system, isDryRun = false }: { readonly system: string; readonly isDryRun?: boolean },
): Promise<Slimmed> {
  const { files, bytes } = await readInstalled(folder);
  const removals = planRemovals(files, system);
  if (!isDryRun) await remove(removals);
  const removedBytes = removals.reduce((sum, removal) => sum + removal.bytes, 0);
  return { removals, removedBytes, leftBytes: bytes - removedBytes };
}

/** One line per package and reason, the largest first. */
function rowsOf(
  removals: readonly Removal[],
): { name: string; reason: string; files: number; bytes: number }[] {
  const groups = Map.groupBy(removals, (removal) => `${removal.package}\n${removal.rule.reason}`);
  return [...groups.values()].map((group) => ({
    name: group[0]!.package,
    reason: group[0]!.rule.reason,
    files: group.length,
    bytes: group.reduce((sum, { bytes }) => sum + bytes, 0),
  })).sort((a, b) => b.bytes - a.bytes);
}

/** Rows of the table that are printed; small ones are summed. */
const PRINTED_ROWS = 14;

function printTable(removals: readonly Removal[]): void {
  const rows = rowsOf(removals);
  const rest = rows.slice(PRINTED_ROWS);
  const cells = rows.slice(0, PRINTED_ROWS).map(({ name, reason, files, bytes }) => [
    formatBytes(bytes),
    String(files),
    name,
    reason,
  ]);
  if (rest.length > 0) {
    const sum = (value: "files" | "bytes") => rest.reduce((total, row) => total + row[value], 0);
    cells.push([formatBytes(sum("bytes")), String(sum("files")), `${rest.length} more`, ""]);
  }
  print(textTable(["size", "files", "package", "why it may go"], cells));
}

/** Slims `node_modules` of the framework; returns the exit code. */
export function slim(args: readonly string[]): Promise<number> {
  return withCommand(COMMAND, args, async (parsed) => {
    const isDryRun = "dry-run" in parsed.task;
    const [folder, system] = [join(FRAMEWORK_ROOT, "node_modules"), systemName(Deno.build)];
    const { removals, removedBytes, leftBytes } = await slimFolder(folder, { system, isDryRun });
    if ("json" in parsed.task) {
      printJson({ folder, system, dryRun: isDryRun, removedBytes, leftBytes, removed: rowsOf(removals) });
      return EXIT.ok;
    }
    if (removals.length > 0) printTable(removals);
    const verb = isDryRun ? "would be removed" : "removed";
    print(`${formatBytes(removedBytes)} ${verb} in ${removals.length} files, ${formatBytes(leftBytes)} left`);
    if (removals.length > 0 && !isDryRun && !("quiet" in parsed.task)) {
      tell("to have them back: remove node_modules and run `deno install --frozen`");
    }
    return EXIT.ok;
  });
}

if (import.meta.main) await main(slim);
