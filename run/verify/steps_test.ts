import { testComparison } from "../../tests/support/comparing.ts";
import { fingerprint } from "../../tests/support/run_folder.ts";
import { compareSteps } from "./steps.ts";

const FILE = "fingerprints.jsonl";
const lines = (...all: string[]) => ({ [FILE]: all.map((line) => line + "\n").join("") });
const [ONE, TWO, FOUR] = [fingerprint(1, 4), fingerprint(2, 2), fingerprint(4, 1)];

testComparison(compareSteps, {
  "counts equal fingerprints": { state: "equal", detail: "3 fingerprints up to step 4" },
  "compares no further than the repetition trained": {
    now: lines(ONE, TWO),
    steps: 3,
    state: "equal",
    detail: "2 fingerprints up to step 2",
  },
  "is skipped where nothing was trained": {
    before: { [FILE]: undefined },
    now: { [FILE]: undefined },
    state: "skipped",
    detail: "nothing was trained",
  },
  "names the first step with another loss": {
    now: lines(ONE, fingerprint(2, 2.5), fingerprint(4, 3)),
    state: "different",
    detail: 'step 2 (epoch 1) of "network" has another loss: 2 then, 2.5 now; equal up to step 1',
  },
  "names the first step with other parameters": {
    now: lines(fingerprint(1, 4, "01"), TWO, FOUR),
    state: "different",
    detail: 'step 1 (epoch 1) of "network" has other parameters; from the start',
  },
  "names a step that is missing": {
    now: lines(ONE, TWO),
    state: "different",
    detail: 'step 4 (epoch 1) of "network" is missing; equal up to step 2',
  },
  "says where the record ends before the repetition": {
    before: lines(ONE, TWO),
    state: "different",
    detail: "the record ends at step 2, the repetition has further fingerprints",
  },
  "needs a fingerprint among the first steps": {
    before: lines(FOUR),
    steps: 3,
    state: "different",
    detail: "no fingerprint was taken up to step 3",
  },
  "allows other bits where equal ones are not promised": {
    now: lines(ONE, fingerprint(2, 3), FOUR),
    isLoose: true,
    state: "other bits",
    detail: 'step 2 (epoch 1) of "network" has another loss: 2 then, 3 now; equal up to step 1',
  },
  "agrees when the losses of the first steps are within one percent": {
    now: lines(fingerprint(1, 3.98, "01"), TWO),
    isLoose: true,
    steps: 2,
    state: "agrees",
    detail: "2 fingerprints up to step 2: losses within 0.50 %, the tolerance is 1 %", // 0.02 of 4
  },
  "differs when a loss of the first steps is further away": {
    now: lines(fingerprint(1, 3.98, "01"), fingerprint(2, 1.5, "01")),
    isLoose: true,
    steps: 2,
    state: "different",
    detail: 'step 1 (epoch 1) of "network" has another loss: 4 then, 3.98000002 now; ' +
      "losses are up to 25 % apart, the tolerance is 1 %", // 0.5 of 2
  },
});
