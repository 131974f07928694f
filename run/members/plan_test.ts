import assert from "node:assert/strict";
import type { RunDirectory } from "../store/run_directory.ts";
import { memberName, planMembers, requireMembers } from "./plan.ts";

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

Deno.test("requireMembers() refuses what no group is made of", () => {
  const group = (members: unknown[]) =>
    ({ path: "/r", record: { id: "a", repeat: { members } } }) as unknown as RunDirectory;
  requireMembers(group([{ seed: 1 }, { seed: 1, fold: { index: 1, count: 2 } }]));
  const wrong = [
    [],
    [{ seed: -1 }],
    [{ seed: 0.5 }],
    [{ seed: 0, fold: { index: 2, count: 2 } }],
    Array(1001).fill({ seed: 0 }),
  ];
  for (const members of wrong) {
    assert.throws(() => requireMembers(group(members)), {
      name: "DataError",
      message: /^Cannot use the group of/,
    });
  }
});
