import assert from "node:assert/strict";
import { eventMessage, type HookEvent, plainText, shortEvent } from "./messages.ts";

Deno.test("plainText() makes characters that command a terminal visible", () => {
  assert.equal(plainText("a\u001b[2Jb\u009bc\u202ed\u0007"), "a\ufffd[2Jb\ufffdc\ufffdd\ufffd");
  assert.deepEqual(plainText({ "k\u0000": ["x\r\ny", 1, null, true] }), {
    "k\ufffd": ["x\ny", 1, null, true],
  });
});

Deno.test("plainText() keeps text of every language, tabs and line feeds", () => {
  const text = "µ ± χ²/ndf\tΔE\n日本語 עברית 👩‍🔬";
  assert.equal(plainText(text), text);
});

Deno.test("shortEvent() cuts texts to what an event may hold, and says how long they were", () => {
  const long = "x".repeat(99_000);
  const events: HookEvent[] = [
    { event: "log", text: long },
    { event: "warn", code: long, message: long },
    { event: "progress", done: 1, total: 2, label: long },
  ];
  for (const event of events) {
    const short = shortEvent(event);
    assert.ok(eventMessage.safeParse(short).success);
    assert.match(JSON.stringify(short), /x… \(99000 characters\)"/);
    assert.ok(JSON.stringify(short).length < 10_100);
  }
  assert.deepEqual(shortEvent({ event: "log", text: "short" }), { event: "log", text: "short" });
});
