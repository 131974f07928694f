/**
 * Traits: what a kernel is, as far as passes, engines and tests need to know. Every entry of the kernel table states every
 * trait, so that nothing about a kernel is known by a list elsewhere, and nothing is forgotten by silence: what does not
 * hold is said as well.
 *
 * `tests/conformance/traits_test.ts` checks by numbers what can be checked, on the calls of the case table.
 *
 * @module
 */
import type { ValueType } from "../types.ts";
import { elementwiseSharding, type Sharding } from "./placements.ts";

/** What a kernel is. */
export interface Traits<A> {
  readonly kind: Kind<A>;
  /** See {@linkcode Linear}. */
  readonly linear: Linear;
  /** See {@linkcode Unchanged}. */
  readonly unchanged: Unchanged<A>;
  /** What becomes of operands that are sharded over the rows of a batch. */
  readonly sharding: Sharding<A>;
}

/** How an element of the result comes from elements of the operands. */
export type Kind<A> =
  | Elementwise
  | Reduction<A>
  | Movement
  | Creation<A>
  | Product<A>
  | { readonly is: "scan" | "window" | "normalization" | "ranking" | "encoding" | "scatter" };

/** The element in a place is a function of the elements in that place. */
export interface Elementwise {
  readonly is: "elementwise";
  /** Whether operands broadcast; otherwise all have the shape of the result. */
  readonly broadcasts: boolean;
  /** Whether two operands may change places. */
  readonly commutative: boolean;
  /** The number that changes nothing as the second operand, of commutative kernels as either; null where there is none. */
  readonly neutral: number | null;
  /** The function of single numbers, as tfjs's cpu backend computes it; null where constants of it are not folded. */
  readonly number: NumberFunction | null;
}

/** A function of one number or two. */
export type NumberFunction = (a: number, b: number) => number;

/** One element for all elements along some axes; of one element, that element. */
export interface Reduction<A> {
  readonly is: "reduction";
  axes(attrs: A): readonly number[];
  /** What `count` equal numbers give; null where constants of it are not folded. */
  readonly ofEqual: ((x: number, count: number) => number) | null;
}

/** Every element of the result is an element of an operand, or padding. */
export interface Movement {
  readonly is: "movement";
  /** Whether every element of every result is one of the first operand, whatever the numbers. */
  readonly keepsUniform: boolean;
  /**
   * The attribute with a number per axis that is the length of the result along axes that the operand has once; null
   * where nothing is repeated.
   */
  readonly repeats: string | null;
}

/** Numbers that depend on attributes and shapes only. */
export interface Creation<A> {
  readonly is: "creation";
  /** The number of all elements; null where they differ. */
  readonly number: ((attrs: A) => number) | null;
}

/** Sums of products: matrix products and convolutions. */
export interface Product<A> {
  readonly is: "product";
  /** How many products there are, for the choice of threads; null where that is not counted. */
  readonly multiplications:
    | ((inputs: readonly (ValueType | null)[], output: ValueType, attrs: A) => number)
    | null;
}

/**
 * Whether sums go through a kernel. `"jointly"`: f(x + x', y + y') = f(x, y) + f(x', y'). Otherwise the slots of which each
 * alone is linear while the other operands are given.
 */
export type Linear = "jointly" | readonly number[];

/** When the result is the first operand: never, whenever it has the same type, or as attributes tell. */
export type Unchanged<A> = "never" | "with the same type" | ((attrs: A) => boolean);

/** Whether a call gives its first operand back, as far as types and attributes tell. */
export function isUnchanged<A>(
  { unchanged }: Traits<A>,
  attrs: A,
  input: ValueType,
  outputs: readonly ValueType[],
): boolean {
  if (typeof unchanged === "function") return unchanged(attrs);
  const [output] = outputs;
  return unchanged === "with the same type" && outputs.length === 1 && input.dtype === output!.dtype &&
    input.shape.length === output!.shape.length &&
    input.shape.every((length, i) => length === output!.shape[i]);
}

/** Traits of a function of single elements, of operands that have the shape of the result. */
export function ofElements(
  number: NumberFunction | null,
  more: { readonly linear?: Linear; readonly unchanged?: "with the same type" } = {},
): Traits<unknown> {
  return {
    kind: { is: "elementwise", broadcasts: false, commutative: false, neutral: null, number },
    linear: more.linear ?? [],
    unchanged: more.unchanged ?? "never",
    sharding: elementwiseSharding,
  };
}

/** Traits of a function of two elements, of operands that broadcast. */
export function ofPairs(
  number: NumberFunction | null,
  more: { readonly commutative?: true; readonly neutral?: number; readonly linear?: Linear } = {},
): Traits<unknown> {
  return {
    kind: {
      is: "elementwise",
      broadcasts: true,
      commutative: more.commutative ?? false,
      neutral: more.neutral ?? null,
      number,
    },
    linear: more.linear ?? [],
    unchanged: "never",
    sharding: elementwiseSharding,
  };
}

/** Traits of a kernel that moves elements. */
export function ofMoved<A>(
  sharding: Sharding<A>,
  more: {
    readonly keepsUniform: boolean;
    readonly repeats?: string;
    readonly linear: Linear;
    readonly unchanged: Unchanged<A>;
  },
): Traits<A> {
  const { keepsUniform, repeats = null, linear, unchanged } = more;
  return { kind: { is: "movement", keepsUniform, repeats }, linear, unchanged, sharding };
}
