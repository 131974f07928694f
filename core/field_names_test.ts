import assert from "node:assert/strict";
import { z } from "zod";
import { definePlugin } from "./plugin.ts";
import { RESERVED_FLAGS } from "./reserved_flags.ts";
import { camelCase } from "./names.ts";

const define = (shape: z.ZodRawShape) => () =>
  definePlugin({ name: "trial", title: "A trial", config: z.object(shape) });
const refuses = (shape: z.ZodRawShape, message: RegExp | string) =>
  assert.throws(define(shape), { name: "TypeError", message });

for (const name of Object.keys(RESERVED_FLAGS)) {
  Deno.test(`definePlugin() rejects a field that is --${name} of a task, in every spelling`, () => {
    const snake = name.replaceAll("-", "_");
    for (const key of [name, camelCase(name), snake, snake.toUpperCase(), camelCase(`no-${name}`)]) {
      refuses({ [key]: z.string() }, /every field needs a flag of its own/);
    }
  });
}

Deno.test("definePlugin() names all fields that clash with flags of tasks", () => {
  refuses(
    { frozen: z.boolean(), out: z.string(), json: z.string(), hookTimeout: z.number(), fine: z.int() },
    'Cannot define plugin "trial" as every field needs a flag of its own: "frozen" is --frozen, as is a flag of every task; "out" is --out, as is a flag of run; "json" is --json, as is a flag of every task; "hookTimeout" is --hook-timeout, as is a flag of every task',
  );
  refuses({ seed: z.int(), threads: z.int() }, /"seed" is --seed.*; "threads" is --threads/);
});

Deno.test("definePlugin() rejects two fields that are one flag", () => {
  const int = z.int();
  refuses(
    { batchSize: int, batch_size: int, h: int },
    'Cannot define plugin "trial" as every field needs a flag of its own: "batch_size" is --batch-size, as is field "batchSize"',
  );
  refuses({ "batch-size": int, batchSize: int }, /as is field "batch-size"/);
  refuses({ batchSize: int, batchsize: int }, /as is field "batchSize"/);
  refuses({ model: z.object({ dropRate: int, drop_rate: int }) }, /"model.drop_rate" is --model.drop-rate/);
  refuses({ modelA: z.object({ x: int }), model_a: z.object({ x: int }) }, /--model-a.x/);
});

Deno.test("definePlugin() rejects a field that is the negative of a switch, and no other name with no", () => {
  const on = z.boolean();
  refuses({ cut: on, noCut: on }, /"noCut" is --no-cut, as is field "cut"/);
  refuses({ noCut: z.int(), cut: on }, /"cut" is --no-cut, as is field "noCut"/);
  define({
    noCut: on,
    cut: z.int(),
    noise: z.number(),
    normalize: on,
    notify: z.string(),
    node: on,
    nothing: on,
  })();
});

Deno.test("definePlugin() rejects names that no flag can have", () => {
  const keys = [
    "a.b",
    "a b",
    "a=b",
    "-a",
    "_a",
    "a_",
    "1",
    "",
    "a\nb",
    "a--b",
    "$a",
    "constructor",
    "prototype",
  ];
  for (const key of keys) {
    const shape = Object.fromEntries([[key, z.int()]]);
    refuses(shape, /named by letters and digits/);
    refuses({ model: z.object(shape) }, /named by letters and digits/);
  }
  define({
    σ: z.number(),
    pt2: z.number(),
    toString: z.string(),
    valueOf: z.string(),
    hasOwnProperty: z.int(),
  })();
});

Deno.test("definePlugin() leaves keys alone that are no flags: those of maps and of objects in lists", () => {
  define({
    cuts: z.array(z.object({ seed: z.int(), "a b": z.int() })),
    weights: z.record(z.string(), z.number()),
  })();
});

Deno.test("definePlugin() rejects more fields than anybody reads", () => {
  const fields = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`f${i}`, z.int()]));
  refuses(
    fields(20_000),
    'Cannot define plugin "trial" as a configuration has at most 1000 values: found 20000',
  );
  define(fields(1000))();
});
