import assert from "node:assert/strict";
import type { ResumeRecord, RunRecord } from "../../core/records.ts";
import { flagsOf } from "../../core/flags.ts";
import { INITIAL_COUNTERS } from "../../train/counters.ts";
import { changesOf, lastConfig, partsOf, scheduleStartOf, withPatience } from "./changes.ts";
import type { RunProgress } from "./progress.ts";

const AT = "2026-12-01T00:00:00.000Z";
const recordWith = (resumed: readonly Omit<ResumeRecord, "at">[], extendedFrom?: number[]): RunRecord =>
  ({
    resumed: resumed.map((entry) => ({ at: AT, ...entry })),
    ...(extendedFrom ? { extendedFrom } : {}),
  }) as unknown as RunRecord;

Deno.test("partsOf() is the whole training where nothing was changed, however often it was resumed", () => {
  assert.deepEqual(partsOf(recordWith([])), [{ values: {}, options: {} }]);
  assert.deepEqual(partsOf(recordWith([{ steps: { a: 3 } }, { steps: { a: 9 } }])), [{
    values: {},
    options: {},
  }]);
});

Deno.test("partsOf() gives every part the values that it had, and where it ended", () => {
  const parts = partsOf(recordWith([
    { steps: { a: 10 }, changed: { patience: { from: 0, to: 3 } } },
    { steps: { a: 12 } },
    {
      steps: { a: 20, b: 5 },
      changed: { patience: { from: 3, to: 4 }, rate: { to: 1 } },
      patience: "anew",
      schedule: { a: { step: 20, epoch: 2, plateauDrops: 0 } },
    },
  ]));
  assert.deepEqual(parts, [
    { values: { patience: 0, rate: undefined }, options: {}, stopAt: { a: 10 } },
    {
      values: { patience: 3, rate: undefined },
      options: { isPatienceAnew: false, isScheduleAnew: false },
      stopAt: { a: 20, b: 5 },
    },
    { values: { patience: 4, rate: 1 }, options: { isPatienceAnew: true, isScheduleAnew: true } },
  ]);
});

Deno.test("partsOf() puts the extensions of an older version before the changes of this one", () => {
  const later = { steps: { a: 10 }, changed: { epochs: { from: 8, to: 9 } }, patience: "anew" } as const;
  assert.deepEqual(
    partsOf(recordWith([{ steps: { a: 4 } }, later], [2, 4])).map(({ values }) => values.epochs),
    [
      2,
      4,
      8,
      9,
    ],
  );
});

Deno.test("changesOf() leaves out equal values and paths of inputs, and says where none was set", () => {
  const flags = flagsOf({ properties: { data: { type: "string", path: "file" } } });
  const asked = { data: "/b", epochs: 2, patience: 1, rate: 3 };
  assert.deepEqual(changesOf(asked, { data: "/a", epochs: 2, patience: 0 }, asked, flags), {
    patience: { from: 0, to: 1 },
    rate: { to: 3 },
  });
});

Deno.test("lastConfig() holds what run.json says was changed, where the process was killed before config.json", () => {
  const record = recordWith([
    { steps: {}, changed: { epochs: { from: 2, to: 4 } } },
    { steps: {}, changed: { epochs: { from: 4, to: 6 }, "b.rate": { to: 1 } } },
  ]);
  const config = { values: { epochs: 2 }, sources: { epochs: "default" }, help: {} };
  assert.deepEqual(lastConfig(record, config), {
    values: { epochs: 6, b: { rate: 1 } },
    sources: { epochs: "default", "b.rate": "resume" },
    help: {},
  });
  assert.deepEqual(lastConfig(recordWith([]), config), config);
});

Deno.test("withPatience() counts anew until a step is done, also after another interruption", () => {
  const record = recordWith([{ steps: { a: 10, b: 4 }, patience: "anew" }, { steps: { a: 10 } }]);
  const at = (step: number) => ({ counters: { ...INITIAL_COUNTERS, step, epochsSinceBest: 5 } });
  const progress = { models: { a: at(10), b: at(6) }, history: [] } as unknown as RunProgress;
  const found = Object.values(withPatience(progress, record).models).map(({ counters }) =>
    counters.epochsSinceBest
  );
  assert.deepEqual(found, [0, 5]);
});

Deno.test("scheduleStartOf() is the last beginning of the model's own schedule", () => {
  const start = (step: number) => ({ step, epoch: 1, plateauDrops: 0 });
  const record = recordWith([
    { steps: {}, schedule: { a: start(5) } },
    { steps: {}, schedule: { a: start(9), b: start(2) } },
    { steps: {}, schedule: { b: start(7) } },
  ]);
  assert.deepEqual([scheduleStartOf(record, "a"), scheduleStartOf(record, "b")], [start(9), start(7)]);
  assert.equal(scheduleStartOf(record, "toString"), undefined);
});
