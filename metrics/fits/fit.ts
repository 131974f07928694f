/**
 * Weighted least squares with a model that is not linear in its parameters.
 *
 * The minimum is found by ml-levenberg-marquardt 5.1.0: small, MIT, takes analytic derivatives. Of it we use the
 * iteration alone. Points are divided by their errors before they are handed over, because its `weights` enter the
 * normal matrix of a step inversely to the gradient; parameters are scaled so that its absolute damping is relative; it
 * keeps on from a step that went up, so rounds that gain nothing are repeated with more damping; it reports neither
 * convergence nor parameter errors, so both are computed here from the Jacobian at the solution. Any
 * other Levenberg-Marquardt minimizer could take its place.
 *
 * @module
 */
import { levenbergMarquardt } from "ml-levenberg-marquardt";
import { invertSymmetric } from "../algebra/linalg.ts";

/** What is fitted. */
export interface LeastSquaresProblem {
  readonly x: ArrayLike<number>;
  readonly y: ArrayLike<number>;
  /** One standard deviation of each y; positive. */
  readonly errors: ArrayLike<number>;
  /** The curve for given parameters. */
  readonly model: (parameters: readonly number[]) => (x: number) => number;
  /** Derivatives of the curve with respect to each parameter. */
  readonly gradient: (parameters: readonly number[]) => (x: number) => number[];
  readonly start: readonly number[];
}

/** The result of a fit. */
export interface LeastSquaresFit {
  /** The best parameters found. */
  readonly parameters: readonly number[];
  /**
   * (Jᵀ W J)⁻¹ at the solution, with W the inverse squared errors; `undefined` when it is singular, as when two parameters
   * have the same effect.
   */
  readonly covariance: readonly (readonly number[])[] | undefined;
  /** Sum of squared residuals in units of the errors. */
  readonly chi2: number;
  /** Points less parameters. */
  readonly ndf: number;
  /** Whether a further step would lower chi2 by less than a millionth of max(1, chi2). */
  readonly hasConverged: boolean;
}

const ITERATIONS_PER_ROUND = 12;
const MAX_ROUNDS = 20;
const SMALL_DAMPING = 1e-2;
/**
 * Expected decrease of chi2, as a fraction of max(1, chi2), below which we stop: far below one standard
 * deviation.
 */
const TARGET_DECREASE = 1e-12;
const ACCEPTED_DECREASE = 1e-6;

/**
 * Minimizes Σ ((y - f(x)) / error)² over the parameters of f.
 *
 * A fit that fails is a value, not an error: see `hasConverged` and `covariance`.
 *
 * @throws {RangeError} If there are fewer points than parameters.
 */
export function fitLeastSquares(problem: LeastSquaresProblem): LeastSquaresFit {
  const { x, start } = problem;
  if (x.length < start.length) {
    throw new RangeError(
      `Cannot fit a curve as there must be as many points as parameters: found ${x.length} for ${start.length}`,
    );
  }
  let parameters = start;
  let state = linearize(problem, parameters);
  let damping = SMALL_DAMPING;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    if (state.decrease <= TARGET_DECREASE * Math.max(1, state.chi2)) break;
    const next = improve(problem, parameters, state.scales, damping);
    const nextState = linearize(problem, next);
    if (nextState.chi2 < state.chi2) {
      parameters = next;
      state = nextState;
      damping = SMALL_DAMPING;
    } else {
      damping *= 100; // Shorter first steps, until one goes down.
    }
  }
  const { covariance, chi2, decrease } = state;
  const hasConverged = covariance !== undefined && decrease <= ACCEPTED_DECREASE * Math.max(1, chi2);
  return { parameters, covariance, chi2, ndf: x.length - start.length, hasConverged };
}

/** One round of iterations. Returns the start when none went down or the package gives up. */
function improve(
  { x, y, errors, model, gradient }: LeastSquaresProblem,
  from: readonly number[],
  scales: readonly number[],
  damping: number,
): readonly number[] {
  const indices = Array.from({ length: Math.max(2, x.length) }, (_, i) => Math.min(i, x.length - 1));
  const unscale = (scaled: readonly number[]) => scaled.map((value, i) => value * scales[i]!);
  try {
    const { parameterValues } = levenbergMarquardt(
      { x: indices, y: indices.map((i) => y[i]! / errors[i]!) },
      (scaled) => {
        const curve = model(unscale(scaled));
        return (i) => curve(x[i]!) / errors[i]!;
      },
      {
        initialValues: from.map((value, i) => value / scales[i]!),
        jacobianFunction: (scaled) => {
          const slopes = gradient(unscale(scaled));
          return (i) => slopes(x[i]!).map((slope, j) => slope * scales[j]! / errors[i]!);
        },
        damping,
        maxIterations: ITERATIONS_PER_ROUND,
        errorTolerance: 0,
      },
    );
    const found = unscale(parameterValues);
    return found.every(Number.isFinite) ? found : from;
  } catch {
    return from; // A singular step; the state at `from` shows that the fit has not converged.
  }
}

interface Linearized {
  readonly chi2: number;
  readonly covariance: number[][] | undefined;
  /** gᵀ (Jᵀ W J)⁻¹ g with g = Jᵀ W r: how much a Gauss-Newton step would lower chi2. */
  readonly decrease: number;
  /** The step in each parameter alone that changes chi2 by one. */
  readonly scales: readonly number[];
}

function linearize(problem: LeastSquaresProblem, parameters: readonly number[]): Linearized {
  const { pulls, slopes } = evaluate(problem, parameters);
  const chi2 = dot(pulls, pulls);
  const descent = slopes.map((column) => dot(column, pulls));
  const normal = slopes.map((column) => slopes.map((other) => dot(column, other)));
  const scales = normal.map((row, j) => row[j]! > 0 ? 1 / Math.sqrt(row[j]!) : 1);
  // With a unit diagonal the test for singularity does not depend on the units of the parameters.
  const scaled = normal.map((row, j) => row.map((value, k) => value * scales[j]! * scales[k]!));
  const inverse = invertSymmetric(scaled);
  const covariance = inverse?.map((row, j) => row.map((value, k) => value * scales[j]! * scales[k]!));
  let decrease = covariance ? 0 : Infinity;
  covariance?.forEach((row, j) => row.forEach((value, k) => decrease += descent[j]! * value * descent[k]!));
  return { chi2, covariance, decrease, scales };
}

/** Residuals, and derivatives of the curve by each parameter, in units of the errors. */
function evaluate(
  { x, y, errors, model, gradient }: LeastSquaresProblem,
  parameters: readonly number[],
): { readonly pulls: Float64Array; readonly slopes: readonly Float64Array[] } {
  const curve = model(parameters);
  const slopesAt = gradient(parameters);
  const pulls = new Float64Array(x.length);
  const slopes = parameters.map(() => new Float64Array(x.length));
  for (let i = 0; i < x.length; i++) {
    pulls[i] = (y[i]! - curve(x[i]!)) / errors[i]!;
    slopesAt(x[i]!).forEach((slope, j) => slopes[j]![i] = slope / errors[i]!);
  }
  return { pulls, slopes };
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
