import assert from "node:assert/strict";
import type { Tensors } from "../engine/runtimes/types.ts";
import { withTempDir } from "../tests/support/plugins.ts";
import { CheckpointStore } from "./checkpoint.ts";
import {
  CheckpointStrategy,
  type CheckpointStrategyOptions,
  keptPairs,
  pauseMs,
} from "./checkpoint_strategy.ts";
import { INITIAL_COUNTERS, type TrainingCounters } from "./counters.ts";

/** A clock that stands still unless it is moved. */
class Clock {
  ms = 1000;
  readonly now = (): number => this.ms;
}

const stateAt = (step: number): Tensors => ({
  w: { dtype: "float32", shape: [1], data: Float32Array.of(step) },
});

const countersAt = (step: number, bestStep: number | null = null): TrainingCounters => ({
  ...INITIAL_COUNTERS,
  step,
  bestStep,
});

interface Bench {
  readonly clock: Clock;
  readonly store: CheckpointStore;
  strategy(options?: Partial<CheckpointStrategyOptions>): CheckpointStrategy;
  /** Folders that are there, in the order of their steps. */
  folders(): Promise<string[]>;
}

async function withBench(use: (bench: Bench) => Promise<void>): Promise<void> {
  await withTempDir(async (directory) => {
    const [clock, store] = [new Clock(), new CheckpointStore(directory)];
    await use({
      clock,
      store,
      strategy: (options) =>
        new CheckpointStrategy({ store, model: "network", stepOffset: 0, now: clock.now, ...options }),
      folders: async () => (await store.newestFirst()).reverse(),
    });
  });
}

/** Writes the checkpoint of a step, with the best state of an earlier one. */
function writeAt(strategy: CheckpointStrategy, step: number, bestStep: number | null): Promise<void> {
  const best = bestStep === null
    ? undefined
    : { state: stateAt(bestStep), counters: countersAt(bestStep, bestStep) };
  return strategy.write(best, countersAt(step, bestStep), () => Promise.resolve(stateAt(step)));
}

Deno.test("pauseMs() is what is asked for, else ten seconds or as long as writing takes at most a twentieth", () => {
  const cases: [seconds: number | undefined, writingMs: number, expected: number][] = [
    [0, 400, 0],
    [3, 400, 3000],
    [undefined, 0, 10_000],
    [undefined, 500, 10_000], // 500 ms are a twentieth of 10 s
    [undefined, 2000, 40_000],
  ];
  for (const [seconds, writingMs, expected] of cases) assert.equal(pauseMs(seconds, writingMs), expected);
});

Deno.test("keptPairs() keeps the newest pair and the one before", () => {
  const [a, b, c] = ["1", "2", "3"].map((last) => ({ best: "1", last }));
  assert.deepEqual(keptPairs([], a!), [a]);
  assert.deepEqual(keptPairs([a!], b!), [b, a]);
  assert.deepEqual(keptPairs([b!, a!], c!), [c, b]);
  assert.deepEqual(keptPairs([b!, a!], { ...b! }), [b, a], "written again at the same step");
});

Deno.test("CheckpointStrategy is due when its seconds have passed since the start or the last checkpoint", async () => {
  await withBench(async ({ clock, strategy }) => {
    const everyFive = strategy({ seconds: 5 });
    assert.equal(everyFive.isDue, false);
    clock.ms += 4999;
    assert.equal(everyFive.isDue, false);
    clock.ms += 1;
    assert.equal(everyFive.isDue, true);
    await writeAt(everyFive, 1, null);
    assert.equal(everyFive.isDue, false);
    clock.ms += 5000;
    assert.equal(everyFive.isDue, true);
  });
});

Deno.test("CheckpointStrategy is always due for zero seconds", async () => {
  await withBench(async ({ strategy }) => {
    const always = strategy({ seconds: 0 });
    assert.equal(always.isDue, true);
    await writeAt(always, 1, null);
    assert.equal(always.isDue, true);
  });
});

Deno.test("CheckpointStrategy waits longer where writing is slow", async () => {
  await withBench(async ({ clock, strategy }) => {
    const slow = strategy();
    await slow.write(undefined, countersAt(1), () => {
      clock.ms += 3000; // reading the state counts as well
      return Promise.resolve(stateAt(1));
    });
    clock.ms += 59_999;
    assert.equal(slow.isDue, false);
    clock.ms += 1;
    assert.equal(slow.isDue, true);
  });
});

Deno.test("CheckpointStrategy keeps the best and last of the newest two checkpoints", async () => {
  await withBench(async ({ store, strategy, folders }) => {
    const strategy1 = strategy();
    const steps: [step: number, bestStep: number | null, kept: string[]][] = [
      [2, null, ["2"]],
      [4, 3, ["2", "3", "4"]],
      [6, 3, ["3", "4", "6"]],
      [8, 7, ["3", "6", "7", "8"]],
      [9, 7, ["7", "8", "9"]],
    ];
    for (const [step, bestStep, kept] of steps) {
      await writeAt(strategy1, step, bestStep);
      assert.deepEqual(await folders(), kept, `after step ${step}`);
      assert.equal((await store.pointer("last"))?.directory, String(step));
      assert.equal((await store.pointer("best"))?.directory, String(bestStep ?? step));
    }
    assert.deepEqual([...(await store.read("7")).state.w!.data], [7]);
  });
});

Deno.test("CheckpointStrategy lets go of nothing when it writes the same step again", async () => {
  await withBench(async ({ strategy, folders }) => {
    const twice = strategy();
    await writeAt(twice, 2, 1);
    await writeAt(twice, 4, 3);
    await writeAt(twice, 4, 3);
    assert.deepEqual(await folders(), ["1", "2", "3", "4"]);
  });
});

Deno.test("CheckpointStrategy keeps the pair that training resumes from as the one before", async () => {
  await withBench(async ({ strategy, folders }) => {
    const first = strategy({ stepOffset: 100 });
    await writeAt(first, 2, 1);
    await writeAt(first, 5, 4);
    const second = strategy({ stepOffset: 100, resumeFrom: { best: "104", last: "105" } });
    await writeAt(second, 6, 4);
    assert.deepEqual(await folders(), ["104", "105", "106"]);
  });
});

Deno.test("CheckpointStrategy leaves what a pointer names of another model", async () => {
  await withBench(async ({ strategy, folders }) => {
    await writeAt(strategy({ model: "first" }), 3, 2);
    const second = strategy({ model: "second", stepOffset: 3 });
    for (const step of [1, 2, 3]) await writeAt(second, step, null);
    assert.deepEqual(await folders(), ["2", "3", "5", "6"]);
  });
});
