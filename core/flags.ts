/**
 * From a configuration as JSON Schema to its flags: name, help, default and kind of every value that can be set.
 *
 * @module
 */
import { kebabCase } from "./names.ts";
import type { Json, JsonObject } from "./types.ts";

/** What a value may be, as far as texts of the command line are concerned. */
export type ValueKind =
  | { readonly kind: "number" | "integer" | "boolean" | "string" | "null" | "json" }
  /** One of some values. */
  | { readonly kind: "choice"; readonly values: readonly Json[] }
  /** A list; the first items have their own kinds, `rest` is the kind of all others. */
  | { readonly kind: "list"; readonly first: readonly ValueKind[]; readonly rest?: ValueKind }
  /** Values by name; `keys` are the only names, where they are listed. */
  | { readonly kind: "map"; readonly value: ValueKind; readonly keys?: readonly string[] }
  /** Any of several kinds. */
  | { readonly kind: "union"; readonly of: readonly ValueKind[] };

/** One value of a configuration. */
export interface Flag {
  /** Dotted path in the configuration, such as "model.depth". */
  readonly path: string;
  /** As typed, without dashes, such as "model.depth" or "learning-rate". */
  readonly name: string;
  readonly value: ValueKind;
  readonly help: string;
  readonly default?: Json;
  /** Set where the value is a path to read. */
  readonly inputPath?: "file" | "directory" | "any";
  /** True where the value must be given. */
  readonly isRequired?: boolean;
  /** True where the value does not change prepared data. */
  readonly isTraining: boolean;
}

/** The parts of JSON Schema that zod writes. */
export interface SchemaNode {
  readonly type?: string | readonly string[];
  readonly properties?: { readonly [name: string]: SchemaNode };
  readonly required?: readonly string[];
  readonly items?: SchemaNode | boolean;
  readonly prefixItems?: readonly SchemaNode[];
  readonly additionalProperties?: SchemaNode | boolean;
  readonly propertyNames?: SchemaNode;
  readonly anyOf?: readonly SchemaNode[];
  readonly oneOf?: readonly SchemaNode[];
  readonly allOf?: readonly SchemaNode[];
  readonly $ref?: string;
  readonly $defs?: { readonly [name: string]: SchemaNode };
  readonly enum?: readonly Json[];
  readonly const?: Json;
  readonly description?: string;
  readonly default?: Json;
  readonly path?: Flag["inputPath"];
  readonly affects?: string;
}

/** The flags of a configuration schema, in declaration order; nested objects become dotted names. */
export function flagsOf(schema: JsonObject): Flag[] {
  return flagsBelow(schema as SchemaNode, schema as SchemaNode, "", undefined);
}

function flagsBelow(node: SchemaNode, root: SchemaNode, prefix: string, defaults: Json | undefined): Flag[] {
  return Object.entries(node.properties ?? {}).flatMap(([key, declared]) => {
    const path = prefix + key;
    const inner = resolveRef(declared, root);
    const fallback = getPath(defaults, key) ?? inner.default;
    // a schema that holds itself has no end of dotted names
    if (inner === declared && inner.type === "object" && inner.properties) {
      return flagsBelow(inner, root, `${path}.`, fallback);
    }
    const isRequired = prefix === "" && (node.required ?? []).includes(key);
    return [flagOf(path, inner, root, fallback, isRequired)];
  });
}

function flagOf(
  path: string,
  node: SchemaNode,
  root: SchemaNode,
  fallback: Json | undefined,
  isRequired: boolean,
): Flag {
  return {
    path,
    name: path.split(".").map(kebabCase).join("."),
    value: valueKindOf(node, root),
    help: node.description ?? "",
    isTraining: node.affects === "training",
    ...(isRequired ? { isRequired } : {}),
    ...(fallback === undefined ? {} : { default: fallback }),
    ...(node.path === undefined ? {} : { inputPath: node.path }),
  };
}

/** The node that `$ref` names; the node itself where it is none. */
export function resolveRef(node: SchemaNode, root: SchemaNode): SchemaNode {
  if (node.$ref === undefined) return node;
  if (node.$ref === "#") return root;
  const { $ref: _ref, ...beside } = node;
  return { ...root.$defs?.[node.$ref.replace("#/$defs/", "")], ...beside };
}

const SCALARS = ["number", "integer", "boolean", "string", "null"] as const;

function valueKindOf(given: SchemaNode, root: SchemaNode): ValueKind {
  // what refers to a definition may refer to itself: such a value is written as JSON
  if (given.$ref !== undefined) return { kind: "json" };
  const alternatives = given.anyOf ?? given.oneOf ??
    (Array.isArray(given.type) ? given.type.map((type: string) => ({ ...given, type })) : undefined);
  if (alternatives) return unionOf(alternatives.map((node) => valueKindOf(node, root)));
  if (given.const !== undefined) return { kind: "choice", values: [given.const] };
  if (given.enum) return { kind: "choice", values: given.enum };
  if (given.type === "array") return listOf(given, root);
  const { additionalProperties: values } = given;
  if (given.type === "object" && !given.properties && typeof values === "object") {
    const keys = given.propertyNames?.enum?.map(String);
    return { kind: "map", value: valueKindOf(values, root), ...(keys ? { keys } : {}) };
  }
  return { kind: SCALARS.find((kind) => kind === given.type) ?? "json" };
}

function listOf({ prefixItems = [], items }: SchemaNode, root: SchemaNode): ValueKind {
  const first = prefixItems.map((node) => valueKindOf(node, root));
  return typeof items === "object"
    ? { kind: "list", first, rest: valueKindOf(items, root) }
    : { kind: "list", first };
}

/** One kind of several: choices are joined, a union of one is that one. */
function unionOf(kinds: readonly ValueKind[]): ValueKind {
  const flat = kinds.flatMap((kind) => kind.kind === "union" ? kind.of : [kind]);
  const choices = flat.flatMap((kind) => kind.kind === "choice" ? kind.values : []);
  const others = flat.filter(({ kind }) => kind !== "choice");
  const of: ValueKind[] = choices.length > 0 ? [{ kind: "choice", values: choices }, ...others] : others;
  return of.length === 1 ? of[0]! : { kind: "union", of };
}

/** Whether a flag is a switch: typed without a value, or as `--no-name`. */
export function isSwitch({ value }: Flag): boolean {
  return value.kind === "boolean";
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
