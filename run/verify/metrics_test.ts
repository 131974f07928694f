import { testComparison, testMissing } from "../../tests/support/comparing.ts";
import { METRICS } from "../../tests/support/run_folder.ts";
import { compareMetrics } from "./metrics.ts";

const FILE = "metrics.json";
const { auc: AUC, loss: LOSS } = METRICS;
const metrics = (auc: unknown, loss: unknown = LOSS) => ({ [FILE]: { auc, loss } });

testComparison(compareMetrics, {
  "counts equal metrics": { state: "equal", detail: "2 metrics" },
  "is skipped for a run without metrics": {
    before: { [FILE]: undefined },
    now: { [FILE]: undefined },
    state: "skipped",
    detail: "the run has none",
  },
  "names the first metric that differs, in errors and percent": {
    now: metrics({ ...AUC, value: 0.5 }, { ...LOSS, value: 3 }),
    state: "different",
    // 0.4 by sqrt(2) 0.01; 0.4 by 0.9
    detail: '"auc" was 0.9 and is 0.5: 28 combined errors, 44 % apart',
  },
  "says where no error is known": {
    now: metrics(AUC, { ...LOSS, value: 2.5 }),
    state: "different",
    detail: '"loss" was 2 and is 2.5: no error is known, 20 % apart',
  },
  "names the field where the value is equal": {
    now: metrics({ ...AUC, rows: 99 }),
    state: "different",
    detail: '"auc" differs in rows: 100 then, 99 now',
  },
  "names a metric that is missing": {
    now: { [FILE]: { auc: AUC } },
    state: "different",
    detail: '"loss" is missing in the repetition',
  },
  "names a metric that is new": {
    before: { [FILE]: { auc: AUC } },
    state: "different",
    detail: '"loss" is not in the record',
  },
  "agrees within three combined errors or one percent where equal bits are not promised": {
    // 0.04 of 3 sqrt(2) 0.01 = 0.0424 allowed; 0.02 of 2.02 is 0.99 %
    now: metrics({ ...AUC, value: 0.94 }, { ...LOSS, value: 2.02 }),
    isLoose: true,
    state: "agrees",
    detail: "2 metrics: 0 equal, 1 within 3 combined errors, 1 within 1 %",
  },
  "differs outside of both tolerances": {
    now: metrics({ ...AUC, value: 0.945 }, { ...LOSS, value: 2.03 }),
    isLoose: true,
    state: "different",
    detail: "2 metrics: 0 equal, 0 within 3 combined errors, 0 within 1 %, 2 outside; " +
      '"auc" was 0.9 and is 0.945: 3.2 combined errors, 4.8 % apart',
  },
  "has no tolerance for rows and units": {
    now: metrics({ ...AUC, unit: "GeV" }),
    isLoose: true,
    state: "different",
    detail: "2 metrics: 1 equal, 0 within 3 combined errors, 0 within 1 %, 1 outside; " +
      '"auc" differs in unit: 1 then, GeV now',
  },
});
testMissing(compareMetrics, FILE);
