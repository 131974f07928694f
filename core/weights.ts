/**
 * Pretrained weights against those of a model: what fits by name and shape, and what is left over.
 *
 * @module
 */

import type { ArrayOf, Dtype, NdArray } from "./types.ts";

/** What became of pretrained weights. Names are those of the model, `unused` those of the source. */
export interface WeightsReport {
  /** Weights that were given values. */
  readonly taken: readonly string[];
  /** Weights that the source does not have: they keep the values that `build` gave them. */
  readonly missing: readonly string[];
  /** Weights that the source has with another shape: they keep theirs, too. */
  readonly otherShape: readonly {
    readonly name: string;
    readonly expected: readonly number[];
    readonly found: readonly number[];
  }[];
  /** Arrays of the source that no weight has the name of. */
  readonly unused: readonly string[];
}

/** Anything with a shape. */
interface Shaped {
  readonly shape: readonly number[];
}

/**
 * Compares weights with arrays by name and shape.
 *
 * @param sourceName The name in the source of a weight of the model. @default the same
 */
export function matchWeights(
  weights: { readonly [name: string]: Shaped },
  source: { readonly [name: string]: Shaped },
  sourceName: (name: string) => string = (name) => name,
): WeightsReport {
  const taken: string[] = [];
  const missing: string[] = [];
  const otherShape: WeightsReport["otherShape"][number][] = [];
  const used = new Set<string>();
  for (const [name, { shape }] of Object.entries(weights)) {
    const key = sourceName(name);
    const given = Object.hasOwn(source, key) ? source[key] : undefined;
    if (!given) missing.push(name);
    else {
      used.add(key);
      const isSame = given.shape.join() === shape.join();
      if (isSame) taken.push(name);
      else otherShape.push({ name, expected: [...shape], found: [...given.shape] });
    }
  }
  return { taken, missing, otherShape, unused: Object.keys(source).filter((name) => !used.has(name)) };
}

/** How many names a message gives. */
const MOST_NAMES = 5;

/** Names in a message: the first ones, and how many more there are. */
function listNames(names: readonly string[]): string {
  const more = names.length - MOST_NAMES;
  return names.slice(0, MOST_NAMES).map((name) => JSON.stringify(name)).join(", ") +
    (more > 0 ? ` and ${more} more` : "");
}

/** What did not fit, in words: `2 missing ("a", "b"), 1 of another shape ("c": [2,3], not [3,2])`; else "all". */
export function describeLeft({ missing, otherShape, unused }: WeightsReport): string {
  const shapes = otherShape.map(({ name, expected, found }) => `${name}: [${found}], not [${expected}]`);
  const parts: readonly (readonly [string, readonly string[]])[] = [
    ["missing", missing],
    ["of another shape", shapes],
    ["unused", unused],
  ];
  const found = parts.filter(([, names]) => names.length > 0);
  return found.map(([what, names]) => `${names.length} ${what} (${listNames(names)})`).join(", ") ||
    "nothing";
}

/** Dtypes that weights have. */
export type WeightDtype = Extract<Dtype, "float32" | "int32" | "bool">;

/**
 * The elements of an array as those of a weight: floating point numbers are rounded to float32, integers must fit.
 *
 * @throws {RangeError} If one does not.
 */
export function convertWeight<D extends WeightDtype>(array: NdArray, dtype: D, name: string): ArrayOf[D];
export function convertWeight(array: NdArray, dtype: WeightDtype, name: string): ArrayOf[WeightDtype] {
  const data = array.data as ArrayLike<number | bigint>;
  if (dtype === "float32") return Float32Array.from(data as ArrayLike<number>, Number);
  const isFit = dtype === "int32"
    ? (value: number) => value === (value | 0)
    : (value: number) => value === 0 || value === 1;
  const integer = (value: number | bigint): number => {
    const number = Number(value);
    if (isFit(number)) return number;
    throw new RangeError(`Cannot load weights as "${name}" must be of ${dtype} values: found ${value}`);
  };
  return dtype === "int32"
    ? Int32Array.from(data as ArrayLike<number>, integer)
    : Uint8Array.from(data as ArrayLike<number>, integer);
}
