/**
 * Lowering of matrix products.
 *
 * @module
 */
import { sizeOf } from "../../core/types.ts";
import { activate } from "./activation.ts";
import type { Builder, Value } from "./builder.ts";
import { optional, type RulesFor } from "./rule.ts";

type MatMulKernel = "BatchMatMul" | "Einsum" | "_FusedMatMul";

interface Product {
  readonly a: Value;
  readonly b: Value;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  readonly bias: Value | null;
}

/** a b + bias. Plain matrices take `Gemm`, which transposes and adds on the way; stacks of them take `MatMul`. */
function product(p: Product, shape: readonly number[], graph: Builder): Value {
  const { a, b, bias } = p;
  const isPlain = sizeOf(a.shape.slice(0, -2)) === 1 && sizeOf(b.shape.slice(0, -2)) === 1;
  if (isPlain && a.dtype === "float32") {
    const matrix = (x: Value) => graph.reshape(x, x.shape.slice(-2));
    const offset = bias ? [graph.reshape(bias, bias.shape.slice(-2))] : [];
    const attrs = { transA: Number(p.transposeA), transB: Number(p.transposeB) };
    const result = graph.node("Gemm", [matrix(a), matrix(b), ...offset], attrs, { shape: shape.slice(-2) });
    return graph.reshape(result, shape);
  }
  const operands = [swapped(a, p.transposeA, graph), swapped(b, p.transposeB, graph)];
  const result = graph.node("MatMul", operands, {}, { shape });
  return bias ? graph.node("Add", [result, bias]) : result;
}

/** The last two axes exchanged, when asked for. */
function swapped(x: Value, isAsked: boolean, graph: Builder): Value {
  const rank = x.shape.length;
  const axes = x.shape.map((_, i) => i);
  return isAsked ? graph.transpose(x, [...axes.slice(0, -2), rank - 1, rank - 2]) : x;
}

/** Rules of matrix products. */
export const products: RulesFor<MatMulKernel> = {
  // c_ij = sum_k a_ik b_kj, either operand transposed, leading axes broadcast
  BatchMatMul: ([a, b], { transposeA, transposeB }, graph, [{ shape }]) => [
    product({ a, b, transposeA, transposeB, bias: null }, shape, graph),
  ],
  // the sum of products over the letters missing on the right
  Einsum: (inputs, { equation }, graph, [type]) => [graph.node("Einsum", inputs, { equation }, type)],
  // activation(a b + bias)
  _FusedMatMul: (inputs, { transposeA, transposeB, activation, leakyreluAlpha }, graph, [{ shape }]) => {
    const [a, b] = inputs;
    const sum = product({ a, b, transposeA, transposeB, bias: optional(inputs, 2) }, shape, graph);
    return [activate(sum, activation, leakyreluAlpha, optional(inputs, 3), graph)];
  },
};
