/**
 * The width of the core of a distribution, as calorimeter papers quote it.
 *
 * @module
 */
import type { Estimate } from "../../core/types.ts";
import { exactly } from "../summary/estimate.ts";
import { fitLeastSquares, type LeastSquaresFit } from "./fit.ts";
import { type Histogram, histogram } from "../summary/histogram.ts";
import { halfWidth, median, type NumberArray } from "../summary/summary.ts";

/** How the core is found and fitted. */
export interface CoreOptions {
  /** Range of the histogram, in the unit of the residuals. */
  readonly range: readonly [number, number];
  /** @default 300 */
  readonly bins?: number;
  /** Bins with more than this fraction of the highest count belong to the core. In (0, 1). @default 0.3 */
  readonly threshold?: number;
  /**
   * Error of a bin with n rows. `poisson`: sqrt(n), so that high and low bins are weighted by their
   * information. `inverse`: 1/sqrt(n), as in analyses that hand the weight to a routine which expects an
   * error; parameter errors are then scaled by sqrt(sum of squares / ndf), as such routines do. @default
   * "poisson"
   */
  readonly weighting?: "poisson" | "inverse";
}

/** A Gaussian fitted to the core of a distribution. */
export interface CoreFit {
  /** Center, in the unit of the residuals. */
  readonly mean: Estimate;
  /** Standard deviation, in the unit of the residuals. */
  readonly sigma: Estimate;
  /** Height at the center, in rows per bin. */
  readonly amplitude: number;
  /** Edges of the bins that were fitted. */
  readonly window: readonly [number, number];
  readonly histogram: Histogram;
  /** Σ (n - f)²/n over the fitted bins. */
  readonly chi2: number;
  /** Fitted bins less three; 0 where nothing was fitted. */
  readonly ndf: number;
  /** Whether the width is meaningful; if not, `note` says why. */
  readonly isReliable: boolean;
  /** What is wrong, in one line; absent when the fit is reliable. */
  readonly note?: string;
}

/**
 * A Gaussian fitted to the core of a sample: to the contiguous bins about the highest one that hold more than a share
 * (30 %) of its count, by weighted least squares at the bin centers. Tails have no influence; a Gaussian is fitted out
 * to 1.55 standard deviations.
 *
 * The bins are taken as they are: where the highest holds few rows, chance can end the window early. Then, and in every
 * case in which the width would mislead, `isReliable` is false and `note` says why: no or too few bins, a fit that fails
 * or has no peak in the window, a width known to 20 % or worse, a core at the edge of the range, less than half of the
 * rows in the range, a highest bin below 25 rows, a core that is not Gaussian (more than 10 % of the height off, beyond
 * chance), or a second peak. A second peak is a maximum above half
 * of the first, behind a dip below 80 % of it that is significant by five standard deviations, in sums of five bins.
 *
 * Where no fit is possible, mean and sigma come without an error: from the window (its center of gravity, and its length
 * over 2 sqrt(2 ln(1/threshold))), or, with no row in range, from median and 68 % half-width of all rows.
 *
 * @param residuals Shape [row]; finite.
 * @throws {RangeError} If there are no residuals, one is not finite, or an option is out of range.
 *
 * @see S. Aumiller, bachelor thesis, TUM 2023, and its public code PhotonRecoML: 300 bins, 30 %
 */
export function coreGaussian(
  residuals: NumberArray,
  { range, bins = 300, threshold = 0.3, weighting = "poisson" }: CoreOptions,
): CoreFit {
  if (!(threshold > 0 && threshold < 1)) {
    throw new RangeError(`Cannot fit a core as the threshold must be in (0, 1): found ${threshold}`);
  }
  const filled = histogram(residuals, { range, bins });
  const peak = indexOfMaximum(filled.counts);
  if (filled.counts[peak] === 0) return summarizeAll(residuals, filled, range);
  const core = findCore(filled, peak, threshold);
  const attempt = core.centers.length < MINIMUM_BINS ? undefined : fitGaussian(core, weighting);
  const fit = attempt && hasPeak(core, attempt) ? attempt : undefined;
  const found = fit ? describe(fit, weighting) : describeWindow(core);
  const note = findFaults(filled, core, fit, found.sigma, residuals.length).join("; ");
  return {
    ...found,
    window: core.window,
    histogram: filled,
    chi2: fit ? poissonChi2(core, fit.parameters) : 0,
    ndf: fit?.ndf ?? 0,
    isReliable: note === "",
    ...(note === "" ? {} : { note }),
  };
}

/** The value of a Gaussian curve. */
export function gaussian(x: number, amplitude: number, mean: number, sigma: number): number {
  return amplitude * Math.exp(-0.5 * ((x - mean) / sigma) ** 2);
}

/** Three parameters, one degree of freedom, and one to spare. */
const MINIMUM_BINS = 5;
const MINIMUM_PEAK = 25;
const MINIMUM_SHARE = 0.5;
const MAXIMUM_MISFIT = 0.1;
const MAXIMUM_UNCERTAINTY = 0.2;

/** The bins to be fitted, and what is known of the peak before. */
interface Core {
  readonly first: number;
  readonly last: number;
  readonly centers: Float64Array;
  readonly counts: Float64Array;
  readonly window: readonly [number, number];
  /** Height, center and standard deviation to start from. */
  readonly start: readonly [number, number, number];
}

function findCore({ edges, counts }: Histogram, peak: number, threshold: number): Core {
  const least = threshold * counts[peak]!;
  let first = peak;
  let last = peak;
  while (first > 0 && counts[first - 1]! > least) first--;
  while (last < counts.length - 1 && counts[last + 1]! > least) last++;
  const inside = counts.slice(first, last + 1);
  const centers = inside.map((_, i) => (edges[first + i]! + edges[first + i + 1]!) / 2);
  const window = [edges[first]!, edges[last + 1]!] as const;
  const rows = inside.reduce((sum, count) => sum + count, 0);
  const center = inside.reduce((sum, count, i) => sum + count * centers[i]!, 0) / rows;
  const sigma = (window[1] - window[0]) / (2 * Math.sqrt(2 * Math.log(1 / threshold)));
  return { first, last, centers, counts: inside, window, start: [counts[peak]!, center, sigma] };
}

/** Fits in units of the starting values, in which the three parameters are of order one. */
function fitGaussian(core: Core, weighting: "poisson" | "inverse"): LeastSquaresFit {
  const errorOf = weighting === "poisson" ? Math.sqrt : (count: number) => 1 / Math.sqrt(count);
  return fitLeastSquares({
    x: core.centers,
    y: core.counts,
    errors: core.counts.map(errorOf),
    model: ([amplitude, mean, sigma]) => (x) => gaussian(x, amplitude!, mean!, sigma!),
    gradient: ([amplitude, mean, sigma]) => (x) => {
      const pull = (x - mean!) / sigma!;
      const shape = Math.exp(-0.5 * pull * pull);
      return [shape, amplitude! * shape * pull / sigma!, amplitude! * shape * pull * pull / sigma!];
    },
    start: core.start,
  });
}

/** Whether a fit has converged on a maximum inside the window. */
function hasPeak({ window: [low, high] }: Core, { parameters, hasConverged }: LeastSquaresFit): boolean {
  const [amplitude, mean, sigma] = parameters as [number, number, number];
  return hasConverged && amplitude > 0 && mean > low && mean < high && Math.abs(sigma) < high - low;
}

function describe(
  fit: LeastSquaresFit,
  weighting: "poisson" | "inverse",
): Pick<CoreFit, "mean" | "sigma" | "amplitude"> {
  const [amplitude, mean, sigma] = fit.parameters as [number, number, number];
  const scale = weighting === "poisson" ? 1 : fit.chi2 / fit.ndf;
  const estimate = (value: number, i: number): Estimate =>
    fit.covariance
      ? { value, error: Math.sqrt(scale * fit.covariance[i]![i]!), errorKind: "fit" }
      : exactly(value);
  return { mean: estimate(mean, 1), sigma: estimate(Math.abs(sigma), 2), amplitude };
}

function describeWindow({ start }: Core): Pick<CoreFit, "mean" | "sigma" | "amplitude"> {
  const [amplitude, mean, sigma] = start;
  return { mean: exactly(mean), sigma: exactly(sigma), amplitude };
}

function summarizeAll(residuals: NumberArray, filled: Histogram, range: readonly [number, number]): CoreFit {
  return {
    mean: exactly(median(residuals)),
    sigma: exactly(halfWidth(residuals)),
    amplitude: 0,
    window: range,
    histogram: filled,
    chi2: 0,
    ndf: 0,
    isReliable: false,
    note: "no row lies in the range of the histogram; median and 68 % half-width of all rows instead",
  };
}

function poissonChi2({ centers, counts }: Core, [amplitude, mean, sigma]: readonly number[]): number {
  let chi2 = 0;
  counts.forEach((count, i) =>
    chi2 += (count - gaussian(centers[i]!, amplitude!, mean!, sigma!)) ** 2 / count
  );
  return chi2;
}

/** Everything that makes the width misleading. */
function findFaults(
  { counts, underflow, overflow }: Histogram,
  core: Core,
  fit: LeastSquaresFit | undefined,
  sigma: Estimate,
  rows: number,
): string[] {
  const bins = core.centers.length;
  const share = (rows - underflow - overflow) / rows;
  const second = findSecondPeak(counts);
  const misfit = fit ? excessMisfit(core, fit.parameters) : 0;
  const uncertainty = (sigma.error ?? 0) / sigma.value;
  const faults: [boolean, string][] = [
    [bins < MINIMUM_BINS, `only ${bins} bins above the threshold; width taken from them`],
    [bins >= MINIMUM_BINS && !fit, "no Gaussian fits the core; width taken from its window"],
    [uncertainty > MAXIMUM_UNCERTAINTY, `the width is known to ${percent(uncertainty)} only`],
    [core.first === 0 || core.last === counts.length - 1, "the core reaches the edge of the range"],
    [share < MINIMUM_SHARE, `only ${percent(share)} of the rows lie in the range`],
    [core.start[0] < MINIMUM_PEAK, `the highest bin holds only ${core.start[0]} rows`],
    [misfit > MAXIMUM_MISFIT, `the core is not Gaussian: ${percent(misfit)} of the height off`],
    [second > 0, `there is a second peak of ${percent(second)} of the first`],
  ];
  return faults.filter(([isFault]) => isFault).map(([, text]) => text);
}

/** The rms distance of counts and curve beyond Poisson fluctuation, as a fraction of the height. */
function excessMisfit({ centers, counts }: Core, [amplitude, mean, sigma]: readonly number[]): number {
  let excess = 0;
  counts.forEach((count, i) => {
    excess += (count - gaussian(centers[i]!, amplitude!, mean!, sigma!)) ** 2 - count;
  });
  return Math.sqrt(Math.max(0, excess / counts.length)) / amplitude!;
}

/**
 * The height of the highest further maximum as a fraction of the highest, in sums of five bins; 0 when there
 * is none that is above half of it and behind a dip below 80 % of its own height, both by five standard
 * deviations of the counts.
 */
function findSecondPeak(counts: Float64Array): number {
  const sums = counts.map((_, i) => {
    let sum = 0;
    for (let k = Math.max(0, i - 2); k <= Math.min(counts.length - 1, i + 2); k++) sum += counts[k]!;
    return sum;
  });
  const peak = indexOfMaximum(sums);
  let second = 0;
  for (const direction of [-1, 1]) {
    let dip = Infinity;
    for (let i = peak + direction; i >= 0 && i < sums.length; i += direction) {
      const height = sums[i]!;
      const isSeparate = dip < 0.8 * height && height - dip > 5 * Math.sqrt(height + dip);
      if (height > 0.5 * sums[peak]! && isSeparate) second = Math.max(second, height);
      dip = Math.min(dip, height);
    }
  }
  return second / sums[peak]!;
}

function indexOfMaximum(values: Float64Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}
