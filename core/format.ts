/**
 * Numbers as people read them: estimates with sensible digits, durations, sizes. The command line and the report print
 * the same text.
 *
 * @module
 */

const SUPERSCRIPTS: { readonly [digit: string]: string } = {
  "-": "⁻",
  "0": "⁰",
  "1": "¹",
  "2": "²",
  "3": "³",
  "4": "⁴",
  "5": "⁵",
  "6": "⁶",
  "7": "⁷",
  "8": "⁸",
  "9": "⁹",
};

/** 10 to an integer power: "1", "10", "10²", "10⁻³". */
export function powerOfTen(exponent: number): string {
  if (exponent === 0) return "1";
  if (exponent === 1) return "10";
  return `10${[...String(exponent)].map((digit) => SUPERSCRIPTS[digit] ?? digit).join("")}`;
}

/**
 * A value with its error and unit, rounded by the rule of the Particle Data Group: the error keeps two digits when its
 * first three lie in 100..354, one in 355..949, and becomes 1000 (two digits) above; the value is rounded to match.
 *
 * @param error One standard deviation, or null when there is none: the value then keeps four significant digits.
 * @param unit As printed; "1" and "" print nothing.
 * @returns Such as "0.0541 ± 0.0004 cm", "12350 ± 230", "(1.20 ± 0.03)×10⁻⁷ s"; "NaN" and "Infinity" for such values.
 *
 * @example Three errors, three roundings
 * ```ts
 * import assert from "node:assert/strict";
 * assert.equal(formatEstimate(0.827, 0.119, "1"), "0.83 ± 0.12");
 * assert.equal(formatEstimate(0.827, 0.367, "1"), "0.8 ± 0.4");
 * assert.equal(formatEstimate(0.827, 0.965, "1"), "0.8 ± 1.0");
 * ```
 *
 * @see Particle Data Group, Review of Particle Physics, Phys. Rev. D 98 (2018) 030001, Introduction, section 5.3.
 */
export function formatEstimate(value: number, error: number | null, unit = "1"): string {
  const suffix = unit === "1" || unit === "" ? "" : ` ${unit}`;
  if (!Number.isFinite(value)) return `${value}${suffix}`;
  if (error === null || !Number.isFinite(error)) return `${formatNumber(value)}${suffix}`;
  const size = Math.abs(error);
  if (size === 0) return `${formatNumber(value, 6)} ± 0${suffix}`;
  const largest = Math.max(Math.abs(value), size);
  const scale = Math.floor(Math.log10(largest));
  const isScientific = scale >= 6 || scale < -4;
  const shift = isScientific ? scale : 0;
  const last = lastDigit(size) - shift;
  const [shownValue, shownError] = [value, size].map((x) => roundedText(x / 10 ** shift, last));
  const pair = `${shownValue} ± ${shownError}`;
  return isScientific ? `(${pair})×${powerOfTen(scale)}${suffix}` : `${pair}${suffix}`;
}

/** A standard deviation with the digits that an error keeps: "0.12", "0.4". */
export function formatSpread(spread: number): string {
  if (!(spread > 0) || !Number.isFinite(spread)) return formatNumber(spread);
  return formatEstimate(spread, spread).replace(/^\(?(\S+) ± [^)]*\)?/, "$1");
}

/** Power of ten of the last digit that an error keeps. */
function lastDigit(error: number): number {
  const exponent = Math.floor(Math.log10(error));
  const leading = Math.round(error / 10 ** (exponent - 2));
  if (leading <= 354) return exponent - 1;
  return exponent;
}

/** A number rounded at a power of ten, with trailing zeros. */
function roundedText(value: number, power: number): string {
  if (power <= 0) return withoutNegativeZero(value.toFixed(Math.min(100, -power)));
  return withoutNegativeZero(String(Math.round(value / 10 ** power) * 10 ** power));
}

function withoutNegativeZero(text: string): string {
  return /^-0(\.0*)?$/.test(text) ? text.slice(1) : text;
}

/**
 * A number with at most `digits` significant digits: "0.0541", "1234", "1.2×10⁻⁷". Whole numbers below 10⁶ keep all of
 * theirs. "NaN" and "Infinity" for such values.
 */
export function formatNumber(value: number, digits = 4): string {
  if (!Number.isFinite(value)) return String(value);
  if (value === 0) return "0";
  if (Number.isInteger(value) && Math.abs(value) < 1e6) return String(value);
  const [mantissa = "", power = "0"] = value.toExponential(digits - 1).split("e");
  const exponent = Number(power);
  const trim = (text: string): string => text.includes(".") ? text.replace(/\.?0+$/, "") : text;
  if (exponent >= 6 || exponent < -4) return `${trim(mantissa)}×${powerOfTen(exponent)}`;
  return trim(Number(`${mantissa}e${power}`).toFixed(Math.max(0, digits - 1 - exponent)));
}

/**
 * A duration: "120ms", "3.42s", "42.1s", "1m 05s", "2h 07m".
 *
 * @throws {RangeError} If it is negative or not finite.
 */
export function formatSeconds(seconds: number): string {
  if (!(seconds >= 0) || seconds === Infinity) {
    throw new RangeError(`Cannot print a duration as it must be finite and not negative: found ${seconds}`);
  }
  if (seconds < 0.9995) return `${Math.round(seconds * 1000)}ms`;
  if (seconds < 9.995) return `${seconds.toFixed(2)}s`;
  if (seconds < 59.95) return `${seconds.toFixed(1)}s`;
  const whole = Math.round(seconds);
  const two = (part: number): string => String(part).padStart(2, "0");
  if (whole < 3600) return `${Math.floor(whole / 60)}m ${two(whole % 60)}s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)}h ${two(minutes % 60)}m`;
}

const BYTE_UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];

/**
 * A size in decimal units (1 kB is 1000 bytes): "512 B", "1.5 kB", "972 MB".
 *
 * @throws {RangeError} If it is negative or not finite.
 */
export function formatBytes(bytes: number): string {
  if (!(bytes >= 0) || bytes === Infinity) {
    throw new RangeError(`Cannot print a size as it must be finite and not negative: found ${bytes}`);
  }
  let size = bytes;
  let unit = 0;
  // 999.5 would print as 1000.
  while (size >= 999.5 && unit < BYTE_UNITS.length - 1) {
    size /= 1000;
    unit++;
  }
  const text = unit === 0 || size >= 9.95 ? String(Math.round(size)) : size.toFixed(1);
  return `${text} ${BYTE_UNITS[unit]}`;
}
