import assert from "node:assert/strict";
import { exactly, toMetric } from "./estimate.ts";
import { wilsonInterval } from "./intervals.ts";

Deno.test("toMetric() keeps value, error and kind, and adds the description", () => {
  const facts = { unit: "1", better: "higher", rows: 4, split: "test", label: "efficiency" } as const;
  assert.deepEqual(toMetric(wilsonInterval(2, 4), facts), {
    value: 0.5,
    error: wilsonInterval(2, 4).error,
    errorKind: "wilson",
    ...facts,
  });
  assert.deepEqual(exactly(3), { value: 3, error: null, errorKind: "none" });
});

Deno.test("toMetric() rejects what JSON cannot hold", () => {
  const facts = { unit: "cm", better: "lower", rows: 4, split: "test" } as const;
  assert.throws(() => toMetric(exactly(NaN), facts), {
    name: "RangeError",
    message: 'Cannot record metric "test" as its value and error must be finite: found NaN and null',
  });
  assert.throws(
    () => toMetric({ value: 1, error: Infinity, errorKind: "fit" }, { ...facts, label: "width" }),
    {
      name: "RangeError",
      message: 'Cannot record metric "width" as its value and error must be finite: found 1 and Infinity',
    },
  );
});
