/**
 * Algebraic simplification: nodes that change nothing, and chains that are one node.
 *
 * @module
 */
import { sizeOf } from "../../core/types.ts";
import type { Kernel } from "../program/kernels.ts";
import type { Program, ProgramNode, ValueId } from "../program/types.ts";
import { type Draft, rewriteProgram, sameShape, uniformNumber } from "./rewriter.ts";
import { BROADCASTING } from "./fold.ts";

/** Returns the value that stands for the node's result, or undefined to leave the node as it is. */
type Simplification = (node: ProgramNode, draft: Draft) => ValueId | undefined;

/** Simplifies nodes, each in the light of those before it. */
export function simplify(program: Program): Program {
  const relus = reluOf(program);
  return rewriteProgram(program, (given, draft) => {
    const node = withoutBroadcasts(given, draft);
    const rule = SIMPLIFICATIONS[node.kernel as Kernel];
    const value = rule?.(node, draft) ?? stepOfRelu(node, relus, draft);
    if (value === undefined) draft.emit(node);
    else draft.replace(node.outputs[0]!, value);
  });
}

/** The first input, if the result has its type. */
const unchanged: Simplification = (node, draft) => {
  const [x] = node.inputs;
  const [input, output] = [draft.type(x!), draft.type(node.outputs[0]!)];
  return input.dtype === output.dtype && sameShape(input.shape, output.shape) ? x! : undefined;
};

/** The other operand where one is everywhere `neutral`; or the other operand broadcast. */
function neutral(number: number, isCommutative: boolean): Simplification {
  return (node, draft) => {
    for (const i of isCommutative ? [1, 0] : [1]) {
      if (uniformNumber(node.inputs[i]!, draft) !== number) continue;
      return broadcast(node.inputs[1 - i]!, draft.type(node.outputs[0]!).shape, node, draft);
    }
    return undefined;
  };
}

function broadcast(x: ValueId, shape: readonly number[], node: ProgramNode, draft: Draft): ValueId {
  return sameShape(draft.type(x).shape, shape) ? x : draft.add("BroadcastTo", [x], { shape }, node.scope);
}

/** a (b x) is (a b) x for numbers a and b. */
const scaleOfScale: Simplification = (node, draft) => {
  for (const i of [0, 1]) {
    const factor = scalarNumber(node.inputs[i]!, draft);
    const inner = draft.producer(node.inputs[1 - i]!);
    if (factor === undefined || inner?.kernel !== "Multiply" || draft.uses(inner.outputs[0]!) > 1) continue;
    for (const j of [0, 1]) {
      const other = scalarNumber(inner.inputs[j]!, draft);
      if (other === undefined) continue;
      const product = draft.scalar(Math.fround(factor * other));
      return draft.add("Multiply", [inner.inputs[1 - j]!, product], {}, node.scope);
    }
  }
  return undefined;
};

function scalarNumber(id: ValueId, draft: Draft): number | undefined {
  const { dtype, shape } = draft.type(id);
  return dtype === "float32" && shape.length === 0 ? draft.numbers(id)?.[0] : undefined;
}

/**
 * a (b c) is (a c) b where a is the smaller, else (a b) c, for a number c: where it costs less, or can meet another number.
 */
const scaleOutside: Simplification = (node, draft) => {
  for (const i of [0, 1]) {
    const other = node.inputs[1 - i]!;
    const inner = draft.producer(node.inputs[i]!);
    if (inner?.kernel !== "Multiply" || draft.uses(inner.outputs[0]!) > 1) continue;
    const j = [0, 1].find((j) => scalarNumber(inner.inputs[j]!, draft) !== undefined);
    if (j === undefined || draft.type(other).shape.length === 0) continue;
    const [number, rest] = [inner.inputs[j]!, inner.inputs[1 - j]!];
    const isSmaller = sizeOf(draft.type(other).shape) < sizeOf(draft.type(node.outputs[0]!).shape);
    const first = draft.add("Multiply", isSmaller ? [other, number] : [other, rest], {}, node.scope);
    return draft.add("Multiply", [first, isSmaller ? rest : number], {}, node.scope);
  }
  return undefined;
};

/** f(broadcast x) is broadcast f(x), for a function of single elements. */
const beforeBroadcast: Simplification = (node, draft) => {
  const big = node.inputs.findIndex((id) => draft.producer(id!)?.kernel === "BroadcastTo");
  if (big < 0) return undefined;
  const isAlone = node.inputs.every((id, i) => i === big || draft.type(id!).shape.length === 0);
  const { shape, dtype } = draft.type(node.outputs[0]!);
  if (!isAlone || dtype !== "float32") return undefined;
  const small = draft.producer(node.inputs[big]!)!.inputs[0]!;
  const inputs = node.inputs.map((id, i) => (i === big ? small : id));
  const value = draft.add(node.kernel as "Neg", inputs, node.attrs as Record<never, never>, node.scope);
  return draft.add("BroadcastTo", [value], { shape }, node.scope);
};

/** a y - s y is (a - s) y, for an s that is smaller: one large product less where a y is not needed otherwise. */
const commonFactor: Simplification = (node, draft) => {
  const [left, right] = node.inputs.map((id) => draft.producer(id!));
  if (left?.kernel !== "Multiply" || right?.kernel !== "Multiply") return undefined;
  if (draft.uses(right.outputs[0]!) > 1) return undefined;
  const { shape } = draft.type(node.outputs[0]!);
  for (const i of [0, 1]) {
    for (const j of [0, 1]) {
      const factor = left.inputs[i]!;
      if (factor !== right.inputs[j]! || !sameShape(draft.type(factor).shape, shape)) continue;
      const [a, s] = [left.inputs[1 - i]!, right.inputs[1 - j]!];
      if (!sameShape(draft.type(a).shape, shape)) continue;
      const difference = draft.add("Sub", [a, s], {}, node.scope);
      return draft.add("Multiply", [difference, factor], {}, node.scope);
    }
  }
  return undefined;
};

/** Where x > 0 choose a, else c a for a number c: a product with the step of x. The gradient of a leaky relu. */
const selectOfScaled: Simplification = (node, draft) => {
  const [condition, t, e] = node.inputs as [ValueId, ValueId, ValueId];
  const test = draft.producer(condition);
  if (test?.kernel !== "Greater" || uniformNumber(test.inputs[1]!, draft) !== 0) return undefined;
  const [x] = test.inputs as [ValueId];
  if (draft.type(x).dtype !== "float32" || draft.type(t).dtype !== "float32") return undefined;
  if (!sameShape(draft.type(x).shape, draft.type(t).shape)) return undefined;
  const ratio = scaleBetween(t, e, draft);
  if (ratio === undefined || !(ratio >= 0 && ratio <= 1)) return undefined;
  return draft.add("Multiply", [t, draft.add("Step", [x], { alpha: ratio }, node.scope)], {}, node.scope);
};

/** The number c with e = c t; undefined where none is seen. */
function scaleBetween(t: ValueId, e: ValueId, draft: Draft): number | undefined {
  const [a, b] = [scaled(t, draft), scaled(e, draft)];
  if (b.base === t) return b.factor;
  if (a.base !== b.base || a.factor === 0) return undefined;
  return Math.fround(b.factor / a.factor);
}

/** A value as a number times another value. */
function scaled(id: ValueId, draft: Draft): { readonly base: ValueId; readonly factor: number } {
  const node = draft.producer(id);
  if (node?.kernel === "Multiply") {
    for (const i of [0, 1]) {
      const factor = scalarNumber(node.inputs[i]!, draft);
      if (factor !== undefined) return { base: node.inputs[1 - i]!, factor };
    }
  }
  return { base: id, factor: 1 };
}

/** x / c is x (1/c), off by at most one rounding, and products are quicker than quotients. */
const divisionByNumber: Simplification = (node, draft) => {
  const [x, y] = node.inputs as [ValueId, ValueId];
  const divisor = scalarNumber(y, draft);
  if (!divisor || !Number.isFinite(1 / divisor) || draft.type(x).shape.length === 0) return undefined;
  return draft.add("Multiply", [x, draft.scalar(Math.fround(1 / divisor))], {}, node.scope);
};

/** A reshape of a reshape is one. */
const reshape: Simplification = (node, draft) => {
  const [x] = node.inputs as [ValueId];
  const { shape } = draft.type(node.outputs[0]!);
  const inner = draft.producer(x);
  const source = inner?.kernel === "Reshape" ? inner.inputs[0]! : x;
  if (sameShape(draft.type(source).shape, shape)) return source;
  if (node.kernel === "Reshape" && source === x) return undefined;
  return draft.add("Reshape", [source], { shape }, node.scope);
};

/** A transpose of a transpose is one, or none. */
const transpose: Simplification = (node, draft) => {
  const [x] = node.inputs as [ValueId];
  const inner = draft.producer(x);
  const outer = node.attrs["perm"] as readonly number[];
  const isChain = inner?.kernel === "Transpose";
  const perm = isChain ? outer.map((axis) => (inner.attrs["perm"] as readonly number[])[axis]!) : outer;
  const source = isChain ? inner.inputs[0]! : x;
  if (perm.every((axis, i) => axis === i)) return source;
  return isChain ? draft.add("Transpose", [source], { perm }, node.scope) : undefined;
};

/** A cast of a cast that lost nothing is one. */
const cast: Simplification = (node, draft) => {
  const [x] = node.inputs as [ValueId];
  const dtype = draft.type(node.outputs[0]!).dtype;
  if (draft.type(x).dtype === dtype) return x;
  const inner = draft.producer(x);
  if (inner?.kernel !== "Cast" || draft.type(inner.inputs[0]!).dtype !== "bool") return undefined;
  const [source] = inner.inputs as [ValueId];
  return dtype === "bool" ? source : draft.add("Cast", [source], { dtype }, node.scope);
};

/** A tile of axes of length 1 only is a broadcast. */
const tile: Simplification = (node, draft) => {
  const [x] = node.inputs as [ValueId];
  const reps = node.attrs["reps"] as readonly number[];
  const { shape } = draft.type(x);
  if (reps.every((n) => n === 1)) return x;
  if (reps.some((n, i) => n !== 1 && shape[i] !== 1)) return undefined;
  return draft.add("BroadcastTo", [x], { shape: draft.type(node.outputs[0]!).shape }, node.scope);
};

/** A reduction over axes of length 1 is a reshape. */
const reduction: Simplification = (node, draft) => {
  const [x] = node.inputs as [ValueId];
  const axes = (node.attrs["axis"] ?? node.attrs["reductionIndices"]) as readonly number[];
  const { shape } = draft.type(x);
  if (axes.some((axis) => shape[axis] !== 1)) return undefined;
  return draft.add("Reshape", [x], { shape: draft.type(node.outputs[0]!).shape }, node.scope);
};

/** Tries one after the other. */
function either(...rules: readonly Simplification[]): Simplification {
  return (node, draft) => {
    for (const rule of rules) {
      const value = rule(node, draft);
      if (value !== undefined) return value;
    }
    return undefined;
  };
}

/** What can be simpler, by kernel. */
const SIMPLIFICATIONS: { readonly [K in Kernel]?: Simplification } = {
  Add: either(neutral(0, true), beforeBroadcast),
  BroadcastTo: unchanged,
  Cast: cast,
  Concat: (node) => (node.inputs.length === 1 ? node.inputs[0]! : undefined),
  ExpandDims: reshape,
  Identity: unchanged,
  Max: reduction,
  Mean: reduction,
  Min: reduction,
  Multiply: either(neutral(1, true), beforeBroadcast, scaleOfScale, scaleOutside),
  Neg: beforeBroadcast,
  PadV2: unchanged,
  Prod: reduction,
  RealDiv: either(neutral(1, false), beforeBroadcast, divisionByNumber),
  Reshape: reshape,
  Select: selectOfScaled,
  Slice: unchanged,
  SplitV: (node) => (node.outputs.length === 1 ? node.inputs[0]! : undefined),
  Sqrt: beforeBroadcast,
  Square: beforeBroadcast,
  Sub: either(neutral(0, false), beforeBroadcast, commonFactor),
  Sum: reduction,
  Tile: tile,
  Transpose: transpose,
};

/** The node without broadcasts of operands that it broadcasts itself. */
function withoutBroadcasts(node: ProgramNode, draft: Draft): ProgramNode {
  if (!BROADCASTING.has(node.kernel)) return node;
  const shape = draft.type(node.outputs[0]!).shape;
  const inputs = [...node.inputs];
  for (const i of [0, 1]) {
    const producer = draft.producer(inputs[i]!);
    if (producer?.kernel !== "BroadcastTo") continue;
    if (sameShape(draft.type(inputs[1 - i]!).shape, shape)) inputs[i] = producer.inputs[0]!;
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
  draft: Draft,
): ValueId | undefined {
  if (node.kernel !== "Step" || node.attrs["alpha"] !== 0) return undefined;
  const relu = relus.get(node.inputs[0]!);
  if (relu === undefined || !draft.producer(draft.resolve(relu))) return undefined;
  return draft.add("Step", [draft.resolve(relu)], { alpha: 0 }, node.scope);
}
