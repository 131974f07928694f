/**
 * Constant folding: computes once what does not depend on inputs or state.
 *
 * tfjs makes a fresh scalar, a fill and often a cast for nearly every operation of a gradient. All of these are
 * *uniform*: every element is the same number. Arithmetic on uniform values gives one uniform value; and an operand that
 * is uniform is written as a scalar where the other operand has the shape of the result.
 *
 * @module
 */
import { sizeOf } from "../../core/types.ts";
import { traitsOf } from "../program/kernels.ts";
import type { Reduction } from "../program/kernels/traits.ts";
import type { Program, ProgramNode, ValueType } from "../program/types.ts";
import { broadcasts, rewriteProgram, type Rewriter, sameShape, uniformNumber } from "./rewriter.ts";

/** Folds constants. */
export function foldConstants(program: Program): Program {
  return rewriteProgram(program, (node, rewriter) => {
    const number = foldedNumber(node, rewriter);
    if (number === undefined) return rewriter.emit(withScalars(node, rewriter));
    const type = rewriter.type(node.outputs[0]!);
    if (type.dtype === "int32" && !isExact(number)) return rewriter.emit(withScalars(node, rewriter));
    rewriter.replace(node.outputs[0]!, uniform(rounded(number, type), type, node, rewriter));
  });
}

/** The number that a node makes everywhere, if its inputs are uniform. */
function foldedNumber(node: ProgramNode, rewriter: Rewriter): number | undefined {
  if (node.outputs.length !== 1 || sizeOf(rewriter.type(node.outputs[0]!).shape) === 0) return undefined;
  const { kind } = traitsOf(node);
  if (kind.is === "reduction") return foldedReduction(node, kind, rewriter);
  if (kind.is !== "elementwise" || kind.number === null) return undefined;
  const [first, second] = node.inputs.map((id) => (id === null ? undefined : uniformNumber(id, rewriter)));
  if (first === undefined || (node.inputs.length === 2 && second === undefined)) return undefined;
  return kind.number(first, second ?? 0);
}

function foldedReduction(
  { inputs, outputs }: ProgramNode,
  { ofEqual }: Reduction<unknown>,
  rewriter: Rewriter,
): number | undefined {
  const number = uniformNumber(inputs[0]!, rewriter);
  if (ofEqual === null || number === undefined) return undefined;
  return ofEqual(number, sizeOf(rewriter.type(inputs[0]!).shape) / sizeOf(rewriter.type(outputs[0]!).shape));
}

/** Whether the last 32 bits of an integer are still seen in a float64; a fraction, NaN or an infinity has none to lose. */
function isExact(number: number): boolean {
  return !Number.isInteger(number) || Number.isSafeInteger(number);
}

/** The number as a tensor of its dtype holds it. */
function rounded(number: number, { dtype }: ValueType): number {
  if (dtype === "float32") return Math.fround(number);
  return dtype === "int32" ? Math.trunc(number) | 0 : Number(number !== 0);
}

/** A uniform value: a scalar constant, or a fill. */
function uniform(number: number, type: ValueType, node: ProgramNode, rewriter: Rewriter): number {
  if (type.shape.length === 0) return rewriter.scalar(number, type.dtype);
  return rewriter.add("Fill", [], { shape: type.shape, value: number, dtype: type.dtype }, node.scope);
}

/** The node with a scalar for an operand that is uniform and not needed for the shape. */
function withScalars(node: ProgramNode, rewriter: Rewriter): ProgramNode {
  if (!broadcasts(node)) return node;
  const shape = rewriter.type(node.outputs[0]!).shape;
  const inputs = node.inputs.map((id, i) => {
    const type = rewriter.type(id!);
    const other = rewriter.type(node.inputs[1 - i]!);
    const number = uniformNumber(id!, rewriter);
    const isFree = number !== undefined && type.shape.length > 0 && sameShape(other.shape, shape);
    return isFree ? rewriter.scalar(number, type.dtype) : id;
  });
  return { ...node, inputs };
}
