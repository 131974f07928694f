/**
 * What an entry of the kernel table is, and the checks that entries are written with.
 *
 * @module
 */
import { type Json, sizeOf } from "../../../core/types.ts";
import type { ProgramDtype, ValueType } from "../types.ts";
import type { Traits } from "./traits.ts";

/** Types of the input slots; `null` where an optional input is absent. */
export type Slots = readonly (ValueType | null)[];

/** Whether a JSON value is a legal attribute, and the words for what it must be. */
export interface AttrCheck {
  readonly must: string;
  test(value: Json | undefined): boolean;
}

/** An entry of the kernel table: slots, attributes, and shape and dtype inference. */
export interface KernelRule<A> {
  /** Names of the input slots in order, or "variadic" for a list of one or more tensors. */
  readonly inputs: readonly string[] | "variadic";
  /** Slots that may be `null`. @default none */
  readonly optional?: readonly string[];
  /** One check per attribute; exactly these attributes are present. */
  readonly attrs: { readonly [N in keyof A]-?: AttrCheck };
  /**
   * Types of the outputs.
   * @throws {TypeError} If shapes or dtypes do not fit the kernel.
   */
  infer(inputs: Slots, attrs: A): readonly ValueType[];
  /** What the kernel is: see {@linkcode Traits}. */
  readonly traits: Traits<A>;
  /** Whether tfjs takes a list of results from it, also where there is only one. @default false */
  readonly returnsList?: true;
  /** Numbers that a node makes for a constant of the compiled program. @default none */
  constantSize?(attrs: A): number;
}

/** A table of rules for the kernels of an attribute interface. */
export type Rules<Attrs> = { readonly [K in keyof Attrs]: KernelRule<Attrs[K]> };

/** No attributes. */
export type None = Record<never, never>;

/** "float32[64,128]". */
export function formatType(type: ValueType | null | undefined): string {
  return type ? `${type.dtype}[${type.shape.join(",")}]` : "nothing";
}

/** Throws unless `holds`; the caller adds the name of the kernel. */
export function must(holds: boolean, rule: string, ...found: readonly (ValueType | null | string)[]): void {
  if (holds) return;
  const text = found.map((item) => (typeof item === "string" ? item : formatType(item))).join(", ");
  throw new TypeError(`${rule}: found ${text}`);
}

/** The type in a slot that must not be empty. */
export function slot(inputs: Slots, index: number): ValueType {
  const type = inputs[index];
  if (!type) throw new TypeError(`input ${index} must be given: found nothing`);
  return type;
}

export function typed(dtype: ProgramDtype, shape: readonly number[]): ValueType {
  return { dtype, shape };
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((length, i) => length === b[i]);
}

/** The shape that both shapes broadcast to, as in numpy. */
export function broadcastShapes(a: readonly number[], b: readonly number[]): readonly number[] {
  const rank = Math.max(a.length, b.length);
  const shape: number[] = [];
  for (let i = 0; i < rank; i++) {
    const x = a[a.length - rank + i] ?? 1;
    const y = b[b.length - rank + i] ?? 1;
    must(x === y || x === 1 || y === 1, "shapes must broadcast", `[${a}]`, `[${b}]`);
    shape.push(x === 1 ? y : x);
  }
  return shape;
}

/** The shape that is left after reducing over sorted non-negative axes. */
export function reduceShape(
  shape: readonly number[],
  axes: readonly number[],
  keepDims: boolean,
): readonly number[] {
  axes.forEach((axis, i) => {
    must(axis < shape.length, `axes must be below the rank ${shape.length}`, `[${axes}]`);
    must(i === 0 || axes[i - 1]! < axis, "axes must be sorted and unique", `[${axes}]`);
  });
  if (keepDims) return shape.map((length, i) => (axes.includes(i) ? 1 : length));
  return shape.filter((_, i) => !axes.includes(i));
}

export function mustBeFloat(...types: readonly ValueType[]): void {
  for (const type of types) must(type.dtype === "float32", "the dtype must be float32", type);
}

export function mustBeNumber(...types: readonly ValueType[]): void {
  for (const type of types) must(type.dtype !== "bool", "the dtype must be float32 or int32", type);
}

export function mustHaveRank(type: ValueType, ...ranks: readonly number[]): void {
  must(ranks.includes(type.shape.length), `the rank must be ${ranks.join(" or ")}`, type);
}

const isInteger = (value: Json | undefined): value is number =>
  typeof value === "number" && Number.isSafeInteger(value);
const isList = (value: Json | undefined, length?: number): value is readonly Json[] =>
  Array.isArray(value) && value.length <= 16 && (length === undefined || value.length === length);
const isCount = (value: Json | undefined): boolean => isInteger(value) && value >= 0;

/** The checks that attributes are declared with. */
export const is = {
  number: { must: "a number", test: (v) => typeof v === "number" },
  finite: { must: "a finite number", test: (v) => typeof v === "number" && Number.isFinite(v) },
  integer: { must: "an integer", test: isInteger },
  count: { must: "a non-negative integer", test: isCount },
  positive: { must: "a positive integer", test: (v) => isInteger(v) && v > 0 },
  boolean: { must: "true or false", test: (v) => typeof v === "boolean" },
  text: { must: "a text", test: (v) => typeof v === "string" && v.length <= 1000 },
  dtype: { must: "float32, int32 or bool", test: (v) => v === "float32" || v === "int32" || v === "bool" },
  integers: { must: "a list of integers", test: (v) => isList(v) && v.every(isInteger) },
  counts: { must: "a list of non-negative integers", test: (v) => isList(v) && v.every(isCount) },
  /** A list that may be long: sizes of a split. */
  sizes: {
    must: "a list of non-negative integers",
    test: (v) => Array.isArray(v) && v.length <= 65536 && v.every(isCount),
  },
  pair: {
    must: "two positive integers",
    test: (v) => isList(v, 2) && v.every((n) => isInteger(n) && n > 0),
  },
  triple: {
    must: "three positive integers",
    test: (v) => isList(v, 3) && v.every((n) => isInteger(n) && n > 0),
  },
  shape4: { must: "four sizes", test: (v) => isList(v, 4) && v.every(isCount) },
  shape5: { must: "five sizes", test: (v) => isList(v, 5) && v.every(isCount) },
  pairs: {
    must: "a list of pairs of non-negative integers",
    test: (v) => isList(v) && v.every((pair) => isList(pair, 2) && pair.every(isCount)),
  },
  padding2d: {
    must: "[[0,0],[top,bottom],[left,right],[0,0]]",
    test: (v) =>
      isList(v, 4) && v.every((pair) => isList(pair, 2) && pair.every(isCount)) &&
      [v[0], v[3]].every((pair) => isList(pair) && pair.every((n) => n === 0)),
  },
  padding3d: {
    must: '"same", "valid" or a non-negative integer',
    test: (v) => v === "same" || v === "valid" || isCount(v),
  },
} as const satisfies { readonly [name: string]: AttrCheck };

/** An attribute that is one of a few texts. */
export function oneOf(...values: readonly string[]): AttrCheck {
  return {
    must: values.map((value) => `"${value}"`).join(" or "),
    test: (value) => typeof value === "string" && values.includes(value),
  };
}

export { sizeOf };
