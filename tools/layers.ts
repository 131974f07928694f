/**
 * Who may import what: the arrow line of ARCHITECTURE.md as tables, and one pure function that applies them.
 * `tools/lint_plugin.ts` reports what it finds.
 *
 * @module
 */
import { posix } from "node:path";

/** Rooms that each room may import besides itself. `beamline` stands for `mod.ts` and its sub-path exports. */
export const LAYERS: { readonly [room: string]: readonly string[] } = layered([
  ["core", []],
  ["formats", ["core"]],
  ["data", ["formats"]],
  ["metrics", ["core"]],
  ["plot", ["core"]],
  ["engine", ["core"]],
  ["files", ["core"]],
  ["report", ["data", "metrics", "plot", "engine", "files"]],
  ["registry", ["files", "data"]],
  ["train", ["files", "engine", "data"]],
  ["sandbox", ["registry", "engine", "data"]],
  ["run", ["report", "train", "sandbox"]],
  ["mod.ts", ["run"]],
  ["tasks", ["mod.ts", "plugins"]],
  ["plugins", ["beamline"]],
  ["examples", ["beamline"]],
]);

/** Every room with all rooms below it, given the rooms directly below. */
function layered(
  rows: readonly (readonly [room: string, below: readonly string[]])[],
): { [room: string]: string[] } {
  const all: { [room: string]: string[] } = {};
  for (const [room, below] of rows) {
    all[room] = [...new Set(below.flatMap((name) => [...all[name] ?? [], name]))];
  }
  return all;
}

/** Rooms whose sub-folders do not import each other. */
const SEPARATE: readonly string[] = ["plugins", "examples"];

/** Rooms that may import everything, as every `*_test.ts` may. */
const FREE: readonly string[] = ["tests", "bench", "tools"];

/** Files that import nothing at all. */
const LEAVES: readonly string[] = ["core/types.ts"];

/** Where a third-party package may be imported: files, or folders that end in "/". */
export interface PackageRule {
  readonly values: readonly string[];
  /** Places that may import its types and nothing else. */
  readonly types?: readonly string[];
  /** Loaded by `await import(...)` only, so that importing our module does not load it. */
  readonly lazy?: boolean;
}

/** Every third-party package in `deno.json`, and its one place. */
export const PACKAGES: { readonly [name: string]: PackageRule } = {
  // The schema language of the contract and of every boundary; a documented exception to "one file".
  "zod": { values: ["core/", "registry/", "sandbox/", "train/", "run/", "tasks/", "mod.ts"] },
  "@tensorflow/tfjs-backend-cpu": { values: ["engine/tf.ts"] },
  "@tensorflow/tfjs-core": { values: ["engine/tf.ts"], types: ["core/tensor.ts"] },
  "@tensorflow/tfjs-layers": { values: ["engine/tf.ts"] },
  "canonicalize": { values: ["core/json.ts"] },
  "onnxruntime-node": { values: ["engine/runtimes/native/ort.ts"], lazy: true },
  "onnxruntime-web": { values: ["engine/runtimes/wasm/ort_web.ts"], lazy: true },
  "linkedom": { values: ["plot/marks/dom.ts"], lazy: true },
  "@observablehq/plot": { values: ["plot/marks/dom.ts"], lazy: true },
  "xz-decompress": { values: ["formats/root/xz.ts"], lazy: true },
  "@zip.js/zip.js": { values: ["formats/zip.ts"], lazy: true },
  "h5wasm": { values: ["formats/hdf5_library.ts"], lazy: true },
  "h5wasm-plugins": { values: ["formats/hdf5_library.ts"], lazy: true },
  "hyparquet": { values: ["formats/parquet.ts"], lazy: true },
  "ml-matrix": { values: ["metrics/algebra/linalg.ts"] },
  "ml-levenberg-marquardt": { values: ["metrics/fits/fit.ts"] },
  "commander": { values: ["tasks/shared/command.ts"] },
  "cli-progress": { values: ["tasks/terminal/progress.ts"] },
};

/** Rooms that may read the clock, the environment and unseeded random numbers. */
const AMBIENT_ROOMS: readonly string[] = ["files", "registry", "sandbox", "train", "run", "tasks", ...FREE];

/** Rooms that may print. */
const CONSOLE_ROOMS: readonly string[] = FREE;
/** Files that may print: the one that neutralizes what it prints, and the one whose standard output is the protocol. */
const PRINTERS: readonly string[] = ["tasks/terminal/print.ts", "sandbox/guest/bootstrap.ts"];

/** One import as the linter sees it. */
export interface ImportSite {
  /** The importing file, relative to the repository, with "/". */
  readonly file: string;
  /** The text between the quotes. */
  readonly specifier: string;
  /** Only types are imported. */
  readonly isType?: boolean;
  /** Written as `import(...)`. */
  readonly isDynamic?: boolean;
}

/** What is wrong with an import: the rule that it breaks and one line of text. */
export interface ImportProblem {
  readonly rule: "layers" | "packages" | "remote" | "private" | "tests";
  readonly message: string;
}

/** The room of a file: its first folder, or `mod.ts`. */
export function roomOf(file: string): string {
  return file.split("/")[0]!;
}

/** Whether a file is a test. */
export function isTest(file: string): boolean {
  return file.endsWith("_test.ts");
}

/** Whether a file may read the clock, the environment and unseeded random numbers. */
export function mayBeAmbient(file: string): boolean {
  return isTest(file) || AMBIENT_ROOMS.includes(roomOf(file));
}

/** Whether a file may print. */
export function mayPrint(file: string): boolean {
  return isTest(file) || PRINTERS.includes(file) || CONSOLE_ROOMS.includes(roomOf(file));
}

/** The name of the package that a bare specifier names: `@a/b/c` gives `@a/b`. */
export function packageName(specifier: string): string {
  const parts = specifier.split("/");
  return specifier.startsWith("@") ? parts.slice(0, 2).join("/") : parts[0]!;
}

/** Whether a place of {@linkcode PackageRule} covers a file. */
function covers(places: readonly string[], file: string): boolean {
  return places.some((place) => place.endsWith("/") ? file.startsWith(place) : file === place);
}

function packageProblem({ file, specifier, isType, isDynamic }: ImportSite): string | undefined {
  const name = packageName(specifier);
  const rule = PACKAGES[name];
  if (rule === undefined) {
    return `Cannot import "${name}" as every package has its place in tools/layers.ts: no entry found`;
  }
  if (isType && covers([...rule.values, ...rule.types ?? []], file)) return undefined;
  if (!covers(rule.values, file)) {
    return `Cannot import "${name}" as its place is ${rule.values.join(", ")}: found in ${file}`;
  }
  if (rule.lazy && !isType && !isDynamic) {
    return `Cannot import "${name}" at top level as it is loaded on first use: write await import("${specifier}")`;
  }
  return undefined;
}

/** The folder whose files are one unit: `plugins/ecal` for separate rooms, else the room. */
function unitOf(file: string): string {
  const [room, folder, ...rest] = file.split("/");
  return SEPARATE.includes(room!) && rest.length > 0 ? `${room}/${folder}` : room!;
}

function layerProblem(file: string, target: string): string | undefined {
  const found = `found "${target}" in ${file}`;
  if (target.startsWith("..")) return `Cannot import a file outside the repository: ${found}`;
  if (LEAVES.includes(file)) return `Cannot import from ${file} as it imports nothing: ${found}`;
  const [room, unit] = [roomOf(file), unitOf(file)];
  if (target === unit || target.startsWith(`${unit}/`)) return undefined;
  const allowed = LAYERS[room];
  if (allowed === undefined) return `Cannot import from "${room}" as it has no entry in LAYERS: ${found}`;
  if (allowed.includes(roomOf(target))) return undefined;
  const names = allowed.length === 0 ? "nothing else of ours" : `only ${allowed.join(", ")}`;
  return `Cannot import across rooms as ${unit} may import its own files and ${names}: ${found}`;
}

/** The file that a relative specifier names; it starts with ".." if it is outside the repository. */
export function targetOf(file: string, specifier: string): string {
  return specifier.startsWith("/") ? `..${specifier}` : posix.join(posix.dirname(file), specifier);
}

/** Whether the target's name starts with `_` and it is in another folder. */
function isPrivateFrom(file: string, target: string): boolean {
  return posix.basename(target).startsWith("_") && posix.dirname(target) !== posix.dirname(file);
}

/**
 * What is wrong with one import.
 *
 * @param site The import.
 * @param ours Our own names in `deno.json`, with the file that each one maps to: `beamline/tf` to `engine/tf.ts`.
 */
export function importProblem(
  site: ImportSite,
  ours: ReadonlyMap<string, string>,
): ImportProblem | undefined {
  const { file, specifier } = site;
  if (/^(https?|jsr|npm|file|data|blob):/.test(specifier)) {
    const message = `Cannot import "${specifier}" as packages are bare names in deno.json: found "${
      specifier.split(":")[0]
    }:"`;
    return { rule: "remote", message };
  }
  if (specifier.startsWith("node:")) return undefined;
  const isRelative = /^\.{0,2}\//.test(specifier);
  const own = ours.get(specifier);
  const target = isRelative ? targetOf(file, specifier) : own;
  if (target !== undefined && isTest(target)) {
    return { rule: "tests", message: `Cannot import "${specifier}" as it is a test: found in ${file}` };
  }
  if (isTest(file) || FREE.includes(roomOf(file))) return undefined;
  if (target === undefined) {
    const message = packageProblem(site);
    return message === undefined ? undefined : { rule: "packages", message };
  }
  if (isRelative && isPrivateFrom(file, target)) {
    const message =
      `Cannot import "${specifier}" as a file that starts with "_" belongs to its folder: found in ${file}`;
    return { rule: "private", message };
  }
  if (own !== undefined && LAYERS[roomOf(file)]?.includes("beamline")) return undefined;
  const message = layerProblem(file, target);
  return message === undefined ? undefined : { rule: "layers", message };
}
