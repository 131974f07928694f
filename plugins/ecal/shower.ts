/**
 * The shape of a photon shower in the calorimeter: how much of it falls into which cell, and how deep it is.
 *
 * Lateral profile: the three-term arctangent form of Lednev with the constants of the STAR forward calorimeter
 * (`StFmsUtil`, cells of 3.8 cm). A cell's share is the four-corner difference of
 * G(x, y) = 1/(2 pi) sum_i a_i atan(x y / (b_i sqrt(b_i^2 + x^2 + y^2))).
 *
 * @module
 */

/** Distance of neighbouring cell centres, cm. */
export const PITCH_CM = 3.83;
/** Distance from the target to the front of the calorimeter, cm. */
export const FRONT_CM = 3302.7;
/** Effective radiation length of the calorimeter, cm. */
export const RADIATION_LENGTH_CM = 1.7;
/** Critical energy, GeV. */
export const CRITICAL_ENERGY_GEV = 0.009;

/** Weights and widths (cm) of the three terms; the weights sum to 1 up to the sixth digit. */
const WEIGHTS = [1.070804, 0.167773, -0.238578] as const;
const WIDTHS_CM = [0.535845, 0.850233, 2.382637] as const;

const [A0, A1, A2] = WEIGHTS;
const [B0, B1, B2] = WIDTHS_CM;
const NORM = 1 / (2 * Math.PI);

/** G(x, y): what the corner at (x, y) cm from the shower axis contributes; in (-1/4, 1/4). */
export function corner(x: number, y: number): number {
  const r2 = x * x + y * y;
  const xy = x * y;
  return NORM * (
    A0 * Math.atan(xy / (B0 * Math.sqrt(B0 * B0 + r2))) +
    A1 * Math.atan(xy / (B1 * Math.sqrt(B1 * B1 + r2))) +
    A2 * Math.atan(xy / (B2 * Math.sqrt(B2 * B2 + r2)))
  );
}

/** dG/dx in 1/cm: 1/(2 pi) sum_i a_i b_i y / (sqrt(b_i^2 + x^2 + y^2) (b_i^2 + x^2)). dG/dy is `cornerSlope(y, x)`. */
export function cornerSlope(x: number, y: number): number {
  const x2 = x * x;
  const r2 = x2 + y * y;
  return NORM * y * (
    A0 * B0 / (Math.sqrt(B0 * B0 + r2) * (B0 * B0 + x2)) +
    A1 * B1 / (Math.sqrt(B1 * B1 + r2) * (B1 * B1 + x2)) +
    A2 * B2 / (Math.sqrt(B2 * B2 + r2) * (B2 * B2 + x2))
  );
}

/** Share of a shower whose axis is at (x, y) cm from the centre of a cell that falls into this cell; 0..1. */
export function cellShare(x: number, y: number): number {
  const h = PITCH_CM / 2;
  return corner(h - x, h - y) - corner(-h - x, h - y) - corner(h - x, -h - y) +
    corner(-h - x, -h - y);
}

/**
 * Mean depth of a photon shower's maximum behind the front of the calorimeter, cm:
 * X0 (ln(E / Ec) + 1/2). At an angle theta the shower appears shifted by depth x tan(theta).
 */
export function showerDepth(energyGev: number): number {
  return RADIATION_LENGTH_CM *
    (Math.log(energyGev / CRITICAL_ENERGY_GEV) + 0.5);
}
