/**
 * Names: their spellings in code and on the command line, and the known name nearest to a mistyped one.
 *
 * @module
 */

/**
 * The known name that the given one was probably meant to be, for "did you mean" hints.
 *
 * Names are compared without regard to case, `-` and `_`. The distance is the number of insertions, deletions,
 * substitutions and swaps of neighbors, no part edited twice (optimal string alignment). A name counts as near when the
 * distance is at most one third of the longer length, or when one is the beginning of the other and has at least three
 * characters. Ties go to the longer common beginning, then to the earlier name.
 *
 * @returns `undefined` when no known name is near.
 *
 * @example
 * ```ts
 * import { nearestName } from "./names.ts";
 * if (nearestName("epcohs", ["epochs", "batch-size"]) !== "epochs") throw new Error("unreachable");
 * ```
 */
export function nearestName(name: string, known: Iterable<string>): string | undefined {
  const target = normalize(name);
  let best: string | undefined;
  let bestScore = Infinity;
  for (const candidate of known) {
    const other = normalize(candidate);
    const shared = commonPrefix(target, other);
    const distance = alignmentDistance(target, other);
    const isBeginning = shared >= 3 && shared === Math.min(target.length, other.length);
    if (distance > Math.max(target.length, other.length) / 3 && !isBeginning) continue;
    // A beginning is as good as one typing error; the common prefix only breaks ties.
    const score = (isBeginning ? Math.min(distance, 1) : distance) - shared / (other.length + 1) / 2;
    if (score < bestScore) {
      best = candidate;
      bestScore = score;
    }
  }
  return best;
}

/** "batchSize" as "batch-size"; runs of capitals stay together ("useONNX" gives "use-onnx"). */
export function kebabCase(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, "$1-$2")
    .replace(/([A-Z]+)([A-Z][a-z])/g, "$1-$2")
    .replace(/[\s_-]+/g, "-")
    .toLowerCase();
}

/** "batch-size" or "batch_size" as "batchSize". */
export function camelCase(name: string): string {
  const [first = "", ...rest] = name.split(/[\s_-]+/).filter((part) => part !== "");
  return first.charAt(0).toLowerCase() + first.slice(1) +
    rest.map((part) => part.charAt(0).toUpperCase() + part.slice(1)).join("");
}

function normalize(name: string): string {
  return name.toLowerCase().replace(/[-_]/g, "");
}

function commonPrefix(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return length;
}

/**
 * The restricted Damerau-Levenshtein distance, by three rows of the table. Packages such as fastest-levenshtein count a
 * swap as two edits, so that "sede" is not near "seed".
 */
function alignmentDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      row[j] = Math.min(last[j]! + 1, row[j - 1]! + 1, substitution);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwap) row[j] = Math.min(row[j]!, beforeLast[j - 2]! + 1);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}
