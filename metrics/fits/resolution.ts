/**
 * The energy dependence of a calorimeter's resolution.
 *
 * @module
 */
import type { Estimate } from "../../core/types.ts";
import { exactly } from "../summary/estimate.ts";
import { fitLeastSquares, type LeastSquaresFit } from "./fit.ts";
import { solveSymmetric } from "../algebra/linalg.ts";
import { type NumberArray, requireSameLength, requireSample } from "../summary/summary.ts";

/** A term of the resolution. */
export type ResolutionTerm = "stochastic" | "constant" | "noise";

/** Which terms are fitted. */
export interface ResolutionOptions {
  /** Terms left out are zero. @default all three */
  readonly terms?: readonly ResolutionTerm[];
}

/** A fitted resolution curve. With energies in GeV and a relative resolution: a in sqrt(GeV), b pure, c in GeV. */
export interface ResolutionFit {
  /** a */
  readonly stochastic: Estimate;
  /** b */
  readonly constant: Estimate;
  /** c */
  readonly noise: Estimate;
  readonly chi2: number;
  /** Points less terms that are not zero. */
  readonly ndf: number;
  /** Whether the fit converged and describes the points (chi2/ndf below 5). */
  readonly isReliable: boolean;
  readonly note?: string;
  /** The resolution at an energy. */
  curve(energy: number): number;
}

/**
 * Fits a/sqrt(E) ⊕ b ⊕ c/E, terms added in quadrature: r(E)² = a²/E + b² + c²/E².
 *
 * Terms are not negative. Where the points prefer a negative square, the term is 0, without an error, and the others are
 * fitted without it; `note` names it.
 *
 * @param energies Shape [point]; positive.
 * @param resolutions Shape [point]; positive: sigma(E)/E for energies. The same form describes a position resolution
 * in cm, with a in cm sqrt(GeV), b in cm, c in cm GeV.
 * @param errors Shape [point]; one standard deviation of each resolution; positive.
 * @returns Terms with errors from the covariance of the fit.
 * @throws {TypeError} If the lengths differ.
 * @throws {RangeError} If a number is not positive and finite, or there are fewer points than terms.
 *
 * @see Particle Data Group, Review of Particle Physics, "Particle detectors at accelerators", electromagnetic calorimeters
 */
export function resolutionFit(
  energies: NumberArray,
  resolutions: NumberArray,
  errors: NumberArray,
  { terms = TERMS }: ResolutionOptions = {},
): ResolutionFit {
  for (const column of [energies, resolutions, errors]) requirePositive(column, energies);
  const asked = TERMS.filter((term) => terms.includes(term));
  if (asked.length === 0 || energies.length < asked.length) {
    throw new RangeError(
      `Cannot fit a resolution as there must be as many points as terms, and a term: found ${energies.length} points for ${asked.length} terms`,
    );
  }
  const data = { x: energies, y: resolutions, errors };
  const { kept, fit } = subsets(asked)
    .map((kept) => ({ kept, fit: fitSquares(data, kept) }))
    .filter(({ fit }) => fit.hasConverged && fit.parameters.every((square) => square > 0))
    .reduce<Candidate>((best, next) => best && best.fit.chi2 <= next.fit.chi2 ? best : next, undefined) ??
    { kept: asked, fit: fitSquares(data, asked) };
  const squares: Record<ResolutionTerm, number> = { stochastic: 0, constant: 0, noise: 0 };
  kept.forEach((term, i) => squares[term] = Math.max(0, fit.parameters[i]!));
  const note = findFaults(fit, asked.filter((term) => !kept.includes(term)));
  return {
    stochastic: estimate("stochastic", kept, fit),
    constant: estimate("constant", kept, fit),
    noise: estimate("noise", kept, fit),
    chi2: fit.chi2,
    ndf: fit.ndf,
    isReliable: fit.hasConverged && !isPoor(fit),
    ...(note === "" ? {} : { note }),
    curve: (energy) => Math.sqrt(TERMS.reduce((sum, term) => sum + squares[term] * SHAPES[term](energy), 0)),
  };
}

type Candidate = { readonly kept: readonly ResolutionTerm[]; readonly fit: LeastSquaresFit } | undefined;

const TERMS: readonly ResolutionTerm[] = ["stochastic", "constant", "noise"];

/** What each squared term is multiplied by. */
const SHAPES: { readonly [term in ResolutionTerm]: (energy: number) => number } = {
  stochastic: (energy) => 1 / energy,
  constant: () => 1,
  noise: (energy) => 1 / (energy * energy),
};

interface Points {
  readonly x: NumberArray;
  readonly y: NumberArray;
  readonly errors: NumberArray;
}

/** Fits the squares of the terms, in which the curve has a finite slope at zero. */
function fitSquares(
  data: Points,
  terms: readonly ResolutionTerm[],
): LeastSquaresFit {
  const value = (squares: readonly number[], energy: number) => {
    const sum = terms.reduce((sum, term, i) => sum + squares[i]! * SHAPES[term](energy), 0);
    return Math.sqrt(Math.max(sum, 1e-300));
  };
  const start = startSquares(data, terms);
  return fitLeastSquares({
    ...data,
    start,
    model: (squares) => (energy) => value(squares, energy),
    gradient: (squares) => (energy) =>
      terms.map((term) => SHAPES[term](energy) / (2 * value(squares, energy))),
  });
}

/**
 * The squares of the terms that fit the squared resolutions, a linear problem; what comes out negative, or is
 * degenerate with the others, starts with a hundredth of the resolution at the middle point.
 */
function startSquares({ x, y, errors }: Points, terms: readonly ResolutionTerm[]): number[] {
  const normal = terms.map(() => terms.map(() => 0));
  const right = terms.map(() => 0);
  const middle = y.length >>> 1;
  // In units of each term at the middle point, the matrix does not depend on the unit of energy.
  const scales = terms.map((term) => y[middle]! ** 2 / SHAPES[term](x[middle]!));
  for (let i = 0; i < x.length; i++) {
    const error = 2 * y[i]! * errors[i]!;
    const shapes = terms.map((term, j) => SHAPES[term](x[i]!) * scales[j]! / error);
    shapes.forEach((shape, j) => {
      right[j]! += shape * y[i]! ** 2 / error;
      shapes.forEach((other, k) => normal[j]![k]! += shape * other);
    });
  }
  const solved = solveSymmetric(normal, right);
  return scales.map((scale, j) => scale * Math.max(solved?.[j] ?? 0, 1e-4));
}

/** All non-empty subsets, the largest first. */
function subsets(terms: readonly ResolutionTerm[]): ResolutionTerm[][] {
  const masks = Array.from({ length: 2 ** terms.length - 1 }, (_, i) => i + 1);
  return masks.map((mask) => terms.filter((_, i) => mask & (1 << i))).sort((a, b) => b.length - a.length);
}

/** The error of a term t from that of its square: s(t) = s(t²) / 2t. */
function estimate(term: ResolutionTerm, kept: readonly ResolutionTerm[], fit: LeastSquaresFit): Estimate {
  const i = kept.indexOf(term);
  if (i < 0) return exactly(0);
  const value = Math.sqrt(Math.max(0, fit.parameters[i]!));
  if (!fit.hasConverged || !fit.covariance || value === 0) return exactly(value);
  return { value, error: Math.sqrt(fit.covariance[i]![i]!) / (2 * value), errorKind: "fit" };
}

function isPoor({ chi2, ndf }: LeastSquaresFit): boolean {
  return ndf > 0 && chi2 / ndf > 5;
}

function findFaults(fit: LeastSquaresFit, dropped: readonly ResolutionTerm[]): string {
  const faults: string[] = [];
  if (!fit.hasConverged) faults.push("the fit did not converge");
  if (isPoor(fit)) {
    faults.push(`the curve does not describe the points: chi2/ndf ${(fit.chi2 / fit.ndf).toFixed(1)}`);
  }
  for (const term of dropped) faults.push(`the ${term} term is at its lower bound 0`);
  return faults.join("; ");
}

function requirePositive(column: NumberArray, energies: NumberArray): void {
  requireSameLength(energies, column, "fit a resolution");
  requireSample(column, "fit a resolution");
  for (let i = 0; i < column.length; i++) {
    if (!(column[i]! > 0)) {
      throw new RangeError(
        `Cannot fit a resolution as energies, resolutions and errors must be positive: found ${
          column[i]
        } at point ${i}`,
      );
    }
  }
}
