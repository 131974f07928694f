/**
 * `ro-crate-metadata.json`: the run as a Process Run Crate 0.5 on RO-Crate 1.1, so that archives and workflow tools can
 * read who ran what on which data.
 *
 * @see https://w3id.org/ro/wfrun/process/0.5
 * @module
 */
import type { ConfigRecord, InputsRecord } from "../core/records.ts";
import type { Json } from "../core/types.ts";
import { exists, writeJson } from "./files.ts";
import { relative } from "./paths.ts";
import { readRunJson } from "./replay.ts";
import type { RunDirectory } from "./store.ts";

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

/** Writes the crate of a run that has ended. */
export async function writeCrate(run: RunDirectory): Promise<void> {
  const { record } = run;
  const files = await filesBelow(run.path);
  const inputs = await exists(run.file("provenance/inputs.json"))
    ? await readRunJson<InputsRecord>(run, "provenance/inputs.json")
    : [];
  const config = await readRunJson<ConfigRecord>(run, "config.json");
  const parameters = Object.entries(flatten(config.values));
  const action = `urn:uuid:${await stableUuid(`${record.plugin.name}/${record.id}`)}`;
  const tool = `#beamline-${record.versions.beamline ?? "unknown"}`;
  const plugin = `#plugin-${record.plugin.name}`;
  const inputId = (sha256: string): string => `#input-${sha256.slice(0, 16)}`;
  const graph: Entity[] = [
    {
      "@id": "ro-crate-metadata.json",
      "@type": "CreativeWork",
      conformsTo: { "@id": "https://w3id.org/ro/crate/1.1" },
      about: { "@id": "./" },
    },
    {
      "@id": "./",
      "@type": "Dataset",
      name: `${record.plugin.title} (${record.id})`,
      description: record.summary ??
        `Run of the experiment "${record.plugin.title}"${record.simulated ? " on simulated data" : ""}`,
      datePublished: record.finished ?? record.created,
      license: "not stated",
      conformsTo: { "@id": PROFILE },
      hasPart: files.map((file) => ({ "@id": encodeURI(file) })),
      mentions: { "@id": action },
    },
    { "@id": PROFILE, "@type": "CreativeWork", name: "Process Run Crate", version: "0.5" },
    {
      "@id": tool,
      "@type": "SoftwareApplication",
      name: "Beamline",
      softwareVersion: record.versions.beamline ?? "unknown",
      softwareRequirements: `Deno ${record.versions.deno ?? "unknown"}`,
    },
    {
      "@id": plugin,
      "@type": "SoftwareApplication",
      name: record.plugin.title,
      version: record.configHash.slice(0, 8),
      isPartOf: { "@id": tool },
    },
    {
      "@id": action,
      "@type": "CreateAction",
      name: `deno task ${record.command.join(" ")}`,
      description: `${record.action} of ${record.plugin.name}, seed ${record.seed}`,
      instrument: { "@id": plugin },
      startTime: record.created,
      endTime: record.finished ?? record.created,
      actionStatus: {
        "@id": `http://schema.org/${
          record.status === "finished" ? "CompletedActionStatus" : "FailedActionStatus"
        }`,
      },
      ...(record.error ? { error: record.error.message } : {}),
      object: [
        ...inputs.map(({ sha256 }) => ({ "@id": inputId(sha256) })),
        ...parameters.map(([name]) => ({ "@id": `#parameter-${name}` })),
      ],
      result: files.filter((file) => !file.startsWith("provenance/")).map((file) => ({
        "@id": encodeURI(file),
      })),
    },
    ...inputs.map(({ name, bytes, sha256 }): Entity => ({
      "@id": inputId(sha256),
      "@type": "CreativeWork",
      name,
      contentSize: String(bytes),
      sha256,
    })),
    ...parameters.map(([name, value]): Entity => ({
      "@id": `#parameter-${name}`,
      "@type": "PropertyValue",
      name,
      value,
    })),
    ...files.map((file): Entity => ({
      "@id": encodeURI(file),
      "@type": "File",
      name: file,
      encodingFormat: MEDIA[file.split(".").at(-1) ?? ""] ?? "application/octet-stream",
    })),
  ];
  const context: Json = [
    "https://w3id.org/ro/crate/1.1/context",
    "https://w3id.org/ro/terms/workflow-run/context",
  ];
  await writeJson(run.file("ro-crate-metadata.json"), { "@context": context, "@graph": graph });
}

/** All files of the run but the crate itself; relative, sorted. */
async function filesBelow(root: string): Promise<string[]> {
  const found: string[] = [];
  const walk = async (folder: string): Promise<void> => {
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      const path = `${folder}/${name}`;
      if (isDirectory) await walk(path);
      else if (name !== "ro-crate-metadata.json" && !name.endsWith(".tmp")) found.push(relative(root, path));
    }
  };
  await walk(root);
  return found.sort();
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
