/**
 * Classifiers: ranking, probabilities, decisions.
 *
 * Labels are integers: 1 and 0 for two classes (positive and negative), else the class index from 0.
 *
 * @module
 */
import type { Estimate } from "../../core/types.ts";
import { type ShareEstimate, wilsonInterval } from "../summary/intervals.ts";
import { type NumberArray, quantiles, requireSameLength, requireSample } from "../summary/summary.ts";

/** Class labels of rows, in any array of numbers. */
export type LabelArray = ArrayLike<number>;

/** Points of a ROC curve, from (0, 0) to (1, 1). */
export interface RocCurve {
  /** Share of negative rows with a score of at least the threshold; not decreasing. */
  readonly falsePositiveRates: Float64Array<ArrayBuffer>;
  /** Share of positive rows with a score of at least the threshold; not decreasing. */
  readonly truePositiveRates: Float64Array<ArrayBuffer>;
  /** Infinity for the first point, then each distinct score, decreasing. */
  readonly thresholds: Float64Array<ArrayBuffer>;
}

/**
 * The receiver operating characteristic: efficiency for positive rows against that for negative rows, at every distinct
 * score.
 *
 * @param scores Shape [row]; any real scale, higher means more positive; finite.
 * @param labels Shape [row]; 1 or 0.
 * @returns One point per distinct score and the origin; no point is left out, equal scores make a diagonal.
 * @throws {TypeError} If the lengths differ.
 * @throws {RangeError} If a score is not finite, a label is not 0 or 1, or a class is absent.
 */
export function rocCurve(scores: NumberArray, labels: LabelArray): RocCurve {
  const { positive, negative } = sortByClass(scores, labels, "compute a ROC curve");
  const points = { fpr: [0], tpr: [0], threshold: [Infinity] };
  let p = positive.length;
  let n = negative.length;
  while (p > 0 || n > 0) {
    const threshold = Math.max(positive[p - 1] ?? -Infinity, negative[n - 1] ?? -Infinity);
    while (p > 0 && positive[p - 1] === threshold) p--;
    while (n > 0 && negative[n - 1] === threshold) n--;
    points.tpr.push((positive.length - p) / positive.length);
    points.fpr.push((negative.length - n) / negative.length);
    points.threshold.push(threshold);
  }
  return {
    falsePositiveRates: Float64Array.from(points.fpr),
    truePositiveRates: Float64Array.from(points.tpr),
    thresholds: Float64Array.from(points.threshold),
  };
}

/**
 * The area under the ROC curve: the probability that a random positive row scores above a random negative one, ties
 * counting one half.
 *
 * AUC = (R - p(p + 1)/2) / (p n), where R is the sum of the mid-ranks of the p positive rows among all p + n.
 *
 * @param scores Shape [row]; any real scale, higher means more positive; finite.
 * @param labels Shape [row]; 1 or 0.
 * @returns In [0, 1]. O(n log n) time, O(n) memory.
 * @throws {TypeError} If the lengths differ.
 * @throws {RangeError} If a score is not finite, a label is not 0 or 1, or a class is absent.
 *
 * @example Two of four pairs in order, one tie
 * ```ts
 * import { auc } from "./classification.ts";
 * if (auc([0.8, 0.3, 0.3, 0.5], [1, 1, 0, 0]) !== 0.625) throw new Error("unreachable");
 * ```
 */
export function auc(scores: NumberArray, labels: LabelArray): number {
  const { positive, negative } = sortByClass(scores, labels, "compute AUC");
  let sum = 0;
  for (const score of positive) sum += midRank(negative, score);
  return sum / positive.length / negative.length;
}

/**
 * The standard error of {@linkcode auc} by DeLong: sqrt(S₁/p + S₀/n), where S₁ is the sample variance over
 * the positive rows of the fraction of negative rows below each, and S₀ that over the negative rows of the
 * fraction of positive rows above each, ties counting one half.
 *
 * @param scores As for `auc`.
 * @param labels As for `auc`, with at least two rows of each class.
 * @returns O(n log n) time.
 * @throws {TypeError} If the lengths differ.
 * @throws {RangeError} As `auc`, and if a class has one row only.
 *
 * @see DeLong, DeLong, Clarke-Pearson (1988), doi:10.2307/2531595; checked against the definition evaluated in numpy
 */
export function delongError(scores: NumberArray, labels: LabelArray): number {
  const { positive, negative } = sortByClass(scores, labels, "compute a DeLong error");
  if (positive.length < 2 || negative.length < 2) {
    throw new RangeError(
      `Cannot compute a DeLong error as each class must have two rows: found ${positive.length} positive and ${negative.length} negative`,
    );
  }
  const below = positive.map((score) => midRank(negative, score) / negative.length);
  const above = negative.map((score) => 1 - midRank(positive, score) / positive.length);
  return Math.sqrt(sampleVariance(below) / positive.length + sampleVariance(above) / negative.length);
}

/** {@linkcode auc} with its {@linkcode delongError}; without an error where a class has one row only. */
export function aucEstimate(scores: NumberArray, labels: LabelArray): Estimate {
  const value = auc(scores, labels);
  const positive = Array.from(labels).filter((label) => label === 1).length;
  if (Math.min(positive, labels.length - positive) < 2) return { value, error: null, errorKind: "none" };
  return { value, error: delongError(scores, labels), errorKind: "delong" };
}

/**
 * The mean negative natural logarithm of the probability given to the true class.
 *
 * @param probabilities Shape [row] for two classes, the probability of label 1; or shape [row, class], row-major. Each in
 * [0, 1]; rows are divided by their sum.
 * @param labels Shape [row]; class indices.
 * @param options Probabilities are moved into [`clip`, 1 - `clip`], so that one wrong row does not make the loss
 * infinite. @default 1e-15
 * @returns In nats; 0 is perfect.
 * @throws {TypeError} If the number of probabilities is not that of the labels times a number of classes.
 * @throws {RangeError} If a probability is outside [0, 1] or a label is not a class.
 */
export function logLoss(
  probabilities: NumberArray,
  labels: LabelArray,
  { clip = 1e-15 }: { readonly clip?: number } = {},
): number {
  const classes = countClasses(probabilities, labels, "compute a log loss");
  requireProbabilities(probabilities, "compute a log loss");
  const clipped = (p: number) => Math.min(Math.max(p, clip), 1 - clip);
  let sum = 0;
  for (let row = 0; row < labels.length; row++) {
    const label = requireLabel(labels, row, Math.max(2, classes), "compute a log loss");
    if (classes === 1) {
      const p = clipped(probabilities[row]!);
      sum -= Math.log(label === 1 ? p : 1 - p);
      continue;
    }
    let total = 0;
    for (let k = 0; k < classes; k++) total += clipped(probabilities[row * classes + k]!);
    sum -= Math.log(clipped(probabilities[row * classes + label]!) / total);
  }
  return sum / labels.length;
}

/**
 * The Brier score: the mean squared difference of probability and outcome, Σ (p - y)²/n; for more than two classes the sum
 * over classes of the squares.
 *
 * @param probabilities Shape [row], the probability of label 1: a score in [0, 1]. Or shape [row, class], row-major: a
 * score in [0, 2], twice the former for two classes.
 * @param labels Shape [row]; class indices.
 * @throws {TypeError} If the number of probabilities is not that of the labels times a number of classes.
 * @throws {RangeError} If a probability is outside [0, 1] or a label is not a class.
 */
export function brierScore(probabilities: NumberArray, labels: LabelArray): number {
  const classes = countClasses(probabilities, labels, "compute a Brier score");
  requireProbabilities(probabilities, "compute a Brier score");
  let sum = 0;
  for (let row = 0; row < labels.length; row++) {
    const label = requireLabel(labels, row, Math.max(2, classes), "compute a Brier score");
    for (let k = 0; k < classes; k++) {
      const outcome = classes === 1 ? label : Number(label === k);
      sum += (probabilities[row * classes + k]! - outcome) ** 2;
    }
  }
  return sum / labels.length;
}

/** How probabilities are binned. */
export interface CalibrationOptions {
  /** @default 10 */
  readonly bins?: number;
  /** Equal lengths in [0, 1], or equal numbers of rows. @default "uniform" */
  readonly strategy?: "uniform" | "quantile";
}

/** Observed fractions in bins of probability; one entry per bin that is not empty. */
export interface ReliabilityCurve {
  readonly low: number[];
  readonly high: number[];
  readonly counts: number[];
  /** Mean probability of the rows of each bin. */
  readonly probabilities: number[];
  /** Share of positive rows of each bin, with Wilson intervals. */
  readonly shares: ShareEstimate[];
}

/**
 * How often rows are positive, against the probability given to them. A bin holds its upper edge; the first holds both.
 *
 * @param probabilities Shape [row]; the probability of label 1, in [0, 1].
 * @param labels Shape [row]; 1 or 0.
 * @throws {TypeError} If the lengths differ.
 * @throws {RangeError} If a probability is outside [0, 1], a label is not 0 or 1, or the bins are not positive.
 */
export function reliabilityCurve(
  probabilities: NumberArray,
  labels: LabelArray,
  { bins = 10, strategy = "uniform" }: CalibrationOptions = {},
): ReliabilityCurve {
  const action = "compute a reliability curve";
  requireSameLength(probabilities, labels, action);
  requireProbabilities(probabilities, action);
  if (!Number.isInteger(bins) || bins < 1) {
    throw new RangeError(`Cannot ${action} as there must be at least one bin: found ${bins}`);
  }
  const steps = Array.from({ length: bins + 1 }, (_, i) => i / bins);
  const edges = strategy === "uniform" ? steps : quantiles(probabilities, steps);
  const rows = new Float64Array(bins);
  const positive = new Float64Array(bins);
  const sums = new Float64Array(bins);
  for (let row = 0; row < labels.length; row++) {
    const label = requireLabel(labels, row, 2, action);
    let bin = 0;
    while (bin < bins - 1 && edges[bin + 1]! < probabilities[row]!) bin++;
    rows[bin]!++;
    positive[bin]! += label;
    sums[bin]! += probabilities[row]!;
  }
  const curve: ReliabilityCurve = { low: [], high: [], counts: [], probabilities: [], shares: [] };
  rows.forEach((count, bin) => {
    if (count === 0) return;
    curve.low.push(edges[bin]!);
    curve.high.push(edges[bin + 1]!);
    curve.counts.push(count);
    curve.probabilities.push(sums[bin]! / count);
    curve.shares.push(wilsonInterval(positive[bin]!, count));
  });
  return curve;
}

/**
 * The expected calibration error: Σ over bins of (rows of the bin / rows) |fraction of positive rows - mean
 * probability|. It depends on the bins and is not zero for a calibrated classifier and few rows.
 *
 * @param probabilities As for {@linkcode reliabilityCurve}.
 * @param labels As for {@linkcode reliabilityCurve}.
 * @returns In [0, 1].
 * @throws As {@linkcode reliabilityCurve}.
 */
export function expectedCalibrationError(
  probabilities: NumberArray,
  labels: LabelArray,
  options: CalibrationOptions = {},
): number {
  const { counts, probabilities: means, shares } = reliabilityCurve(probabilities, labels, options);
  return counts.reduce((sum, count, i) => sum + count * Math.abs(shares[i]!.value - means[i]!), 0) /
    labels.length;
}

/** Rows by true and predicted class. */
export interface ConfusionMatrix {
  readonly classes: number;
  /** Shape [true class, predicted class], row-major: numbers of rows. */
  readonly counts: Float64Array<ArrayBuffer>;
  /** Shape [true class, predicted class]: fractions of each true class; a class without rows has zeros. */
  readonly shares: Float64Array<ArrayBuffer>;
}

/**
 * Counts rows by true and predicted class.
 *
 * @param predicted Shape [row]; class indices.
 * @param labels Shape [row]; class indices.
 * @param classes Number of classes. @default one more than the largest index found, at least 2
 * @throws {TypeError} If the lengths differ.
 * @throws {RangeError} If there are no rows or an index is not a class.
 */
export function confusionMatrix(
  predicted: LabelArray,
  labels: LabelArray,
  classes: number = 1 + Math.max(largest(predicted), largest(labels), 1),
): ConfusionMatrix {
  const action = "compute a confusion matrix";
  requireSameLength(predicted, labels, action);
  if (labels.length === 0) throw new RangeError(`Cannot ${action} as there must be rows: found none`);
  const counts = new Float64Array(classes * classes);
  for (let row = 0; row < labels.length; row++) {
    const truth = requireLabel(labels, row, classes, action);
    counts[truth * classes + requireLabel(predicted, row, classes, action)]!++;
  }
  const totals = Array.from({ length: classes }, (_, k) => {
    let total = 0;
    for (let j = 0; j < classes; j++) total += counts[k * classes + j]!;
    return total;
  });
  const shares = counts.map((count, i) => count / Math.max(1, totals[Math.floor(i / classes)]!));
  return { classes, counts, shares };
}

/**
 * The fraction of rows whose class was predicted, with its Wilson interval.
 *
 * @param predicted Shape [row]; class indices.
 * @param labels Shape [row]; class indices.
 * @throws {TypeError} If the lengths differ.
 * @throws {RangeError} If there are no rows.
 */
export function accuracy(predicted: LabelArray, labels: LabelArray): ShareEstimate {
  requireSameLength(predicted, labels, "compute an accuracy");
  if (labels.length === 0) {
    throw new RangeError("Cannot compute an accuracy as there must be rows: found none");
  }
  let right = 0;
  for (let row = 0; row < labels.length; row++) right += Number(predicted[row] === labels[row]);
  return wilsonInterval(right, labels.length);
}

/** Scores of each class in increasing order. */
function sortByClass(
  scores: NumberArray,
  labels: LabelArray,
  action: string,
): { readonly positive: Float64Array<ArrayBuffer>; readonly negative: Float64Array<ArrayBuffer> } {
  requireSameLength(scores, labels, action);
  requireSample(scores, action);
  let count = 0;
  for (let row = 0; row < labels.length; row++) count += requireLabel(labels, row, 2, action);
  if (count === 0 || count === labels.length) {
    throw new RangeError(
      `Cannot ${action} as both classes must be present: ${count} of ${labels.length} labels are positive`,
    );
  }
  const positive = new Float64Array(count);
  const negative = new Float64Array(labels.length - count);
  let p = 0;
  let n = 0;
  for (let row = 0; row < labels.length; row++) {
    // Adding zero makes -0 equal to 0, which the sort would distinguish.
    if (labels[row] === 1) positive[p++] = scores[row]! + 0;
    else negative[n++] = scores[row]! + 0;
  }
  return { positive: positive.sort(), negative: negative.sort() };
}

/** How many of the sorted values lie below a score, ties counting one half. */
function midRank(sorted: Float64Array, score: number): number {
  return (countBelow(sorted, score, false) + countBelow(sorted, score, true)) / 2;
}

function countBelow(sorted: Float64Array, score: number, orEqual: boolean): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < score || (orEqual && sorted[middle] === score)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function sampleVariance(values: Float64Array): number {
  const center = values.reduce((sum, value) => sum + value, 0) / values.length;
  return values.reduce((sum, value) => sum + (value - center) ** 2, 0) / (values.length - 1);
}

function largest(labels: LabelArray): number {
  let result = 0;
  for (let row = 0; row < labels.length; row++) if (labels[row]! > result) result = labels[row]!;
  return result;
}

/** 1 for probabilities of label 1 alone, else the number of columns. */
function countClasses(probabilities: NumberArray, labels: LabelArray, action: string): number {
  const classes = probabilities.length / labels.length;
  if (labels.length === 0 || !Number.isInteger(classes) || classes < 1) {
    throw new TypeError(
      `Cannot ${action} as each row has the same number of probabilities: found ${probabilities.length} for ${labels.length} labels`,
    );
  }
  return classes;
}

function requireProbabilities(probabilities: NumberArray, action: string): void {
  requireSample(probabilities, action);
  for (let i = 0; i < probabilities.length; i++) {
    if (!(probabilities[i]! >= 0 && probabilities[i]! <= 1)) {
      throw new RangeError(
        `Cannot ${action} as a probability must be in [0, 1]: found ${probabilities[i]} at index ${i}`,
      );
    }
  }
}

function requireLabel(labels: LabelArray, row: number, classes: number, action: string): number {
  const label = labels[row]!;
  if (!Number.isInteger(label) || label < 0 || label >= classes) {
    throw new RangeError(
      `Cannot ${action} as a label is an integer from 0 to ${classes - 1}: found ${label} in row ${row}`,
    );
  }
  return label;
}
