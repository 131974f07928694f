/**
 * Two classifiers that a network must beat to be worth its training: a threshold on the mean occupancy, and a logistic
 * regression on the row profile. Both see row means of the occupancy in hits.
 *
 * @module
 */
import type { Table } from "beamline";
import { solveSymmetric } from "beamline/metrics";
import { activeColumns, activeRows, CELLS, COLUMNS } from "./geometry.ts";

/** Scores of rows; higher means run 357479. */
export interface Scores {
  /** Log odds, or another quantity that grows with them. */
  readonly scores: Float64Array<ArrayBuffer>;
  /** Whether a row is taken for run 357479. */
  readonly predicted: Uint8Array<ArrayBuffer>;
  /** Probability of run 357479, where the classifier gives one. */
  readonly probabilities?: Float64Array<ArrayBuffer>;
}

/** A trained classifier on row profiles. */
export type ProfileClassifier = (profiles: Float64Array) => Scores;

/** The number of features of a row profile: rows of ieta that are read out. */
export const PROFILE_LENGTH = activeRows().length;

/** Mean occupancy of each active row of ieta: shape [row, 22], in hits. */
export function rowProfiles(maps: ArrayLike<number>): Float64Array<ArrayBuffer> {
  const cells = activeRows().map((row) => activeColumns(row).map((column) => row * COLUMNS + column));
  const rows = maps.length / CELLS;
  const profiles = new Float64Array(rows * cells.length);
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < cells.length; i++) {
      let sum = 0;
      for (const cell of cells[i]!) sum += maps[row * CELLS + cell]!;
      profiles[row * cells.length + i] = sum / cells[i]!.length;
    }
  }
  return profiles;
}

/** Row profiles of a column of maps. */
export function profilesOf(table: Table, column = "occupancy"): Float64Array<ArrayBuffer> {
  return rowProfiles(table[column]!.data as Float32Array);
}

/** The threshold on the mean over all active cells, and the side, that classify most training rows rightly. */
export function trainMeanThreshold(profiles: Float64Array, labels: ArrayLike<number>): ProfileClassifier {
  const means = meansOf(profiles);
  const order = Uint32Array.from(means, (_, i) => i).sort((a, b) => means[a]! - means[b]!);
  const positives = order.reduce((sum, row) => sum + labels[row]!, 0);
  // Rows below the threshold that are of run 0, plus rows above it that are of run 1.
  let right = positives;
  let best = { distance: Math.abs(2 * right - order.length), right, threshold: -Infinity };
  for (const [k, row] of order.entries()) {
    right += labels[row] === 1 ? -1 : 1;
    const next = order[k + 1];
    if (next !== undefined && means[next] === means[row]) continue;
    const distance = Math.abs(2 * right - order.length);
    const threshold = next === undefined ? Infinity : (means[row]! + means[next]!) / 2;
    if (distance > best.distance) best = { distance, right, threshold };
  }
  const sign = 2 * best.right >= order.length ? 1 : -1;
  return (found) => {
    const scores = meansOf(found).map((mean) => sign * mean);
    const threshold = sign * best.threshold;
    return { scores, predicted: Uint8Array.from(scores, (score) => Number(score > threshold)) };
  };
}

/** Mean over all active cells, from the means of the rows. */
function meansOf(profiles: Float64Array): Float64Array<ArrayBuffer> {
  const weights = activeRows().map((row) => activeColumns(row).length);
  const total = weights.reduce((a, b) => a + b);
  return Float64Array.from(
    { length: profiles.length / PROFILE_LENGTH },
    (_, row) => {
      let sum = 0;
      for (let i = 0; i < PROFILE_LENGTH; i++) {
        sum += weights[i]! *
          profiles[row * PROFILE_LENGTH + i]!;
      }
      return sum / total;
    },
  );
}

/** Strength of the penalty |w|^2/2 on standardized features, per training set: keeps separable classes finite. */
const PENALTY = 1;
/** Newton's method doubles its digits per step; a penalized logistic regression needs about ten. */
const NEWTON_STEPS = 50;
/** A step shorter than this, relative to the weights, was the last one. */
const SHORTEST_STEP = 1e-10;
/** Changes of the loss below this share of it are rounding. */
const ROUNDING = 1e-12;

/**
 * Logistic regression on the row profile: features standardized by the training part, penalty |w|^2/2, minimized by
 * Newton's method with halved steps where the loss would rise.
 *
 * @see Hastie, Tibshirani, Friedman (2009), "The Elements of Statistical Learning", section 4.4.1
 */
export function trainRowProfile(profiles: Float64Array, labels: ArrayLike<number>): ProfileClassifier {
  const scaling = standardizer(profiles);
  const features = scaling(profiles);
  const width = PROFILE_LENGTH + 1; // the last feature is the constant
  let weights = new Float64Array(width);
  let loss = penalizedLoss(features, labels, weights);
  for (let step = 0; step < NEWTON_STEPS; step++) {
    const direction = newtonStep(features, labels, weights);
    const at = (size: number) => weights.map((weight, i) => weight - size * direction[i]!);
    let size = 1;
    while (size > 1e-6 && penalizedLoss(features, labels, at(size)) > loss * (1 + ROUNDING)) size /= 2;
    weights = at(size);
    loss = penalizedLoss(features, labels, weights);
    if (Math.hypot(...direction) <= SHORTEST_STEP * (1 + Math.hypot(...weights))) break;
  }
  return (found) => {
    const scores = logits(scaling(found), weights);
    return {
      scores,
      predicted: Uint8Array.from(scores, (score) => Number(score > 0)),
      probabilities: scores.map((score) => 1 / (1 + Math.exp(-score))),
    };
  };
}

/** Zero mean and unit spread per feature, with the constant feature appended: shape [row, 23]. */
function standardizer(profiles: Float64Array): (profiles: Float64Array) => Float64Array {
  const rows = profiles.length / PROFILE_LENGTH;
  const means = new Float64Array(PROFILE_LENGTH);
  const squares = new Float64Array(PROFILE_LENGTH);
  profiles.forEach((value, i) => means[i % PROFILE_LENGTH]! += value / rows);
  profiles.forEach((value, i) =>
    squares[i % PROFILE_LENGTH]! += (value - means[i % PROFILE_LENGTH]!) ** 2 /
      rows
  );
  const spreads = squares.map((square) => square > 0 ? Math.sqrt(square) : 1);
  return (found) => {
    const features = new Float64Array(found.length / PROFILE_LENGTH * (PROFILE_LENGTH + 1)).fill(1);
    found.forEach((value, i) => {
      const feature = i % PROFILE_LENGTH;
      const row = (i - feature) / PROFILE_LENGTH;
      features[row * (PROFILE_LENGTH + 1) + feature] = (value - means[feature]!) / spreads[feature]!;
    });
    return features;
  };
}

function logits(features: Float64Array, weights: Float64Array): Float64Array<ArrayBuffer> {
  const width = weights.length;
  return Float64Array.from({ length: features.length / width }, (_, row) => {
    let sum = 0;
    for (let i = 0; i < width; i++) {
      sum += weights[i]! * features[row * width + i]!;
    }
    return sum;
  });
}

/** Sum of -log probability of the true class, plus the penalty on all weights but the constant's. */
function penalizedLoss(features: Float64Array, labels: ArrayLike<number>, weights: Float64Array): number {
  let loss = 0;
  for (const [row, logit] of logits(features, weights).entries()) {
    const wrong = labels[row] === 1 ? -logit : logit;
    loss += Math.max(wrong, 0) + Math.log1p(Math.exp(-Math.abs(wrong)));
  }
  for (let i = 0; i < weights.length - 1; i++) {
    loss += PENALTY / 2 * weights[i]! ** 2;
  }
  return loss;
}

/** Inverse Hessian times gradient of {@linkcode penalizedLoss}; of the Hessian, the lower triangle is filled. */
function newtonStep(features: Float64Array, labels: ArrayLike<number>, weights: Float64Array): Float64Array {
  const width = weights.length;
  const gradient = new Float64Array(width);
  const hessian = Array.from({ length: width }, () => new Float64Array(width));
  for (const [row, logit] of logits(features, weights).entries()) {
    const probability = 1 / (1 + Math.exp(-logit));
    const curvature = probability * (1 - probability);
    const x = features.subarray(row * width, (row + 1) * width);
    for (let i = 0; i < width; i++) {
      gradient[i]! += (probability - labels[row]!) * x[i]!;
      for (let j = 0; j <= i; j++) hessian[i]![j]! += curvature * x[i]! * x[j]!;
    }
  }
  for (let i = 0; i < width; i++) {
    // The constant is not penalized; a trace of it keeps the matrix regular when all rows are certain.
    const penalty = i < width - 1 ? PENALTY : 1e-9;
    gradient[i]! += i < width - 1 ? PENALTY * weights[i]! : 0;
    hessian[i]![i]! += penalty;
  }
  const step = solveSymmetric(hessian, gradient);
  if (step === undefined) {
    throw new RangeError(
      "Cannot train a logistic regression as its Hessian must be positive-definite: it is not, as when a profile is not finite",
    );
  }
  return step;
}
