import assert from "node:assert/strict";
import { INITIAL_COUNTERS, type TrainingCounters } from "./counters.ts";
import { countBest, isBetter, isOutOfPatience } from "./stopping.ts";

/** Counters after epochs of ten steps with these losses. */
function after(losses: readonly number[], from: TrainingCounters = INITIAL_COUNTERS): TrainingCounters {
  return losses.reduce(
    (counters, loss) => countBest({ ...counters, step: counters.step + 10, epoch: counters.epoch + 1 }, loss),
    from,
  );
}

Deno.test("isBetter() takes the first value, and lower ones", () => {
  const cases: [value: number, best: number | null, expected: boolean][] = [
    [5, null, true],
    [Infinity, null, true],
    [0.9, 1, true],
    [-1, 0, true],
    [1, 1, false],
    [1.1, 1, false],
    [NaN, 1, false],
  ];
  for (const [value, best, expected] of cases) {
    assert.equal(isBetter(value, best), expected, `${value} after ${best}`);
  }
});

Deno.test("countBest() names the epoch and step of the lowest value and counts the epochs since", () => {
  const { bestLoss, bestEpoch, bestStep, epochsSinceBest } = after([4, 2, 3, 2, 5]);
  assert.deepEqual({ bestLoss, bestEpoch, bestStep, epochsSinceBest }, {
    bestLoss: 2,
    bestEpoch: 2, // the first of the two equal ones
    bestStep: 20,
    epochsSinceBest: 3,
  });
});

Deno.test("countBest() begins to count anew after an improvement", () => {
  assert.deepEqual([[3], [3, 4], [3, 4, 4], [3, 4, 4, 1]].map((losses) => after(losses).epochsSinceBest), [
    0,
    1,
    2,
    0,
  ]);
});

Deno.test("countBest() leaves all other counters as they are, and the given ones unchanged", () => {
  const before: TrainingCounters = {
    ...INITIAL_COUNTERS,
    step: 7,
    epoch: 1,
    plateauDrops: 2,
    sums: { loss: 3 },
  };
  const copy = structuredClone(before);
  const counted = countBest(before, 1);
  assert.deepEqual(before, copy);
  assert.deepEqual(counted, { ...before, bestLoss: 1, bestEpoch: 1, bestStep: 7 });
  assert.deepEqual(Object.keys(counted), Object.keys(INITIAL_COUNTERS), "the order of manifest.json");
});

Deno.test("isOutOfPatience() is true once as many epochs passed without a better value; never for 0", () => {
  /** By patience: whether training stops after 0, 1, 2, 3 epochs since the best one. */
  const cases: [patience: number, expected: boolean[]][] = [
    [0, [false, false, false, false]],
    [1, [false, true, true, true]],
    [3, [false, false, false, true]],
  ];
  for (const [patience, expected] of cases) {
    const found = [0, 1, 2, 3].map((epochsSinceBest) => isOutOfPatience({ epochsSinceBest }, patience));
    assert.deepEqual(found, expected, `patience ${patience}`);
  }
});

Deno.test("countBest() counts the same when it goes on from saved counters in the middle of patience", () => {
  const losses = [5, 3, 4, 4, 2, 6];
  for (let cut = 0; cut <= losses.length; cut++) {
    const saved = JSON.parse(JSON.stringify(after(losses.slice(0, cut)))) as TrainingCounters;
    assert.deepEqual(after(losses.slice(cut), saved), after(losses), `cut after ${cut} epochs`);
  }
});
