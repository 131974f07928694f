import assert from "node:assert/strict";
import { TRAINING_DEFAULTS, type TrainingPlan } from "../core/training.ts";
import { INITIAL_COUNTERS } from "./counters.ts";
import { countPlateau, learningRateAt, type PlateauCounters, type Position, since } from "./schedule.ts";

interface ScheduleCase {
  readonly plan: Partial<TrainingPlan>;
  readonly at: Partial<Position>;
  readonly rate: number;
}

/** Peak rate 2 over 100 steps without warm-up, where nothing else is said. */
const PLAN: TrainingPlan = { ...TRAINING_DEFAULTS, learningRate: 2, warmup: 0 };
const START: Position = { step: 0, totalSteps: 100, epoch: 0, plateauDrops: 0 };

const COSINE = { schedule: "cosine", scheduleFactor: 0.1 } as const; // from 2 to 0.2, in the middle 1.1
const WARM_COSINE = { ...COSINE, warmup: 0.2 };
const STEP = { schedule: "step", scheduleEpochs: 10, scheduleFactor: 0.5 } as const;
const PLATEAU = { schedule: "plateau", scheduleFactor: 0.5 } as const;

const CASES: { readonly [name: string]: readonly ScheduleCase[] } = {
  "stays at the peak for a constant schedule": [
    { plan: { schedule: "constant" }, at: { step: 0 }, rate: 2 },
    { plan: { schedule: "constant" }, at: { step: 99, epoch: 7, plateauDrops: 3 }, rate: 2 },
  ],
  "rises linearly over the warm-up and never starts at zero": [
    // ten steps: 1/11, 2/11, ... 10/11 of the peak, then the peak
    { plan: { schedule: "constant", warmup: 0.1 }, at: { step: 0 }, rate: 2 / 11 },
    { plan: { schedule: "constant", warmup: 0.1 }, at: { step: 4 }, rate: 10 / 11 },
    { plan: { schedule: "constant", warmup: 0.1 }, at: { step: 9 }, rate: 20 / 11 },
    { plan: { schedule: "constant", warmup: 0.1 }, at: { step: 10 }, rate: 2 },
  ],
  "follows half a cosine from the peak to the final share": [
    { plan: COSINE, at: { step: 0 }, rate: 2 },
    { plan: COSINE, at: { step: 50 }, rate: 1.1 }, // cos(pi/2) = 0
    { plan: COSINE, at: { step: 100 }, rate: 0.2 },
    // cos(pi/3) = 1/2 at a third of the way: 0.1 + 0.9 * 0.75
    { plan: COSINE, at: { step: 30, totalSteps: 90 }, rate: 2 * 0.775 },
  ],
  "begins the cosine where the warm-up ends": [
    { plan: WARM_COSINE, at: { step: 0 }, rate: 2 / 21 },
    { plan: WARM_COSINE, at: { step: 20 }, rate: 2 },
    { plan: WARM_COSINE, at: { step: 60 }, rate: 1.1 }, // the middle of 20..100
    { plan: WARM_COSINE, at: { step: 100 }, rate: 0.2 },
  ],
  "stays within the cosine for a warm-up over all steps": [
    { plan: { ...COSINE, warmup: 1 }, at: { step: 99 }, rate: 200 / 101 },
    { plan: { ...COSINE, warmup: 1 }, at: { step: 100 }, rate: 2 },
  ],
  "drops by the factor every scheduleEpochs": [
    { plan: STEP, at: { epoch: 0 }, rate: 2 },
    { plan: STEP, at: { epoch: 9 }, rate: 2 },
    { plan: STEP, at: { epoch: 10 }, rate: 1 },
    { plan: STEP, at: { epoch: 25, step: 80 }, rate: 0.5 },
  ],
  "drops by the factor as often as the plateau rule asked": [
    { plan: PLATEAU, at: { plateauDrops: 0 }, rate: 2 },
    { plan: PLATEAU, at: { plateauDrops: 1, epoch: 30 }, rate: 1 },
    { plan: PLATEAU, at: { plateauDrops: 3 }, rate: 0.25 },
    { plan: { ...PLATEAU, warmup: 0.1 }, at: { plateauDrops: 1, step: 4 }, rate: 5 / 11 },
  ],
};

for (const [behavior, cases] of Object.entries(CASES)) {
  Deno.test(`learningRateAt() ${behavior}`, () => {
    for (const { plan, at, rate } of cases) {
      const found = learningRateAt({ ...PLAN, ...plan }, { ...START, ...at });
      // a handful of float64 operations on numbers below 2: some units of 2e-16
      assert.ok(Math.abs(found - rate) < 1e-14, `${JSON.stringify({ plan, at })}: ${found}, not ${rate}`);
    }
  });
}

/** Drops after each of these epochs; 1 stands for a better value. */
function drops(
  epochs: number,
  improved: readonly (0 | 1)[],
  from: PlateauCounters = INITIAL_COUNTERS,
): number[] {
  let counters = from;
  return improved.map((has) => {
    counters = countPlateau(counters, has === 1, epochs);
    return counters.plateauDrops;
  });
}

Deno.test("countPlateau() asks for a drop after so many epochs without a better value, and again", () => {
  assert.deepEqual(drops(1, [1, 0, 0, 0]), [0, 1, 2, 3]);
  assert.deepEqual(drops(2, [1, 0, 0, 0, 0, 0]), [0, 0, 1, 1, 2, 2]);
  assert.deepEqual(drops(3, [1, 0, 0]), [0, 0, 0]);
});

Deno.test("countPlateau() begins to count anew after a better value, and keeps the drops", () => {
  assert.deepEqual(drops(2, [1, 0, 1, 0, 1, 0, 0, 1, 0]), [0, 0, 0, 0, 0, 0, 1, 1, 1]);
});

Deno.test("countPlateau() counts the same when it goes on from saved counters", () => {
  const improved = [1, 0, 0, 0, 1, 0, 0] as const;
  const straight = drops(2, improved);
  for (let cut = 1; cut < improved.length; cut++) {
    let saved: PlateauCounters = INITIAL_COUNTERS;
    for (const has of improved.slice(0, cut)) saved = countPlateau(saved, has === 1, 2);
    assert.deepEqual(drops(2, improved.slice(cut), saved), straight.slice(cut), `cut after ${cut} epochs`);
  }
});

Deno.test("countPlateau() leaves all other counters as they are", () => {
  const before = { ...INITIAL_COUNTERS, step: 3, bestLoss: 1 };
  assert.deepEqual(countPlateau(before, false, 5), { ...before, epochsSinceDrop: 1 });
});

Deno.test("since() counts from where a schedule began anew", () => {
  const position: Position = { step: 60, totalSteps: 100, epoch: 6, plateauDrops: 3 };
  assert.equal(since(position, undefined), position);
  assert.deepEqual(since(position, { step: 50, epoch: 5, plateauDrops: 2 }), {
    step: 10,
    totalSteps: 50,
    epoch: 1,
    plateauDrops: 1,
  });
});

Deno.test("schedules without a factor have that of PyTorch and Keras, 0.1, and cosine ends at a hundredth", () => {
  const plan = { ...TRAINING_DEFAULTS, learningRate: 1, warmup: 0, scheduleEpochs: 10 };
  const at = (schedule: "step" | "plateau" | "cosine", epoch: number, plateauDrops = 0) =>
    learningRateAt({ ...plan, schedule }, { step: 100, totalSteps: 100, epoch, plateauDrops });
  const rates = [at("step", 9), at("step", 10), at("step", 20), at("plateau", 0, 2), at("cosine", 0)];
  rates.forEach((rate, i) => assert.ok(Math.abs(rate - [1, 0.1, 0.01, 0.01, 0.01][i]!) < 1e-15));
});
