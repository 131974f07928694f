import assert from "node:assert/strict";
import { EventGate } from "./event_gate.ts";
import type { HookEvent } from "../protocol/messages.ts";

const LIMITS = { logCharacters: 10, warnings: 2, progressPerSecond: 3 };
const log = (text: string): HookEvent => ({ event: "log", text });

Deno.test("pass() drops what a hook prints beyond the limit and says so once", () => {
  const gate = new EventGate(LIMITS);
  assert.deepEqual(gate.pass(log("1234"), 0), [log("1234")]);
  assert.deepEqual(gate.pass(log("5678"), 0), [log("5678")]);
  const [told] = gate.pass(log("9"), 0);
  assert.equal(told?.event === "warn" && told.code, "log-limit");
  assert.deepEqual(gate.pass(log("x"), 0), []);
});

Deno.test("pass() drops warnings beyond the limit and says so once", () => {
  const gate = new EventGate(LIMITS);
  const warn: HookEvent = { event: "warn", code: "c", message: "m" };
  const codes = [1, 2, 3, 4].map(() =>
    gate.pass(warn, 0).map((event) => event.event === "warn" && event.code)
  );
  assert.deepEqual(codes, [["c"], ["c"], ["warning-limit"], []]);
});

Deno.test("pass() drops progress that comes too often", () => {
  const gate = new EventGate(LIMITS);
  const progress: HookEvent = { event: "progress", done: 1, total: 2, label: "" };
  const passed = [0, 1, 2, 3, 999, 1000, 1001].map((time) => gate.pass(progress, time).length);
  assert.deepEqual(passed, [1, 1, 1, 0, 0, 1, 1]);
});
