/**
 * Flat updates: optimizer steps on one large tensor instead of many small ones (a fused multi-tensor update).
 *
 * An optimizer does the same element by element to every parameter: m' = β m + g and so on, a dozen nodes for each of
 * the parameters. The pass looks for updates of several state tensors that are made in the same way, lays the tensors
 * one after the other (a {@linkcode FlatState}), and writes the update once for the whole. The gradients, which are made
 * apart, are joined for it; everything else that reads a member reads it as before, in place.
 *
 * What is equal is found from the updates backwards, in *lanes*: lane i holds what belongs to tensor i. Values of all
 * lanes are one flat value if they are
 * - made by the same element-by-element kernel of values that are themselves flat, or one scalar for all lanes; or
 * - float32 state, which becomes a flat state; or
 * - anything else of the right shapes, which is joined.
 * Nothing is assumed about the optimizer, so that any optimizer written in element-by-element operations
 * profits. Which kernels those are is a trait in the kernel table.
 *
 * @module
 */
import { sizeOf } from "../../core/types.ts";
import { traitsOf } from "../program/kernels.ts";
import type { Program, ProgramNode, ValueId } from "../program/types.ts";
import { broadcasts, Rewriter, sameShape } from "./rewriter.ts";

/** State tensors that lie one after the other and are read and written as one. */
export interface FlatState {
  /** Name of the state that stands for the whole. */
  readonly name: string;
  readonly members: readonly string[];
}

/**
 * Writes equal updates of several state tensors as one.
 *
 * @param accept Lays out a flat state; false when that cannot be: then its lanes stay as they are.
 */
export function flattenUpdates(
  program: Program,
  accept: (flat: FlatState) => boolean,
): { readonly program: Program; readonly flatStates: readonly FlatState[] } {
  const groups = alikeUpdates(program);
  if (groups.length === 0) return { program, flatStates: [] };
  const rewriter = new Rewriter(program);
  for (const node of program.nodes) rewriter.emit(node);
  const flattener = new Flattener(rewriter, program, accept);
  for (const group of groups) flattener.update(group);
  return { program: rewriter.finish(), flatStates: flattener.flatStates };
}

type Update = Program["updates"][number];

/** Whether a node computes every element from the elements in that place. */
function isElementwise(node: ProgramNode): boolean {
  return traitsOf(node).kind.is === "elementwise";
}

/** Updates of float32 state that are made in the same way, two or more at a time, by how they are made. */
function alikeUpdates(program: Program): readonly (readonly Update[])[] {
  const signatures = new Signatures(program);
  const groups = new Map<string, Update[]>();
  const state = new Map(program.state.map(({ name, value }) => [name, value]));
  for (const update of program.updates) {
    const type = program.values[update.value]!;
    const node = signatures.producer(update.value);
    if (!node || !isElementwise(node) || type.dtype !== "float32" || sizeOf(type.shape) === 0) {
      continue;
    }
    if (state.get(update.state) === update.value) continue;
    const key = signatures.of(update.value, type.shape);
    groups.set(key, [...groups.get(key) ?? [], update]);
  }
  return [...groups.values()].filter((group) => group.length > 1);
}

/** Texts that are equal for values made in the same way by element-by-element kernels. */
class Signatures {
  readonly #program: Program;
  readonly #producers = new Map<ValueId, ProgramNode>();
  readonly #states = new Set<ValueId>();
  readonly #known = new Map<ValueId, string>();
  /** Signatures by content, so that they stay short however deep the nodes are. */
  readonly #numbers = new Map<string, string>();

  constructor(program: Program) {
    this.#program = program;
    for (const node of program.nodes) for (const id of node.outputs) this.#producers.set(id, node);
    for (const { value } of program.state) this.#states.add(value);
  }

  producer(id: ValueId): ProgramNode | undefined {
    return this.#producers.get(id);
  }

  of(id: ValueId, shape: readonly number[]): string {
    const type = this.#program.values[id]!;
    if (type.shape.length === 0 && shape.length > 0) return `scalar ${id}`;
    if (!sameShape(type.shape, shape)) return "other";
    const known = this.#known.get(id);
    if (known) return known;
    const node = this.#producers.get(id);
    const isInside = node && isElementwise(node);
    const content = isInside
      ? JSON.stringify([node.kernel, node.attrs, node.inputs.map((input) => this.of(input!, shape))])
      : `${this.#states.has(id) ? "state" : "joined"} ${type.dtype}`;
    const signature = this.#numbers.get(content) ?? `#${this.#numbers.size}`;
    this.#numbers.set(content, signature);
    this.#known.set(id, signature);
    return signature;
  }
}

/** Makes groups of updates flat. */
class Flattener {
  readonly flatStates: FlatState[] = [];
  readonly #rewriter: Rewriter;
  readonly #accept: (flat: FlatState) => boolean;
  readonly #states: ReadonlyMap<ValueId, string>;
  readonly #producers = new Map<ValueId, ProgramNode>();
  readonly #known = new Map<string, ValueId>();

  constructor(rewriter: Rewriter, program: Program, accept: (flat: FlatState) => boolean) {
    this.#rewriter = rewriter;
    this.#accept = accept;
    this.#states = new Map(program.state.map(({ name, value }) => [value, name]));
    for (const node of program.nodes) for (const id of node.outputs) this.#producers.set(id, node);
  }

  /** Replaces the updates of all lanes by one of their flat state. */
  update(group: readonly Update[]): void {
    const lanes = group.map((update) => update.state);
    const flat = this.#flatState(lanes);
    if (!flat) return;
    const value = this.#flat(group.map((update) => update.value));
    const done = new Set(lanes);
    this.#rewriter.updates = [
      ...this.#rewriter.updates.filter((update) => !done.has(update.state)),
      { state: flat.name, value },
    ];
  }

  /** One value for the values of all lanes. */
  #flat(lanes: readonly ValueId[]): ValueId {
    const key = lanes.join();
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const value = this.#stateOf(lanes) ?? this.#nodeOf(lanes) ?? this.#joined(lanes);
    this.#known.set(key, value);
    return value;
  }

  #stateOf(lanes: readonly ValueId[]): ValueId | undefined {
    const names = lanes.map((id) => this.#states.get(id));
    if (!names.every((name) => name !== undefined)) return undefined;
    const flat = this.#flatState(names);
    return flat && this.#rewriter.state.find((state) => state.name === flat.name)!.value;
  }

  /** The state that stands for the members together, laid out on first use. */
  #flatState(members: readonly string[]): FlatState | undefined {
    const name = `flat(${members[0]} and ${members.length - 1} more)`;
    const known = this.flatStates.find((flat) => flat.name === name);
    if (known) return known.members.join("\n") === members.join("\n") ? known : undefined;
    if (new Set(members).size < members.length) return undefined;
    if (members.some((member) => this.flatStates.some((flat) => flat.members.includes(member)))) {
      return undefined;
    }
    const states = members.map((member) => this.#rewriter.state.find((state) => state.name === member)!);
    if (states.some((state) => this.#rewriter.type(state.value).dtype !== "float32")) return undefined;
    const flat = { name, members };
    if (!this.#accept(flat)) return undefined;
    this.flatStates.push(flat);
    const size = states.reduce((sum, state) => sum + sizeOf(this.#rewriter.type(state.value).shape), 0);
    const value = this.#rewriter.value({ dtype: "float32", shape: [size] });
    this.#rewriter.state = [...this.#rewriter.state, { name, trainable: states[0]!.trainable, value }];
    return flat;
  }

  #nodeOf(lanes: readonly ValueId[]): ValueId | undefined {
    const nodes = lanes.map((id) => this.#producers.get(id));
    const [first] = nodes;
    if (!first || !isElementwise(first)) return undefined;
    const attrs = JSON.stringify(first.attrs);
    const isAlike = nodes.every((node) =>
      node?.kernel === first.kernel && JSON.stringify(node.attrs) === attrs && node.outputs.length === 1
    );
    if (!isAlike) return undefined;
    const operands = first.inputs.map((_, i) => nodes.map((node) => node!.inputs[i]!));
    if (!operands.every((operand) => this.#isAlike(operand, lanes))) return undefined;
    // Scalars made of nothing but one scalar for all lanes: the result would be one number, not one for each lane.
    if (operands.every((operand) => this.#isShared(operand))) return undefined;
    const inputs = operands.map((operand) =>
      broadcasts(first) && this.#isShared(operand) ? operand[0]! : this.#flat(operand)
    );
    return this.#rewriter.add(first.kernel as "Add", inputs, first.attrs as Record<never, never>, "update");
  }

  /** One scalar for all lanes, or a tensor per lane of the lane's shape. */
  #isAlike(operand: readonly ValueId[], lanes: readonly ValueId[]): boolean {
    if (this.#isShared(operand)) return true;
    return operand.every((id, i) =>
      sameShape(this.#rewriter.type(id).shape, this.#rewriter.type(lanes[i]!).shape)
    );
  }

  #isShared(operand: readonly ValueId[]): boolean {
    return operand.every((id) => id === operand[0]) && this.#rewriter.type(operand[0]!).shape.length === 0;
  }

  /** The values one after the other. */
  #joined(lanes: readonly ValueId[]): ValueId {
    const flat = lanes.map((id) => {
      const { shape } = this.#rewriter.type(id);
      return shape.length === 1
        ? id
        : this.#rewriter.add("Reshape", [id], { shape: [sizeOf(shape)] }, "update");
    });
    return this.#rewriter.add("Concat", flat, { axis: 0 }, "update");
  }
}
