/**
 * Fusion: a matrix product and the bias added to it become one kernel.
 *
 * @module
 */
import type { Program, ProgramNode, ValueId } from "../../program/types.ts";
import { type Draft, rewriteProgram } from "./draft.ts";

/** Fuses `Add(BatchMatMul(a, b), bias)` where the bias is one number per column and nobody else wants the product. */
export function fuseBias(program: Program): Program {
  return rewriteProgram(program, (node, draft) => {
    const fused = node.kernel === "Add" ? withBias(node, draft) : undefined;
    if (fused === undefined) draft.emit(node);
    else draft.replace(node.outputs[0]!, fused);
  });
}

function withBias(node: ProgramNode, draft: Draft): ValueId | undefined {
  for (const i of [0, 1]) {
    const product = draft.producer(node.inputs[i]!);
    const bias = node.inputs[1 - i]!;
    if (product?.kernel !== "BatchMatMul" || draft.uses(product.outputs[0]!) > 1) continue;
    const { shape } = draft.type(product.outputs[0]!);
    const isRow = draft.type(bias).shape.length === 1 && draft.type(bias).shape[0] === shape.at(-1);
    if (!isRow || draft.type(bias).dtype !== "float32") continue;
    const { transposeA, transposeB } = product.attrs as { transposeA: boolean; transposeB: boolean };
    return draft.add(
      "_FusedMatMul",
      [product.inputs[0]!, product.inputs[1]!, bias, null],
      { transposeA, transposeB, activation: "linear", leakyreluAlpha: 0 },
      node.scope,
    );
  }
  return undefined;
}
