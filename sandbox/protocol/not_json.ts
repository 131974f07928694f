/**
 * Why a value cannot be sent as JSON, for whoever returned it.
 *
 * @module
 */

/**
 * The value, if JSON keeps it.
 *
 * @throws {TypeError} With the place of what JSON does not have or would lose without a word, and what to give instead.
 */
export function requireJson<T>(value: T): T {
  const found = firstProblem(value, [], new Set());
  if (found === undefined) return value;
  throw new TypeError(`Cannot use what the hook returned as it must be JSON: ${found}`);
}

/** What JSON does not have, and what to give in its place. */
const PROBLEMS: readonly (readonly [is: (value: unknown) => boolean, text: string])[] = [
  [(value) => typeof value === "bigint", "is a BigInt; give Number(...) or a text"],
  [(value) => typeof value === "function", "is a function; give what it returns"],
  [(value) => typeof value === "symbol", "is a symbol; give a text"],
  [(value) => value instanceof Promise, "is a promise; await it"],
  [(value) => value instanceof Map, "is a Map; give Object.fromEntries(...)"],
  [(value) => value instanceof Set, "is a Set; give Array.from(...)"],
  [(value) => ArrayBuffer.isView(value), "is a typed array; give Array.from(...)"],
  [(value) => value instanceof ArrayBuffer, "is an ArrayBuffer; give an array of numbers"],
];

function firstProblem(value: unknown, path: readonly string[], above: Set<object>): string | undefined {
  if (typeof value === "number" || typeof value === "string") return undefined;
  const place = (): string => path.join(".") || "it";
  const known = PROBLEMS.find(([is]) => is(value));
  if (known) return `${place()} ${known[1]}`;
  if (typeof value !== "object" || value === null || hasOwnForm(value)) return undefined;
  if (above.has(value)) return `${place()} contains itself`;
  above.add(value);
  for (const [key, inner] of Object.entries(value)) {
    const found = firstProblem(inner, [...path, key], above);
    if (found !== undefined) return found;
  }
  above.delete(value);
  return undefined;
}

/** Dates and others that say themselves what they are in JSON. */
function hasOwnForm(value: object): boolean {
  return typeof (value as { toJSON?: unknown }).toJSON === "function";
}
