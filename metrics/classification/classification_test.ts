import assert from "node:assert/strict";
import { randomFor } from "../../core/random.ts";
import {
  accuracy,
  auc,
  aucEstimate,
  brierScore,
  confusionMatrix,
  delongError,
  expectedCalibrationError,
  logLoss,
  reliabilityCurve,
  rocCurve,
} from "./classification.ts";
import { assertClose, classifiedSample } from "../fixtures/samples.ts";
import { standardDeviation } from "../summary/summary.ts";

// Expected numbers: fixtures/classification.py, numpy 1.24.2 and scikit-learn 1.2.1. 1e-12 is the rounding of 600 terms.

const { probabilities, labels, three, classes, predicted } = classifiedSample();
const coarse = probabilities.map((p) => Math.floor(p * 16) / 16);

Deno.test("auc() and delongError() agree with scikit-learn and the definition, with and without ties", () => {
  assertClose(auc(probabilities, labels), 0.8489972845441596, 1e-12);
  assertClose(auc(coarse, labels), 0.8429208956552706, 1e-12);
  assertClose(delongError(probabilities, labels), 0.015346944765707308, 1e-12);
  assertClose(delongError(coarse, labels), 0.01583199714855346, 1e-12);
  assert.deepEqual(aucEstimate(coarse, labels), {
    value: auc(coarse, labels),
    error: delongError(coarse, labels),
    errorKind: "delong",
  });
});

Deno.test("auc() counts a tie as one half", () => {
  assert.equal(auc([0.8, 0.3, 0.3, 0.5], [1, 1, 0, 0]), 0.625);
  assert.equal(auc([1, 1, 1], [1, 0, 0]), 0.5);
  assert.equal(auc([0, -0], [1, 0]), 0.5);
  assert.equal(auc(Float32Array.of(3, 2, 1), Uint8Array.of(1, 0, 0)), 1);
});

Deno.test("auc() depends on the order of the scores alone, and mirrors with the labels", () => {
  const value = auc(coarse, labels);
  assertClose(auc(coarse.map((p) => Math.exp(3 * p) - 7), labels), value, 1e-15);
  assertClose(auc(coarse.map((p) => -p), labels), 1 - value, 1e-14);
  assertClose(auc(coarse, labels.map((label) => 1 - label)), 1 - value, 1e-14);
  const order = randomFor({ seed: 2, purpose: "auc" }).permutation(600);
  assertClose(auc(Array.from(order, (i) => coarse[i]!), Array.from(order, (i) => labels[i]!)), value, 1e-14);
});

Deno.test("delongError() is the standard deviation of auc() over samples", () => {
  const random = randomFor({ seed: 6, purpose: "delong" });
  const values: number[] = [];
  const errors: number[] = [];
  for (let i = 0; i < 300; i++) {
    const truth = Array.from({ length: 200 }, (_, row) => row % 2);
    const scores = truth.map((label) => random.normal(label, 1));
    values.push(auc(scores, truth));
    errors.push(delongError(scores, truth));
  }
  // 300 values: 4 %.
  assertClose(errors.reduce((sum, error) => sum + error, 0) / 300, standardDeviation(values), 0.15);
});

Deno.test("aucEstimate() has no error when a class has one row", () => {
  assert.deepEqual(aucEstimate([1, 2, 3], [0, 0, 1]), { value: 1, error: null, errorKind: "none" });
});

Deno.test("rocCurve() agrees with scikit-learn", () => {
  const { falsePositiveRates, truePositiveRates, thresholds } = rocCurve(coarse, labels);
  const fpr = [
    [0, 0, 0.003205128205128205, 0.003205128205128205, 0.01282051282051282, 0.03205128205128205],
    [0.05448717948717949, 0.0673076923076923, 0.09935897435897435, 0.13141025641025642, 0.16666666666666666],
    [0.20512820512820512, 0.2403846153846154, 0.3141025641025641, 0.42628205128205127, 0.5608974358974359, 1],
  ].flat();
  const tpr = [
    [0, 0.08333333333333333, 0.1388888888888889, 0.2013888888888889, 0.2604166666666667, 0.3194444444444444],
    [0.375, 0.4444444444444444, 0.53125, 0.6111111111111112, 0.6736111111111112],
    [0.7395833333333334, 0.7986111111111112, 0.8541666666666666, 0.8958333333333334, 0.9479166666666666, 1],
  ].flat();
  assert.equal(falsePositiveRates.length, fpr.length);
  fpr.forEach((value, i) => assertClose(falsePositiveRates[i]!, value, 1e-15));
  tpr.forEach((value, i) => assertClose(truePositiveRates[i]!, value, 1e-15));
  assert.deepEqual([...thresholds], [Infinity, ...Array.from({ length: 16 }, (_, i) => (15 - i) / 16)]);
});

Deno.test("rocCurve() encloses the area that auc() gives", () => {
  const { falsePositiveRates: x, truePositiveRates: y } = rocCurve(coarse, labels);
  let area = 0;
  for (let i = 1; i < x.length; i++) area += (x[i]! - x[i - 1]!) * (y[i]! + y[i - 1]!) / 2;
  assertClose(area, auc(coarse, labels), 1e-14);
});

Deno.test("logLoss() and brierScore() agree with scikit-learn for two and three classes", () => {
  assertClose(logLoss(probabilities, labels), 0.5533336418503829, 1e-12);
  assertClose(logLoss(three, classes), 1.001117273958546, 1e-12);
  assertClose(logLoss([0, 1, 0.5], [1, 0, 1]), 23.257166522603836, 1e-12);
  assertClose(brierScore(probabilities, labels), 0.18243748005508087, 1e-12);
  assertClose(brierScore(three, classes), 0.5799045121632855, 1e-12);
});

Deno.test("logLoss() and brierScore() take two columns as one, and say what their scales say", () => {
  const columns = probabilities.flatMap((p) => [1 - p, p]);
  assertClose(logLoss(columns, labels), logLoss(probabilities, labels), 1e-12);
  assertClose(brierScore(columns, labels), 2 * brierScore(probabilities, labels), 1e-12);
  assertClose(logLoss([0.5, 0.5], [0, 1]), Math.LN2, 1e-15);
});

Deno.test("reliabilityCurve() and expectedCalibrationError() agree with scikit-learn", () => {
  const expected = {
    uniform: {
      counts: [209, 86, 59, 62, 59, 46, 38, 41],
      shares: [0.14354066985645933, 0.32558139534883723, 0.6101694915254238, 0.6612903225806451]
        .concat([0.7627118644067796, 0.717391304347826, 0.9210526315789473, 0.975609756097561]),
      means: [0.04044440802204552, 0.18339689249216123, 0.31475022990824814, 0.4392958100764982]
        .concat([0.5540275876804933, 0.6830480513365372, 0.8111203532469901, 0.9469795474191991]),
    },
    quantile: {
      counts: [76, 74, 75, 75, 75, 75, 75, 75],
      shares: [0.039473684210526314, 0.16216216216216217, 0.25333333333333335, 0.36]
        .concat([0.6266666666666667, 0.68, 0.76, 0.96]),
      means: [0.005290181228989049, 0.03538947250391986, 0.1016307536760966, 0.19824703454971312]
        .concat([0.34387613375981646, 0.489873628616333, 0.6550052094459534, 0.8882647864023845]),
    },
  };
  for (const strategy of ["uniform", "quantile"] as const) {
    const found = reliabilityCurve(probabilities, labels, { bins: 8, strategy });
    assert.deepEqual(found.counts, expected[strategy].counts);
    expected[strategy].shares.forEach((value, i) => assertClose(found.shares[i]!.value, value, 1e-12));
    expected[strategy].means.forEach((value, i) => assertClose(found.probabilities[i]!, value, 1e-12));
    // All bins err to the same side, so that the sum does not depend on them.
    assertClose(
      expectedCalibrationError(probabilities, labels, { bins: 8, strategy }),
      0.14035301546255746,
      1e-12,
    );
  }
});

Deno.test("reliabilityCurve() leaves out empty bins and keeps both ends", () => {
  const found = reliabilityCurve([0, 0.1, 1], [0, 1, 1], { bins: 10 });
  assert.deepEqual(found.counts, [2, 1]);
  assert.deepEqual([found.low, found.high], [[0, 0.9], [0.1, 1]]);
  assert.equal(expectedCalibrationError([0, 1], [0, 1]), 0);
});

Deno.test("confusionMatrix() and accuracy() agree with scikit-learn", () => {
  const { counts, shares, classes: size } = confusionMatrix(predicted, classes);
  assert.equal(size, 3);
  assert.deepEqual([...counts], [115, 35, 33, 40, 142, 33, 29, 37, 136]);
  assertClose(shares[0]!, 0.6284153005464481, 1e-15);
  assertClose(shares[5]!, 0.15348837209302327, 1e-15);
  assertClose(shares[7]!, 0.18316831683168316, 1e-15);
  const found = accuracy(predicted, classes);
  assert.equal(found.value, 0.655);
  assert.equal(found.errorKind, "wilson");
  assert.ok(found.low < 0.655 && 0.655 < found.high);
});

Deno.test("confusionMatrix() has rows of zeros for absent classes", () => {
  assert.deepEqual([...confusionMatrix([1, 1], [0, 1], 3).shares], [0, 1, 0, 0, 1, 0, 0, 0, 0]);
  assert.equal(confusionMatrix([0], [0]).classes, 2);
});

Deno.test("the classification metrics reject invalid input", () => {
  const cases: [() => unknown, string, string][] = [
    [
      () => auc([1, 2], [0, 0]),
      "RangeError",
      "Cannot compute AUC as both classes must be present: 0 of 2 labels are positive",
    ],
    [() => auc([1], [0, 1]), "TypeError", "Cannot compute AUC as rows must correspond: found 1 and 2"],
    [
      () => auc([1, NaN], [0, 1]),
      "RangeError",
      "Cannot compute AUC as every value must be finite: found NaN at index 1 of 2",
    ],
    [
      () => rocCurve([1, 2], [0, 2]),
      "RangeError",
      "Cannot compute a ROC curve as a label is an integer from 0 to 1: found 2 in row 1",
    ],
    [
      () => delongError([1, 2, 3], [1, 0, 0]),
      "RangeError",
      "Cannot compute a DeLong error as each class must have two rows: found 1 positive and 2 negative",
    ],
    [
      () => logLoss([0.5, 1.5], [0, 1]),
      "RangeError",
      "Cannot compute a log loss as a probability must be in [0, 1]: found 1.5 at index 1",
    ],
    [
      () => brierScore([0.5, 0.5, 0.5], [0, 1]),
      "TypeError",
      "Cannot compute a Brier score as each row has the same number of probabilities: found 3 for 2 labels",
    ],
    [
      () => reliabilityCurve([0.5], [1], { bins: 0 }),
      "RangeError",
      "Cannot compute a reliability curve as there must be at least one bin: found 0",
    ],
    [
      () => confusionMatrix([3], [0], 3),
      "RangeError",
      "Cannot compute a confusion matrix as a label is an integer from 0 to 2: found 3 in row 0",
    ],
    [() => accuracy([], []), "RangeError", "Cannot compute an accuracy as there must be rows: found none"],
  ];
  for (const [act, name, message] of cases) assert.throws(act, { name, message });
});
