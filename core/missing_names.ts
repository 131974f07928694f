/**
 * Names that code asked a record for and did not find. JavaScript gives `undefined` for `table.enrgy` and fails later,
 * elsewhere and without the name; while a hook runs, what is read by name remembers such reads, so that the error can
 * list the names there are.
 *
 * Reading a name that is there costs nothing: only the prototype of the record is special.
 *
 * @module
 */
import { nearestName } from "./names.ts";

/** A name that was not found. */
interface Miss {
  readonly name: string;
  readonly kind: string;
  readonly of: string;
  readonly known: readonly string[];
  readonly nearest: string | undefined;
}

/** What records hold: `columns` of `table "test"`. */
export interface NamedAs {
  /** One of them: "column". */
  readonly kind: string;
  /** What has them: "the table"; omitted where the kind says it. */
  readonly of?: string;
}

/** Misses that are remembered; the last ones count. */
const MOST_MISSES = 100;
/** Names that a message lists. */
const MOST_NAMES = 40;
/** Names that JavaScript itself, JSON, promises and test libraries ask every object for. */
const ASKED_OF_ALL = new Set([
  "then",
  "toJSON",
  "nodeType",
  "asymmetricMatch",
  "$$typeof",
  "inspect",
  "length",
]);
/** How JavaScript and tfjs complain of a value that is not there. */
const ABSENT = /\b(undefined|null)\b|is not iterable|is not a function/;

/** What makes a record print as a plain object. */
const PRINTED = {
  [Symbol.for("Deno.customInspect")]: {
    value(this: object, inspect: typeof Deno.inspect, options: Deno.InspectOptions): string {
      return inspect({ ...this }, options);
    },
  },
};

/** Hooks that run; where there is none, records are plain. */
let watching = 0;
let misses: Miss[] = [];

/**
 * The same names and values in a record that remembers names which are asked for in vain; outside of hooks the record
 * itself. Enumeration, spreading, `in` and JSON see no difference.
 */
export function listNames<T extends object>(record: T, { kind, of = "" }: NamedAs): T {
  if (watching === 0) return record;
  const guard = new Proxy(Object.prototype, {
    get(target, key, receiver) {
      if (typeof key === "string" && !(key in target) && !ASKED_OF_ALL.has(key)) {
        note(key, { kind, of, known: Object.keys(receiver as object) });
      }
      return Reflect.get(target, key, receiver);
    },
  });
  return Object.setPrototypeOf({ ...record }, Object.create(guard, PRINTED)) as T;
}

function note(name: string, asked: Pick<Miss, "kind" | "of" | "known">): void {
  misses = [...misses.slice(1 - MOST_MISSES), { name, ...asked, nearest: nearestName(name, asked.known) }];
}

/**
 * Does the work of a hook; an error of it that complains of a value which is not there tells which names were asked for
 * in vain.
 */
export async function withMissingNames<T>(work: () => Promise<T>): Promise<T> {
  if (watching++ === 0) misses = [];
  try {
    return await work();
  } catch (error) {
    throw explained(error);
  } finally {
    watching--;
  }
}

/** The same error, which names what was asked for in vain. */
function explained(error: unknown): unknown {
  if (!(error instanceof Error) || !ABSENT.test(error.message)) return error;
  // a name like one that is there was mistyped; another may be one that is not always there
  const miss = misses.findLast(({ nearest }) => nearest !== undefined) ?? misses.at(-1);
  if (miss) error.message += `; ${text(miss)}`;
  return error;
}

function text({ name, kind, of, known, nearest }: Miss): string {
  const shown = known.slice(0, MOST_NAMES).join(", ");
  const more = known.length > MOST_NAMES ? ` and ${known.length - MOST_NAMES} more` : "";
  const hint = nearest === undefined ? "" : `; did you mean "${nearest}"?`;
  return `found no ${kind} "${name}"${of && ` in ${of}`} among ${shown || "none"}${more}${hint}`;
}
