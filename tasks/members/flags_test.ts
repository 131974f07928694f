import assert from "node:assert/strict";
import { parseCommand } from "../shared/command.ts";
import { foldOf, MEMBER_FLAGS, membersOf, parallelOf } from "./flags.ts";

const parse = (...args: string[]) =>
  parseCommand({ name: "run", summary: "", taskFlags: MEMBER_FLAGS }, args);

Deno.test("membersOf() is nothing for a single run, and one entry per seed and fold else", () => {
  assert.equal(membersOf(parse(), 0), undefined);
  assert.deepEqual(membersOf(parse("--repeat", "2"), 5), [{ seed: 5 }, { seed: 6 }]);
  assert.equal(membersOf(parse("--repeat", "2", "--folds", "3"), 0)?.length, 6);
});

Deno.test("membersOf() refuses groups of one, and flags that contradict each other", () => {
  assert.throws(() => membersOf(parse("--repeat", "1"), 0), /repeat/);
  assert.throws(() => membersOf(parse("--parallel", "2"), 0), /there must be several runs/);
  assert.throws(() => membersOf(parse("--folds", "3", "--fold", "1/3"), 0), /one of them/);
  assert.throws(() => membersOf(parse("--repeat", "3", "--parallel", "0"), 0), /parallel/);
  assert.equal(parallelOf(parse("--parallel", "4")), 4);
});

Deno.test("foldOf() reads a part of a cross-validation, and refuses what is none", () => {
  assert.deepEqual(foldOf(parse("--fold", "2/5")), { index: 1, count: 5 });
  assert.equal(foldOf(parse()), undefined);
  for (const wrong of ["0/5", "6/5", "1/1", "2", "a/b", "2/5/7", "", "1.5/3"]) {
    assert.throws(() => foldOf(parse("--fold", wrong)), /--fold as it must be a part/, wrong);
  }
});
