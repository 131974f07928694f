import assert from "node:assert/strict";
import { TRAINING_DEFAULTS } from "../core/training.ts";
import type { TrainingRecord } from "../core/types.ts";
import { INITIAL_COUNTERS, type TrainingCounters } from "./counters.ts";
import {
  checkMonitored,
  countBest,
  countLast,
  isBetter,
  isOutOfPatience,
  monitoringWarnings,
} from "./stopping.ts";

/** Counters after epochs of ten steps with these losses. */
function after(losses: readonly number[], from: TrainingCounters = INITIAL_COUNTERS): TrainingCounters {
  return losses.reduce(
    (counters, loss) => countBest({ ...counters, step: counters.step + 10, epoch: counters.epoch + 1 }, loss),
    from,
  );
}

Deno.test("isBetter() takes the first finite value, and lower ones", () => {
  const cases: [value: number, best: number | null, expected: boolean][] = [
    [5, null, true],
    [NaN, null, false],
    [Infinity, null, false],
    [-Infinity, 1, false],
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

Deno.test("countBest() passes over values that are not finite, and counts them as not better", () => {
  const { bestLoss, bestEpoch, bestStep, epochsSinceBest } = after([NaN, Infinity, 3, NaN, -Infinity]);
  assert.deepEqual({ bestLoss, bestEpoch, bestStep, epochsSinceBest }, {
    bestLoss: 3,
    bestEpoch: 3,
    bestStep: 30,
    epochsSinceBest: 2,
  });
  assert.deepEqual([after([NaN, NaN]).bestEpoch, after([NaN, NaN]).epochsSinceBest], [null, 2]);
});

Deno.test("countLast() takes each epoch for the best, without a value", () => {
  const { bestLoss, bestEpoch, bestStep, epochsSinceBest } = countLast({
    ...INITIAL_COUNTERS,
    step: 20,
    epoch: 2,
    epochsSinceBest: 3,
  });
  assert.deepEqual({ bestLoss, bestEpoch, bestStep, epochsSinceBest }, {
    bestLoss: null,
    bestEpoch: 2,
    bestStep: 20,
    epochsSinceBest: 0,
  });
});

/** A model with these programs. */
const withPrograms = (...programs: string[]) => ({ has: (name: string) => programs.includes(name) });

Deno.test("checkMonitored() rejects patience and the plateau schedule without a validation loss", () => {
  const network = withPrograms("step");
  const reason =
    'as it watches the validation loss: the model has "step" without "loss"; add "loss" to the model, or use';
  assert.throws(() => checkMonitored("gan", network, { ...TRAINING_DEFAULTS, patience: 3 }), {
    name: "ConfigError",
    message: `Cannot train "gan" with --patience 3 ${reason} --patience 0`,
  });
  assert.throws(() => checkMonitored("gan", network, { ...TRAINING_DEFAULTS, schedule: "plateau" }), {
    name: "ConfigError",
    message: `Cannot train "gan" with --schedule plateau ${reason} another --schedule`,
  });
  checkMonitored("gan", network, TRAINING_DEFAULTS);
  const plan = { ...TRAINING_DEFAULTS, patience: 3, schedule: "plateau" } as const;
  checkMonitored("network", withPrograms("step", "validate"), plan);
});

/** A line of a model's validation. */
const validated = (epoch: number, values: { loss: number; [name: string]: number }, model?: string) =>
  ({
    step: epoch * 10,
    epoch,
    split: "validation",
    ...values,
    ...(model ? { model } : {}),
  }) as TrainingRecord;

Deno.test("monitoringWarnings() gives one warning for each model and epoch with values that are not finite", () => {
  const models = new Map([["a", withPrograms("validate")], ["b", withPrograms("validate")]]);
  const history = [
    validated(1, { loss: NaN, accuracy: NaN }, "a"),
    validated(2, { loss: 1, accuracy: 1 }, "a"),
    validated(1, { loss: 2, accuracy: NaN }, "b"),
  ];
  assert.deepEqual(monitoringWarnings({ models, hasRows: true, history }), [
    {
      code: "validation-not-finite",
      message: 'validation of "a" after epoch 1 gave NaN or an infinity for "loss", "accuracy"; ' +
        "it does not count as better than any other epoch",
    },
    {
      code: "validation-not-finite",
      message: 'validation of "b" after epoch 1 gave NaN or an infinity for "accuracy"',
    },
  ]);
});

Deno.test("monitoringWarnings() says when no epoch could be the best, and when the training loss stood in", () => {
  const models = new Map([["network", withPrograms("validate")]]);
  const codes = (history: readonly TrainingRecord[], hasRows: boolean) =>
    monitoringWarnings({ models, hasRows, history }).map(({ code }) => code);
  assert.deepEqual(codes([validated(1, { loss: NaN })], true), ["validation-not-finite", "no-best-epoch"]);
  assert.deepEqual(codes([validated(1, { loss: NaN }), validated(2, { loss: 1 })], true), [
    "validation-not-finite",
  ]);
  const trained: TrainingRecord = { step: 10, epoch: 1, split: "train", loss: 1 };
  assert.deepEqual(codes([trained], false), ["no-validation"]);
  assert.deepEqual(codes([], true), []);
});

Deno.test("isBetter() takes higher values with max, and only those better by more than minDelta", () => {
  const cases: [
    value: number,
    best: number | null,
    watch: Parameters<typeof isBetter>[2],
    expected: boolean,
  ][] = [
    [0.9, 0.8, { monitorMode: "max" }, true],
    [0.8, 0.9, { monitorMode: "max" }, false],
    [0.85, 0.8, { monitorMode: "max", minDelta: 0.1 }, false],
    [0.95, 0.8, { monitorMode: "max", minDelta: 0.1 }, true],
    [0.75, 0.8, { minDelta: 0.1 }, false],
    [0.65, 0.8, { minDelta: 0.1 }, true],
    [-5, null, { monitorMode: "max", minDelta: 10 }, true],
    [NaN, 0, { monitorMode: "max" }, false],
  ];
  for (const [value, best, watch, expected] of cases) assert.equal(isBetter(value, best, watch), expected);
});

Deno.test("checkMonitored() refuses a value that the model does not give, and names the nearest", () => {
  const outputs = [{ name: "loss" }, { name: "accuracy" }];
  const model = { has: () => true, programs: { validate: { outputs } } };
  checkMonitored("net", model, { ...TRAINING_DEFAULTS, monitor: "accuracy" });
  assert.throws(() => checkMonitored("net", model, { ...TRAINING_DEFAULTS, monitor: "acuracy" }), {
    name: "ConfigError",
    message:
      `Cannot train "net" with --monitor acuracy as the model's loss must give this value: it gives loss, accuracy; did you mean "accuracy"?`,
  });
});
