/**
 * Editing programs: what every pass is written with.
 *
 * @module
 */
import { type Json, sizeOf } from "../../core/types.ts";
import { inferKernel, type Kernel, type KernelAttrs, traitsOf } from "../program/kernels.ts";
import type { Program, ProgramConstant, ProgramNode, ValueId, ValueType } from "../program/types.ts";

/** Numbers of a constant. */
export type Numbers = ProgramConstant["data"];

/** What a pass does with one node: emit it, emit others, or let another value take the place of its result. */
export type Rewrite = (node: ProgramNode, rewriter: Rewriter) => void;

/** A program being rewritten: a new list of nodes over the old values and further ones. */
export class Rewriter {
  readonly source: Program;
  readonly values: ValueType[];
  readonly nodes: ProgramNode[] = [];
  state: Program["state"];
  updates: Program["updates"];
  readonly #constants = new Map<ValueId, Numbers>();
  readonly #scalars = new Map<string, ValueId>();
  readonly #replaced = new Map<ValueId, ValueId>();
  readonly #producers = new Map<ValueId, ProgramNode>();
  readonly #uses = new Map<ValueId, number>();

  constructor(source: Program) {
    this.source = source;
    this.values = [...source.values];
    this.state = source.state;
    this.updates = source.updates;
    for (const { value, data } of source.constants) this.#constants.set(value, data);
    const count = (id: ValueId | null) => id !== null && this.#uses.set(id, this.uses(id) + 1);
    for (const node of source.nodes) node.inputs.forEach(count);
    for (const { value } of [...source.outputs, ...source.updates]) count(value);
  }

  /** The value that stands for `id` now. */
  resolve(id: ValueId): ValueId {
    const next = this.#replaced.get(id);
    return next === undefined ? id : this.resolve(next);
  }

  type(id: ValueId): ValueType {
    return this.values[id]!;
  }

  /** How often the source program uses a value. */
  uses(id: ValueId): number {
    return this.#uses.get(id) ?? 0;
  }

  /** The node of the new list that makes a value; undefined for inputs, state and constants. */
  producer(id: ValueId): ProgramNode | undefined {
    return this.#producers.get(id);
  }

  /** The numbers of a constant. */
  numbers(id: ValueId): Numbers | undefined {
    return this.#constants.get(id);
  }

  /** Keeps a node. */
  emit(node: ProgramNode): void {
    this.nodes.push(node);
    for (const output of node.outputs) this.#producers.set(output, node);
  }

  /** Lets `to` stand for `from` from here on. */
  replace(from: ValueId, to: ValueId): void {
    if (from !== to) this.#replaced.set(from, to);
  }

  /** A new value without a producer: a state. */
  value(type: ValueType): ValueId {
    this.values.push(type);
    return this.values.length - 1;
  }

  /** A constant. */
  constant(data: Numbers, type: ValueType): ValueId {
    const id = this.value(type);
    this.#constants.set(id, data);
    return id;
  }

  /** A constant of shape []; equal ones are one. */
  scalar(number: number, dtype: ValueType["dtype"] = "float32"): ValueId {
    const key = `${dtype} ${Object.is(number, -0) ? "-0" : number}`;
    const known = this.#scalars.get(key);
    if (known !== undefined) return known;
    const id = this.constant([number], { dtype, shape: [] });
    this.#scalars.set(key, id);
    return id;
  }

  /** A new node; returns its first output. */
  add<K extends Kernel>(
    kernel: K,
    inputs: readonly (ValueId | null)[],
    attrs: KernelAttrs[K],
    scope = "",
  ): ValueId {
    return this.addAll(kernel, inputs, attrs, scope)[0]!;
  }

  /** A new node; returns its outputs. */
  addAll<K extends Kernel>(
    kernel: K,
    inputs: readonly (ValueId | null)[],
    attrs: KernelAttrs[K],
    scope = "",
  ): readonly ValueId[] {
    const plain = attrs as unknown as { readonly [name: string]: Json };
    const types = inferKernel(kernel, inputs.map((id) => (id === null ? null : this.values[id]!)), plain);
    const outputs = types.map((type) => this.value(type));
    this.emit({ kernel, inputs, attrs: plain, outputs, scope });
    return outputs;
  }

  /** The new program: without dead nodes and unused constants, values numbered anew. */
  finish(): Program {
    const outputs = this.source.outputs.map(({ name, value }) => ({ name, value: this.resolve(value) }));
    const updates = this.updates.map(({ state, value }) => ({ state, value: this.resolve(value) }));
    const live = new Set<ValueId>([...outputs, ...updates].map(({ value }) => value));
    const nodes = this.nodes.toReversed().filter((node) => {
      if (!node.outputs.some((id) => live.has(id))) return false;
      for (const id of node.inputs) if (id !== null) live.add(id);
      return true;
    }).reverse();
    const constants = [...this.#constants].filter(([id]) => live.has(id));
    const order = [
      ...this.source.inputs.map(({ value }) => value),
      ...this.state.map(({ value }) => value),
      ...constants.map(([id]) => id),
      ...nodes.flatMap((node) => node.outputs),
    ];
    const ids = new Map(order.map((id, i) => [id, i]));
    const renamed = (id: ValueId) => ids.get(id)!;
    return {
      format: this.source.format,
      name: this.source.name,
      values: order.map((id) => this.values[id]!),
      inputs: this.source.inputs.map((input) => ({ ...input, value: renamed(input.value) })),
      state: this.state.map((state) => ({ ...state, value: renamed(state.value) })),
      constants: constants.map(([id, data]) => ({ value: renamed(id), data })),
      nodes: nodes.map((node) => ({
        ...node,
        inputs: node.inputs.map((id) => (id === null ? null : renamed(id))),
        outputs: node.outputs.map(renamed),
      })),
      outputs: outputs.map(({ name, value }) => ({ name, value: renamed(value) })),
      updates: updates.map(({ state, value }) => ({ state, value: renamed(value) })),
    };
  }
}

/** Rewrites a program node by node, after `begin`; `rewrite` sees inputs that are replaced already. */
export function rewriteProgram(
  program: Program,
  rewrite: Rewrite,
  begin?: (rewriter: Rewriter) => void,
): Program {
  const rewriter = new Rewriter(program);
  begin?.(rewriter);
  for (const node of program.nodes) {
    const inputs = node.inputs.map((id) => (id === null ? null : rewriter.resolve(id)));
    rewrite({ ...node, inputs }, rewriter);
  }
  return rewriter.finish();
}

/** Whether operands of a node may be of other shapes than its result. */
export function broadcasts(node: ProgramNode): boolean {
  const { kind } = traitsOf(node);
  return kind.is === "elementwise" && kind.broadcasts;
}

/** Whether two shapes are the same. */
export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((length, i) => length === b[i]);
}

/**
 * The number that all elements of a value have, when it is known: constants, fills, and what only moves or repeats
 * them.
 */
export function uniformNumber(id: ValueId, rewriter: Rewriter): number | undefined {
  const numbers = rewriter.numbers(id);
  if (numbers) {
    const first = numbers[0];
    for (let i = 1; i < numbers.length; i++) if (!Object.is(numbers[i], first)) return undefined;
    return first;
  }
  const node = rewriter.producer(id);
  if (!node) return undefined;
  const { kind } = traitsOf(node);
  if (kind.is === "creation") return kind.number?.(node.attrs);
  const isMoved = kind.is === "movement" && kind.keepsUniform && sizeOf(rewriter.type(id).shape) > 0;
  return isMoved ? uniformNumber(node.inputs[0]!, rewriter) : undefined;
}
