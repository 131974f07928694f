import { testComparison } from "../../tests/support/comparing.ts";
import { comparePredictions, comparePrograms } from "./files.ts";

const [STEP, PREDICT] = ["programs/network-step.json", "programs/network-predict.json"];
const PREDICTION = "predictions/network-y.npy";
const OTHER = { [PREDICTION]: new Uint8Array([1, 2, 4]) };

testComparison(comparePrograms, {
  "counts equal programs": { state: "equal", detail: "2 programs" },
  "is skipped for a run without models": {
    before: { [STEP]: undefined, [PREDICT]: undefined },
    now: { [STEP]: undefined, [PREDICT]: undefined },
    state: "skipped",
    detail: "the run has no models",
  },
  "names the first program that differs": {
    now: { [STEP]: { name: "step", nodes: 1 }, [PREDICT]: { name: "predict", nodes: 1 } },
    state: "different",
    detail: "programs/network-predict.json differs",
  },
  "names a program that is missing": {
    now: { [STEP]: undefined },
    state: "different",
    detail: "programs/network-step.json differs",
  },
  "has no tolerance": {
    now: { [STEP]: { name: "step", nodes: 1 } },
    isLoose: true,
    state: "different",
    detail: "programs/network-step.json differs",
  },
  "does not compare the printed form": {
    now: { "programs/network-step.txt": "printed otherwise" },
    state: "equal",
    detail: "2 programs",
  },
});

testComparison(comparePredictions, {
  "counts equal files": { state: "equal", detail: "1 file" },
  "is skipped for a run without predictions": {
    before: { [PREDICTION]: undefined },
    now: { [PREDICTION]: undefined },
    state: "skipped",
    detail: "the run has none",
  },
  "names a file that differs": { now: OTHER, state: "different", detail: `${PREDICTION} differs` },
  "allows other bits where equal ones are not promised": {
    now: OTHER,
    isLoose: true,
    state: "other bits",
    detail: `${PREDICTION} differs`,
  },
  "names a file that is missing": {
    now: { [PREDICTION]: undefined },
    state: "different",
    detail: `${PREDICTION} differs`,
  },
});
