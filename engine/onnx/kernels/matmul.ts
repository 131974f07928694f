/**
 * Lowering of matrix products.
 *
 * @module
 */
import { sizeOf } from "../../../core/types.ts";
import { activate } from "./activation.ts";
import type { Builder, Value } from "../builder.ts";
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
  if (!bias && p.transposeA && !p.transposeB && isQuickerTurned(a, b)) {
    const rank = shape.length;
    const turnedShape = [...shape.slice(0, -2), shape[rank - 1]!, shape[rank - 2]!];
    const turned = product({ ...p, a: b, b: a }, turnedShape, graph);
    // As a stack, or ONNX Runtime would turn the product back.
    return graph.reshape(swapped(graph.reshape(turned, [1, ...turnedShape]), true, graph), shape);
  }
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

/**
 * Whether aᵀ b is better computed as (bᵀ a)ᵀ, for long matrices. ONNX Runtime copies aᵀ in small pieces, once for every
 * 128 columns of b: 4608 rows of 64 and 192 columns take 1.6 ms so and 1.3 ms turned, 8192 of 144 and 32 take 1.8 and
 * 0.9 ms; widths between are equal.
 */
function isQuickerTurned(a: Value, b: Value): boolean {
  if (sizeOf(a.shape.slice(0, -2)) > 1 || sizeOf(b.shape.slice(0, -2)) > 1) return false;
  const [rows, m] = a.shape.slice(-2) as [number, number];
  const n = b.shape.at(-1)!;
  return rows >= LONG && (n <= 32 ? m > 2 * n : n > 128 && m > 32 && m <= 64);
}

/** From this number of rows on, turning the product costs nothing beside the product. */
const LONG = 1024;

/** aᵀ b for matrices a and b. */
export function transposedProduct(a: Value, b: Value, graph: Builder): Value {
  const shape = [a.shape[1]!, b.shape[1]!];
  return product({ a, b, transposeA: true, transposeB: false, bias: null }, shape, graph);
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
