/**
 * The passes that a program goes through before it is lowered.
 *
 * @module
 */
import type { Program } from "../program/types.ts";

/** State tensors that lie one after the other and are read and written as one. */
export interface Pack {
  /** Name of the state that stands for the whole. */
  readonly name: string;
  readonly members: readonly string[];
}

/** A program after all passes. */
export interface Optimized {
  readonly program: Program;
  readonly packs: readonly Pack[];
}

/** Runs all passes. `accept` lays out a pack, or answers false when its members lie elsewhere. */
export function optimize(program: Program, _accept: (pack: Pack) => boolean): Optimized {
  return { program, packs: [] };
}
