import assert from "node:assert/strict";
import { TRAINING_DEFAULTS, type TrainingPlan } from "../core/training.ts";
import { learningRateAt } from "./schedule.ts";

const plan = (changes: Partial<TrainingPlan>): TrainingPlan => ({
  ...TRAINING_DEFAULTS,
  learningRate: 2,
  warmup: 0,
  ...changes,
});
const at = (step: number, epoch = 0, plateauDrops = 0) => ({ step, totalSteps: 100, epoch, plateauDrops });

Deno.test("learningRateAt() stays at the peak for a constant schedule", () => {
  assert.equal(learningRateAt(plan({ schedule: "constant" }), at(99)), 2);
});

Deno.test("learningRateAt() follows half a cosine from the peak to the final share", () => {
  const cosine = plan({ schedule: "cosine", scheduleFactor: 0.1 });
  assert.equal(learningRateAt(cosine, at(0)), 2);
  assert.ok(Math.abs(learningRateAt(cosine, at(50)) - 2 * (0.1 + 0.9 * 0.5)) < 1e-12); // cos(pi/2) = 0
  assert.ok(Math.abs(learningRateAt(cosine, at(100)) - 0.2) < 1e-12);
});

Deno.test("learningRateAt() rises linearly over the warm-up and never starts at zero", () => {
  const warm = plan({ schedule: "constant", warmup: 0.1 });
  const rates = [0, 4, 9, 10].map((step) => learningRateAt(warm, at(step)));
  assert.deepEqual(rates, [2 * (1 / 11), 2 * (5 / 11), 2 * (10 / 11), 2]);
});

Deno.test("learningRateAt() drops by the factor every scheduleEpochs", () => {
  const step = plan({ schedule: "step", scheduleEpochs: 10, scheduleFactor: 0.5 });
  assert.deepEqual([0, 9, 10, 25].map((epoch) => learningRateAt(step, at(0, epoch))), [2, 2, 1, 0.5]);
});

Deno.test("learningRateAt() drops by the factor as often as the plateau rule asked", () => {
  const plateau = plan({ schedule: "plateau", scheduleFactor: 0.5 });
  assert.deepEqual([0, 1, 3].map((drops) => learningRateAt(plateau, at(0, 0, drops))), [2, 1, 0.25]);
});
