import assert from "node:assert/strict";
import { type EarlierRun, Estimate } from "./time_left.ts";

const EARLIER: EarlierRun = {
  seconds: { prepare: 10, trace: 1, train: 60, evaluate: 20 },
  steps: { first: 100, second: 200 },
  rows: 1000,
  isSame: true,
};
const position = (model: string, step: number, totalSteps: number) => ({
  model,
  step,
  totalSteps,
  epoch: 0,
  epochs: 10,
  loss: 1,
});

/** An estimate whose clock is set by hand. */
function clocked(earlier?: EarlierRun): { estimate: Estimate; at: (seconds: number) => Estimate } {
  let ms = 0;
  const estimate = new Estimate(() => ms);
  estimate.earlier = earlier;
  return {
    estimate,
    at(seconds) {
      ms = 1000 * seconds;
      return estimate;
    },
  };
}

Deno.test("Estimate goes by a run of the same configuration from the beginning", () => {
  const { estimate, at } = clocked(EARLIER);
  estimate.begin("prepare");
  assert.deepEqual(estimate.left(), { seconds: 91, of: "run" });
  assert.deepEqual(at(4).left(), { seconds: 87, of: "run" });
  assert.deepEqual(at(40).left(), { seconds: 81, of: "run" }, "slower than before: the rest is as before");
});

Deno.test("Estimate scales another run by rows, once they are known, and trains at its own rate", () => {
  const { estimate, at } = clocked({ ...EARLIER, isSame: false });
  assert.equal(estimate.left(), undefined);
  at(10).rows = 500;
  estimate.begin("train");
  assert.deepEqual(estimate.left(), { seconds: 30 + 10, of: "run" });
  at(20).step(position("first", 0, 400));
  at(22).step(position("first", 100, 400));
  // 300 steps at 50 per second; the second model has 2/3 of 60 s, times 400 steps in place of 100; evaluation of half the rows
  assert.deepEqual(estimate.left(), { seconds: 6 + 160 + 10, of: "run" });
  at(40).step(position("second", 0, 800));
  at(44).step(position("second", 400, 800));
  assert.deepEqual(estimate.left(), { seconds: 4 + 10, of: "run" });
  at(50).begin("evaluate");
  assert.deepEqual(at(53).left(), { seconds: 7, of: "run" });
});

Deno.test("Estimate knows only the training where there is no earlier run", () => {
  const { estimate, at } = clocked();
  estimate.begin("prepare");
  assert.equal(at(5).left(), undefined);
  estimate.begin("train");
  estimate.step(position("first", 50, 100)); // resumed
  assert.equal(estimate.left(), undefined);
  at(15).step(position("first", 75, 100));
  assert.deepEqual(estimate.left(), { seconds: 10, of: "training" });
  estimate.begin("evaluate");
  assert.equal(estimate.left(), undefined);
});
