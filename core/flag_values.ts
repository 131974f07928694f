/**
 * Texts of the command line as the values that they mean, by the kind of the flag. A text that means none is left as it
 * is: the schema then says what is wrong with it, together with all other problems.
 *
 * @module
 */
import type { ValueKind } from "./flags.ts";
import { safeParseJson } from "./json.ts";
import { FORBIDDEN_KEYS } from "./merge.ts";
import type { Json, JsonObject } from "./types.ts";

/**
 * The value that the texts of a flag mean, one text for each time it was given. Lists and maps gather all of them; of
 * others the last one counts.
 */
export function parseFlagTexts(value: ValueKind, texts: readonly string[]): Json {
  const gathered = gather(value, texts);
  return gathered === undefined ? parseOrKeep(value, texts.at(-1)!) : gathered;
}

/** What a text means, or the text. */
function parseOrKeep(value: ValueKind, text: string): Json {
  const parsed = parseText(value, text);
  return parsed === undefined ? text : parsed;
}

/** What a value must be, as it is said after "must be": "a whole number", "auto or a number". */
export function describeKind(value: ValueKind): string {
  switch (value.kind) {
    case "choice":
      return value.values.length === 1 ? String(value.values[0]) : `one of ${value.values.join(", ")}`;
    case "list":
      return value.rest && value.first.length === 0
        ? `a list, each ${describeKind(value.rest)}`
        : `a list of ${value.first.map(describeKind).join(", ")}`;
    case "map":
      return `name=value, each value ${describeKind(value.value)}`;
    case "union":
      return value.of.map(describeKind).join(" or ");
    default:
      return SCALAR_NAMES[value.kind];
  }
}

/** The choices of a flag that are texts, for "did you mean". */
export function textChoices(value: ValueKind): string[] {
  if (value.kind === "union") return value.of.flatMap(textChoices);
  return value.kind === "choice" ? value.values.filter((choice) => typeof choice === "string") : [];
}

/** The kind of a part of a value, by the dotted path to it: an item of a list, an entry of a map. */
export function kindOfPart(value: ValueKind, path: string): ValueKind | undefined {
  if (path === "") return value;
  const [key, ...rest] = path.split(".");
  const part = value.kind === "list" ? value.first[Number(key)] ?? value.rest : undefined;
  if (value.kind === "map") return value.value; // a name may hold dots
  return part && kindOfPart(part, rest.join("."));
}

/** The placeholder for a value in help: "integer", "fast|slow", "number,...", "name=number". */
export function placeholderOf(value: ValueKind): string {
  switch (value.kind) {
    case "choice":
      return value.values.join("|");
    case "list": {
      const items = [...value.first, ...(value.rest ? [value.rest] : [])].map(placeholderOf).join(",");
      return value.rest ? `${items},...` : items;
    }
    case "map":
      return `name=${placeholderOf(value.value)}`;
    case "union":
      return value.of.map(placeholderOf).join("|");
    case "boolean":
      return "true|false";
    case "string":
      return "text";
    default:
      return value.kind;
  }
}

const SCALAR_NAMES = {
  number: "a number",
  integer: "a whole number",
  boolean: "true or false",
  string: "a text",
  null: "null",
  json: "JSON",
} as const;

/** Lists and maps from all the texts; undefined for other kinds, or where no list or map is meant. */
function gather(value: ValueKind, texts: readonly string[]): Json | undefined {
  if (value.kind === "list") return parseList(value, texts);
  if (value.kind === "map") return parseMap(value, texts);
  if (value.kind !== "union") return undefined;
  const [only] = texts;
  // a text that is a choice, null or a number is not the only item of a list
  if (texts.length === 1 && parseScalar(value, only!) !== undefined) return undefined;
  const many = value.of.find(({ kind }) => kind === "list" || kind === "map");
  return many && gather(many, texts);
}

/** One text as a value; undefined where it means none. */
function parseText(value: ValueKind, text: string): Json | undefined {
  const scalar = parseScalar(value, text);
  if (scalar !== undefined) return scalar;
  if (value.kind === "list" || value.kind === "map") return gather(value, [text]);
  if (value.kind !== "union") return undefined;
  for (const kind of ORDER) {
    for (const one of value.of.filter((candidate) => candidate.kind === kind)) {
      const parsed = parseText(one, text);
      if (parsed !== undefined && parsed !== text) return parsed;
    }
  }
  return undefined;
}

/** Kinds of a union in the order they are tried: the narrow ones first. */
const ORDER: readonly ValueKind["kind"][] = [
  "null",
  "choice",
  "integer",
  "number",
  "boolean",
  "map",
  "list",
  "json",
  "string",
];

function parseScalar(value: ValueKind, text: string): Json | undefined {
  switch (value.kind) {
    case "null":
      return text === "null" ? null : undefined;
    case "choice":
      return value.values.find((choice) => choice !== null && String(choice) === text) ??
        value.values.find((choice) => typeof choice === "number" && choice === parseNumber(text));
    case "integer":
    case "number":
      return parseNumber(text);
    case "boolean":
      return SWITCH_TEXTS.get(text);
    case "string":
      return text;
    case "json":
      return parseJson(text);
    case "union": {
      const kinds = ORDER.flatMap((kind) => value.of.filter((one) => one.kind === kind));
      for (const one of kinds) {
        if (one.kind === "list" || one.kind === "map" || one.kind === "json" || one.kind === "string") {
          continue;
        }
        const parsed = parseScalar(one, text);
        if (parsed !== undefined) return parsed;
      }
      return undefined;
    }
    default:
      return undefined;
  }
}

/** The texts that stand for a switch, on or off. */
export const SWITCH_TEXTS: ReadonlyMap<string, boolean> = new Map([
  ["true", true],
  ["1", true],
  ["false", false],
  ["0", false],
]);

const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const WHOLE = /^[+-]?\d+$/;

/**
 * A decimal number. `NaN`, infinities, hexadecimal digits and white space are none, and neither is a whole number that
 * float64 would round (beyond 2^53 - 1), nor one that is too large for it.
 */
function parseNumber(text: string): number | undefined {
  if (!DECIMAL.test(text)) return undefined;
  const value = Number(text);
  if (!Number.isFinite(value)) return undefined;
  return WHOLE.test(text) && !Number.isSafeInteger(value) ? undefined : value;
}

function parseJson(text: string): Json | undefined {
  try {
    return safeParseJson(text, "the value");
  } catch {
    return undefined;
  }
}

/** A JSON array or object where the text begins like one. */
function parseBracketed(text: string, open: "[" | "{"): Json | undefined {
  return text.trimStart().startsWith(open) ? parseJson(text) : undefined;
}

/** Items by repetition, by commas where an item cannot hold one, or as a JSON array; "[]" is the empty list. */
function parseList(list: ValueKind & { kind: "list" }, texts: readonly string[]): Json {
  if (texts.length === 1 && texts[0] === "[]") return [];
  const items: Json[] = [];
  const kindOf = (index: number): ValueKind => list.first[index] ?? list.rest ?? { kind: "json" };
  for (const text of texts) {
    const kind = kindOf(items.length);
    const isScalar = isSimple(kind);
    const array = isText(kind) ? undefined : parseBracketed(text, "[");
    if (Array.isArray(array)) {
      const isItem = kind.kind === "list" && !Array.isArray(array[0]);
      items.push(...(isItem ? [array] : array));
      continue;
    }
    const parts = isScalar ? text.split(",") : [text];
    for (const part of parts) items.push(parseOrKeep(kindOf(items.length), part));
  }
  return items;
}

/** Whether the kind's strings may contain anything, so that commas and brackets have no meaning. */
function isText(kind: ValueKind): boolean {
  return kind.kind === "string" || (kind.kind === "union" && kind.of.some(isText));
}

/** Whether the kind's texts hold no comma. */
function isSimple(kind: ValueKind): boolean {
  if (kind.kind === "union") return kind.of.every(isSimple);
  if (kind.kind === "choice") return kind.values.every((value) => !String(value).includes(","));
  return kind.kind === "number" || kind.kind === "integer" || kind.kind === "boolean" || kind.kind === "null";
}

/** Entries `name=value` by repetition, or as a JSON object; "{}" is the empty map. */
function parseMap(map: ValueKind & { kind: "map" }, texts: readonly string[]): Json | undefined {
  const entries: { [name: string]: Json } = {};
  for (const text of texts) {
    const object = parseBracketed(text, "{");
    if (typeof object === "object" && object !== null && !Array.isArray(object)) {
      Object.assign(entries, object as JsonObject);
      continue;
    }
    const at = text.indexOf("=");
    const name = text.slice(0, at);
    if (at < 1 || FORBIDDEN_KEYS.has(name)) return text;
    const given = text.slice(at + 1);
    entries[name] = parseOrKeep(map.value, given);
  }
  return entries;
}
