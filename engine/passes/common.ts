/**
 * Common subexpressions: equal nodes of equal inputs are computed once, equal constants stored once.
 *
 * @module
 */
import type { Program, ValueId } from "../program/types.ts";
import { rewriteProgram, type Rewriter } from "./rewriter.ts";

/** Merges equal nodes. Randomness is an input of programs, so that every node may be merged. */
export function mergeCommon(program: Program): Program {
  const known = new Map<string, readonly number[]>();
  return rewriteProgram(program, (node, rewriter) => {
    const key = JSON.stringify([node.kernel, node.inputs, Object.entries(node.attrs).sort()]);
    const outputs = known.get(key);
    if (outputs) return node.outputs.forEach((id, i) => rewriter.replace(id, outputs[i]!));
    known.set(key, node.outputs);
    rewriter.emit(node);
  }, mergeConstants);
}

/** Constants up to this many numbers are compared; larger ones are rarely equal, and are merged in the graph anyway. */
const COMPARED = 256;

function mergeConstants(rewriter: Rewriter): void {
  const known = new Map<string, ValueId>();
  for (const { value, data } of rewriter.source.constants) {
    if (data.length > COMPARED) continue;
    const { dtype, shape } = rewriter.type(value);
    const key = `${dtype}[${shape}] ${Array.from(data, (x) => (Object.is(x, -0) ? "-0" : x))}`;
    const first = known.get(key);
    if (first === undefined) known.set(key, value);
    else rewriter.replace(value, first);
  }
}

/** Drops nodes whose results nobody uses, and constants of only such nodes. */
export function dropDead(program: Program): Program {
  return rewriteProgram(program, (node, rewriter) => rewriter.emit(node));
}
