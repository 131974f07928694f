/**
 * Configuration: defaults < preset < `--config` file < flags, with the source of every value, and every problem at
 * once. Validation itself happens in the sandbox, with the plugin's own schema.
 *
 * @module
 */
import { ConfigError, type ConfigIssue, DataError } from "../../core/errors.ts";
import { type Flag, flagsOf, getPath, setPath } from "../../core/flags.ts";
import { describeKind, kindOfPart, textChoices } from "../../core/flag_values.ts";
import { safeParseJson } from "../../core/json.ts";
import type { ConfigLayer, MergedConfig } from "../../core/merge.ts";
import { nearestName } from "../../core/names.ts";
import type { ConfigRecord } from "../../core/records.ts";
import { nearestBeside, UNKNOWN_KEY, valueAt } from "../../core/strict_schema.ts";
import type { Json, JsonObject } from "../../core/types.ts";
import type { Description, ModelPlan } from "../../sandbox/protocol/description.ts";
import { readPlainText } from "../../files/plain_file.ts";
import { dirname, resolve } from "../../files/paths.ts";

/** What was asked for. */
export interface ConfigRequest {
  readonly preset?: string | undefined;
  /** Path of a JSON file; "-" for standard input. */
  readonly file?: string | undefined;
  /** Values set by flags: dotted path to value. */
  readonly flags: { readonly [path: string]: Json };
  /** The layers themselves, in place of preset, file and flags: the values of an earlier run. */
  readonly layers?: readonly ConfigLayer[];
  /** Problems that were found before, such as unknown flags; reported together with the others. */
  readonly issues?: readonly ConfigIssue[];
  readonly workingDirectory: string;
}

/** A valid configuration. */
export interface ResolvedConfig {
  /** As the plugin sees it; input paths are absolute. */
  readonly values: JsonObject;
  readonly record: ConfigRecord;
  readonly flags: readonly Flag[];
  /** Models that will be trained, in order. */
  readonly models: { readonly [name: string]: ModelPlan };
  /** Input paths by dotted key; absolute. */
  readonly inputPaths: { readonly [path: string]: string };
}

/** The layers of a request, lowest first; input paths are made absolute here. */
export async function readLayers(request: ConfigRequest, description: Description): Promise<ConfigLayer[]> {
  const flags = flagsOf(description.schema);
  const layers: ConfigLayer[] = [...(request.layers ?? [])];
  if (request.preset !== undefined) layers.push(presetLayer(request.preset, description, flags));
  if (request.file !== undefined) layers.push(await fileLayer(request.file, flags, request.workingDirectory));
  for (const [path, value] of Object.entries(request.flags)) {
    const values: { [key: string]: Json } = {};
    setPath(values, path, value);
    const flag = flags.find((candidate) => candidate.path === path);
    const layer = { source: `--${flag?.name ?? path}`, values };
    layers.push({ ...layer, values: absolutePaths(values, flags, request.workingDirectory) });
  }
  return layers;
}

function presetLayer(asked: string, description: Description, flags: readonly Flag[]): ConfigLayer {
  const { formerPresets = {} } = description;
  const name = Object.hasOwn(formerPresets, asked) ? formerPresets[asked]! : asked;
  const values = Object.hasOwn(description.presets, name) ? description.presets[name] : undefined;
  if (values) {
    const [path] = Object.keys(inputPathsOf(values, flags));
    if (path === undefined) return { source: `preset ${name}`, values };
    throw new ConfigError(
      `Cannot use preset "${name}" as only a flag or a configuration file may name what is read: it sets "${path}"`,
    );
  }
  const known = Object.keys(description.presets);
  const nearest = nearestName(name, known);
  throw new ConfigError(
    `Cannot use preset "${name}" as plugin "${description.name}" does not have it: known are ${
      known.join(", ") || "none"
    }` +
      (nearest ? `; did you mean "${nearest}"?` : ""),
  );
}

/** How standard input is called where a file would be named. */
const STANDARD_INPUT = "standard input";

async function fileLayer(
  file: string,
  flags: readonly Flag[],
  workingDirectory: string,
): Promise<ConfigLayer> {
  const isInput = file === "-";
  const source = isInput ? STANDARD_INPUT : file;
  const path = resolve(workingDirectory, file);
  const json = parseValues(isInput ? await readStandardInput() : await readConfigFile(path, file), source);
  if (!isObject(json)) {
    const found = json === null ? "null" : Array.isArray(json) ? "array" : typeof json;
    throw new ConfigError(
      `Cannot read "${source}" as the configuration must be a JSON object: found ${found}`,
    );
  }
  const { $schema: _schema, ...rest } = json as { [key: string]: Json };
  // the config.json of an earlier run holds its values one level down
  const values = isObject(rest.values) && isObject(rest.sources) ? rest.values : rest;
  return { source, values: absolutePaths(values, flags, isInput ? workingDirectory : dirname(path)) };
}

/** The most bytes of a configuration file. */
const MAX_CONFIG_BYTES = 16 * 2 ** 20;

async function readConfigFile(path: string, file: string): Promise<string> {
  try {
    return readPlainText(await Deno.realPath(path), MAX_CONFIG_BYTES); // a pipe would be waited for
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    throw new ConfigError(
      `Cannot read "${file}" as the configuration file must exist and be readable: ${(cause as Error).name}`,
    );
  }
}

async function readStandardInput(): Promise<string> {
  if (!Deno.stdin.isTerminal()) return await new Response(Deno.stdin.readable).text();
  throw new ConfigError(
    `Cannot read "${STANDARD_INPUT}" as --config - takes what another command writes: found a terminal`,
  );
}

function parseValues(text: string, source: string): Json {
  try {
    requireExactIntegers(text, source);
    return safeParseJson(text, source);
  } catch (cause) {
    throw cause instanceof SyntaxError ? new ConfigError(cause.message) : cause;
  }
}

/** JSON has no bounds of numbers; what float64 would round, or make infinite, is not the number that was written. */
function requireExactIntegers(text: string, source: string): void {
  const find = (key: string, value: unknown, context?: { readonly source?: string }): unknown => {
    const isRounded = typeof value === "number" && !Number.isSafeInteger(value) &&
      /^-?\d+$/.test(context?.source ?? "");
    if (isRounded || value === Infinity || value === -Infinity) {
      throw new ConfigError(
        `Cannot read "${source}" as a number must be exact, whole ones up to 9007199254740991: found ${context?.source} as "${key}"`,
      );
    }
    return value;
  };
  try {
    JSON.parse(text, find as (key: string, value: unknown) => unknown);
  } catch (error) {
    if (error instanceof ConfigError) throw error; // what is no JSON is refused by the reader itself, with its place
  }
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The same values with every input path resolved against a folder. */
export function absolutePaths(values: JsonObject, flags: readonly Flag[], base: string): JsonObject {
  // an empty path would become the folder itself; the schema refuses it
  return mapPaths(values, flags, (path) => path === "" ? "" : resolve(base, path));
}

/** The same values with every input path changed by `map`. */
export function mapPaths(
  values: JsonObject,
  flags: readonly Flag[],
  map: (path: string) => string,
): JsonObject {
  const copy = structuredClone(values) as { [key: string]: Json };
  for (const flag of flags) {
    const value = flag.inputPath === undefined ? undefined : getPath(copy, flag.path);
    if (typeof value === "string") setPath(copy, flag.path, map(value));
    if (Array.isArray(value)) {
      setPath(
        copy,
        flag.path,
        value.map((item) => typeof item === "string" ? map(item) : item),
      );
    }
  }
  return copy;
}

/** Input paths of merged values, by dotted key; the n-th of several is "key.n". */
export function inputPathsOf(values: JsonObject, flags: readonly Flag[]): { [path: string]: string } {
  const found: { [path: string]: string } = {};
  for (const flag of flags) {
    const value = flag.inputPath === undefined ? undefined : getPath(values, flag.path);
    if (typeof value === "string" && value !== "") found[flag.path] = value;
    if (!Array.isArray(value)) continue;
    value.forEach((item, i) => {
      if (typeof item === "string" && item !== "") found[`${flag.path}.${i}`] = item;
    });
  }
  return found;
}

/**
 * Checks that input paths are there and of the right kind.
 *
 * @throws {DataError} Naming the flag and what was found.
 */
export async function checkInputPaths(
  paths: { readonly [path: string]: string },
  flags: readonly Flag[],
): Promise<void> {
  for (const [key, path] of Object.entries(paths)) {
    const flag = flags.find(({ path }) => key === path || key.startsWith(`${path}.`))!;
    let info: Deno.FileInfo;
    try {
      info = await Deno.stat(path);
    } catch (cause) {
      throw new DataError(
        `Cannot read "${path}" as --${flag.name} must name something to read: no such file or folder`,
        path,
        {
          cause,
        },
      );
    }
    const isWrong = (flag.inputPath === "file" && !info.isFile) ||
      (flag.inputPath === "directory" && !info.isDirectory);
    if (isWrong) {
      throw new DataError(
        `Cannot read "${path}" as --${flag.name} must name a ${flag.inputPath}: found a ${
          info.isDirectory ? "directory" : info.isFile ? "file" : "device or pipe"
        }`,
        path,
      );
    }
  }
}

/** What the sandbox answered to `parse`. */
export type ParseAnswer =
  | {
    readonly ok: true;
    readonly config: JsonObject;
    readonly models: { readonly [name: string]: ModelPlan };
  }
  | { readonly ok: false; readonly issues: readonly { readonly path: string; readonly message: string }[] };

/**
 * Completes what the sandbox found.
 *
 * @throws {ConfigError} With every issue, its source and the nearest known name.
 */
export function resolveConfig(
  description: Description,
  merged: MergedConfig,
  answer: ParseAnswer,
  earlierIssues: readonly ConfigIssue[] = [],
): ResolvedConfig {
  const flags = flagsOf(description.schema);
  const issues = [
    ...earlierIssues,
    ...(answer.ok
      ? []
      : answer.issues.map((issue) => completeIssue(issue, description.schema, flags, merged))),
  ];
  if (!answer.ok || issues.length > 0) {
    throw new ConfigError(
      `Cannot run "${description.name}" as its configuration must be valid: ${issues.length} problem${
        issues.length === 1 ? "" : "s"
      }`,
      issues,
    );
  }
  const inputPaths = inputPathsOf(answer.config, flags);
  checkGiven(description.name, inputPaths, inputPathsOf(merged.values, flags));
  const sources: { [path: string]: string } = {};
  const help: { [path: string]: string } = {};
  for (const flag of flags) {
    if (getPath(answer.config, flag.path) === undefined) continue;
    sources[flag.path] = sourcesOf(flag.path, merged.sources);
    help[flag.path] = flag.help;
  }
  return {
    values: answer.config,
    record: { values: answer.config, sources, help },
    flags,
    models: answer.models,
    inputPaths,
  };
}

/** What a sandbox may read is decided by who runs it: the parsed values name no other input than the given ones. */
function checkGiven(
  plugin: string,
  parsed: { readonly [path: string]: string },
  given: { readonly [path: string]: string },
): void {
  for (const [path, value] of Object.entries(parsed)) {
    if (given[path] === value) continue;
    throw new ConfigError(
      `Cannot run "${plugin}" as only a flag or a configuration file may name what is read: its own code set "${path}" to "${value}"`,
    );
  }
}

/** The source of a path, or of the nearest object that holds it. */
function sourceOf(path: string, sources: { readonly [path: string]: string }): string {
  for (let key = path; key !== ""; key = key.split(".").slice(0, -1).join(".")) {
    const source = sources[key];
    if (source !== undefined) return source;
  }
  return "default";
}

/** The source of a value; those of its parts where they came from several, as the entries of a map do. */
function sourcesOf(path: string, sources: { readonly [path: string]: string }): string {
  const parts = Object.keys(sources).filter((key) => key.startsWith(`${path}.`)).map((key) => sources[key]!);
  return parts.length === 0 ? sourceOf(path, sources) : [...new Set(parts)].join(", ");
}

function completeIssue(
  issue: { readonly path: string; readonly message: string },
  schema: JsonObject,
  flags: readonly Flag[],
  merged: MergedConfig,
): ConfigIssue {
  const value = valueAt(merged.values, issue.path);
  const source = sourcesOf(issue.path, merged.sources);
  const complete = (message: string, nearest: string | undefined): ConfigIssue => ({
    path: issue.path,
    message,
    source,
    ...(nearest ? { nearest } : {}),
  });
  if (issue.message === UNKNOWN_KEY) {
    const nearest = nearestBeside(schema, issue.path) ??
      nearestName(issue.path, flags.map(({ path }) => path));
    return complete("there is no such value", nearest);
  }
  const flag = flags.find(({ path }) => path === issue.path);
  if (flag && value === undefined) {
    return complete(`must be given, as --${flag.name} or in a configuration file, found nothing`, undefined);
  }
  const nearest = flag && typeof value === "string" ? nearestName(value, textChoices(flag.value)) : undefined;
  const found = value === undefined ? "nothing" : JSON.stringify(value);
  return complete(`${ruleOf(issue, flags, value)}, found ${found}`, nearest);
}

/** The rule that a value breaks: what the flag takes where the kind is wrong, else what the schema says. */
function ruleOf(
  { path, message }: { readonly path: string; readonly message: string },
  flags: readonly Flag[],
  value: Json | undefined,
): string {
  const flag = flags.find((candidate) => path === candidate.path || path.startsWith(`${candidate.path}.`));
  const kind = flag && kindOfPart(flag.value, path.slice(flag.path.length + 1));
  const isOfNoKind = value !== undefined && /^Invalid (input|option)/.test(message);
  if (flag?.inputPath !== undefined && (isOfNoKind || value === "")) {
    return `must be the path of a ${flag.inputPath === "any" ? "file or directory" : flag.inputPath}`;
  }
  if (kind && (kind.kind === "choice" || isOfNoKind)) return `must be ${describeKind(kind)}`;
  return message.replace(/^\w/, (c) => c.toLowerCase());
}
