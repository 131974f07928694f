/**
 * Whether the fields of a configuration can all be flags: spelled with letters and digits, none a task's own, no two
 * alike on the command line.
 *
 * @module
 */
import { type Flag, flagsOf, isSwitch, type SchemaNode } from "./flags.ts";
import { FORBIDDEN_KEYS } from "./merge.ts";
import { RESERVED_FLAGS } from "./reserved_flags.ts";
import type { JsonObject } from "./types.ts";

/** Letters and digits, with single hyphens or underscores between them; the first is a letter. */
const FIELD_NAME = /^\p{L}[\p{L}\p{N}]*([-_][\p{L}\p{N}]+)*$/u;

/** The most values that a configuration may have: help and errors are read by people. */
export const MOST_FIELDS = 1000;

/**
 * What is wrong with the names of the fields of a schema, as it is said after "Cannot define ... as": a rule and all that was found;
 * undefined where nothing is.
 */
export function fieldNameProblem(schema: JsonObject): string | undefined {
  const flags = flagsOf(schema);
  if (flags.length > MOST_FIELDS) {
    return `a configuration has at most ${MOST_FIELDS} values: found ${flags.length}`;
  }
  const odd = oddFields(schema as SchemaNode, "");
  if (odd.length > 0) {
    const found = odd.map((path) => JSON.stringify(path)).join(", ");
    return `a field is named by letters and digits, with single "-" or "_" between them: found ${found}`;
  }
  const clashes = clashesOf(flags);
  if (clashes.length > 0) return `every field needs a flag of its own: ${clashes.join("; ")}`;
  return undefined;
}

/** Paths of fields with odd names; nested objects are searched if they are separate flags. */
function oddFields(node: SchemaNode, prefix: string): string[] {
  return Object.entries(node.properties ?? {}).flatMap(([key, inner]) => {
    const isOdd = !FIELD_NAME.test(key) || FORBIDDEN_KEYS.has(key);
    if (isOdd) return [prefix + key];
    return inner.type === "object" ? oddFields(inner, `${prefix}${key}.`) : [];
  });
}

function clashesOf(flags: readonly Flag[]): string[] {
  const owners = new Map(reservedSpellings());
  const clashes: string[] = [];
  for (const flag of flags) {
    const names = isSwitch(flag) ? [flag.name, `no-${flag.name}`] : [flag.name];
    const taken = names.find((name) => owners.has(spellingOf(name)));
    if (taken === undefined) {
      for (const name of names) owners.set(spellingOf(name), `field "${flag.path}"`);
    } else clashes.push(`"${flag.path}" is --${taken}, as is ${owners.get(spellingOf(taken))}`);
  }
  return clashes;
}

function reservedSpellings(): [string, string][] {
  return Object.entries(RESERVED_FLAGS).flatMap(([name, task]) =>
    [name, `no-${name}`].map((form): [string, string] => [spellingOf(form), `a flag of ${task}`])
  );
}

/** Names that people take for one: upper case, hyphens and underscores do not count. */
function spellingOf(name: string): string {
  return name.normalize("NFKC").toLowerCase().replace(/[-_]/g, "");
}
