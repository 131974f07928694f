/**
 * Differences in the environment of two runs that can explain different numbers: engine, threads, processor,
 * packages, code.
 *
 * @module
 */
import { readPlainFile, readPlainText } from "../../files/plain_file.ts";
import { sha256Hex } from "../../core/hash.ts";
import { MAX_RECORD_BYTES, parseRecord } from "../../core/record_shapes.ts";
import { exists } from "../../files/atomic.ts";
import { join } from "../../files/paths.ts";
import type { RunDirectory } from "../store/run_directory.ts";

/** A change that can explain a difference. */
export interface EnvironmentDifference {
  readonly what:
    | "record"
    | "engine"
    | "threads"
    | "processor"
    | "packages"
    | "plugin code"
    | "framework code"
    | "deno"
    | "V8 flags"
    | "seed";
  readonly before: string;
  readonly now: string;
}

/** What differs between two runs. */
export async function environmentDiff(
  before: RunDirectory,
  now: RunDirectory,
): Promise<EnvironmentDifference[]> {
  const then = before.record;
  const today = now.record;
  return [
    ...changed("seed", then.seed, today.seed),
    ...changed("engine", then.engine?.name, today.engine?.name),
    ...changed("threads", then.engine?.threads, today.engine?.threads),
    ...await changedProvenance(before.file("provenance"), now.file("provenance")),
  ];
}

interface Environment {
  readonly deno?: string;
  readonly cpu?: { readonly model: string; readonly flags: readonly string[] } | null;
  readonly variables?: { readonly [name: string]: string };
}
interface Modules {
  readonly plugin: { readonly [path: string]: string };
  readonly framework: { readonly [path: string]: string };
}

/** What differs between two folders `provenance/`. */
export async function changedProvenance(before: string, now: string): Promise<EnvironmentDifference[]> {
  const environments = await both<Environment>(before, now, "environment.json");
  const modules = await both<Modules>(before, now, "modules.json");
  const [then, today] = environments ?? [{}, {}];
  return [
    ...changed("deno", then.deno, today.deno),
    ...then.cpu && today.cpu ? changed("processor", nameOf(then.cpu), nameOf(today.cpu)) : [],
    ...changed("V8 flags", then.variables?.DENO_V8_FLAGS ?? "none", today.variables?.DENO_V8_FLAGS ?? "none"),
    ...(modules
      ? [
        ...changedCode("plugin code", modules[0].plugin, modules[1].plugin),
        ...changedCode("framework code", modules[0].framework, modules[1].framework),
      ]
      : []),
    ...changed("packages", await digestOf(join(before, "deno.lock")), await digestOf(join(now, "deno.lock"))),
  ];
}

function changed(
  what: EnvironmentDifference["what"],
  before: unknown,
  now: unknown,
): EnvironmentDifference[] {
  return String(before) === String(now) ? [] : [{ what, before: String(before), now: String(now) }];
}

function nameOf({ model, flags }: NonNullable<Environment["cpu"]>): string {
  return `${model} [${flags.join(" ")}]`;
}

type Hashes = { readonly [path: string]: string };

function changedCode(
  what: "plugin code" | "framework code",
  before: Hashes,
  now: Hashes,
): EnvironmentDifference[] {
  const [first, ...others] = changedKeys(before, now);
  if (first === undefined) return [];
  const more = others.length === 0 ? "" : ` and ${others.length} more`;
  const [then, today] = [before[first]?.slice(0, 8) ?? "absent", now[first]?.slice(0, 8) ?? "absent"];
  return [{ what, before: `${first} ${then}${more}`, now: `${first} ${today}${more}` }];
}

/** Keys whose values differ, sorted. */
export function changedKeys(
  a: { readonly [key: string]: unknown },
  b: { readonly [key: string]: unknown },
): string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].filter((key) =>
    JSON.stringify(a[key]) !== JSON.stringify(b[key])
  ).sort();
}

/** A JSON file of both folders; undefined where one of them lacks it. */
export async function both<T>(
  before: string,
  now: string,
  name: "environment.json" | "modules.json",
): Promise<[T, T] | undefined> {
  const paths = [join(before, name), join(now, name)];
  const values: T[] = [];
  for (const path of paths) {
    if (!await exists(path)) return undefined;
    values.push(
      parseRecord(`provenance/${name}`, readPlainText(path, MAX_RECORD_BYTES), path) as unknown as T,
    );
  }
  return values as [T, T];
}

/** First digits of a file's SHA-256; "none" where there is no file. */
export async function digestOf(path: string): Promise<string> {
  return await exists(path) ? sha256Hex(readPlainFile(path)).slice(0, 12) : "none";
}
