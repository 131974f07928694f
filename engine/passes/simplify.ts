/**
 * Algebraic simplification: nodes that change nothing, and chains that are one node.
 *
 * @module
 */
import { sizeOf } from "../../core/types.ts";
import { isUnchanged, type Kernel, traitsOf } from "../program/kernels.ts";
import type { Program, ProgramNode, ValueId } from "../program/types.ts";
import { broadcasts, rewriteProgram, type Rewriter, sameShape, uniformNumber } from "./rewriter.ts";

/** Returns the value that stands for the node's result, or undefined to leave the node as it is. */
type Simplification = (node: ProgramNode, rewriter: Rewriter) => ValueId | undefined;

/** Simplifies nodes, each in the light of those before it. */
export function simplify(program: Program): Program {
  const relus = reluOf(program);
  return rewriteProgram(program, (given, rewriter) => {
    const node = withoutBroadcasts(given, rewriter);
    const special = SIMPLIFICATIONS[node.kernel as Kernel];
    const value = general(node, rewriter) ?? special?.(node, rewriter) ?? stepOfRelu(node, relus, rewriter);
    if (value === undefined) rewriter.emit(node);
    else rewriter.replace(node.outputs[0]!, value);
  });
}

/** The first operand, where the result is that. */
const unchanged: Simplification = (node, rewriter) => {
  const [x] = node.inputs;
  if (x === undefined || x === null) return undefined;
  const outputs = node.outputs.map((id) => rewriter.type(id));
  return isUnchanged(traitsOf(node), node.attrs, rewriter.type(x), outputs) ? x : undefined;
};

/** The other operand where one is everywhere the neutral number; or the other operand broadcast. */
const neutral: Simplification = (node, rewriter) => {
  const { kind } = traitsOf(node);
  if (kind.is !== "elementwise" || kind.neutral === null) return undefined;
  for (const i of kind.commutative ? [1, 0] : [1]) {
    if (uniformNumber(node.inputs[i]!, rewriter) !== kind.neutral) continue;
    return broadcast(node.inputs[1 - i]!, rewriter.type(node.outputs[0]!).shape, node, rewriter);
  }
  return undefined;
};

function broadcast(x: ValueId, shape: readonly number[], node: ProgramNode, rewriter: Rewriter): ValueId {
  return sameShape(rewriter.type(x).shape, shape)
    ? x
    : rewriter.add("BroadcastTo", [x], { shape }, node.scope);
}

/** a (b x) is (a b) x for numbers a and b. */
const scaleOfScale: Simplification = (node, rewriter) => {
  for (const i of [0, 1]) {
    const factor = scalarNumber(node.inputs[i]!, rewriter);
    const inner = rewriter.producer(node.inputs[1 - i]!);
    if (factor === undefined || inner?.kernel !== "Multiply" || rewriter.uses(inner.outputs[0]!) > 1) {
      continue;
    }
    for (const j of [0, 1]) {
      const other = scalarNumber(inner.inputs[j]!, rewriter);
      if (other === undefined) continue;
      const product = Math.fround(factor * other);
      if (!isOrdinary(product)) continue;
      return rewriter.add("Multiply", [inner.inputs[1 - j]!, rewriter.scalar(product)], {}, node.scope);
    }
  }
  return undefined;
};

/** The smallest float32 that is not flushed to zero. */
const SMALLEST = 2 ** -126;

/** Whether a number lost nothing on its way to float32 but digits: neither too large nor too small for it. */
function isOrdinary(number: number): boolean {
  return Number.isFinite(number) && Math.abs(number) >= SMALLEST;
}

function scalarNumber(id: ValueId, rewriter: Rewriter): number | undefined {
  const { dtype, shape } = rewriter.type(id);
  return dtype === "float32" && shape.length === 0 ? rewriter.numbers(id)?.[0] : undefined;
}

/**
 * a (b c) is (a c) b where a is the smaller, else (a b) c, for a number c: where it costs less, or can meet another number.
 */
const scaleOutside: Simplification = (node, rewriter) => {
  for (const i of [0, 1]) {
    const other = node.inputs[1 - i]!;
    const inner = rewriter.producer(node.inputs[i]!);
    if (inner?.kernel !== "Multiply" || rewriter.uses(inner.outputs[0]!) > 1) continue;
    const j = [0, 1].find((j) => scalarNumber(inner.inputs[j]!, rewriter) !== undefined);
    if (j === undefined || rewriter.type(other).shape.length === 0) continue;
    const [number, rest] = [inner.inputs[j]!, inner.inputs[1 - j]!];
    const isSmaller = sizeOf(rewriter.type(other).shape) < sizeOf(rewriter.type(node.outputs[0]!).shape);
    const first = rewriter.add("Multiply", isSmaller ? [other, number] : [other, rest], {}, node.scope);
    return rewriter.add("Multiply", [first, isSmaller ? rest : number], {}, node.scope);
  }
  return undefined;
};

/** f(broadcast x) is broadcast f(x), for a function of single elements. */
const beforeBroadcast: Simplification = (node, rewriter) => {
  const big = node.inputs.findIndex((id) => rewriter.producer(id!)?.kernel === "BroadcastTo");
  if (big < 0) return undefined;
  const isAlone = node.inputs.every((id, i) => i === big || rewriter.type(id!).shape.length === 0);
  const { shape, dtype } = rewriter.type(node.outputs[0]!);
  if (!isAlone || dtype !== "float32") return undefined;
  const small = rewriter.producer(node.inputs[big]!)!.inputs[0]!;
  const inputs = node.inputs.map((id, i) => (i === big ? small : id));
  const value = rewriter.add(node.kernel as "Neg", inputs, node.attrs as Record<never, never>, node.scope);
  return rewriter.add("BroadcastTo", [value], { shape }, node.scope);
};

/** a y - s y is (a - s) y, for an s that is smaller: one large product less where a y is not needed otherwise. */
const commonFactor: Simplification = (node, rewriter) => {
  const [left, right] = node.inputs.map((id) => rewriter.producer(id!));
  if (left?.kernel !== "Multiply" || right?.kernel !== "Multiply") return undefined;
  if (rewriter.uses(right.outputs[0]!) > 1) return undefined;
  const { shape } = rewriter.type(node.outputs[0]!);
  for (const i of [0, 1]) {
    for (const j of [0, 1]) {
      const factor = left.inputs[i]!;
      if (factor !== right.inputs[j]! || !sameShape(rewriter.type(factor).shape, shape)) continue;
      const [a, s] = [left.inputs[1 - i]!, right.inputs[1 - j]!];
      if (!sameShape(rewriter.type(a).shape, shape)) continue;
      const difference = rewriter.add("Sub", [a, s], {}, node.scope);
      return rewriter.add("Multiply", [difference, factor], {}, node.scope);
    }
  }
  return undefined;
};

/** Where x > 0 choose a, else c a for a number c: a product with the step of x. The gradient of a leaky relu. */
const selectOfScaled: Simplification = (node, rewriter) => {
  const [condition, t, e] = node.inputs as [ValueId, ValueId, ValueId];
  const test = rewriter.producer(condition);
  if (test?.kernel !== "Greater" || uniformNumber(test.inputs[1]!, rewriter) !== 0) return undefined;
  const [x] = test.inputs as [ValueId];
  if (rewriter.type(x).dtype !== "float32" || rewriter.type(t).dtype !== "float32") return undefined;
  if (!sameShape(rewriter.type(x).shape, rewriter.type(t).shape)) return undefined;
  const ratio = scaleBetween(t, e, rewriter);
  if (ratio === undefined || !(ratio >= 0 && ratio <= 1)) return undefined;
  return rewriter.add(
    "Multiply",
    [t, rewriter.add("Step", [x], { alpha: ratio }, node.scope)],
    {},
    node.scope,
  );
};

/** The number c with e = c t; undefined where none is seen. */
function scaleBetween(t: ValueId, e: ValueId, rewriter: Rewriter): number | undefined {
  const [a, b] = [scaled(t, rewriter), scaled(e, rewriter)];
  if (b.base === t) return b.factor;
  if (a.base !== b.base || a.factor === 0) return undefined;
  return Math.fround(b.factor / a.factor);
}

/** A value as a number times another value. */
function scaled(id: ValueId, rewriter: Rewriter): { readonly base: ValueId; readonly factor: number } {
  const node = rewriter.producer(id);
  if (node?.kernel === "Multiply") {
    for (const i of [0, 1]) {
      const factor = scalarNumber(node.inputs[i]!, rewriter);
      if (factor !== undefined) return { base: node.inputs[1 - i]!, factor };
    }
  }
  return { base: id, factor: 1 };
}

/** x / c is x (1/c), off by at most one rounding, and products are quicker than quotients. */
const divisionByNumber: Simplification = (node, rewriter) => {
  const [x, y] = node.inputs as [ValueId, ValueId];
  const divisor = scalarNumber(y, rewriter);
  if (!divisor || !isOrdinary(1 / divisor) || rewriter.type(x).shape.length === 0) return undefined;
  return rewriter.add("Multiply", [x, rewriter.scalar(Math.fround(1 / divisor))], {}, node.scope);
};

/** A reshape of a reshape is one. */
const reshape: Simplification = (node, rewriter) => {
  const [x] = node.inputs as [ValueId];
  const { shape } = rewriter.type(node.outputs[0]!);
  const inner = rewriter.producer(x);
  const source = inner?.kernel === "Reshape" ? inner.inputs[0]! : x;
  if (sameShape(rewriter.type(source).shape, shape)) return source;
  if (node.kernel === "Reshape" && source === x) return undefined;
  return rewriter.add("Reshape", [source], { shape }, node.scope);
};

/** A transpose of a transpose is one, or none. */
const transpose: Simplification = (node, rewriter) => {
  const [x] = node.inputs as [ValueId];
  const inner = rewriter.producer(x);
  const outer = node.attrs["perm"] as readonly number[];
  const isChain = inner?.kernel === "Transpose";
  const perm = isChain ? outer.map((axis) => (inner.attrs["perm"] as readonly number[])[axis]!) : outer;
  const source = isChain ? inner.inputs[0]! : x;
  if (perm.every((axis, i) => axis === i)) return source;
  return isChain ? rewriter.add("Transpose", [source], { perm }, node.scope) : undefined;
};

/** A cast of a cast that lost nothing is one. */
const cast: Simplification = (node, rewriter) => {
  const [x] = node.inputs as [ValueId];
  const dtype = rewriter.type(node.outputs[0]!).dtype;
  const inner = rewriter.producer(x);
  if (inner?.kernel !== "Cast" || rewriter.type(inner.inputs[0]!).dtype !== "bool") return undefined;
  const [source] = inner.inputs as [ValueId];
  return dtype === "bool" ? source : rewriter.add("Cast", [source], { dtype }, node.scope);
};

/** A tile of axes of length 1 only is a broadcast. */
const tile: Simplification = (node, rewriter) => {
  const [x] = node.inputs as [ValueId];
  const reps = node.attrs["reps"] as readonly number[];
  const { shape } = rewriter.type(x);
  if (reps.some((n, i) => n !== 1 && shape[i] !== 1)) return undefined;
  return rewriter.add("BroadcastTo", [x], { shape: rewriter.type(node.outputs[0]!).shape }, node.scope);
};

/** A reduction over axes of length 1 is a reshape. */
const reduction: Simplification = (node, rewriter) => {
  const [x] = node.inputs as [ValueId];
  const { kind } = traitsOf(node);
  if (kind.is !== "reduction") return undefined;
  const { shape } = rewriter.type(x);
  if (kind.axes(node.attrs).some((axis) => shape[axis] !== 1)) return undefined;
  return rewriter.add("Reshape", [x], { shape: rewriter.type(node.outputs[0]!).shape }, node.scope);
};

/** Tries one after the other. */
function either(...rules: readonly Simplification[]): Simplification {
  return (node, rewriter) => {
    for (const rule of rules) {
      const value = rule(node, rewriter);
      if (value !== undefined) return value;
    }
    return undefined;
  };
}

/** What holds for every kernel of its traits. */
const general = either(unchanged, neutral, reduction);

/** What can be simpler by the mathematics of single kernels. */
const SIMPLIFICATIONS: { readonly [K in Kernel]?: Simplification } = {
  Add: beforeBroadcast,
  Cast: cast,
  ExpandDims: reshape,
  Multiply: either(beforeBroadcast, scaleOfScale, scaleOutside),
  Neg: beforeBroadcast,
  RealDiv: either(beforeBroadcast, divisionByNumber),
  Reshape: reshape,
  Select: selectOfScaled,
  Sqrt: beforeBroadcast,
  Square: beforeBroadcast,
  Sub: either(beforeBroadcast, commonFactor),
  Tile: tile,
  Transpose: transpose,
};

/** The node without broadcasts of operands that it broadcasts itself. */
function withoutBroadcasts(node: ProgramNode, rewriter: Rewriter): ProgramNode {
  if (!broadcasts(node)) return node;
  const shape = rewriter.type(node.outputs[0]!).shape;
  const inputs = [...node.inputs];
  for (const i of [0, 1]) {
    const producer = rewriter.producer(inputs[i]!);
    if (producer?.kernel !== "BroadcastTo") continue;
    if (sameShape(rewriter.type(inputs[1 - i]!).shape, shape)) inputs[i] = producer.inputs[0]!;
  }
  return { ...node, inputs };
}

/** The result of `Relu` by its input. */
function reluOf(program: Program): ReadonlyMap<ValueId, ValueId> {
  const relus = program.nodes.filter((node) => node.kernel === "Relu");
  return new Map(relus.map((node) => [node.inputs[0]!, node.outputs[0]!]));
}

/** step(x) is step(relu(x)): then x itself need not be kept, and product, bias and relu can be one operation. */
function stepOfRelu(
  node: ProgramNode,
  relus: ReadonlyMap<ValueId, ValueId>,
  rewriter: Rewriter,
): ValueId | undefined {
  if (node.kernel !== "Step" || node.attrs["alpha"] !== 0) return undefined;
  const relu = relus.get(node.inputs[0]!);
  if (relu === undefined || !rewriter.producer(rewriter.resolve(relu))) return undefined;
  return rewriter.add("Step", [rewriter.resolve(relu)], { alpha: 0 }, node.scope);
}
