import assert from "node:assert/strict";
import { Journal } from "./journal.ts";

/** A clock that a test sets. */
function journalAt(heard: string[]): { journal: Journal; set(milliseconds: number): void } {
  let time = 0;
  const listener = {
    onPhase: (phase: string, state: string, seconds?: number) =>
      void heard.push([phase, state, seconds].filter((part) => part !== undefined).join(" ")),
  };
  return { journal: new Journal(listener, () => time), set: (milliseconds) => void (time = milliseconds) };
}

Deno.test("during() reports a phase, and notes its seconds with those from before", async () => {
  const heard: string[] = [];
  const { journal, set } = journalAt(heard);
  const result = await journal.during("train", () => {
    assert.equal(journal.phase, "train");
    set(2500);
    return Promise.resolve("trained");
  }, 10);
  assert.equal(result, "trained");
  assert.deepEqual(heard, ["train begins", "train ends 2.5"]);
  assert.deepEqual(journal.seconds, { train: 12.5 });
});

Deno.test("during() leaves a phase that failed standing, without seconds", async () => {
  const { journal } = journalAt([]);
  await assert.rejects(journal.during("prepare", () => Promise.reject(new Error("no"))));
  assert.equal(journal.phase, "prepare");
  assert.deepEqual(journal.seconds, {});
  journal.rest();
  assert.equal(journal.phase, undefined);
});
