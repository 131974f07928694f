/**
 * Where the ticks of an axis are and what they say.
 *
 * @module
 */
import { powerOfTen } from "../../core/format.ts";
import { decimalText } from "./text.ts";

/** Positions of labelled and bare ticks, and the labels. */
export interface Ticks {
  readonly major: readonly number[];
  readonly minor: readonly number[];
  /** One per major tick. */
  readonly labels: readonly string[];
}

/** Ends where numbers no longer tell ticks apart; an axis has some dozens. */
const MOST_TICKS = 1000;

/**
 * Ticks at multiples of 1, 2 or 5 times a power of ten: about `count` of them within [low, high]; none between whole
 * numbers when the quantity is a whole number, such as an epoch.
 */
export function linearTicks(low: number, high: number, count: number, isWhole = false): Ticks {
  const rough = Math.max((high - low) / Math.max(1, count), isWhole ? 1 : 0);
  const exponent = Math.floor(Math.log10(rough));
  const factor = rough / 10 ** exponent;
  const [multiple, parts] = factor < 1.5 ? [1, 5] : factor < 3.5 ? [2, 4] : factor < 7.5 ? [5, 5] : [10, 5];
  // Steps below one are handled as divisors, so that ticks are the nearest doubles to round decimals.
  const at = (i: number, divisor = 1): number =>
    exponent < 0 ? i * multiple / (10 ** -exponent * divisor) : i * multiple * 10 ** exponent / divisor;
  const inside = (divisor: number): number[] => {
    const step = multiple * 10 ** exponent / divisor;
    const slack = 1e-9;
    const found: number[] = [];
    // Adding zero turns a negative zero into a plain one.
    for (let i = Math.ceil(low / step - slack) + 0; i <= high / step + slack; i++) {
      found.push(at(i, divisor));
      if (found.length === MOST_TICKS) break;
    }
    return found;
  };
  const major = inside(1);
  const isFine = isWhole && multiple * 10 ** exponent % parts !== 0;
  const minor = isFine
    ? []
    : inside(parts).filter((_, i, all) => Math.abs(nearestOffset(all[i]!, at(1))) > 1e-6 * at(1));
  return { major, minor, labels: linearLabels(major, multiple === 10 ? exponent + 1 : exponent) };
}

function nearestOffset(value: number, step: number): number {
  return value - Math.round(value / step) * step;
}

/** Labels that share their decimals, or their power of ten when the numbers are very large or very small. */
function linearLabels(values: readonly number[], stepExponent: number): string[] {
  const largest = Math.max(...values.map(Math.abs), 0);
  const exponent = largest === 0 ? 0 : Math.floor(Math.log10(largest) + 1e-12);
  if (exponent >= 6 || exponent < -3) {
    const decimals = Math.max(0, exponent - stepExponent);
    return values.map((value) =>
      value === 0 ? "0" : `${decimalText(value / 10 ** exponent, decimals)}×${powerOfTen(exponent)}`
    );
  }
  const decimals = Math.max(0, -stepExponent);
  return values.map((value) => decimalText(value, decimals));
}

/**
 * Ticks of a logarithmic axis: labelled at powers of ten, thinned to about `count`; bare at 2..9 in between. An axis
 * shorter than about one and a half decades is labelled at 1, 2 and 5 too.
 */
export function logTicks(low: number, high: number, count: number): Ticks {
  const slack = 1e-9;
  const first = Math.floor(Math.log10(low) + slack);
  const last = Math.ceil(Math.log10(high) - slack);
  const isInside = (value: number): boolean => value >= low * (1 - slack) && value <= high * (1 + slack);
  const positions = (factors: readonly number[]): number[] => {
    const found: number[] = [];
    for (let exponent = first; exponent <= last; exponent++) {
      for (const factor of factors) {
        const value = exponent < 0 ? factor / 10 ** -exponent : factor * 10 ** exponent;
        if (isInside(value)) found.push(value);
      }
    }
    return found;
  };
  const decades = positions([1]);
  const stride = Math.max(1, Math.ceil(decades.length / Math.max(1, count)));
  if (decades.length >= 2) {
    const major = decades.filter((value) => Math.round(Math.log10(value)) % stride === 0);
    const minor = stride === 1
      ? positions([2, 3, 4, 5, 6, 7, 8, 9])
      : decades.filter((value) => !major.includes(value));
    const labels = major.map((value) => powerOfTen(Math.round(Math.log10(value))));
    return { major, minor, labels };
  }
  const candidates = [positions([1, 2, 5]), positions([1, 2, 3, 4, 5, 6, 7, 8, 9])];
  const major = candidates.find((found) => found.length >= 2);
  if (major === undefined) return linearTicks(low, high, Math.min(count, 4));
  const minor = positions([2, 3, 4, 5, 6, 7, 8, 9]).filter((value) => !major.includes(value));
  return { major, minor, labels: major.map(logLabel) };
}

function logLabel(value: number): string {
  const exponent = Math.floor(Math.log10(value) + 1e-9);
  if (exponent >= -2 && exponent <= 3) return decimalText(value, Math.max(0, -exponent));
  const factor = Math.round(value / 10 ** exponent);
  return factor === 1 ? powerOfTen(exponent) : `${factor}×${powerOfTen(exponent)}`;
}
