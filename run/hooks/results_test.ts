import assert from "node:assert/strict";
import { RESULT_LIMITS } from "../../sandbox/protocol/limits.ts";
import { evaluationResult } from "./results.ts";

const EMPTY = { metrics: {}, figures: [], tables: [], files: [], predictions: {}, results: {}, summary: "s" };

const metrics = (count: number): unknown =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [
    `b${i}.k${i}`,
    { value: i, error: null, errorKind: "none", unit: "1", better: "lower", rows: 1, split: "t" },
  ]));
const table = (rows: number, columns: number) => ({
  name: "t",
  title: "t",
  columns: Array(columns).fill("c"),
  rows: Array.from({ length: rows }, () => Array(columns).fill(1)),
});
const figures = (count: number): unknown[] =>
  Array.from({ length: count }, (_, i) => ({ name: `f${i}`, title: "", caption: "" }));

/** The first thing that is wrong with a result. */
function fault(changes: { readonly [field: string]: unknown }): string | undefined {
  const { error } = evaluationResult.safeParse({ ...EMPTY, simulated: true, ...changes });
  const issue = error?.issues[0];
  return issue && `${issue.path.join(".")}: ${issue.message}`;
}

Deno.test("evaluationResult takes as much as the table of limits allows", () => {
  const { metrics: most, items, columns, cells } = RESULT_LIMITS;
  assert.equal(fault({ metrics: metrics(most), figures: figures(items) }), undefined);
  assert.equal(fault({ tables: [table(cells / columns, columns)] }), undefined);
});

Deno.test("evaluationResult refuses more metrics, figures, columns, cells and characters", () => {
  const { metrics: most, items, columns, cells, characters } = RESULT_LIMITS;
  assert.equal(fault({ metrics: metrics(most + 1) }), "metrics: there may be at most 10000: found 10001");
  assert.match(fault({ figures: figures(items + 1) })!, /^figures: /);
  assert.match(fault({ tables: [table(1, columns + 1)] })!, /^tables\.0\.columns: /);
  assert.match(
    fault({ tables: ["t", "u"].map((name) => ({ ...table(cells / columns / 2 + 1, columns), name })) })!,
    /^tables: all tables together may have at most 1000000 cells$/,
  );
  assert.match(fault({ summary: "x".repeat(characters + 1) })!, /^summary: /);
});

Deno.test("evaluationResult refuses two things of one name, and rows that do not fit the columns", () => {
  const t = { name: "t", title: "t", columns: ["a"], rows: [["1"]] };
  assert.equal(fault({ tables: [t, { ...t, name: "u" }] }), undefined);
  assert.equal(fault({ tables: [t, t] }), 'tables: each table must have a name of its own: found "t" twice');
  const figure = { name: "f", title: "", caption: "" };
  assert.equal(
    fault({ figures: [figure, figure] }),
    'figures: each figure must have a name of its own: found "f" twice',
  );
  assert.equal(
    fault({ tables: [{ ...t, rows: [["1"], ["2", "3"]] }] }),
    'tables.0: each row of table "t" must have a cell for each of its 1 columns: row 1 has 2',
  );
});
