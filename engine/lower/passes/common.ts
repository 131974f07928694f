/**
 * Common subexpressions: equal nodes of equal inputs are computed once.
 *
 * @module
 */
import type { Program } from "../../program/types.ts";
import { rewriteProgram } from "./draft.ts";

/** Merges equal nodes. Randomness is an input of programs, so that every node may be merged. */
export function mergeCommon(program: Program): Program {
  const known = new Map<string, readonly number[]>();
  return rewriteProgram(program, (node, draft) => {
    const key = JSON.stringify([node.kernel, node.inputs, Object.entries(node.attrs).sort()]);
    const outputs = known.get(key);
    if (outputs) return node.outputs.forEach((id, i) => draft.replace(id, outputs[i]!));
    known.set(key, node.outputs);
    draft.emit(node);
  });
}

/** Drops nodes whose results nobody uses, and constants of only such nodes. */
export function dropDead(program: Program): Program {
  return rewriteProgram(program, (node, draft) => draft.emit(node));
}
