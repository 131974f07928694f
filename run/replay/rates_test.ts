import assert from "node:assert/strict";
import { TRAINING_DEFAULTS, type TrainingPlan } from "../../core/training.ts";
import { INITIAL_COUNTERS } from "../../train/counters.ts";
import { rateChange, type RateInput } from "./rates.ts";

const PLAN: TrainingPlan = {
  ...TRAINING_DEFAULTS,
  epochs: 10,
  batchSize: 10,
  learningRate: 1,
  schedule: "cosine",
  warmup: 0,
  scheduleFactor: 0,
};

/** 10 of 10 epochs of 10 steps are done. */
const DONE: RateInput = {
  model: "a",
  counters: { ...INITIAL_COUNTERS, step: 100, epoch: 10 },
  rows: 100,
  before: PLAN,
  now: { ...PLAN, epochs: 20 },
  startBefore: undefined,
  startNow: undefined,
  isPatienceAnew: true,
};

Deno.test("rateChange() gives the last rate and the next one of a cosine that is stretched", () => {
  const { before, next, epoch, epochs, isScheduleAnew } = rateChange(DONE)!;
  // 0.5 (1 + cos(0.99 pi)) = 2.5e-4; in the middle of 200 steps cos(pi / 2) = 0
  assert.equal(before.toExponential(1), "2.5e-4");
  assert.equal(next, 0.5);
  assert.deepEqual([epoch, epochs, isScheduleAnew], [10, 20, false]);
});

Deno.test("rateChange() begins at the peak where the schedule begins anew", () => {
  const found = rateChange({ ...DONE, startNow: { step: 100, epoch: 10, plateauDrops: 0 } })!;
  assert.equal(found.next, 1);
  assert.equal(found.last.toExponential(1), "2.5e-4");
  assert.equal(found.isScheduleAnew, true);
});

Deno.test("rateChange() has nothing to say of a training that has not begun or does not go on", () => {
  assert.equal(rateChange({ ...DONE, now: PLAN }), undefined);
  assert.equal(rateChange({ ...DONE, counters: INITIAL_COUNTERS }), undefined);
});
