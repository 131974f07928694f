/**
 * Checks of JSON records against the little that the report relies on. A record with more fields passes: newer writers
 * may know more than this reader.
 *
 * @module
 */
import type { Json } from "../core/types.ts";

/**
 * What a value must be: a type, one of several (`"string|null"`), an object with at least these fields (a name that ends
 * in `?` may be absent), an object whose values are all alike (`{"*": shape}`), or an array whose elements are (`[shape]`).
 */
export type Shape = string | readonly [Shape] | { readonly [field: string]: Shape };

/**
 * What is wrong with the value, or null when nothing is.
 *
 * @returns Such as `"created" must be string: found number`.
 */
export function faultOf(value: Json | undefined, shape: Shape, path = ""): string | null {
  const fault = (expected: string): string =>
    `"${path || "the file"}" must be ${expected}: found ${kindOf(value)}`;
  if (typeof shape === "string") {
    return shape === "any" || shape.split("|").includes(kindOf(value))
      ? null
      : fault(shape.replaceAll("|", " or "));
  }
  if (isList(shape)) {
    if (!Array.isArray(value)) return fault("array");
    return firstFault(value.map((element, i) => faultOf(element, shape[0], `${path}[${i}]`)));
  }
  if (kindOf(value) !== "object") return fault("object");
  const held = value as { readonly [field: string]: Json };
  const at = (field: string): string => path === "" ? field : `${path}.${field}`;
  if ("*" in shape) {
    return firstFault(Object.entries(held).map(([field, inner]) => faultOf(inner, shape["*"]!, at(field))));
  }
  return firstFault(
    Object.entries(shape).map(([field, inner]) => {
      const name = field.replace(/\?$/, "");
      if (!(name in held)) return name === field ? `"${at(name)}" must be present: found nothing` : null;
      return faultOf(held[name], inner, at(name));
    }),
  );
}

function isList(shape: readonly [Shape] | { readonly [field: string]: Shape }): shape is readonly [Shape] {
  return Array.isArray(shape);
}

function firstFault(faults: readonly (string | null)[]): string | null {
  return faults.find((fault) => fault !== null) ?? null;
}

function kindOf(value: Json | undefined): string {
  if (value === null) return "null";
  if (value === undefined) return "nothing";
  return Array.isArray(value) ? "array" : typeof value;
}

const TEXT_TABLE: Shape = {
  name: "string",
  title: "string",
  columns: ["string"],
  rows: [["string|number|null"]],
  "note?": "string",
};

/** The shapes of the files of a run directory, by file name. */
export const SHAPES = {
  "run.json": {
    id: "string",
    status: "string",
    plugin: { name: "string", title: "string" },
    action: "string",
    simulated: "boolean|null",
    created: "string",
    "finished?": "string|null",
    "seconds?": { "*": "number" },
    "engine?": "object|null",
    "seed?": "number",
    "versions?": { "*": "string" },
    "command?": ["string"],
    "configHash?": "string",
    "error?": "object|null",
    "warnings?": [{ code: "string", message: "string" }],
    "summary?": "string",
    "training?": { "*": "object" },
    "init?": {
      kind: "string",
      name: "string",
      "models?": {
        "*": {
          taken: ["string"],
          missing: ["string"],
          otherShape: [{ name: "string", expected: ["number"], found: ["number"] }],
          unused: ["string"],
        },
      },
    },
  },
  "config.json": { values: "object", "sources?": { "*": "string" }, "help?": { "*": "string" } },
  "data.json": {
    simulated: "boolean",
    source: "string",
    "cacheKey?": "string",
    tables: {
      "*": {
        rows: "number",
        columns: {
          "*": {
            dtype: "string",
            shape: ["number"],
            "dims?": ["string"],
            unit: "string",
            "description?": "string",
          },
        },
      },
    },
    "facts?": "object",
    "notes?": [TEXT_TABLE],
  },
  "metrics.json": {
    "*": {
      value: "number|null",
      "valueText?": "string",
      error: "number|null",
      errorKind: "string",
      unit: "string",
      better: "string",
      rows: "number",
      split: "string",
      "label?": "string",
    },
  },
  "results.json": { "tables?": [TEXT_TABLE], "results?": "object" },
  "figures/index.json": [{ name: "string", title: "string", caption: "string" }],
  "provenance/inputs.json": [{ name: "string", bytes: "number", sha256: "string" }],
  "provenance/git.json": "object",
  "provenance/environment.json": "object",
  "provenance/modules.json": "object",
  "provenance/permissions.json": "any",
} as const satisfies { readonly [file: string]: Shape };
