import assert from "node:assert/strict";
import { memberName, planMembers } from "./plan.ts";

Deno.test("planMembers() counts seeds up from the first, and folds within each", () => {
  assert.deepEqual(planMembers({ seed: 3, repeat: 2 }), [{ seed: 3 }, { seed: 4 }]);
  assert.deepEqual(planMembers({ seed: 0, folds: 2 }).map(memberName), [
    "seed 0, fold 1 of 2",
    "seed 0, fold 2 of 2",
  ]);
  assert.equal(planMembers({ seed: 0, repeat: 2, folds: 5 }).length, 10);
});

Deno.test("planMembers() refuses more than a group may have, and seeds that no number can hold", () => {
  assert.throws(() => planMembers({ seed: 0, repeat: 500, folds: 3 }), /may be 1000 members.*: found 1500/);
  assert.throws(() => planMembers({ seed: Number.MAX_SAFE_INTEGER, repeat: 2 }), /seeds up to/);
});
