/**
 * Durations as people write them on a command line.
 *
 * @module
 */

/** Seconds of each unit that a duration is written in, largest first. */
const UNITS = { d: 86_400, h: 3600, m: 60, s: 1 } as const;

/** How a duration may be written, for messages. */
export const DURATION_FORMS = "such as 90s, 45m, 2h, 1h30m, 02:00:00 or 1-12:00:00";

/**
 * Seconds of a duration: whole numbers with the units d, h, m and s, each at most once and the largest first, or
 * hours:minutes:seconds and days-hours:minutes:seconds, as Slurm writes them. A number alone is none: to some it is
 * seconds, to others minutes.
 *
 * @returns At least 1; undefined where the text is no duration, or longer than ten years.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * assert.deepEqual(["1h30m", "01:30:00", "1-12:00:00", "90"].map(parseDuration), [5400, 5400, 129_600, undefined]);
 * ```
 *
 * @see https://slurm.schedmd.com/sbatch.html, option `--time`: of its six forms the two that cannot be mistaken.
 */
export function parseDuration(text: string): number | undefined {
  const seconds = withUnits(text) ?? withColons(text);
  return seconds !== undefined && seconds >= 1 && seconds <= 3650 * UNITS.d ? seconds : undefined;
}

function withUnits(text: string): number | undefined {
  const parts = /^(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/.exec(text);
  if (!parts || text === "") return undefined;
  return Object.values(UNITS).reduce((sum, unit, i) => sum + unit * Number(parts[i + 1] ?? 0), 0);
}

function withColons(text: string): number | undefined {
  const parts = /^(?:(\d+)-([01]\d|2[0-3]|\d)|(\d+)):([0-5]\d):([0-5]\d)$/.exec(text);
  if (!parts) return undefined;
  const [days, ofDay, hours, minutes, seconds] = parts.slice(1).map((digits = "0") => Number(digits));
  return UNITS.d * days! + UNITS.h * (ofDay! + hours!) + UNITS.m * minutes! + seconds!;
}
