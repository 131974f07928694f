import assert from "node:assert/strict";
import { join } from "node:path";
import { withTempDir } from "../tests/support/plugins.ts";
import { fakeExecutable, floats, lineTrial, scriptedTrial, type Trial } from "../tests/support/training.ts";
import { train } from "./loop.ts";
import type { TrainOutcome } from "./types.ts";

/** The number in the only state tensor. */
async function numberIn({ session }: Trial): Promise<number> {
  const [tensor] = Object.values(await session.state());
  return tensor!.data[0] as number;
}

/** Trains until a step, saves, and goes on from the files in a fresh session. */
async function trainInTwo(
  make: () => Promise<Trial>,
  cut: number,
): Promise<{ readonly outcome: TrainOutcome; readonly first: Trial; readonly second: Trial }> {
  const first = await make();
  const stopped = await train({ ...first, stopAfterSteps: cut });
  assert.equal(stopped.reason, "interrupted");
  assert.equal(stopped.counters.step, cut);
  const second = await make();
  const { manifest, state } = await second.checkpoints.read(String(cut));
  const { bestStep } = manifest.counters;
  const saved = bestStep === null ? undefined : await second.checkpoints.read(String(bestStep));
  const best = saved && { state: saved.state, counters: saved.manifest.counters };
  await second.session.load(state);
  const pair = { best: String(bestStep ?? cut), last: String(cut) };
  const outcome = await train({ ...second, resumeFrom: { counters: manifest.counters, best, pair } });
  return { outcome, first, second };
}

/** All files of the newest checkpoint and of the best one, by name. */
async function bytesOf({ checkpoints }: Trial): Promise<{ [file: string]: string }> {
  const found: { [file: string]: string } = {};
  for (const which of ["best", "last"] as const) {
    const { directory } = (await checkpoints.pointer(which))!;
    for (const name of ["state.safetensors", "manifest.json"]) {
      const bytes = await Deno.readFile(join(checkpoints.directory, directory, name));
      found[`${which} ${directory}/${name}`] = bytes.toHex();
    }
  }
  return found;
}

/** What was reported by one training after the other, without times. */
function pathOf(...trials: Trial[]): unknown {
  return {
    steps: trials.flatMap(({ watched }) => watched.steps),
    fingerprints: trials.flatMap(({ watched }) => watched.fingerprints),
    records: trials.flatMap(({ watched }) =>
      watched.records.map(({ seconds: _seconds, ...record }) => record)
    ),
  };
}

Deno.test("train() stops when patience is used up and leaves the best state", async () => {
  const losses = [5, 3, 4, 2, 6, 7, 8, 1];
  /** By patience: epochs done, why it ended, and the epoch whose state is left. */
  const cases: [patience: number, epochs: number, reason: TrainOutcome["reason"], best: number][] = [
    [0, 8, "finished", 8],
    [1, 3, "early-stopping", 2],
    [2, 6, "early-stopping", 4], // the improvement of epoch 4 resets the count of epoch 3
    [3, 7, "early-stopping", 4],
    [4, 8, "finished", 8],
  ];
  for (const [patience, epochs, reason, best] of cases) {
    await withTempDir(async (directory) => {
      const trial = scriptedTrial(directory, losses, { patience });
      const outcome = await train(trial);
      assert.deepEqual([outcome.counters.epoch, outcome.reason], [epochs, reason], `patience ${patience}`);
      assert.equal(outcome.totalSteps, 16);
      assert.equal(outcome.counters.bestEpoch, best);
      assert.equal(await numberIn(trial), 2 * best, `patience ${patience}: state of two steps an epoch`);
      assert.equal((await trial.checkpoints.pointer("best"))?.step, 2 * best);
      assert.equal((await trial.checkpoints.pointer("last"))?.step, 2 * epochs);
    });
  }
});

Deno.test("train() stops at the same epoch when it was interrupted in the middle of patience", async () => {
  const losses = [5, 2, 3, 4, 6, 1];
  await withTempDir(async (directory) => {
    const straight = scriptedTrial(join(directory, "straight"), losses, { patience: 3 });
    const expected = await train(straight);
    assert.deepEqual([expected.reason, expected.counters.epoch], ["early-stopping", 5]);
    for (const cut of [1, 4, 5, 6, 7, 8, 9]) {
      const make = () =>
        Promise.resolve(scriptedTrial(join(directory, `cut-${cut}`), losses, { patience: 3 }));
      const { outcome, first, second } = await trainInTwo(make, cut);
      assert.deepEqual(outcome, expected, `cut after step ${cut}`);
      assert.equal(await numberIn(second), 4);
      assert.deepEqual(await bytesOf(second), await bytesOf(straight));
      assert.deepEqual(pathOf(first, second), pathOf(straight));
    }
  });
});

Deno.test("train() never takes an epoch whose validation is not finite for the best, and resumes to the same", async () => {
  const losses = [NaN, Infinity, 3, -Infinity, 2, NaN, NaN, 1];
  /** By patience: epochs done and the best of them; each NaN counts as not better. */
  const cases: [patience: number, epochs: number, best: number | null][] = [
    [0, 8, 8],
    [2, 2, null],
    [3, 8, 8],
  ];
  for (const [patience, epochs, best] of cases) {
    await withTempDir(async (directory) => {
      const straight = scriptedTrial(join(directory, "straight"), losses, { patience });
      const expected = await train(straight);
      assert.deepEqual([expected.counters.epoch, expected.counters.bestEpoch], [epochs, best], `${patience}`);
      assert.equal(await numberIn(straight), 2 * (best ?? epochs));
      for (let cut = 1; cut < 2 * epochs; cut++) {
        const make = () =>
          Promise.resolve(scriptedTrial(join(directory, `cut-${cut}`), losses, { patience }));
        const { outcome, first, second } = await trainInTwo(make, cut);
        assert.deepEqual(outcome, expected, `cut after step ${cut}`);
        assert.deepEqual(await bytesOf(second), await bytesOf(straight));
        assert.deepEqual(pathOf(first, second), pathOf(straight));
      }
    });
  }
});

Deno.test("train() takes the last epoch for the best where no loss is watched", async () => {
  await withTempDir(async (directory) => {
    const plan = { schedule: "plateau", learningRate: 8, scheduleEpochs: 1, scheduleFactor: 0.5 } as const;
    const trial = scriptedTrial(directory, [1, 2, 3], plan);
    const { counters } = await train({ ...trial, validate: undefined, hasLoss: false });
    assert.deepEqual([counters.bestLoss, counters.bestEpoch, counters.plateauDrops], [null, 3, 0]);
    assert.equal((await trial.checkpoints.pointer("best"))?.step, 6);
  });
});

Deno.test("train() refuses a state with NaN although the loss is finite, and writes no checkpoint of it", async () => {
  await withTempDir(async (directory) => {
    const trial = scriptedTrial(directory, [1, 1, 1], {});
    const session = { ...trial.session, state: () => Promise.resolve({ weight: floats([2], 1, NaN) }) };
    await assert.rejects(train({ ...trial, session }), {
      name: "ConfigError",
      message:
        /^Cannot train "network" as its state must not hold NaN: the first tensor with NaN is "weight" after step 1 /,
    });
    assert.deepEqual(await trial.checkpoints.newestFirst(), []);
  });
});

Deno.test("train() leaves the last state in the session when it is interrupted", async () => {
  await withTempDir(async (directory) => {
    const trial = scriptedTrial(directory, [1, 2, 3], {});
    let asked = 0;
    const { reason, counters } = await train({ ...trial, isStopped: () => asked++ === 5 });
    assert.deepEqual([reason, counters.step, counters.epoch, counters.stepInEpoch], ["interrupted", 5, 2, 1]);
    assert.equal(await numberIn(trial), 5);
    assert.deepEqual(counters.sums, { loss: 1 }); // of one step of the third epoch
  });
});

Deno.test("train() drops the rate of a plateau schedule", async () => {
  await withTempDir(async (directory) => {
    const plan = { schedule: "plateau", learningRate: 8, scheduleEpochs: 2, scheduleFactor: 0.5 } as const;
    const trial = scriptedTrial(directory, [5, 5, 5, 5, 5, 1], plan);
    const { counters } = await train(trial);
    const rates = trial.watched.records.filter(({ split }) => split === "train").map((r) => r.learningRate);
    assert.deepEqual(rates, [8, 8, 8, 4, 4, 2]); // drops after epochs 3 and 5
    assert.deepEqual([counters.plateauDrops, counters.epochsSinceDrop], [2, 0]);
  });
});

Deno.test("train() reports both splits of each epoch, training first", async () => {
  await withTempDir(async (directory) => {
    const trial = scriptedTrial(directory, [5, 3], { learningRate: 0.5 });
    await train(trial);
    const records = trial.watched.records.map(({ seconds: _seconds, ...record }) => record);
    assert.deepEqual(records, [
      { step: 2, epoch: 1, split: "train", learningRate: 0.5, loss: 1 },
      { step: 2, epoch: 1, split: "validation", loss: 5 },
      { step: 4, epoch: 2, split: "train", learningRate: 0.5, loss: 1 },
      { step: 4, epoch: 2, split: "validation", loss: 3 },
    ]);
  });
});

Deno.test("train() refuses a loss that is not finite and writes no checkpoint of it", async () => {
  await withTempDir(async (directory) => {
    const trial = scriptedTrial(directory, [1], {});
    const step = fakeExecutable([], () => ({ loss: floats([], NaN) }));
    await assert.rejects(train({ ...trial, step }), {
      name: "ConfigError",
      message: /^Cannot train "network" as "loss" must be finite: NaN at step 1 \(epoch 1\), all parameters /,
    });
    assert.deepEqual(await trial.checkpoints.newestFirst(), []);
  });
});

/**
 * Rows with x = 1 or -1 and y = 3 x: the loss is (slope - 3)^2 and its gradient 2 (slope - 3), so that a step with rate
 * 1/4 halves the distance to 3. From slope 0 all values are small multiples of powers of two: exact in float32.
 */
const HALVING = { x: [1, -1, 1, -1], y: [3, -3, 3, -3] };

for (const engine of ["reference", "native"]) {
  Deno.test(`train() descends a parabola as computed by hand on ${engine}`, async () => {
    await withTempDir(async (directory) => {
      const trial = await lineTrial(directory, { engine, ...HALVING, batchSize: 4 }, {
        epochs: 3,
        learningRate: 0.25,
      });
      const { counters } = await train(trial);
      assert.equal(await numberIn(trial), 2.625); // 3 - 3/8
      assert.deepEqual(trial.watched.records.map(({ loss }) => loss), [9, 2.25, 0.5625]);
      assert.deepEqual([counters.bestLoss, counters.bestStep], [0.5625, 3]);
      await trial.close();
    });
  });

  Deno.test(`train() gives the same bytes when it is interrupted and resumed on ${engine}`, async () => {
    await withTempDir(async (directory) => {
      const data = {
        engine,
        x: [0.3, -1.2, 0.7, 2.1, -0.4, 1.6],
        y: [1.1, -3.2, 2.4, 6.1, -1.5, 4.4],
        batchSize: 2,
      };
      const plan = { epochs: 4, learningRate: 0.1, schedule: "cosine" } as const;
      const straight = await lineTrial(join(directory, "straight"), data, plan);
      const expected = await train(straight);
      for (const cut of [1, 3, 5, 11]) { // within an epoch, and at the end of one
        const trials: (Trial & { close(): Promise<void> })[] = [];
        const make = async () => {
          trials.push(await lineTrial(join(directory, `cut-${cut}`), data, plan));
          return trials.at(-1)!;
        };
        const { outcome, first, second } = await trainInTwo(make, cut);
        assert.deepEqual(outcome, expected, `cut after step ${cut}`);
        assert.deepEqual(await bytesOf(second), await bytesOf(straight), `cut after step ${cut}`);
        assert.equal(await numberIn(second), await numberIn(straight));
        assert.deepEqual(pathOf(first, second), pathOf(straight));
        for (const trial of trials) await trial.close();
      }
      await straight.close();
    });
  });
}
