/**
 * What is recorded so that a run can be understood and repeated: code state, environment, inputs, permissions.
 *
 * @module
 */
import type { InputsRecord } from "../../core/records.ts";
import { sha256File } from "../../data/digest.ts";
import type { AskedPermission } from "../../sandbox/protocol/plugin_host.ts";
import { exists, writeAtomic, writeJson } from "../../files/atomic.ts";
import { COMPUTING_ROOMS, FRAMEWORK_ROOT, moduleHashes } from "../../registry/framework.ts";
import { checkoutState } from "./git.ts";
import { pathList, splitPaths } from "../../files/path_lists.ts";
import { basename, join, relative } from "../../files/paths.ts";

/** What goes into `provenance/`. */
export interface ProvenanceRequest {
  /** The folder `provenance/` of the run. */
  readonly directory: string;
  /** Folder of the plugin's code; undefined for a plugin that was passed as an object. */
  readonly pluginDirectory: string | undefined;
  readonly inputs: readonly InputFile[];
}

/** An input file with its digest. `path` is absolute and stays out of the record. */
export interface InputFile {
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** Writes all files of `provenance/` but the permissions; `modules.json` last. */
export async function writeProvenance(request: ProvenanceRequest): Promise<void> {
  const { directory, pluginDirectory } = request;
  const file = (name: string): string => join(directory, name);
  const { diff, ...state } = await checkoutState(pluginDirectory ?? FRAMEWORK_ROOT);
  if (diff !== "") await writeAtomic(file("diff.patch"), diff);
  await writeJson(file("git.json"), state);
  await writeJson(file("environment.json"), environment());
  const inputs: InputsRecord = request.inputs.map(({ name, bytes, sha256 }) => ({ name, bytes, sha256 }));
  await writeJson(file("inputs.json"), inputs);
  const lock = join(FRAMEWORK_ROOT, "deno.lock");
  if (await exists(lock)) await writeAtomic(file("deno.lock"), await Deno.readFile(lock));
  await writeJson(file("modules.json"), {
    plugin: pluginDirectory === undefined ? {} : await moduleHashes(pluginDirectory),
    framework: await frameworkHashes(),
  });
}

/** What a sandbox was granted, and what it asked for. */
export interface SandboxRecord {
  /** Permission flags, in the form given to Deno. */
  readonly permissions: readonly string[];
  readonly asked: readonly AskedPermission[];
}

/**
 * Writes `permissions.json`: by what the sandbox did, the flags it was granted; under `used: <sandbox>` what
 * it asked for, folder by folder, and under `refused: <sandbox>` what it was denied.
 */
export async function writePermissions(
  request: ProvenanceRequest,
  sandboxes: { readonly [sandbox: string]: SandboxRecord },
): Promise<void> {
  const record: { [key: string]: readonly string[] } = {};
  for (const [sandbox, { permissions }] of Object.entries(sandboxes)) {
    record[sandbox] = permissions.map((flag) => relativeFlag(flag, request));
  }
  for (const [sandbox, { permissions, asked }] of Object.entries(sandboxes)) {
    const isGranted = granter(permissions);
    const used = asked.filter(isGranted).map((one) => usedText(one, request));
    const refused = asked.filter((one) => !isGranted(one)).map((one) => askedText(one, request));
    record[`used: ${sandbox}`] = [...new Set(used)].sort();
    if (refused.length > 0) record[`refused: ${sandbox}`] = [...new Set(refused)].sort();
  }
  await writeJson(join(request.directory, "permissions.json"), record);
}

/** Decides what is within `--allow-read=...` and `--allow-write=...`. */
function granter(flags: readonly string[]): (asked: AskedPermission) => boolean {
  const paths = (flag: string): string[] => {
    const text = flags.find((candidate) => candidate.startsWith(`${flag}=`))?.slice(flag.length + 1);
    return text === undefined ? [] : splitPaths(text);
  };
  const allowed: { readonly [permission: string]: readonly string[] } = {
    read: paths("--allow-read"),
    write: paths("--allow-write"),
  };
  return ({ permission, value }) =>
    (allowed[permission] ?? []).some((path) => value === path || value.startsWith(path + "/"));
}

function askedText({ permission, value }: AskedPermission, request: ProvenanceRequest): string {
  return `${permission} ${value.startsWith("/") ? placeOf(value, request) : value}`;
}

/** Asked for within a grant: the folder says enough. */
function usedText(asked: AskedPermission, request: ProvenanceRequest): string {
  return askedText(asked, request).replace(
    / (<beamline>\/[^/]+|<(?!beamline)[a-z]+>).*$/,
    (text, place) => text.startsWith(" <input>") || text.startsWith(" <outside>") ? text : ` ${place}`,
  );
}

/** Hashes of the framework's own modules that a run can depend on. */
async function frameworkHashes(): Promise<{ [path: string]: string }> {
  const all: { [path: string]: string } = {};
  for (const room of COMPUTING_ROOMS) {
    for (const [path, hash] of Object.entries(await moduleHashes(join(FRAMEWORK_ROOT, room)))) {
      all[`${room}/${path}`] = hash;
    }
  }
  return all;
}

/** Paths relative to the framework, so that the record says the same on every machine. */
function relativeFlag(flag: string, request: ProvenanceRequest): string {
  const at = flag.indexOf("=");
  if (at < 0) return flag;
  const paths = splitPaths(flag.slice(at + 1)).map((path) =>
    path.startsWith("/") ? placeOf(path, request) : path
  );
  return `${flag.slice(0, at)}=${pathList(paths)}`;
}

/** A path without the part that only this machine has. */
function placeOf(path: string, request: ProvenanceRequest): string {
  const input = request.inputs.find((candidate) => candidate.path === path);
  if (input) return `<input>/${input.name}`;
  // before the folders with names, as a cache may lie in one of them
  const ofSandbox = path.match(/\/shared\/[0-9a-f-]{36}\/written(\.answers)?(\/.*)?$/);
  if (ofSandbox) return `${ofSandbox[1] ? "<answers>" : "<shared>"}${ofSandbox[2] ?? ""}`;
  for (const { name, folder } of placesOf(request)) {
    if (path === folder || path.startsWith(folder + "/")) return join(name, relative(folder, path));
  }
  if (/\/[0-9a-f]{32}\/tables(\/.*)?$/.test(path)) return "<prepared>";
  return `<outside>/${basename(path)}`;
}

interface Place {
  readonly name: string;
  readonly folder: string;
}

/** Folders that have names in the record, deepest first. */
function placesOf({ pluginDirectory, inputs }: Omit<ProvenanceRequest, "directory">): Place[] {
  const inputFolders = inputs.filter(({ path, name }) => name.includes("/") && path.endsWith(`/${name}`))
    .map(({ path, name }) => {
      const top = name.split("/")[0]!;
      return { name: `<input>/${top}`, folder: path.slice(0, path.length - name.length) + top };
    });
  const plugin = pluginDirectory === undefined ? [] : [{ name: "<plugin>", folder: pluginDirectory }];
  const places = [...inputFolders, ...plugin, { name: "<beamline>", folder: FRAMEWORK_ROOT }];
  return places.sort((a, b) => b.folder.length - a.folder.length);
}

/** What {@linkcode withoutPaths} removes besides inputs, plugin and framework. */
export interface Surroundings extends Omit<ProvenanceRequest, "directory"> {
  /** Further folders by the name that takes their place, such as the shared directory. */
  readonly folders: { readonly [name: string]: string };
}

/** The same texts with every path of this machine named by what it is; for what is recorded of errors and results. */
export function withoutPaths<T>(value: T, surroundings: Surroundings): T {
  const names = [
    ...surroundings.inputs.map(({ path, name }) => ({ name: `<input>/${name}`, folder: path })),
    ...placesOf(surroundings),
    ...Object.entries(surroundings.folders).map(([name, folder]) => ({ name, folder })),
  ].filter(({ folder }) => folder.length > 1).sort((a, b) => b.folder.length - a.folder.length);
  const patterns = names.map(({ name, folder }) => ({
    name,
    pattern: new RegExp(`${folder.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}(?![\\w-]|\\.\\w)`, "g"),
  }));
  const replace = (text: string): string =>
    patterns.reduce((changed, { name, pattern }) => changed.replace(pattern, () => name), text);
  return mapTexts(value, replace) as T;
}

function mapTexts(value: unknown, replace: (text: string) => string): unknown {
  if (typeof value === "string") return value.includes("/") ? replace(value) : value;
  if (Array.isArray(value)) return value.map((item) => mapTexts(item, replace));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapTexts(item, replace)]));
}

/** Digests of input files; a folder counts with every file below it. */
export async function digestInputs(paths: readonly string[]): Promise<InputFile[]> {
  const found: InputFile[] = [];
  for (const path of paths) {
    for (const file of await filesBelow(path)) {
      found.push({
        name: file === path ? basename(path) : join(basename(path), relative(path, file)),
        path: file,
        ...await sha256File(file),
      });
    }
  }
  return found;
}

async function filesBelow(path: string): Promise<string[]> {
  if (!(await Deno.stat(path)).isDirectory) return [path];
  const found: string[] = [];
  for await (const entry of Deno.readDir(path)) {
    if (entry.isDirectory) found.push(...await filesBelow(join(path, entry.name)));
    else if (entry.isFile) found.push(join(path, entry.name));
  }
  return found.sort();
}

function environment(): { [key: string]: unknown } {
  return {
    deno: Deno.version.deno,
    v8: Deno.version.v8,
    typescript: Deno.version.typescript,
    os: Deno.build.os,
    arch: Deno.build.arch,
    target: Deno.build.target,
    osRelease: Deno.osRelease(),
    cpu: cpuModel(),
    logicalCores: navigator.hardwareConcurrency,
    memoryBytes: Deno.systemMemoryInfo().total,
    variables: variables(),
  };
}

/** Environment variables that can change what a run computes; the plugin itself sees none. */
const MATTERING = ["DENO_V8_FLAGS", "NODE_OPTIONS", "OMP_NUM_THREADS", "OMP_WAIT_POLICY", "TZ"] as const;

/** Those that are set. */
function variables(): { [name: string]: string } {
  const found: { [name: string]: string } = {};
  for (const variable of MATTERING) {
    if (Deno.permissions.querySync({ name: "env", variable }).state !== "granted") continue;
    const value = Deno.env.get(variable);
    if (value !== undefined) found[variable] = value;
  }
  return found;
}

/** The processor of a Mac; its instruction sets are those of its model. */
function macModel(): { model: string; flags: string[] } | null {
  const { success, stdout } = new Deno.Command("sysctl", {
    args: ["-n", "machdep.cpu.brand_string"],
    stderr: "null",
  })
    .outputSync();
  const model = new TextDecoder().decode(stdout).trim();
  return success && model !== "" ? { model, flags: [] } : null;
}

/** Model and instruction sets of the processor, where the system reports them. */
function cpuModel(): { model: string; flags: string[] } | null {
  try {
    if (Deno.build.os === "darwin") return macModel();
    // by a program: Deno itself reads /proc only with all permissions, which tasks do not have
    const { stdout } = new Deno.Command("cat", { args: ["/proc/cpuinfo"], stderr: "null" }).outputSync();
    const text = new TextDecoder().decode(stdout);
    if (text === "") return null;
    const field = (name: string): string => text.match(new RegExp(`^${name}\\s*:\\s*(.*)$`, "m"))?.[1] ?? "";
    const mattering = /^(sse4_2|avx|avx2|avx512f|avx512_bf16|avx512_vnni|fma|amx_tile)$/;
    return {
      model: field("model name"),
      flags: field("flags").split(" ").filter((flag) => mattering.test(flag)),
    };
  } catch {
    return null;
  }
}
