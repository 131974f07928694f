import assert from "node:assert/strict";
import { z } from "zod";
import { keysBeside, schemaIssues, strictSchema, valueAt } from "./strict_schema.ts";
import type { JsonObject } from "./types.ts";

const depth = z.object({ depth: z.int().optional() });
type Node = { name?: string | undefined; kids?: Node[] | undefined };
const node: z.ZodType<Node> = z.lazy(() =>
  z.object({ name: z.string().optional(), kids: z.array(node).optional() })
);

/** A field, a value with one unknown key in it, and the path of that key. */
const UNKNOWN: { readonly [what: string]: readonly [z.ZodType, unknown, string] } = {
  "an object": [depth, { dept: 1 }, "f.dept"],
  "an object with prefault": [depth.prefault({}), { dept: 1 }, "f.dept"],
  "an object with default": [depth.default({}), { dept: 1 }, "f.dept"],
  "an optional, nullable, read-only object": [depth.optional().nullable().readonly(), { dept: 1 }, "f.dept"],
  "an object in an object": [z.object({ a: depth }), { a: { dept: 1 } }, "f.a.dept"],
  "a list of objects": [z.array(depth), [{}, { dept: 1 }], "f.1.dept"],
  "a tuple": [z.tuple([z.number(), depth]), [1, { dept: 1 }], "f.1.dept"],
  "the rest of a tuple": [z.tuple([z.number()], depth), [1, {}, { dept: 1 }], "f.2.dept"],
  "a map of objects": [z.record(z.string(), depth), { a: { dept: 1 } }, "f.a.dept"],
  "a map with known names": [z.partialRecord(z.enum(["a", "b"]), z.number()), { c: 1 }, "f.c"],
  "a union": [z.union([z.literal("none"), depth]), { dept: 1 }, "f.dept"],
  "a discriminated union": [
    z.discriminatedUnion("k", [z.object({ k: z.literal("x") }), z.object({ k: z.literal("y"), d: z.int() })]),
    { k: "x", d: 1 },
    "f.d",
  ],
  "an intersection": [z.intersection(depth, z.object({ width: z.int().optional() })), { dept: 1 }, "f.dept"],
  "an object with a rule": [depth.refine(() => true), { dept: 1 }, "f.dept"],
  "a schema that holds itself": [node, { kids: [{ kids: [{ nme: "a" }] }] }, "f.kids.0.kids.0.nme"],
};

for (const [what, [field, value, path]] of Object.entries(UNKNOWN)) {
  Deno.test(`strictSchema() refuses an unknown key of ${what}`, () => {
    const { error } = strictSchema(z.object({ f: field })).safeParse({ f: value });
    assert.deepEqual(error && schemaIssues(error), [{ path, message: "unknown" }]);
  });
}

Deno.test("strictSchema() takes what the schema takes, and keeps defaults, rules and open objects", () => {
  const schema = z.object({
    model: depth.prefault({ depth: 3 }),
    open: z.looseObject({}).default({}),
    rest: z.object({}).catchall(z.number()).default({}),
    both: z.intersection(depth, z.object({ width: z.int() })).optional(),
    low: z.number().default(0),
  }).refine(({ low }) => low < 1, { path: ["low"], error: "must be small" });
  const strict = strictSchema(schema);
  assert.deepEqual(strict.parse({}), { model: { depth: 3 }, open: {}, rest: {}, low: 0 });
  const value = { open: { any: 1 }, rest: { any: 1 }, both: { depth: 1, width: 2 } };
  assert.deepEqual(strict.parse(value), { model: { depth: 3 }, ...value, low: 0 });
  assert.deepEqual(schemaIssues(strict.safeParse({ low: 2 }).error!), [
    { path: "low", message: "must be small", isRefinement: true },
  ]);
  assert.equal(schema.safeParse({ more: 1 }).success, true, "the schema itself is as it was");
});

Deno.test("strictSchema() distinguishes the alternatives of a union by their keys", () => {
  const schema = z.object({ f: z.union([z.object({ a: z.int() }), z.object({ a: z.int(), b: z.int() })]) });
  assert.deepEqual(strictSchema(schema).parse({ f: { a: 1, b: 2 } }), { f: { a: 1, b: 2 } });
});

Deno.test("valueAt() reaches through lists and keys with dots, and nothing inherited", () => {
  const value = { a: [{ "b.c": { d: 1 } }], "a.b": 2 };
  assert.equal(valueAt(value, "a.0.b.c.d"), 1);
  assert.equal(valueAt(value, "a.b"), 2);
  for (const path of ["a.1", "a.0.b", "toString", "a.0.b.c.d.e"]) {
    assert.equal(valueAt(value, path), undefined);
  }
});

Deno.test("keysBeside() names the keys of the same object, in lists, maps and unions, too", () => {
  const schema = z.toJSONSchema(
    z.object({
      cuts: z.array(z.object({ low: z.number(), high: z.number() })),
      by: z.record(z.string(), depth),
      or: z.union([z.object({ x: z.int() }), z.object({ y: z.int() })]),
      pair: z.tuple([z.object({ z: z.int() })]),
      node,
    }),
    { io: "input" },
  ) as JsonObject;
  assert.deepEqual(keysBeside(schema, "cust"), ["cuts", "by", "or", "pair", "node"]);
  assert.deepEqual(keysBeside(schema, "cuts.3.lo"), ["cuts.3.low", "cuts.3.high"]);
  assert.deepEqual(keysBeside(schema, "by.some.dept"), ["by.some.depth"]);
  assert.deepEqual(keysBeside(schema, "or.z"), ["or.x", "or.y"]);
  assert.deepEqual(keysBeside(schema, "pair.0.q"), ["pair.0.z"]);
  assert.deepEqual(keysBeside(schema, "node.kids.0.nme"), ["node.kids.0.name", "node.kids.0.kids"]);
  assert.deepEqual(keysBeside(schema, "nowhere.at.all"), []);
});
