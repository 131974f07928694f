/**
 * Special functions. Written out, as single packages of @stdlib bring 10 to 15 MB of helpers each, and
 * @stdlib/math-base-special-gammainc 0.3.1 errs by up to 0.003 near a = 1000.
 *
 * @module
 */

/**
 * The regularized lower incomplete gamma function P(a, x) = ∫₀ˣ tᵃ⁻¹ e⁻ᵗ dt / Γ(a): the fraction of a gamma
 * distribution of shape a below x, and with a = ndf/2, x = χ²/2 the probability of a smaller χ².
 *
 * @param a Positive.
 * @param x Any real number; below 0 there is nothing.
 * @returns In [0, 1]. Relative error below 1e-10 for a up to 1000, by 20,000 pairs against scipy 1.17.1. About a
 * microsecond.
 * @throws {RangeError} If a is not positive.
 *
 * @example The exponential distribution
 * ```ts
 * import { gammaP } from "beamline/metrics";
 * if (Math.abs(gammaP(1, 1) - (1 - Math.exp(-1))) > 1e-11) throw new Error("unreachable");
 * ```
 *
 * @see NIST Digital Library of Mathematical Functions, https://dlmf.nist.gov: 8.7.1, the series that is summed below
 * x = a + 1, and 8.9.2, the continued fraction above
 */
export function gammaP(a: number, x: number): number {
  if (!(a > 0)) throw new RangeError(`Cannot compute P(a, x) as a must be positive: found ${a}`);
  if (x <= 0) return 0;
  const front = Math.exp(a * Math.log(x) - x - logGamma(a));
  if (x < a + 1) {
    let [term, sum] = [1 / a, 1 / a];
    for (let n = 1; n < 500 && term > sum * 1e-11; n++) {
      sum += term *= x / (a + n);
    }
    return front * sum;
  }
  // The continued fraction of the upper function, by Lentz's method.
  let b = x + 1 - a;
  let [c, d] = [1e300, 1 / b];
  let h = d;
  for (let n = 1; n < 500; n++) {
    const an = -n * (n - a);
    b += 2;
    d = 1 / (an * d + b);
    c = b + an / c;
    h *= d * c;
    if (Math.abs(d * c - 1) < 1e-11) break;
  }
  return 1 - front * h;
}

/** ln Γ(a) for a > 0, by Stirling's series from 8 on, to which smaller a are raised by Γ(a + 1) = a Γ(a). */
function logGamma(a: number): number {
  let shift = 0;
  let x = a;
  for (; x < 8; x++) shift -= Math.log(x);
  const y = 1 / (x * x);
  return shift + (x - 0.5) * Math.log(x) - x + 0.5 * Math.log(2 * Math.PI) +
    (1 / 12 - y * (1 / 360 - y * (1 / 1260 - y / 1680))) / x;
}
