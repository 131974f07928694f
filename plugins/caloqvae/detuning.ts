/**
 * What a simulated generator gets wrong, by one grade.
 *
 * @module
 */

/** Defects of a generator. All zero: none. */
export interface Detuning {
  /** Share of the energy that is lost. */
  readonly response: number;
  /** Extra relative fluctuation of the total energy. */
  readonly smearing: number;
  /** Relative widening in radius. */
  readonly width: number;
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

/** No defect. */
export const NO_FLAWS: Detuning = {
  response: 0,
  smearing: 0,
  width: 0,
  depth: 0,
  correlation: 0,
  independence: 0,
  lost: 0,
  dropped: 0,
};

/** A generator that is wrong in all respects, by a factor; 0 is right. */
export function detuning(scale: number): Detuning {
  return {
    response: 0.03 * scale,
    smearing: 0.03 * scale,
    width: 0.12 * scale,
    depth: 0.4 * scale,
    correlation: Math.min(1, 0.5 * scale),
    independence: Math.min(1, 0.25 * scale),
    lost: Math.min(1, 0.5 * scale),
    dropped: Math.min(0.9, 0.12 * scale),
  };
}

/** Grades of the family that `data simulate` writes, from good to bad. */
export const FAMILY: readonly number[] = [0, 0.25, 0.5, 1, 2];
