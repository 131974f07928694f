import assert from "node:assert/strict";
import { z } from "zod";
import { inputPath } from "./plugin.ts";
import { trainingOptions } from "./training.ts";
import type { JsonObject } from "./types.ts";
import { flagsOf, getPath, setPath } from "./flags.ts";

const schema = z.toJSONSchema(
  z.object({
    stage: z.enum(["1", "2"]).default("2").describe("which stage"),
    absolutePosition: z.boolean().default(false),
    data: inputPath("file", "measured data"),
    model: z.object({ depth: z.int().default(4), dropRate: z.number().default(0.1) }).prefault({}),
    generated: z.array(z.string()).optional(),
    ...trainingOptions({ epochs: 3 }),
  }),
  { io: "input" },
) as JsonObject;
const flags = flagsOf(schema);
const flag = (path: string) => flags.find((candidate) => candidate.path === path)!;

Deno.test("flagsOf() gives name, type, choices, default and help of every value", () => {
  assert.deepEqual(flag("stage"), {
    path: "stage",
    name: "stage",
    value: { kind: "choice", values: ["1", "2"] },
    help: "which stage",
    default: "2",
    isTraining: false,
  });
  assert.equal(flag("absolutePosition").name, "absolute-position");
  assert.equal(flag("data").inputPath, "file");
  assert.equal(flag("generated").value.kind, "list");
});

Deno.test("flagsOf() turns nested objects into dotted names", () => {
  assert.equal(flag("model.depth").name, "model.depth");
  assert.equal(flag("model.dropRate").name, "model.drop-rate");
  assert.equal(flag("model.depth").value.kind, "integer");
});

Deno.test("flagsOf() marks training options", () => {
  assert.equal(flag("epochs").isTraining, true);
  assert.equal(flag("epochs").default, 3);
});

Deno.test("setPath() and getPath() reach nested values and nothing inherited", () => {
  const target = {};
  setPath(target, "a.b.c", 1);
  assert.deepEqual(target, { a: { b: { c: 1 } } });
  assert.equal(getPath(target, "a.b.c"), 1);
  assert.equal(getPath(target, "a.x.c"), undefined);
  assert.equal(getPath(target, "constructor"), undefined);
});
