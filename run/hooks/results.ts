/**
 * What hooks return, as schemas: whatever comes from a sandbox is checked before it is used.
 *
 * @module
 */
import { z } from "zod";
import { NOT_FINITE } from "../../core/not_finite.ts";

const textTable = z.object({
  name: z.string(),
  title: z.string(),
  columns: z.array(z.string()),
  rows: z.array(z.array(z.union([z.string(), z.number(), z.null()]))),
  note: z.string().optional(),
});

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
  source: z.string(),
  metadata: z.record(z.string(), z.json()),
  notes: z.array(textTable),
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
  metrics: z.record(
    z.string(),
    z.object({
      value: anyNumber,
      error: anyNumber.nullable(),
      errorKind: z.string(),
      unit: z.string(),
      better: z.enum(["lower", "higher", "zero", "none"]),
      rows: z.number(),
      split: z.string(),
      label: z.string().optional(),
    }),
  ),
  figures: z.array(z.object({ name: fileStem, title: z.string(), caption: z.string() })),
  tables: z.array(textTable),
  files: z.array(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,120}$/, "must be a file name")),
  predictions: z.record(fileStem, z.object({ unit: z.string() })),
  results: z.record(z.string(), z.json()),
  summary: z.string(),
  simulated: z.boolean().nullable(),
});
