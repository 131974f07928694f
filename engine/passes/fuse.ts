/**
 * Fusion: a matrix product or a convolution, and the bias added to it, become one kernel.
 *
 * @module
 */
import type { KernelAttrs } from "../program/kernels.ts";
import type { Program, ProgramNode, ValueId } from "../program/types.ts";
import { rewriteProgram, type Rewriter } from "./rewriter.ts";

/** Fuses sums of a product and a bias of one number per column or channel, where nobody else wants the product. */
export function fuseBias(program: Program): Program {
  return rewriteProgram(program, (node, rewriter) => {
    const fused = node.kernel === "Add" ? withBias(node, rewriter) : undefined;
    if (fused === undefined) rewriter.emit(node);
    else rewriter.replace(node.outputs[0]!, fused);
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
      rewriter: Rewriter,
    ) => ValueId)
    | undefined;
} = {
  BatchMatMul: (inputs, attrs, scope, rewriter) =>
    rewriter.add(
      "_FusedMatMul",
      inputs,
      { ...attrs as unknown as KernelAttrs["BatchMatMul"], ...LINEAR },
      scope,
    ),
  Conv2D: (inputs, attrs, scope, rewriter) =>
    rewriter.add("FusedConv2D", inputs, { ...attrs as unknown as KernelAttrs["Conv2D"], ...LINEAR }, scope),
};

function withBias(node: ProgramNode, rewriter: Rewriter): ValueId | undefined {
  for (const i of [0, 1]) {
    const product = rewriter.producer(node.inputs[i]!);
    const bias = node.inputs[1 - i]!;
    const fuse = product && FUSED[product.kernel];
    if (!fuse || rewriter.uses(product.outputs[0]!) > 1) continue;
    const { shape } = rewriter.type(product.outputs[0]!);
    const isRow = rewriter.type(bias).shape.length === 1 && rewriter.type(bias).shape[0] === shape.at(-1);
    if (!isRow || rewriter.type(bias).dtype !== "float32") continue;
    return fuse([product.inputs[0]!, product.inputs[1]!, bias, null], product.attrs, node.scope, rewriter);
  }
  return undefined;
}
