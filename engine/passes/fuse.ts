/**
 * Fusion: a matrix product or a convolution, and the bias added to it, become one kernel.
 *
 * @module
 */
import type { KernelAttrs } from "../program/kernels.ts";
import type { Program, ProgramNode, ValueId } from "../program/types.ts";
import { type Draft, rewriteProgram } from "./rewriter.ts";

/** Fuses sums of a product and a bias of one number per column or channel, where nobody else wants the product. */
export function fuseBias(program: Program): Program {
  return rewriteProgram(program, (node, draft) => {
    const fused = node.kernel === "Add" ? withBias(node, draft) : undefined;
    if (fused === undefined) draft.emit(node);
    else draft.replace(node.outputs[0]!, fused);
  });
}

/** Nothing but the bias. */
const LINEAR = { activation: "linear", leakyreluAlpha: 0 } as const;

/** Kernels that take a bias, and the kernel that they become. */
const FUSED: {
  readonly [kernel: string]:
    | ((
      inputs: readonly (ValueId | null)[],
      attrs: ProgramNode["attrs"],
      scope: string,
      draft: Draft,
    ) => ValueId)
    | undefined;
} = {
  BatchMatMul: (inputs, attrs, scope, draft) =>
    draft.add(
      "_FusedMatMul",
      inputs,
      { ...attrs as unknown as KernelAttrs["BatchMatMul"], ...LINEAR },
      scope,
    ),
  Conv2D: (inputs, attrs, scope, draft) =>
    draft.add("FusedConv2D", inputs, { ...attrs as unknown as KernelAttrs["Conv2D"], ...LINEAR }, scope),
};

function withBias(node: ProgramNode, draft: Draft): ValueId | undefined {
  for (const i of [0, 1]) {
    const product = draft.producer(node.inputs[i]!);
    const bias = node.inputs[1 - i]!;
    const fuse = product && FUSED[product.kernel];
    if (!fuse || draft.uses(product.outputs[0]!) > 1) continue;
    const { shape } = draft.type(product.outputs[0]!);
    const isRow = draft.type(bias).shape.length === 1 && draft.type(bias).shape[0] === shape.at(-1);
    if (!isRow || draft.type(bias).dtype !== "float32") continue;
    return fuse([product.inputs[0]!, product.inputs[1]!, bias, null], product.attrs, node.scope, draft);
  }
  return undefined;
}
