/**
 * What is recorded so that a run can be understood and repeated: code state, environment, inputs, permissions.
 *
 * @module
 */
import type { InputsRecord } from "../core/records.ts";
import { sha256File } from "../data/digest.ts";
import { exists, writeAtomic, writeJson } from "./files.ts";
import { FRAMEWORK_ROOT, moduleHashes } from "./framework.ts";
import { checkoutState } from "./git.ts";
import { basename, join, relative } from "./paths.ts";

/** What goes into `provenance/`. */
export interface ProvenanceRequest {
  /** The folder `provenance/` of the run. */
  readonly directory: string;
  /** Folder of the plugin's code; undefined for a plugin that was handed in as an object. */
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

/** Writes `permissions.json`: the permission flags of each box, by what the box did. */
export async function writePermissions(
  request: ProvenanceRequest,
  permissions: { readonly [box: string]: readonly string[] },
): Promise<void> {
  await writeJson(join(request.directory, "permissions.json"), relativePermissions(request, permissions));
}

/** Hashes of the framework's own modules that a run can depend on. */
async function frameworkHashes(): Promise<{ [path: string]: string }> {
  const all: { [path: string]: string } = {};
  for (const room of ["core", "data", "metrics", "engine", "plot", "run"]) {
    for (const [path, hash] of Object.entries(await moduleHashes(join(FRAMEWORK_ROOT, room)))) {
      all[`${room}/${path}`] = hash;
    }
  }
  return all;
}

/** Paths relative to the framework, so that the record says the same on every machine. */
function relativePermissions(
  request: ProvenanceRequest,
  permissions: { readonly [box: string]: readonly string[] },
): { [box: string]: string[] } {
  const shorten = (flag: string): string => {
    const [name, paths] = flag.split("=", 2);
    if (paths === undefined) return flag;
    return `${name}=${
      paths.split(",").map((path) => path.startsWith("/") ? placeOf(path, request) : path).join(",")
    }`;
  };
  return Object.fromEntries(Object.entries(permissions).map(([box, flags]) => [box, flags.map(shorten)]));
}

function placeOf(path: string, request: ProvenanceRequest): string {
  for (
    const [name, folder] of [["<plugin>", request.pluginDirectory], ["<beamline>", FRAMEWORK_ROOT]] as const
  ) {
    if (folder === undefined) continue;
    if (path === folder || path.startsWith(folder + "/")) return join(name, relative(folder, path));
  }
  if (/\/exchange\/[0-9a-f-]{36}$/.test(path)) return "<exchange>";
  if (/\/[0-9a-f]{32}\/tables$/.test(path)) return "<prepared>";
  const input = request.inputs.find((candidate) => candidate.path === path);
  return input ? `<input>/${input.name}` : `<outside>/${basename(path)}`;
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

/** Model and instruction sets of the processor, where the system tells. */
function cpuModel(): { model: string; flags: string[] } | null {
  try {
    const text = Deno.readTextFileSync("/proc/cpuinfo");
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
