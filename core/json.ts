/**
 * JSON that is equal when the values are equal, and JSON read from outside.
 *
 * @module
 */
import canonicalize from "canonicalize";
import { FORBIDDEN_KEYS } from "./merge.ts";
import type { Json } from "./types.ts";

/** Deepest nesting that is read or written; far beyond any of our records, well below the stack limit. */
const MAX_DEPTH = 200;

/**
 * The one text of a JSON value: keys sorted by UTF-16 code unit, no white space, numbers in the shortest form
 * that reads back exactly, `-0` as `0`. Equal values give equal bytes, so a hash of them identifies the
 * value.
 *
 * Properties of arrays and objects are taken as they are; nothing is dropped or converted on the way.
 *
 * @throws {TypeError} If a value inside is not JSON (`NaN`, infinities, `undefined`, functions, class instances,
 * missing elements of an array, half of a surrogate pair in a text); the message names its path.
 *
 * @see RFC 8785 (JSON Canonicalization Scheme); written by canonicalize 5.1.0
 *
 * @example
 * ```ts
 * import { canonicalJson } from "./json.ts";
 * if (canonicalJson({ b: 1.50, a: [true, null] }) !== '{"a":[true,null],"b":1.5}') throw new Error("unreachable");
 * ```
 */
export function canonicalJson(value: Json): string {
  requireJson(value, "$", 0);
  return canonicalize(value)!;
}

/**
 * Reads JSON from outside: an object cannot reach a prototype, and depth is bounded.
 *
 * @param text The JSON text; a byte-order mark is refused, as JSON has none.
 * @param what Names the text in errors, such as a file name.
 * @throws {SyntaxError} If the text is not JSON (with line and column), holds the keys `__proto__`, `constructor` or
 * `prototype`, or nests deeper than 200.
 */
export function safeParseJson(text: string, what: string): Json {
  let value: Json;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new SyntaxError(`Cannot read "${what}" as it must be JSON: ${locate(cause as Error, text)}`, {
      cause,
    });
  }
  check(value, what, "$", 0);
  return value;
}

/** Refuses what the package would leave out, convert, or reject without a path. */
function requireJson(value: unknown, path: string, depth: number): void {
  if (depth > MAX_DEPTH) throw notJson(path, `more than ${MAX_DEPTH} levels`);
  if (value === null || typeof value === "boolean") return;
  if (typeof value === "string") return requireWellFormed(value, path);
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw notJson(path, String(value));
    return;
  }
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) requireJson(value[i], `${path}[${i}]`, depth + 1);
    return;
  }
  if (typeof value !== "object") throw notJson(path, typeof value);
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype) {
    throw notJson(path, `an instance of ${value.constructor?.name ?? "a class"}`);
  }
  for (const [key, inner] of Object.entries(value)) {
    requireWellFormed(key, path);
    requireJson(inner, `${path}.${key}`, depth + 1);
  }
}

/** Half of a surrogate pair has no UTF-8 bytes that could be hashed. */
function requireWellFormed(text: string, path: string): void {
  if (!text.isWellFormed()) throw notJson(path, `half of a surrogate pair in ${JSON.stringify(text)}`);
}

function notJson(path: string, found: string): TypeError {
  return new TypeError(`Cannot write JSON as every value must be a JSON value: found ${found} at "${path}"`);
}

function check(value: Json, what: string, path: string, depth: number): void {
  if (value === null || typeof value !== "object") return;
  if (depth >= MAX_DEPTH) {
    throw new SyntaxError(
      `Cannot read "${what}" as JSON must not nest deeper than ${MAX_DEPTH} levels: found more at "${path}"`,
    );
  }
  if (Array.isArray(value)) {
    value.forEach((element, i) => check(element, what, `${path}[${i}]`, depth + 1));
    return;
  }
  for (const [key, inner] of Object.entries(value)) {
    if (FORBIDDEN_KEYS.has(key)) {
      throw new SyntaxError(
        `Cannot read "${what}" as a key must not name a prototype: found "${path}.${key}"`,
      );
    }
    check(inner, what, `${path}.${key}`, depth + 1);
  }
}

/** The reason that V8 gives, with line and column in place of its position and excerpt of the text. */
function locate(cause: Error, text: string): string {
  if (text.startsWith("\uFEFF")) return "found a byte-order mark at line 1, column 1";
  const reason = cause.message.replace(/\s+/g, " ");
  const position = / in JSON at position (\d+)/.exec(reason);
  const offset = position ? Number(position[1]) : findFault(text);
  const before = text.slice(0, offset).split("\n");
  const short = position
    ? reason.slice(0, position.index)
    : reason.replace(/, (\.\.\.)?".*is not valid JSON$/, "");
  return `${short} at line ${before.length}, column ${before.at(-1)!.length + 1}`;
}

/** Messages for a text that is right as far as it goes. */
const CUT_SHORT = /^(Unexpected end|Unterminated|No number after minus|Exponent part|Bad Unicode escape)/;

/** The offset of the first wrong character, for messages without a position: the longest right beginning, by bisection. */
function findFault(text: string): number {
  let right = 0;
  let wrong = text.length + 1;
  while (wrong - right > 1) {
    const middle = (right + wrong) >>> 1;
    if (isRightSoFar(text.slice(0, middle))) right = middle;
    else wrong = middle;
  }
  return right;
}

function isRightSoFar(beginning: string): boolean {
  try {
    JSON.parse(beginning);
    return true;
  } catch (error) {
    const { message } = error as Error;
    return CUT_SHORT.test(message) || message.includes(` at position ${beginning.length} `);
  }
}
