import assert from "node:assert/strict";
import {
  decodeMetrics,
  decodeNumber,
  decodeRecord,
  encodeMetrics,
  encodeNumber,
  receiveMetric,
  sendMetric,
  sendTable,
  type StoredMetric,
} from "./not_finite.ts";
import type { Metric } from "./types.ts";

const metric = (value: number, error: number | null = 0.1): Metric => ({
  value,
  error,
  errorKind: "bootstrap",
  unit: "GeV",
  better: "lower",
  rows: 10,
  split: "test",
});

/** Through a file. */
const stored = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

Deno.test("encodeNumber() survives JSON, whatever the number", () => {
  for (const value of [0, -1.5, 1e308, 5e-324, NaN, Infinity, -Infinity]) {
    assert.equal(decodeNumber(stored(encodeNumber(value))), value);
  }
  assert.equal(encodeNumber(NaN), "NaN");
});

Deno.test("encodeMetrics() writes a value that is not finite as null with its text, and decodeMetrics() reads it", () => {
  const metrics = { a: metric(NaN), b: metric(-Infinity), c: metric(1), d: metric(1, null) };
  const file = stored(encodeMetrics(metrics));
  assert.deepEqual([file.a!.value, file.a!.valueText], [null, "NaN"]);
  assert.deepEqual([file.b!.value, file.b!.valueText], [null, "-Infinity"]);
  assert.deepEqual(file.c, metric(1), "the bytes of a finite metric stay as they were");
  assert.deepEqual(decodeMetrics(file), metrics);
});

Deno.test("encodeMetrics() takes an error that is not finite for none", () => {
  assert.equal(encodeMetrics({ a: metric(1, NaN) }).a!.error, null);
  assert.equal(encodeMetrics({ a: metric(1, Infinity) }).a!.error, null);
});

Deno.test("decodeMetrics() reads a null without a text as NaN", () => {
  const old: StoredMetric = { ...metric(0), value: null };
  assert.ok(Number.isNaN(decodeMetrics({ old }).old!.value));
});

Deno.test("decodeRecord() gives the same for a record and for its line in a file", () => {
  const record = {
    step: 3,
    epoch: 1,
    split: "validation" as const,
    loss: NaN,
    other: Infinity,
    model: "line",
  };
  const expected = { ...record, other: NaN };
  assert.deepEqual(decodeRecord(record), expected);
  assert.deepEqual(decodeRecord(stored(record)), expected);
});

Deno.test("sendMetric() and receiveMetric() lose nothing on the way through JSON", () => {
  for (const sent of [metric(NaN, Infinity), metric(-Infinity, null), metric(1.5, NaN), metric(2)]) {
    assert.deepEqual(receiveMetric(stored(sendMetric(sent))), sent);
  }
  const wrong = { ...metric(0), value: "wide" } as unknown as Metric;
  assert.deepEqual(sendMetric(wrong), wrong, "refused by the one who receives it");
});

Deno.test("sendTable() writes a cell that is not finite as a text", () => {
  const table = { name: "t", title: "T", columns: ["a"], rows: [[NaN], [1], ["x"], [null], [-Infinity]] };
  assert.deepEqual(sendTable(table).rows, [["NaN"], [1], ["x"], [null], ["-Infinity"]]);
});
