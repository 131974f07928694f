import assert from "node:assert/strict";
import { z } from "zod";
import { definePlugin, inputPath, inputPaths } from "./plugin.ts";

const config = z.object({
  epochs: z.int().min(1).default(3),
  model: z.object({ depth: z.int().default(2) }).prefault({}),
  cuts: z.array(z.object({ low: z.number(), high: z.number() })).default([]),
  data: inputPath("file", "measured data", { required: true }),
}).refine(({ epochs }) => epochs < 10, { path: ["epochs"], error: "too many" });

const define = (preset: unknown) => () =>
  definePlugin({ name: "trial", title: "A trial", config, presets: { short: preset as never } });
const refuses = (preset: unknown, message: string | RegExp) =>
  assert.throws(define(preset), { name: "TypeError", message });

Deno.test("definePlugin() takes presets that are not complete", () => {
  for (const preset of [{}, { epochs: 1 }, { model: {} }, { cuts: [{ low: 0, high: 1 }] }]) define(preset)();
});

Deno.test("definePlugin() leaves rules between several values to the run", () => {
  define({ epochs: 20, data: "a.npz" })();
});

Deno.test("definePlugin() rejects unknown keys of a preset at every depth, with path and nearest name", () => {
  refuses(
    { epohs: 1 },
    'Cannot define plugin "trial" as preset "short" must fit its config: there is no "epohs"; did you mean "epochs"?',
  );
  refuses({ model: { dept: 1 } }, /there is no "model.dept"; did you mean "model.depth"\?$/);
  refuses({ cuts: [{ low: 0, high: 1, hgh: 2 }] }, /there is no "cuts.0.hgh"; did you mean "cuts.0.high"\?$/);
});

Deno.test("definePlugin() rejects a value of a preset that does not fit", () => {
  refuses({ epochs: 0 }, /"epochs" does not fit \(Too small/);
  refuses({ model: 3 }, /"model" does not fit/);
  refuses(3, /preset "short" must fit its config/);
});

Deno.test("definePlugin() rejects transforms on the way in and on the way out", () => {
  for (const field of [z.string().transform(Number), z.preprocess(Number, z.number())]) {
    assert.throws(() => definePlugin({ name: "trial", title: "A trial", config: z.object({ field }) }), {
      message: /must be expressible as JSON Schema \(no transforms\)/,
    });
  }
});

Deno.test("inputPath() can be left out unless it is required, and is marked either way", () => {
  const schema = z.object({ a: inputPath("file", "x"), b: inputPath("directory", "y", { required: true }) });
  const json = z.toJSONSchema(schema, { io: "input" });
  assert.deepEqual(json.required, ["b"]);
  assert.deepEqual(json.properties, {
    a: { type: "string", minLength: 1, description: "x", path: "file" },
    b: { type: "string", minLength: 1, description: "y", path: "directory" },
  });
  assert.equal(schema.safeParse({}).success, false);
  assert.deepEqual(schema.parse({ b: "data" }), { b: "data" });
});

Deno.test("inputPaths() are none unless they are required", () => {
  const schema = z.object({ a: inputPaths("file", "x"), b: inputPaths("file", "y", { required: true }) });
  assert.equal(schema.safeParse({}).success, false);
  assert.equal(schema.safeParse({ b: [] }).success, false);
  assert.deepEqual(schema.parse({ b: ["data"] }), { a: [], b: ["data"] });
});
