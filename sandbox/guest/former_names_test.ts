import assert from "node:assert/strict";
import { acceptFormerNames, offerFormerNames } from "./former_names.ts";

Deno.test("acceptFormerNames() gives a former name's value under the name of today, and says so", () => {
  const told: string[] = [];
  const say = (former: string, name: string) => void told.push(`${former} ${name}`);
  const prepared = acceptFormerNames("prepared", { facts: { scale: 2 }, source: "s" }, say);
  assert.deepEqual((prepared as { metadata?: unknown }).metadata, { scale: 2 });
  assert.equal(prepared.source, "s");
  assert.deepEqual(told, ["facts metadata"]);
});

Deno.test("acceptFormerNames() leaves objects that use the names of today as they are", () => {
  const both = { facts: 1, metadata: 2 };
  assert.equal(acceptFormerNames("prepared", both), both);
  const plugin = { readForPrediction() {} };
  assert.equal(acceptFormerNames("plugin", plugin), plugin);
});

Deno.test("offerFormerNames() answers to former names, and lists only those of today", () => {
  const told: string[] = [];
  const context = offerFormerNames("context", { metadata: { scale: 2 } }, (former) => void told.push(former));
  assert.deepEqual((context as { facts?: unknown }).facts, { scale: 2 });
  assert.deepEqual(told, ["facts"]);
  assert.deepEqual(Object.keys(context), ["metadata"]);
  assert.equal("keep" in context, false, "there is no upload that it could stand for");
});
