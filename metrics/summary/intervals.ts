/**
 * Intervals for fractions and efficiencies.
 *
 * @module
 */
import type { Estimate } from "../../core/types.ts";

/** A fraction with its interval. */
export interface ShareEstimate extends Estimate {
  /** Lower end of the interval, in [0, 1]. */
  readonly low: number;
  /** Upper end of the interval, in [0, 1]. */
  readonly high: number;
}

/**
 * A fraction k/n and its Wilson score interval, (p + z²/2n ± z sqrt(p(1 - p)/n + z²/4n²)) / (1 + z²/n).
 *
 * @param successes k, a number in [0, n].
 * @param trials n, at least 1.
 * @param options `z` is the half-length in standard deviations; the default 1 covers about 68.3 %, 1.96 covers 95 %.
 * @returns `value` is k/n; `low` and `high` are not symmetric about it and stay in [0, 1]; `error` is half the length.
 * @throws {RangeError} If the trials are not positive, the successes not in [0, n], or z not positive.
 *
 * @see Wilson (1927), doi:10.1080/01621459.1927.10502953; checked against the formula evaluated in numpy
 */
export function wilsonInterval(
  successes: number,
  trials: number,
  { z = 1 }: { readonly z?: number } = {},
): ShareEstimate {
  if (!(trials > 0 && Number.isFinite(trials)) || !(successes >= 0 && successes <= trials)) {
    throw new RangeError(
      `Cannot compute an interval as a fraction is between 0 and 1 of at least one trial: found ${successes} of ${trials}`,
    );
  }
  if (!(z > 0 && Number.isFinite(z))) {
    throw new RangeError(`Cannot compute an interval as z must be positive: found ${z}`);
  }
  const share = successes / trials;
  const square = z * z / trials;
  const center = (share + square / 2) / (1 + square);
  const error = z / (1 + square) * Math.sqrt(share * (1 - share) / trials + square / (4 * trials));
  // The ends are exact where the formula only comes close.
  const low = successes === 0 ? 0 : Math.max(0, center - error);
  const high = successes === trials ? 1 : Math.min(1, center + error);
  return { value: share, error, errorKind: "wilson", low, high };
}
