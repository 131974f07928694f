/**
 * What hooks return, as schemas: whatever comes from a sandbox is checked before it is used.
 *
 * @module
 */
import { z } from "zod";
import type { TextTable } from "../../core/types.ts";
import { NOT_FINITE } from "../../core/not_finite.ts";
import { RESULT_LIMITS } from "../../sandbox/protocol/limits.ts";

const { items, columns, cells, characters } = RESULT_LIMITS;

const text = z.string().max(characters);

const textTable = z.object({
  name: text,
  title: text,
  columns: z.array(text).max(columns),
  rows: z.array(z.array(z.union([text, z.number(), z.null()])).max(columns)).max(cells),
  note: text.optional(),
}).refine(({ columns, rows }) => rows.every(({ length }) => length === columns.length), {
  error: ({ input }) => {
    const { name, columns, rows } = input as TextTable;
    const at = rows.findIndex(({ length }) => length !== columns.length);
    return `each row of table "${name}" must have a cell for each of its ${columns.length} columns: row ${at} has ${
      rows[at]!.length
    }`;
  },
});

/** Text tables, together not larger than a report can show. */
const textTables = named("table", z.array(textTable).max(items)).refine(
  (tables) =>
    tables.reduce((sum, { rows }) => rows.reduce((part, row) => part + row.length, sum), 0) <= cells,
  `all tables together may have at most ${cells} cells`,
);

/** Things that are found by their name: two of one name would be one. */
function named<T extends { readonly name: string }>(of: string, list: z.ZodType<T[]>) {
  const twice = (found: readonly T[]): string | undefined => {
    const seen = new Set<string>();
    return found.map(({ name }) => name).find((name) => seen.has(name) || !seen.add(name));
  };
  return list.refine((found) => twice(found) === undefined, {
    error: ({ input }) => `each ${of} must have a name of its own: found "${twice(input as T[])}" twice`,
  });
}

/** Values by name, of which there may be so many. */
function atMost<K extends z.core.$ZodRecordKey, V extends z.ZodType>(
  most: number,
  record: z.ZodRecord<K, V>,
) {
  return record.refine(
    (values) => Object.keys(values).length <= most,
    { error: ({ input }) => `there may be at most ${most}: found ${Object.keys(input as object).length}` },
  );
}

/** A number, or the text of one that JSON does not have. */
const anyNumber = z.union([z.number(), z.enum(NOT_FINITE)], "must be a number");

/** Names that become file names. */
const fileStem = z.string().regex(
  /^[a-z0-9][a-z0-9_-]{0,80}$/,
  "must be lower-case letters, digits, - and _",
);

/** What `prepare` returns. */
export const prepareResult = z.object({
  simulated: z.boolean(),
  source: text,
  metadata: z.record(z.string(), z.json()),
  notes: textTables,
  /** Whether the hook asked for the fold. */
  readsFold: z.boolean().default(false),
});

/** What `readForPrediction` returns beside its table. */
export const readForPredictionResult = z.object({
  simulated: z.boolean(),
  source: text,
  notes: textTables,
});

/** What `trace` returns: program names and output units by model. */
export const traceResult = z.record(
  z.string(),
  z.object({
    programs: z.array(z.string().regex(/^[A-Za-z][A-Za-z0-9_]{0,60}$/)),
    outputs: z.record(z.string(), z.looseObject({ unit: z.string() })),
  }),
);

/** What `evaluate` and actions return. */
export const evaluationResult = z.object({
  metrics: atMost(
    RESULT_LIMITS.metrics,
    z.record(
      text.min(1, "the name of a metric must not be empty"),
      z.object({
        value: anyNumber,
        error: anyNumber.nullable(),
        errorKind: text,
        unit: text,
        better: z.enum(["lower", "higher", "zero", "none"]),
        rows: z.number(),
        split: text,
        label: text.optional(),
      }),
    ),
  ),
  figures: named("figure", z.array(z.object({ name: fileStem, title: text, caption: text })).max(items)),
  tables: textTables,
  files: z.array(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,120}$/, "must be a file name"))
    .max(items),
  predictions: atMost(items, z.record(fileStem, z.object({ unit: text }))),
  results: z.record(z.string(), z.json()),
  summary: text,
  simulated: z.boolean().nullable(),
});
