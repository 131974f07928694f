/**
 * A configuration schema that refuses unknown keys at every depth, and what it says of them.
 *
 * @module
 */
import { z } from "zod";
import { resolveRef, type SchemaNode } from "./flags.ts";
import { nearestName } from "./names.ts";
import type { Json, JsonObject } from "./types.ts";

type Schema = z.core.$ZodType;
type Definition = { readonly [part: string]: unknown };

/** Parts of a definition that hold one schema, and those that hold several. */
const INNER = [
  "innerType",
  "element",
  "rest",
  "catchall",
  "keyType",
  "valueType",
  "left",
  "right",
  "in",
  "out",
];
const INNER_LISTS = ["items", "options"];

/**
 * The same schema with every object strict, in lists, maps, unions and defaults, too. Objects that say themselves what
 * further keys may be (`z.looseObject`, `.catchall(...)`) stay as they are below the top level.
 */
export function strictSchema<S extends z.ZodObject>(schema: S): S {
  return (strict(schema, new Map()) as S).strict() as unknown as S;
}

function strict(schema: Schema, made: Map<Schema, Schema | undefined>): Schema {
  if (made.has(schema)) return made.get(schema) ?? z.lazy(() => made.get(schema)! as z.ZodType);
  made.set(schema, undefined); // a schema that holds itself comes back to here
  const definition = schema._zod.def as unknown as Definition;
  const changed: { [part: string]: unknown } = {};
  for (const part of INNER) {
    if (isSchema(definition[part])) changed[part] = strict(definition[part], made);
  }
  for (const part of INNER_LISTS) {
    const list = definition[part];
    if (Array.isArray(list)) changed[part] = list.map((item) => strict(item, made));
  }
  if (typeof definition.getter === "function") {
    const getter = definition.getter as () => Schema;
    changed.getter = () => strict(getter(), made);
  }
  if (definition.type === "object") {
    const shape = Object.entries(definition.shape as { [key: string]: Schema });
    changed.shape = Object.fromEntries(shape.map(([key, inner]) => [key, strict(inner, made)]));
    if (definition.catchall === undefined) changed.catchall = z.never();
  }
  const result = Object.keys(changed).length === 0 ? schema : withDefinition(schema, definition, changed);
  made.set(schema, result);
  return result;
}

/** A copy whose definition differs; values that zod computes on demand, such as defaults, remain lazy. */
function withDefinition(schema: Schema, definition: Definition, changed: Definition): Schema {
  const merged = Object.defineProperties({}, {
    ...Object.getOwnPropertyDescriptors(definition),
    ...Object.getOwnPropertyDescriptors(changed),
  });
  return z.core.clone(schema, merged as never);
}

function isSchema(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && "_zod" in value;
}

/** One thing that a schema refuses; the message "unknown" means a key that does not exist. */
export interface SchemaIssue {
  readonly path: string;
  readonly message: string;
  /** True where a rule of the plugin's own failed. */
  readonly isRefinement?: boolean;
}

/** The message of an unknown key. */
export const UNKNOWN_KEY = "unknown";

/** Every issue of a failed parse; an unknown key is one issue each, and of a union the alternative that nearly fits. */
export function schemaIssues(error: z.core.$ZodError): SchemaIssue[] {
  return error.issues.flatMap((issue) => issuesOf(issue as z.core.$ZodIssue, []));
}

function issuesOf(issue: z.core.$ZodIssue, before: readonly PropertyKey[]): SchemaIssue[] {
  const path = [...before, ...issue.path];
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({ path: [...path, key].map(String).join("."), message: UNKNOWN_KEY }));
  }
  if (issue.code === "invalid_union") {
    const nearly = nearlyFitting(issue.errors as readonly (readonly z.core.$ZodIssue[])[]);
    if (nearly) return nearly.flatMap((inner) => issuesOf(inner, path));
  }
  const found = { path: path.map(String).join("."), message: issue.message };
  return [issue.code === "custom" ? { ...found, isRefinement: true } : found];
}

/** The alternative of a union that fails only inside, not at its head; the one with the fewest issues, if it is one. */
function nearlyFitting(
  alternatives: readonly (readonly z.core.$ZodIssue[])[],
): readonly z.core.$ZodIssue[] | undefined {
  const isInside = (issue: z.core.$ZodIssue): boolean =>
    issue.path.length > 0 || issue.code === "unrecognized_keys";
  const nearly = alternatives
    .filter((issues) => issues.length > 0 && issues.every(isInside))
    .sort((a, b) => a.length - b.length);
  return nearly[1]?.length === nearly[0]?.length ? undefined : nearly[0];
}

/**
 * The value at a dotted path, through lists as well as objects, where keys may hold dots themselves; undefined where
 * there is none.
 */
export function valueAt(value: Json | undefined, path: string): Json | undefined {
  if (path === "") return value;
  if (typeof value !== "object" || value === null) return undefined;
  const parts = path.split(".");
  for (let count = 1; count <= parts.length; count++) {
    const key = parts.slice(0, count).join(".");
    if (!Object.hasOwn(value, key)) continue;
    const found = valueAt((value as JsonObject)[key], parts.slice(count).join("."));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Paths of all the keys that may stand where the last key of a dotted path does. */
export function keysBeside(schema: JsonObject, path: string): string[] {
  const root = schema as SchemaNode;
  const parents = path.split(".").slice(0, -1);
  const nodes = parents.reduce(
    (found, key) => found.flatMap((node) => nodesBelow(node, key, root)),
    alternativesOf(root, root),
  );
  const keys = nodes.flatMap((node) => [
    ...Object.keys(node.properties ?? {}),
    ...(node.propertyNames?.enum ?? []).map(String),
  ]);
  return [...new Set(keys)].map((key) => [...parents, key].join("."));
}

/** The path of the key beside an unknown one that was probably meant. */
export function nearestBeside(schema: JsonObject, path: string): string | undefined {
  const beside = new Map(keysBeside(schema, path).map((known) => [known.split(".").at(-1)!, known]));
  return beside.get(nearestName(path.split(".").at(-1)!, beside.keys()) ?? "");
}

function nodesBelow(node: SchemaNode, key: string, root: SchemaNode): SchemaNode[] {
  const property = Object.hasOwn(node.properties ?? {}, key) ? node.properties![key] : undefined;
  const below = property ?? node.prefixItems?.[Number(key)] ??
    (node.type === "array" ? node.items : node.additionalProperties);
  return typeof below === "object" ? alternativesOf(below, root) : [];
}

function alternativesOf(given: SchemaNode, root: SchemaNode): SchemaNode[] {
  const node = resolveRef(given, root);
  const among = node.anyOf ?? node.oneOf ?? node.allOf;
  return among ? among.flatMap((one) => alternativesOf(one, root)) : [node];
}
