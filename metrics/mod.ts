/**
 * Arrays in, estimates out: location and width, histograms, core widths, profiles, resolution curves,
 * fractions, classification, and bootstrap errors.
 *
 * @example The 68 % half-width of residuals with its error
 * ```ts
 * import { bootstrapOf, halfWidth, toMetric } from "beamline/metrics";
 * import { randomFor } from "../core/random.ts";
 * const random = randomFor({ seed: 1, purpose: "residuals" });
 * const residuals = Float64Array.from({ length: 1000 }, () => random.normal(0, 0.1));
 * const width = bootstrapOf(residuals, halfWidth, { random: randomFor({ seed: 1, purpose: "bootstrap" }) });
 * const metric = toMetric(width, { unit: "cm", better: "lower", rows: 1000, split: "test" });
 * if (Math.abs(metric.value - 0.1) > 0.02) throw new Error("unreachable");
 * ```
 *
 * @module
 */
export { bootstrap, bootstrapOf, type BootstrapOptions } from "./summary/bootstrap.ts";
export {
  accuracy,
  auc,
  aucEstimate,
  brierScore,
  type CalibrationOptions,
  type ConfusionMatrix,
  confusionMatrix,
  delongError,
  expectedCalibrationError,
  type LabelArray,
  logLoss,
  type ReliabilityCurve,
  reliabilityCurve,
  type RocCurve,
  rocCurve,
} from "./classification/classification.ts";
export {
  type Algebra,
  type Matrix,
  type NeighborAlgebra,
  type NeighborCounts,
  plainAlgebra,
  type Sized,
  type WeightedMoments,
} from "./algebra/algebra.ts";
export { classifierDivergence, isotonicFit } from "./classification/calibration.ts";
export {
  correlationDistance,
  correlationMatrix,
  correlationOf,
  DEVIATION_FLOOR,
  frobeniusDistance,
  frobeniusError,
  frobeniusInfluences,
  standardized,
} from "./correlations/correlations.ts";
export {
  binFinder,
  chi2Distance,
  compareCounts,
  compareGroupedCounts,
  countsBetween,
  type HistogramComparison,
  logEdges,
  separationPower,
} from "./generative/distributions.ts";
export {
  columnMeans,
  type DrawRows,
  type FpdEstimate,
  type FpdOptions,
  frechetDistance,
  frechetPhysicsDistance,
  kernelDistance,
  kernelPhysicsDistance,
  type KpdEstimate,
  type KpdOptions,
  type MeanCovariance,
  type Neighborhoods,
  neighborhoods,
  normalizedFeatures,
} from "./generative/generative.ts";
export { solveSymmetric, symmetricEigenvalues, traceOfRootProduct } from "./algebra/linalg.ts";
export { blockEdges, Moments, type MomentSums, SymmetricBlocks } from "./correlations/streaming.ts";
export { exactly, type MetricFacts, toMetric } from "./summary/estimate.ts";
export { type CoreFit, coreGaussian, type CoreOptions, gaussian } from "./fits/gaussian.ts";
export {
  binEdges,
  type Binning,
  type Histogram,
  histogram,
  type Histogram2d,
  histogram2d,
} from "./summary/histogram.ts";
export { type ShareEstimate, wilsonInterval } from "./summary/intervals.ts";
export { type Profile, profile, type ProfileOptions } from "./summary/profile.ts";
export {
  type ResolutionFit,
  resolutionFit,
  type ResolutionOptions,
  type ResolutionTerm,
} from "./fits/resolution.ts";
export {
  halfWidth,
  mean,
  median,
  type NumberArray,
  quantile,
  quantiles,
  rms,
  standardDeviation,
} from "./summary/summary.ts";
export { gammaP } from "./summary/special.ts";
