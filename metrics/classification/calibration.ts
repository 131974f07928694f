/**
 * From scores to probabilities, and what a calibrated classifier says about two distributions.
 *
 * @module
 */
import type { Random } from "../../core/random.ts";
import type { Estimate } from "../../core/types.ts";
import { bootstrap } from "../summary/bootstrap.ts";
import { type NumberArray, requireSameLength, requireSample } from "../summary/summary.ts";

/**
 * The increasing function of the score that fits the labels best in squares (isotonic regression, by pooling adjacent
 * violators), linear between its corners and constant outside. Equal scores count as one with their mean label.
 *
 * @param scores Shape [row]; finite.
 * @param labels Shape [row]; 1 and 0, or any numbers.
 * @returns A function from score to the fitted value. O(n log n) to fit.
 * @throws {RangeError} If there are no rows.
 *
 * @see Barlow et al. (1972), "Statistical inference under order restrictions"; the same as
 * `sklearn.isotonic.IsotonicRegression(out_of_bounds="clip")`.
 */
export function isotonicFit(scores: NumberArray, labels: NumberArray): (score: number) => number {
  requireSample(scores, "fit an increasing function");
  requireSameLength(scores, labels, "fit an increasing function");
  const order = Array.from(scores, (_, i) => i).sort((a, b) => scores[a]! - scores[b]!);
  const points: { readonly x: number; sum: number; weight: number }[] = [];
  for (const row of order) {
    const last = points.at(-1);
    if (last && last.x === scores[row]) {
      last.sum += labels[row]!;
      last.weight++;
    } else points.push({ x: scores[row]!, sum: labels[row]!, weight: 1 });
  }
  const pools: { sum: number; weight: number; first: number; last: number }[] = [];
  points.forEach(({ sum, weight }, at) => {
    let pool = { sum, weight, first: at, last: at };
    for (let top = pools.at(-1); top && top.sum * pool.weight >= pool.sum * top.weight; top = pools.at(-1)) {
      pools.pop();
      pool = { sum: top.sum + pool.sum, weight: top.weight + pool.weight, first: top.first, last: pool.last };
    }
    pools.push(pool);
  });
  const [xs, ys]: [number[], number[]] = [[], []];
  for (const { sum, weight, first, last } of pools) {
    for (const at of first === last ? [first] : [first, last]) {
      xs.push(points[at]!.x);
      ys.push(sum / weight);
    }
  }
  return (score) => interpolate(xs, ys, score);
}

function interpolate(xs: readonly number[], ys: readonly number[], x: number): number {
  const last = xs.length - 1;
  if (!(x > xs[0]!)) return ys[0]!;
  if (x >= xs[last]!) return ys[last]!;
  let [low, high] = [0, last];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (x >= xs[middle]!) low = middle;
    else high = middle;
  }
  const share = (x - xs[low]!) / (xs[high]! - xs[low]!);
  return ys[low]! + share * (ys[high]! - ys[low]!);
}

/** Terms of the cross-entropy are cut here, as `torch.nn.BCELoss` does. */
const LARGEST_TERM = 100;

/**
 * The Jensen-Shannon divergence of two distributions in units of ln 2, as a classifier between equal numbers of rows of
 * both sees it: 1 - BCE / ln 2, with BCE the mean cross-entropy of calibrated probabilities. 0: indistinguishable, 1:
 * disjoint; slightly negative by fluctuation. A classifier sees at most the true divergence.
 *
 * @param probabilities Shape [row]; of label 1.
 * @param labels Shape [row]; 1 and 0.
 * @param options The stream for the bootstrap over rows. @default 100 replicas
 *
 * @see CaloChallenge/homepage, `code/evaluate.py`, `evaluate_cls`.
 */
export function classifierDivergence(
  probabilities: NumberArray,
  labels: NumberArray,
  { random, replicas = 100 }: { readonly random: Random; readonly replicas?: number },
): Estimate {
  requireSample(probabilities, "compute a divergence");
  requireSameLength(probabilities, labels, "compute a divergence");
  const terms = Float64Array.from({ length: probabilities.length }, (_, i) => {
    const p = labels[i] === 1 ? probabilities[i]! : 1 - probabilities[i]!;
    return Math.min(LARGEST_TERM, -Math.log(p));
  });
  return bootstrap(terms.length, (rows) => {
    let sum = 0;
    for (let i = 0; i < rows.length; i++) sum += terms[rows[i]!]!;
    return 1 - sum / rows.length / Math.LN2;
  }, { random, replicas });
}
