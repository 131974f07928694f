/**
 * Programs made from other programs: some of their nodes, with other shapes.
 *
 * @module
 */
import { InternalError } from "../../core/errors.ts";
import { inferKernel, isKernel } from "../program/kernels.ts";
import type { Program, ProgramInput, ProgramNode, ValueId, ValueType } from "../program/types.ts";

/** An output: a value and its name. */
export type Named = Program["outputs"][number];

/** A program in the making, from values of another one. */
export class ProgramBuilder {
  readonly #source: Program;
  readonly #values: ValueType[] = [];
  readonly #inputs: ProgramInput[] = [];
  readonly #nodes: ProgramNode[] = [];
  readonly #of = new Map<ValueId, ValueId>();

  constructor(source: Program) {
    this.#source = source;
  }

  /** An input; `stands` is the value of the source that it stands for. */
  input({ name, role }: Pick<ProgramInput, "name" | "role">, type: ValueType, stands?: ValueId): ValueId {
    const value = this.#value(type);
    this.#inputs.push({ name, role, value });
    if (stands !== undefined) this.#of.set(stands, value);
    return value;
  }

  /** State and constants, when all inputs have been named. */
  begin(): void {
    for (const { value } of [...this.#source.state, ...this.#source.constants]) {
      this.#of.set(value, this.#value(this.#source.values[value]!));
    }
  }

  /** The value here for a value of the source. */
  of(id: ValueId): ValueId {
    return this.#of.get(id)!;
  }

  /** Lets a value stand for one of the source. */
  rename(id: ValueId, value: ValueId): void {
    this.#of.set(id, value);
  }

  /** Lets values stand for what a node of the source makes. */
  name(node: ProgramNode, outputs: readonly ValueId[]): void {
    node.outputs.forEach((id, i) => this.#of.set(id, outputs[i]!));
  }

  /** A node, with types as its inputs give them; returns what it makes. */
  add(node: Omit<ProgramNode, "outputs">): readonly ValueId[] {
    if (!isKernel(node.kernel)) {
      throw new InternalError(`Cannot make program as its kernels must be known: found "${node.kernel}"`);
    }
    const types = inferKernel(
      node.kernel,
      node.inputs.map((id) => (id === null ? null : this.#values[id]!)),
      node.attrs,
    );
    const outputs = types.map((type) => this.#value(type));
    this.#nodes.push({
      kernel: node.kernel,
      inputs: node.inputs,
      attrs: node.attrs,
      outputs,
      scope: node.scope,
    });
    return outputs;
  }

  #value(type: ValueType): ValueId {
    return this.#values.push(type) - 1;
  }

  /** The program that makes `outputs` and `updates`, values of the source, and nothing else. */
  finish(name: string, outputs: readonly Named[], updates: Program["updates"]): Program {
    const made = outputs.map((output) => ({ ...output, value: this.of(output.value) }));
    const written = updates.map((update) => ({ ...update, value: this.of(update.value) }));
    const live = new Set<ValueId | null>([...made, ...written].map(({ value }) => value));
    const nodes = this.#nodes.toReversed().filter((node) => {
      if (!node.outputs.some((id) => live.has(id))) return false;
      for (const id of node.inputs) live.add(id);
      return true;
    }).reverse();
    const states = new Set(written.map(({ state }) => state));
    const inputs = this.#inputs.filter(({ value }) => live.has(value));
    const state = this.#source.state.map((entry) => ({ ...entry, value: this.of(entry.value) }))
      .filter((entry) => live.has(entry.value) || states.has(entry.name));
    const constants = this.#source.constants.map((constant) => ({
      ...constant,
      value: this.of(constant.value),
    }))
      .filter(({ value }) => live.has(value));
    const order = [...inputs, ...state, ...constants].map(({ value }) => value)
      .concat(nodes.flatMap((node) => node.outputs));
    const ids = new Map(order.map((id, i) => [id, i]));
    const moved = <T extends { readonly value: ValueId }>(entry: T): T => ({
      ...entry,
      value: ids.get(entry.value)!,
    });
    return {
      format: this.#source.format,
      name,
      values: order.map((id) => this.#values[id]!),
      inputs: inputs.map(moved),
      state: state.map(moved),
      constants: constants.map(moved),
      nodes: nodes.map((node) => ({
        ...node,
        inputs: node.inputs.map((id) => (id === null ? null : ids.get(id)!)),
        outputs: node.outputs.map((id) => ids.get(id)!),
      })),
      outputs: made.map(moved),
      updates: written.map(moved),
    };
  }
}
