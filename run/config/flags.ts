/**
 * From a plugin's JSON Schema to flags: name, type, help, default of every value that can be set.
 *
 * @module
 */
import { kebabCase } from "../../core/names.ts";
import type { Json, JsonObject } from "../../core/types.ts";

/** One value of a configuration. */
export interface Flag {
  /** Dotted path in the configuration, such as "model.depth". */
  readonly path: string;
  /** As typed, without dashes, such as "model.depth" or "learning-rate". */
  readonly name: string;
  readonly type: "number" | "integer" | "boolean" | "string" | "array" | "json";
  readonly choices?: readonly string[];
  readonly help: string;
  readonly default?: Json;
  /** Set where the value is a path to read. */
  readonly inputPath?: "file" | "directory" | "any";
  /** True where the value does not change prepared data. */
  readonly isTraining: boolean;
}

interface SchemaNode {
  readonly type?: string;
  readonly properties?: { readonly [name: string]: SchemaNode };
  readonly enum?: readonly Json[];
  readonly const?: Json;
  readonly description?: string;
  readonly default?: Json;
  readonly path?: Flag["inputPath"];
  readonly affects?: string;
}

/** The flags of a configuration schema, in declaration order; nested objects become dotted names. */
export function flagsOf(schema: JsonObject, prefix = ""): Flag[] {
  const properties = (schema as SchemaNode).properties ?? {};
  return Object.entries(properties).flatMap(([key, node]) => {
    const path = prefix === "" ? key : `${prefix}.${key}`;
    if (node.type === "object" && node.properties) return flagsOf(node as unknown as JsonObject, path);
    return [flagOf(path, node)];
  });
}

const TYPES: { readonly [type: string]: Flag["type"] } = {
  number: "number",
  integer: "integer",
  boolean: "boolean",
  string: "string",
  array: "array",
};

function flagOf(path: string, node: SchemaNode): Flag {
  const choices = node.enum?.map(String);
  return {
    path,
    name: path.split(".").map(kebabCase).join("."),
    type: choices ? "string" : TYPES[node.type ?? ""] ?? "json",
    help: node.description ?? "",
    isTraining: node.affects === "training",
    ...(choices ? { choices } : {}),
    ...(node.default === undefined ? {} : { default: node.default }),
    ...(node.path === undefined ? {} : { inputPath: node.path }),
  };
}

/**
 * The value meant by a text on the command line. A text that does not fit the type is returned as it is: the schema
 * then says what is wrong with it, together with all other problems.
 */
export function parseFlagValue(flag: Flag, text: string): Json {
  if (flag.type === "number" || flag.type === "integer") {
    const value = Number(text);
    return text.trim() !== "" && Number.isFinite(value) ? value : text;
  }
  if (flag.type === "boolean") return text === "true" ? true : text === "false" ? false : text;
  if (flag.type === "json") {
    try {
      return JSON.parse(text) as Json;
    } catch {
      return text;
    }
  }
  return text;
}

/** Sets a dotted path in a plain object, making the objects on the way. */
export function setPath(target: { [key: string]: Json }, path: string, value: Json): void {
  const keys = path.split(".");
  let node = target;
  for (const key of keys.slice(0, -1)) node = (node[key] ??= {}) as { [key: string]: Json };
  node[keys.at(-1)!] = value;
}

/** The value at a dotted path; undefined where there is none. */
export function getPath(source: Json | undefined, path: string): Json | undefined {
  let node: Json | undefined = source;
  for (const key of path.split(".")) {
    if (typeof node !== "object" || node === null || Array.isArray(node)) return undefined;
    node = Object.hasOwn(node, key) ? (node as JsonObject)[key] : undefined;
  }
  return node;
}
