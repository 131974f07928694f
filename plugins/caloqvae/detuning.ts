/**
 * What a simulated generator gets wrong, by one grade.
 *
 * The defects are those that generators of the field show: too narrow and too deep a shower, some energy lost and smeared,
 * layers that fluctuate on their own, a lost correlation of depth and steepness, rare showers that are never made, small
 * hits that are missing. Each is seen by other metrics, and every one grows with the grade:
 *
 * | defect | seen by |
 * |---|---|
 * | response, smearing, width, depth | separations, Fréchet and kernel distance, AUC, recall (a narrow sample covers less) |
 * | independence, correlation | Frobenius distances, precision (such showers do not exist) |
 * | lost | recall and coverage, Frobenius distances |
 * | dropped | hits, sparsity |
 *
 * @module
 */

/** Defects of a generator. All zero: none. */
export interface Detuning {
  /** Share of the energy that is lost. */
  readonly response: number;
  /** Extra relative fluctuation of the total energy. */
  readonly smearing: number;
  /** Relative narrowing in radius, below 1. */
  readonly narrowing: number;
  /** Displacement along the shower, in radiation lengths. */
  readonly depth: number;
  /** How much of the correlation of depth and steepness is lost, 0..1. */
  readonly correlation: number;
  /** Probability that a layer fluctuates on its own, not with the shower, 0..1. */
  readonly independence: number;
  /** Share of the rare showers, late and double ones, that are never made, 0..1. */
  readonly lost: number;
  /** Share of the small hits that are dropped, 0..1. */
  readonly dropped: number;
}

/** Defects at grade 1; they grow in proportion. */
const GRADE_ONE: Detuning = {
  response: 0.03,
  smearing: 0.03,
  narrowing: 0.15,
  depth: 0.25,
  correlation: 0.5,
  independence: 0.4,
  lost: 0.5,
  dropped: 0.03,
};

/** Defects that are shares, and the most they can be. */
const MOST: Partial<Detuning> = {
  response: 0.9,
  narrowing: 0.8,
  correlation: 1,
  independence: 1,
  lost: 1,
  dropped: 0.9,
};

/** A generator that is wrong in all respects, by a grade; 0 is right. */
export function detuning(grade: number): Detuning {
  const names = Object.keys(GRADE_ONE) as (keyof Detuning)[];
  return Object.fromEntries(
    names.map((name) => [name, Math.min(MOST[name] ?? Infinity, GRADE_ONE[name] * grade)]),
  ) as { [name in keyof Detuning]: number };
}

/** No defect. */
export const NO_FLAWS: Detuning = detuning(0);

/** Grades of the family that `data simulate` writes, from good to bad. */
export const FAMILY: readonly number[] = [0, 0.5, 1, 1.5, 2];
