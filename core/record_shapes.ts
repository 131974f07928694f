/**
 * The files of a run directory as input: somebody else may have written them, or half of them. Each is checked against
 * what its readers rely on. A record with more fields passes: newer writers may know more than this reader.
 *
 * @module
 */
import { MAX_LABEL, MAX_NOTE } from "./labels.ts";
import { safeParseJson } from "./json.ts";
import type { Json } from "./types.ts";

/** Bytes of the largest record that is read. */
export const MAX_RECORD_BYTES = 2 ** 28;

/**
 * What a value must be: a type or one of {@linkcode WORDS}, one of several (`"string|null"`), an object with at least these
 * fields (a name that ends in `?` may be absent, one that ends in `??` also null), an object whose values are all alike
 * (`{"*": shape}`), or an array whose elements are (`[shape]`).
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
  if (typeof shape === "string") return faultOfScalar(value, shape, fault);
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
      const name = field.replace(/\?+$/, "");
      if (!(name in held)) return name === field ? `"${at(name)}" must be present: found nothing` : null;
      if (field.endsWith("??") && held[name] === null) return null;
      return faultOf(held[name], inner, at(name));
    }),
  );
}

/** Texts of a certain form, by the word that stands for them in a {@linkcode Shape}; the form is what errors say. */
const WORDS: { readonly [word: string]: readonly [form: string, pattern: RegExp] } = {
  /** What becomes a part of a path: it leads nowhere else. */
  name: ["a name of letters, digits, _, . and -", /^[\p{L}\p{N}_][\p{L}\p{N}_.-]{0,199}$/u],
  time: [
    "a time of ISO 8601",
    /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?Z$/,
  ],
  label: [
    `a text of 1 to ${MAX_LABEL} characters in one line`,
    new RegExp(`^[^\\p{Cc}]{1,${MAX_LABEL}}$`, "u"),
  ],
  note: [`a text of 1 to ${MAX_NOTE} characters`, new RegExp(`^[^]{1,${MAX_NOTE}}$`, "u")],
  status: ["running, finished, failed or interrupted", /^(running|finished|failed|interrupted)$/],
};

function faultOfScalar(
  value: Json | undefined,
  shape: string,
  fault: (expected: string) => string,
): string | null {
  const kinds = shape.split("|");
  const fits = (kind: string): boolean => {
    const word = WORDS[kind];
    return word ? typeof value === "string" && word[1].test(value) : kind === "any" || kind === kindOf(value);
  };
  return kinds.some(fits) ? null : fault(kinds.map((kind) => WORDS[kind]?.[0] ?? kind).join(" or "));
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
    "schema?": "string",
    id: "name",
    status: "status",
    plugin: { name: "name", title: "string", "path?": "string" },
    action: "string",
    simulated: "boolean|null",
    created: "time",
    "finished?": "time|null",
    "seconds?": { "*": "number" },
    "engine??": { name: "string", threads: "number" },
    "seed?": "number",
    "versions?": { "*": "string" },
    "command?": ["string"],
    "configHash?": "string",
    "error??": { message: "string", name: "string" },
    "files?": ["string"],
    "headline?": ["string"],
    "resumed?": [{
      at: "time",
      steps: { "*": "number" },
      "changed?": { "*": { "from?": "any", to: "any" } },
      "patience?": "string",
      "schedule?": { "*": { step: "number", epoch: "number", plateauDrops: "number" } },
    }],
    "stopped?": [{ at: "time", by: "string", phase: "string" }],
    "extendedFrom?": ["number"],
    "warnings?": [{ code: "string", message: "string" }],
    "summary?": "string",
    "name?": "label",
    "tags?": ["label"],
    "note?": "note",
    "training?": { "*": "object" },
    "fold?": { index: "number", count: "number" },
    "from?": { plugin: "string", id: "string", configHash: "string" },
    "repeat?": { members: [{ seed: "number", "fold?": { index: "number", count: "number" } }] },
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
      "spread??": "number",
      "members?": "number",
    },
  },
  "results.json": { "tables?": [TEXT_TABLE], "results?": "object" },
  "figures/index.json": [{ name: "string", title: "string", caption: "string" }],
  "provenance/inputs.json": [{ name: "string", bytes: "number", sha256: "string" }],
  "provenance/git.json": "object",
  "provenance/environment.json": {
    "deno?": "string",
    "cpu??": { model: "string", flags: ["string"] },
    "variables?": { "*": "string" },
  },
  "provenance/modules.json": { "plugin?": { "*": "string" }, "framework?": { "*": "string" } },
  "provenance/permissions.json": "any",
} as const satisfies { readonly [file: string]: Shape };

/** A file of a run directory whose shape is known. */
export type RecordFile = keyof typeof SHAPES;

/**
 * Reads a record.
 *
 * @param file Names it in errors.
 * @throws {SyntaxError} If it is not JSON, or not of the shape of its kind.
 */
export function parseRecord(kind: RecordFile, text: string, file: string): Json {
  const value = safeParseJson(text, file);
  const fault = faultOf(value, SHAPES[kind]);
  if (fault === null) return value;
  throw new SyntaxError(`Cannot read "${file}" as ${fault}`);
}

/** Whether the shape of a file of a run directory is known. */
export function isRecordFile(name: string): name is RecordFile {
  return Object.hasOwn(SHAPES, name);
}

/** The shapes of the lines of the logs of a run directory. */
export const LINE_SHAPES = {
  "metrics.jsonl": { step: "number", epoch: "number", split: "string", "model?": "string" },
  "fingerprints.jsonl": {
    model: "string",
    step: "number",
    epoch: "number",
    loss: "string",
    parameters: "string",
  },
} as const satisfies { readonly [file: string]: Shape };

/**
 * Reads a line of a log.
 *
 * @param number Of the line, from 1, for errors.
 * @throws {SyntaxError} As {@linkcode parseRecord}.
 */
export function parseLine(kind: keyof typeof LINE_SHAPES, line: string, file: string, number: number): Json {
  const value = safeParseJson(line, `${file}, line ${number}`);
  const fault = faultOf(value, LINE_SHAPES[kind]);
  if (fault === null) return value;
  throw new SyntaxError(`Cannot read "${file}", line ${number} as ${fault}`);
}
