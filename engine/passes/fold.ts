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
import type { Kernel } from "../program/kernels.ts";
import type { Program, ProgramNode, ValueType } from "../program/types.ts";
import { rewriteProgram, type Rewriter, sameShape, uniformNumber } from "./rewriter.ts";

/** Folds constants. */
export function foldConstants(program: Program): Program {
  return rewriteProgram(program, (node, rewriter) => {
    const number = foldedNumber(node, rewriter);
    if (number === undefined) return rewriter.emit(withScalars(node, rewriter));
    const type = rewriter.type(node.outputs[0]!);
    rewriter.replace(node.outputs[0]!, uniform(rounded(number, type), type, node, rewriter));
  });
}

/** Kernels of one number each, as tfjs's cpu backend computes them. */
const ARITHMETIC: { readonly [K in Kernel]?: (a: number, b: number) => number } = {
  Abs: (x) => Math.abs(x),
  Add: (a, b) => a + b,
  Cast: (x) => x,
  Equal: (a, b) => Number(a === b),
  Exp: (x) => Math.exp(x),
  Greater: (a, b) => Number(a > b),
  GreaterEqual: (a, b) => Number(a >= b),
  Identity: (x) => x,
  Less: (a, b) => Number(a < b),
  LessEqual: (a, b) => Number(a <= b),
  Log: (x) => Math.log(x),
  LogicalAnd: (a, b) => Number(a && b),
  LogicalNot: (x) => Number(!x),
  LogicalOr: (a, b) => Number(a || b),
  Maximum: (a, b) => Math.max(a, b),
  Minimum: (a, b) => Math.min(a, b),
  Multiply: (a, b) => a * b,
  Neg: (x) => -x,
  NotEqual: (a, b) => Number(a !== b),
  Pow: (a, b) => Math.pow(a, b),
  RealDiv: (a, b) => a / b,
  Reciprocal: (x) => 1 / x,
  Rsqrt: (x) => 1 / Math.sqrt(x),
  Sqrt: (x) => Math.sqrt(x),
  Square: (x) => x * x,
  SquaredDifference: (a, b) => (a - b) ** 2,
  Sub: (a, b) => a - b,
};

/** Reductions of n equal numbers. */
const REDUCTIONS: { readonly [K in Kernel]?: (x: number, count: number) => number } = {
  Max: (x) => x,
  Mean: (x) => x,
  Min: (x) => x,
  Sum: (x, count) => x * count,
};

/** The number that a node makes everywhere, if its inputs are uniform. */
function foldedNumber(node: ProgramNode, rewriter: Rewriter): number | undefined {
  const kernel = node.kernel as Kernel;
  if (node.outputs.length !== 1 || sizeOf(rewriter.type(node.outputs[0]!).shape) === 0) return undefined;
  const [first, second] = node.inputs.map((id) => (id === null ? undefined : uniformNumber(id, rewriter)));
  const reduction = REDUCTIONS[kernel];
  if (reduction && first !== undefined) {
    const count = sizeOf(rewriter.type(node.inputs[0]!).shape) /
      sizeOf(rewriter.type(node.outputs[0]!).shape);
    return reduction(first, count);
  }
  const compute = ARITHMETIC[kernel];
  if (!compute || first === undefined) return undefined;
  if (node.inputs.length === 2 && second === undefined) return undefined;
  return compute(first, second ?? 0);
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

/** Kernels of two operands that broadcast. */
export const BROADCASTING: ReadonlySet<string> = new Set<Kernel>([
  "Add",
  "Equal",
  "Greater",
  "GreaterEqual",
  "Less",
  "LessEqual",
  "LogicalAnd",
  "LogicalOr",
  "Maximum",
  "Minimum",
  "Multiply",
  "NotEqual",
  "Pow",
  "RealDiv",
  "SquaredDifference",
  "Sub",
]);

/** The node with a scalar for an operand that is uniform and not needed for the shape. */
function withScalars(node: ProgramNode, rewriter: Rewriter): ProgramNode {
  if (!BROADCASTING.has(node.kernel)) return node;
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
