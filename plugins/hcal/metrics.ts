/**
 * Metrics of a classifier of the two runs, each with its uncertainty.
 *
 * @module
 */
import type { HookContext, Metric, Metrics } from "beamline";
import {
  accuracy,
  aucEstimate,
  bootstrap,
  expectedCalibrationError,
  logLoss,
  mean,
  type ShareEstimate,
  standardDeviation,
  toMetric,
  wilsonInterval,
} from "beamline/metrics";
import type { Scores } from "./baselines.ts";

/** Two standard deviations: 95 %. */
export const Z95 = 1.96;
/** Probabilities are moved this far from 0 and 1: the smallest that float32 can tell from 1. */
export const CLIP = 2 ** -24;

/** What is measured of a classifier on test rows. */
export interface Measured {
  readonly label: string;
  readonly scores: Scores;
  readonly truth: Int32Array;
}

/** `accuracy`, `auc` and, for classifiers that give probabilities, `log_loss` and `ece`; keys begin with `prefix`. */
export function classifierMetrics(
  { label, scores: { scores, predicted, probabilities }, truth }: Measured,
  context: Pick<HookContext, "random">,
  prefix = "",
): Metrics {
  const rows = truth.length;
  const facts = (text: string, better: Metric["better"]) =>
    ({ unit: "1", better, rows, split: "test", label: `${text}, ${label}` }) as const;
  const metrics: { [key: string]: Metric } = {
    [`${prefix}accuracy`]: toMetric(accuracy(predicted, truth), facts("accuracy", "higher")),
    [`${prefix}auc`]: toMetric(aucEstimate(scores, truth), facts("area under the ROC curve", "higher")),
  };
  if (probabilities === undefined) return metrics;
  metrics[`${prefix}log_loss`] = toMetric(logLossEstimate(probabilities, truth), facts("log loss", "lower"));
  metrics[`${prefix}ece`] = toMetric(
    bootstrap(
      rows,
      (chosen) => calibrationError(probabilities, truth, chosen),
      { random: context.random(`bootstrap/${prefix}ece`) },
    ),
    facts("expected calibration error", "lower"),
  );
  return metrics;
}

/** Mean over rows with the standard error of the mean. */
function logLossEstimate(probabilities: Float64Array, truth: Int32Array) {
  const losses = Float64Array.from(probabilities, (p, row) => {
    const right = Math.min(Math.max(truth[row] === 1 ? p : 1 - p, CLIP), 1 - CLIP);
    return -Math.log(right);
  });
  const error = losses.length > 1
    ? standardDeviation(losses, { correction: 1 }) / Math.sqrt(losses.length)
    : null;
  return {
    value: logLoss(probabilities, truth, { clip: CLIP }),
    error,
    errorKind: error === null ? "none" : "analytic",
  } as const;
}

function calibrationError(probabilities: Float64Array, truth: Int32Array, chosen: Uint32Array): number {
  const p = Float64Array.from(chosen, (row) => probabilities[row]!);
  return expectedCalibrationError(p, Array.from(chosen, (row) => truth[row]!));
}

/** The accuracy in a block of sections of a run. */
export interface BlockAccuracy {
  readonly label: number;
  readonly block: number;
  /** Mean section of the rows. */
  readonly section: number;
  readonly rows: number;
  /** With a 95 % Wilson interval. */
  readonly accuracy: ShareEstimate;
}

/** Accuracy per run and block, in order of run and time. */
export function blockAccuracies(
  predicted: Uint8Array,
  { truth, blocks, sections }: {
    truth: Int32Array;
    blocks: Int32Array;
    sections: Int32Array;
  },
): BlockAccuracy[] {
  const groups = Map.groupBy(Array.from(truth.keys()), (row) => 1e6 * truth[row]! + blocks[row]!);
  return [...groups].sort(([a], [b]) => a - b).map(([, rows]) => ({
    label: truth[rows[0]!]!,
    block: blocks[rows[0]!]!,
    section: mean(rows.map((row) => sections[row]!)),
    rows: rows.length,
    accuracy: wilsonInterval(
      rows.reduce((right, row) => right + Number(predicted[row] === truth[row]), 0),
      rows.length,
      { z: Z95 },
    ),
  }));
}

/** The logits and probabilities of a network as scores. */
export function networkScores(logits: ArrayLike<number>): Required<Scores> {
  const scores = Float64Array.from(logits);
  return {
    scores,
    predicted: Uint8Array.from(scores, (score) => Number(score >= 0)),
    probabilities: scores.map((score) => 1 / (1 + Math.exp(-score))),
  };
}
