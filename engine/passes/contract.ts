/**
 * Row sums of a product with a matrix product, without the matrix product.
 *
 * The gradient of attention needs s_i = sum_j P_ij X_ij with X = G Vᵀ, over matrices as large as the square of the sequence.
 * Since the result O = P V is known already, s_i = sum_j P_ij sum_d G_id V_jd = sum_d G_id O_id: a sum over the width of
 * one head.
 *
 * @see Dao, Fu, Ermon, Rudra, Ré (2022), arXiv:2205.14135, appendix B.2: D_i = P_i: · dP_i: = dO_i · O_i
 *
 * @module
 */
import type { Program, ProgramNode, ValueId } from "../program/types.ts";
import { rewriteProgram, type Rewriter, sameShape } from "./rewriter.ts";

/** Rewrites row sums over P ∘ (G Vᵀ) where P V is computed as well. */
export function contractRows(program: Program): Program {
  const products = new Map<string, ValueId>();
  return rewriteProgram(program, (node, rewriter) => {
    const sum = node.kernel === "Sum" ? rowSum(node, products, rewriter) : undefined;
    if (sum !== undefined) return rewriter.replace(node.outputs[0]!, sum);
    const { transposeA, transposeB } = node.attrs;
    if (node.kernel === "BatchMatMul" && !transposeA && !transposeB) {
      products.set(node.inputs.join(), node.outputs[0]!);
    }
    rewriter.emit(node);
  });
}

function rowSum(
  node: ProgramNode,
  products: ReadonlyMap<string, ValueId>,
  rewriter: Rewriter,
): ValueId | undefined {
  const [x] = node.inputs as [ValueId];
  const { axis, keepDims } = node.attrs as { axis: readonly number[]; keepDims: boolean };
  const rank = rewriter.type(x).shape.length;
  const elementwise = rewriter.producer(x);
  if (axis.length !== 1 || axis[0] !== rank - 1 || elementwise?.kernel !== "Multiply") return undefined;
  for (const i of [0, 1]) {
    const [p, other] = [elementwise.inputs[i]!, elementwise.inputs[1 - i]!];
    const product = rewriter.producer(other);
    if (product?.kernel !== "BatchMatMul" || product.attrs["transposeA"] || !product.attrs["transposeB"]) {
      continue;
    }
    const [g, v] = product.inputs as [ValueId, ValueId];
    const o = products.get(`${p},${v}`);
    if (o === undefined || !sameShape(rewriter.type(o).shape, rewriter.type(g).shape)) continue;
    if (!sameShape(rewriter.type(p).shape, rewriter.type(other).shape)) continue;
    const terms = rewriter.add("Multiply", [g, o], {}, node.scope);
    return rewriter.add("Sum", [terms], { axis, keepDims }, node.scope);
  }
  return undefined;
}
