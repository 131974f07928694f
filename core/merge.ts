/**
 * Configuration in layers: defaults, preset, file, command line.
 *
 * @module
 */
import type { Json, JsonObject } from "./types.ts";

/** One layer of a configuration. */
export interface ConfigLayer {
  /** Where the values come from, as shown to the user: "default", "preset source", "config.json", "--epochs". */
  readonly source: string;
  readonly values: JsonObject;
}

/** A merged configuration. */
export interface MergedConfig {
  readonly values: JsonObject;
  /** The source of every value by dotted path, such as `{"model.depth": "preset source"}`; an array is one value. */
  readonly sources: { readonly [path: string]: string };
}

/** Keys that would reach the prototype of an object; refused wherever outside text becomes an object. */
export const FORBIDDEN_KEYS: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);

/**
 * Merges layers into one configuration; later layers win.
 *
 * Plain objects are merged key by key; everything else, arrays and `null` included, replaces what was there. An empty
 * object has its own entry in `sources` only while no layer puts a value into it. Objects of the result have no
 * prototype, and share nothing with the layers but arrays.
 *
 * @param layers In increasing order of precedence.
 * @throws {TypeError} If a key is `__proto__`, `constructor` or `prototype`, or if a layer is not a plain object.
 *
 * @example
 * ```ts
 * import { mergeConfig } from "./merge.ts";
 * const { values, sources } = mergeConfig([
 *   { source: "default", values: { epochs: 20, model: { depth: 2, width: 64 } } },
 *   { source: "--model.depth", values: { model: { depth: 3 } } },
 * ]);
 * if (JSON.stringify(values) !== '{"epochs":20,"model":{"depth":3,"width":64}}') throw new Error("unreachable");
 * if (sources["model.depth"] !== "--model.depth") throw new Error("unreachable");
 * ```
 */
export function mergeConfig(layers: readonly ConfigLayer[]): MergedConfig {
  const values = emptyObject<Json>();
  const sources = emptyObject<string>();
  for (const { source, values: layer } of layers) {
    if (!isPlainObject(layer)) {
      throw new TypeError(
        `Cannot merge configuration from "${source}" as it must be an object: found ${nameKind(layer)}`,
      );
    }
    mergeInto(values, sources, layer, source, "");
  }
  return { values, sources };
}

type Mutable<T> = { [key: string]: T };

function mergeInto(
  target: Mutable<Json>,
  sources: Mutable<string>,
  layer: JsonObject,
  source: string,
  prefix: string,
): void {
  for (const [key, value] of Object.entries(layer)) {
    if (FORBIDDEN_KEYS.has(key)) {
      throw new TypeError(
        `Cannot merge configuration from "${source}" as a key must not name a prototype: found "${prefix}${key}"`,
      );
    }
    if (value === undefined) continue; // An absent option of the command line.
    const path = prefix + key;
    if (!isPlainObject(value)) {
      forget(sources, path);
      target[key] = value;
      sources[path] = source;
      continue;
    }
    const held = target[key];
    if (!isPlainObject(held)) forget(sources, path);
    const inner = isPlainObject(held) ? held as Mutable<Json> : emptyObject<Json>();
    target[key] = inner;
    mergeInto(inner, sources, value, source, `${path}.`);
    if (Object.keys(inner).length === 0) sources[path] = source;
    else delete sources[path];
  }
}

/** Drops the sources of a value that is being replaced, and of everything inside it. */
function forget(sources: Mutable<string>, path: string): void {
  for (const known of Object.keys(sources)) {
    if (known === path || known.startsWith(`${path}.`)) delete sources[known];
  }
}

function emptyObject<T>(): Mutable<T> {
  return Object.create(null);
}

function isPlainObject(value: unknown): value is JsonObject {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

function nameKind(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "an array" : typeof value;
}
