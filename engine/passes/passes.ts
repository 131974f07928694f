/**
 * The passes that a program goes through before it is lowered. Each is a function from program to program, and
 * `verifyProgram` follows each.
 *
 * @module
 */
import type { Program } from "../program/types.ts";
import { verifyProgram } from "../program/verify.ts";
import { dropDead, mergeCommon } from "./common.ts";
import { contractRows } from "./contract.ts";
import { foldConstants } from "./fold.ts";
import { fuseBias } from "./fuse.ts";
import { type FlatState, flattenUpdates } from "./flat_update.ts";
import { simplify } from "./simplify.ts";

export type { FlatState } from "./flat_update.ts";

/** A program after all passes. */
export interface Optimized {
  readonly program: Program;
  readonly flatStates: readonly FlatState[];
}

/** Passes that make room for each other: repeated until nothing changes. */
const REPEATED: readonly ((program: Program) => Program)[] = [
  foldConstants,
  simplify,
  mergeCommon,
  contractRows,
];

/** Rounds after which the repeated passes have settled in every program seen; a bound, not a tuning knob. */
const MOST_ROUNDS = 8;

/**
 * Runs all passes.
 *
 * @param accept Lays out a flat state; answers false when its members lie elsewhere, and they stay apart.
 */
export function optimize(program: Program, accept: (flat: FlatState) => boolean): Optimized {
  let current = checked(program, dropDead);
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const before = JSON.stringify(current.nodes);
    for (const pass of REPEATED) current = checked(current, pass);
    if (JSON.stringify(current.nodes) === before) break;
  }
  current = checked(current, fuseBias);
  const flattened = flattenUpdates(current, accept);
  verifyProgram(flattened.program);
  return flattened;
}

function checked(program: Program, pass: (program: Program) => Program): Program {
  const result = pass(program);
  verifyProgram(result);
  return result;
}
