/**
 * `ro-crate-metadata.json`: the run as a Process Run Crate 0.5 on RO-Crate 1.1, so that archives and workflow tools can
 * read who ran what on which data.
 *
 * @see https://w3id.org/ro/wfrun/process/0.5
 * @module
 */
import type { ConfigRecord, InputsRecord, RunRecord } from "../../core/records.ts";
import type { Json } from "../../core/types.ts";
import { asideTarget } from "../../core/writing.ts";
import { exists, writeJson } from "../../files/atomic.ts";
import { hashOfModules } from "../../registry/framework.ts";
import { relative } from "../../files/paths.ts";
import { readRunJson } from "../replay/replay.ts";
import { LOCK_FILE, type RunDirectory } from "../store/run_directory.ts";

type Entity = {
  readonly "@id": string;
  readonly "@type": string | readonly string[];
  readonly [key: string]: Json;
};

const PROFILE = "https://w3id.org/ro/wfrun/process/0.5";

/** Media types by file ending. */
const MEDIA: { readonly [ending: string]: string } = {
  json: "application/json",
  jsonl: "application/jsonl",
  html: "text/html",
  svg: "image/svg+xml",
  npy: "application/x-npy",
  onnx: "application/onnx",
  safetensors: "application/octet-stream",
  txt: "text/plain",
  patch: "text/x-diff",
  lock: "application/json",
};

/** Writes the crate of a run that has ended, finished or not. */
export async function writeCrate(run: RunDirectory): Promise<void> {
  const files = await filesBelow(run.path);
  const read = async <T>(name: string, otherwise: T): Promise<T> =>
    await exists(run.file(name)) ? await readRunJson<T>(run, name) : otherwise;
  const parts: Parts = {
    record: run.record,
    files,
    inputs: uniqueBy(await read<InputsRecord>("provenance/inputs.json", []), ({ sha256 }) => sha256),
    parameters: Object.entries(flatten((await read<Partial<ConfigRecord>>("config.json", {})).values ?? {})),
    modules: await read<Modules>("provenance/modules.json", {}),
    environment: await read<Environment>("provenance/environment.json", {}),
    git: await read<GitState>("provenance/git.json", {}),
  };
  const action = `urn:uuid:${await stableUuid(`${run.record.plugin.name}/${run.record.id}`)}`;
  const graph = [...rootEntities(parts, action), ...toolEntities(parts), ...actionEntities(parts, action)];
  const context: Json = [
    "https://w3id.org/ro/crate/1.1/context",
    "https://w3id.org/ro/terms/workflow-run/context",
  ];
  await writeJson(run.file(CRATE), { "@context": context, "@graph": graph });
}

const CRATE = "ro-crate-metadata.json";

type Modules = { readonly plugin?: { readonly [path: string]: string } };
type Environment = { readonly variables?: { readonly [name: string]: string } };
type GitState = { readonly user?: string };

interface FileInfo {
  /** Relative to the run. */
  readonly path: string;
  readonly bytes: number;
}

interface Parts {
  readonly record: RunRecord;
  readonly files: readonly FileInfo[];
  readonly inputs: InputsRecord;
  readonly parameters: readonly (readonly [name: string, value: Json])[];
  readonly modules: Modules;
  readonly environment: Environment;
  readonly git: GitState;
}

const AGENT = "#agent";
const LICENSE = "#license";
const fileId = (path: string): string => path.split("/").map(encodeURIComponent).join("/");
const inputId = (sha256: string): string => `#input-${sha256.slice(0, 16)}`;
const parameterId = (name: string): string => `#parameter-${encodeURIComponent(name)}`;
const variableId = (name: string): string => `#environment-${encodeURIComponent(name)}`;
const toolId = ({ versions }: RunRecord): string => `#beamline-${versions.beamline ?? "unknown"}`;
const pluginId = ({ plugin }: RunRecord): string => `#plugin-${plugin.name}`;
const reference = (id: string): { readonly "@id": string } => ({ "@id": id });

/** The crate itself, its files, and what it follows. */
function rootEntities({ record, files, git }: Parts, action: string): Entity[] {
  return [
    {
      "@id": CRATE,
      "@type": "CreativeWork",
      conformsTo: reference("https://w3id.org/ro/crate/1.1"),
      about: reference("./"),
    },
    {
      "@id": "./",
      "@type": "Dataset",
      name: `${record.plugin.title} (${record.id})`,
      description: record.summary ??
        `Run of the experiment "${record.plugin.title}"${record.simulated ? " on simulated data" : ""}`,
      datePublished: record.finished ?? record.created,
      license: reference(LICENSE),
      conformsTo: reference(PROFILE),
      hasPart: files.map(({ path }) => reference(fileId(path))),
      mentions: reference(action),
    },
    { "@id": PROFILE, "@type": "CreativeWork", name: "Process Run Crate", version: "0.5" },
    {
      "@id": LICENSE,
      "@type": "CreativeWork",
      name: "No license stated",
      description: "Whoever made this run has not said under which terms it may be used; ask them.",
    },
    { "@id": AGENT, "@type": "Person", name: git.user ?? "not stated" },
    ...files.map(({ path, bytes }): Entity => ({
      "@id": fileId(path),
      "@type": "File",
      name: path,
      contentSize: String(bytes),
      encodingFormat: MEDIA[path.split(".").at(-1) ?? ""] ?? "application/octet-stream",
    })),
  ];
}

/** The programs that took part. */
function toolEntities({ record, modules }: Parts): Entity[] {
  const code = hashOfModules(modules.plugin ?? {}).slice(0, 12);
  return [
    {
      "@id": toolId(record),
      "@type": "SoftwareApplication",
      name: "Beamline",
      softwareVersion: record.versions.beamline ?? "unknown",
      softwareRequirements: reference("https://deno.com/"),
    },
    {
      "@id": "https://deno.com/",
      "@type": "SoftwareApplication",
      name: "Deno",
      url: "https://deno.com/",
      softwareVersion: record.versions.deno ?? "unknown",
    },
    {
      "@id": pluginId(record),
      "@type": "SoftwareApplication",
      name: record.plugin.title,
      description: `The experiment "${record.plugin.name}"; its version is a hash of its code`,
      softwareVersion: code,
      softwareRequirements: reference(toolId(record)),
    },
  ];
}

/** What was done: with which tool, from which inputs and values, to which files. */
function actionEntities(parts: Parts, action: string): Entity[] {
  const { record, files, inputs, parameters, environment } = parts;
  const variables = Object.entries(environment.variables ?? {});
  const isInput = (path: string): boolean => path.startsWith("provenance/") || path === "config.json";
  return [
    {
      "@id": action,
      "@type": "CreateAction",
      name: `deno task ${record.command.join(" ")}`,
      description: `${record.action} of ${record.plugin.name}, seed ${record.seed}`,
      instrument: reference(pluginId(record)),
      agent: reference(AGENT),
      startTime: record.created,
      endTime: record.finished ?? record.created,
      actionStatus: reference(
        `http://schema.org/${record.status === "finished" ? "CompletedActionStatus" : "FailedActionStatus"}`,
      ),
      ...(record.error ? { error: record.error.message } : {}),
      object: [
        ...(files.some(({ path }) => path === "config.json") ? [reference("config.json")] : []),
        ...inputs.map(({ sha256 }) => reference(inputId(sha256))),
        ...parameters.map(([name]) => reference(parameterId(name))),
        reference("#seed"),
      ],
      result: files.filter(({ path }) => !isInput(path)).map(({ path }) => reference(fileId(path))),
      ...(variables.length > 0
        ? { environment: variables.map(([name]) => reference(variableId(name))) }
        : {}),
    },
    ...inputs.map(({ name, bytes, sha256 }): Entity => ({
      "@id": inputId(sha256),
      "@type": "CreativeWork",
      name,
      contentSize: String(bytes),
      sha256,
    })),
    { "@id": "#seed", "@type": "PropertyValue", name: "seed", value: record.seed },
    ...parameters.map(([name, value]) => propertyValue(parameterId(name), name, value)),
    ...variables.map(([name, value]) => propertyValue(variableId(name), name, value)),
  ];
}

function propertyValue(id: string, name: string, value: Json): Entity {
  const isPlain = typeof value === "string" || typeof value === "number" || typeof value === "boolean";
  return { "@id": id, "@type": "PropertyValue", name, value: isPlain ? value : JSON.stringify(value) };
}

function uniqueBy<T>(items: readonly T[], key: (item: T) => string): T[] {
  return [...new Map(items.map((item) => [key(item), item])).values()];
}

/** All files of the run but the crate itself; sorted. */
async function filesBelow(root: string): Promise<FileInfo[]> {
  const found: FileInfo[] = [];
  const walk = async (folder: string): Promise<void> => {
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      const absolute = `${folder}/${name}`;
      const path = relative(root, absolute);
      if (isDirectory) await walk(absolute);
      else if (path !== CRATE && path !== LOCK_FILE && asideTarget(name) === undefined) {
        found.push({ path, bytes: (await Deno.lstat(absolute)).size });
      }
    }
  };
  await walk(root);
  return found.sort((a, b) => a.path < b.path ? -1 : 1);
}

function flatten(values: Json, prefix = ""): { [path: string]: Json } {
  if (typeof values !== "object" || values === null || Array.isArray(values)) return { [prefix]: values };
  return Object.assign(
    {},
    ...Object.entries(values).map(([key, value]) => flatten(value, prefix === "" ? key : `${prefix}.${key}`)),
  );
}

/** A UUID that is the same for the same text (version 8, from SHA-256). */
async function stableUuid(text: string): Promise<string> {
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))).slice(
    0,
    16,
  );
  bytes[6] = (bytes[6]! & 0x0f) | 0x80;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
