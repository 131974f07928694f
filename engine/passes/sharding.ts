/**
 * Data-parallel sharding: a program as two, one that several threads run at the same time, each for a shard of the rows of
 * a batch, and one that adds up what they found (the all-reduce) and goes on.
 *
 * Why: threads inside of operations meet at the end of every operation, hundreds of times a step, and wait for the last;
 * threads that each have rows of their own meet once. Losses are sums over rows, so that gradients are as well:
 * `∇ Σ l(x_i) = Σ ∇ l(x_i)`.
 *
 * Where every value is (its {@linkcode Placement}, in DTensor's words) is found from the inputs forwards: what a kernel
 * makes of sharded operands is a trait of its entry in the kernel table, and so is whether sums go through it.
 * Where rows need a finished sum (batch normalization) or meet each other, there are no shards: the program stays whole.
 *
 * @module
 */
import { traitsOf } from "../program/kernels.ts";
import type { Placement } from "../program/kernels/placements.ts";
import type { Program, ProgramInput, ProgramNode, ValueId, ValueType } from "../program/types.ts";
import { type Named, ProgramBuilder } from "./program_builder.ts";

/** A program in shards. */
export interface ShardedProgram {
  /** How many shards there are; rows are divided evenly. */
  readonly count: number;
  /**
   * The program of each shard: the inputs of the program under their names, {@linkcode shardedInputs} with fewer rows;
   * outputs {@linkcode partials} and {@linkcode shardedOutputs}.
   */
  readonly shard: Program;
  /** Inputs of the program that are sharded along their first axis. */
  readonly shardedInputs: readonly string[];
  /** Outputs of the program that are sharded along their first axis. */
  readonly shardedOutputs: readonly string[];
  /** Outputs of the shards that are added up. */
  readonly partials: readonly ({ readonly name: string } & ValueType)[];
  /**
   * What comes after: takes the partial sums of shard k under the names of {@linkcode partialName}, adds them up, gives all
   * other outputs and all updates. Undefined where there is nothing to do.
   */
  readonly after: Program | undefined;
}

/** The name under which the program that comes after takes a partial sum of a shard. */
export function partialName(shard: number, partial: string): string {
  return `shard ${shard}/${partial}`;
}

/** The largest number of shards up to `most` that divides the rows of a program evenly. */
export function shardsOf(program: Program, most: number): number {
  const rows = rowsOf(program);
  let count = rows === undefined ? 1 : Math.min(most, rows);
  while (count > 1 && rows! % count !== 0) count--;
  return count;
}

/** Rows of the batch: the first axis that all batch inputs share. */
function rowsOf(program: Program): number | undefined {
  const lengths = program.inputs.filter(({ role }) => role === "batch")
    .map(({ value }) => program.values[value]!.shape[0]!);
  return lengths.length > 0 && lengths.every((length) => length === lengths[0]) ? lengths[0] : undefined;
}

/** Divides a program into `count` shards; undefined where that cannot be, or where nothing has rows. */
export function shardProgram(program: Program, count: number): ShardedProgram | undefined {
  const rows = rowsOf(program);
  if (rows === undefined || count < 2 || rows % count !== 0) return undefined;
  try {
    return new Sharder(program, rows, count).shard();
  } catch (error) {
    if (error instanceof Unshardable) return undefined;
    throw error;
  }
}

/** Why a program has no shards; never leaves this file. */
class Unshardable extends Error {}

/** The axis along which a value is sharded, if it is. */
function shardAxis(placement: Placement | undefined): number | undefined {
  return typeof placement === "object" ? placement.shard : undefined;
}

/** Whether a node of partial operands, each the sum of its terms, makes the sum of what it makes of the terms. */
function isLinear(node: ProgramNode, placements: readonly Placement[]): boolean {
  const { linear } = traitsOf(node);
  if (linear === "jointly") return placements.every((placement) => placement === "partial");
  const partial = placements.flatMap((placement, i) => (placement === "partial" ? [i] : []));
  return partial.length === 1 && linear.includes(partial[0]!);
}

class Sharder {
  readonly #program: Program;
  readonly #rows: number;
  readonly #count: number;
  readonly #placements = new Map<ValueId, Placement>();
  readonly #producers = new Map<ValueId, ProgramNode>();
  readonly #users = new Map<ValueId, ProgramNode[]>();
  readonly #constants: ReadonlyMap<ValueId, Program["constants"][number]["data"]>;
  /** Replicated inputs of nodes of which each shard needs its part of an axis. */
  readonly #slices = new Map<ProgramNode, readonly (readonly [input: number, axis: number])[]>();

  constructor(program: Program, rows: number, count: number) {
    [this.#program, this.#rows, this.#count] = [program, rows, count];
    this.#constants = new Map(program.constants.map(({ value, data }) => [value, data]));
    for (const node of program.nodes) {
      for (const id of node.outputs) this.#producers.set(id, node);
      for (const id of node.inputs) {
        if (id !== null) this.#users.set(id, [...this.#users.get(id) ?? [], node]);
      }
    }
  }

  shard(): ShardedProgram | undefined {
    const { inputs, outputs, updates } = this.#program;
    this.#place();
    this.#postpone();
    const isSharded = ({ value }: { readonly value: ValueId }) => this.#axisOf(value) !== undefined;
    const sharded = outputs.filter(isSharded);
    if (updates.some(isSharded) || sharded.some(({ value }) => this.#axisOf(value) !== 0)) return undefined;
    const finished = outputs.filter((output) => !isSharded(output));
    const partials = this.#crossing(finished).map((value, i) => ({ name: `partial ${i}`, value }));
    if (partials.length + sharded.length === 0) return undefined;
    const shard = this.#shard([...partials, ...sharded]);
    const taken = new Set(shard.inputs.map(({ name }) => name));
    return {
      count: this.#count,
      shard,
      shardedInputs: inputs.filter((input) => this.#hasRows(input) && taken.has(input.name))
        .map(({ name }) => name),
      shardedOutputs: sharded.map(({ name }) => name),
      partials: partials.map(({ name, value }) => ({ name, ...this.#type(value) })),
      after: finished.length + updates.length > 0 ? this.#after(partials, finished) : undefined,
    };
  }

  /** Finds where every value is. */
  #place(): void {
    const { inputs, state, constants, nodes } = this.#program;
    for (const input of inputs) {
      this.#placements.set(input.value, this.#hasRows(input) ? { shard: 0 } : "replicate");
    }
    for (const { value } of [...state, ...constants]) this.#placements.set(value, "replicate");
    for (const node of nodes) {
      const placement = this.#placementOf(node);
      for (const id of node.outputs) this.#placements.set(id, placement);
    }
  }

  #axisOf(id: ValueId): number | undefined {
    return shardAxis(this.#placements.get(id));
  }

  /** Whether an input is sharded: not scalars, nor noise that does not belong to rows. */
  #hasRows({ role, value }: ProgramInput): boolean {
    return role !== "scalar" && this.#type(value).shape[0] === this.#rows;
  }

  #type(id: ValueId): ValueType {
    return this.#program.values[id]!;
  }

  #placementOf(node: ProgramNode): Placement {
    const given = node.inputs.map((id): Placement => (id === null ? "replicate" : this.#placements.get(id)!));
    const isSharded = given.some((placement) => shardAxis(placement) !== undefined);
    const isUnfinished = given.some((placement) => placement === "partial" || placement === "after");
    if (isSharded && isUnfinished) throw new Unshardable("rows need a finished sum");
    if (isSharded) return this.#propagate(node, given.map(shardAxis));
    if (!isUnfinished) return "replicate";
    return !given.includes("after") && isLinear(node, given) ? "partial" : "after";
  }

  /** What a node makes of sharded operands. */
  #propagate(node: ProgramNode, axes: readonly (number | undefined)[]): Placement {
    const found = traitsOf(node).sharding.propagate?.(axes, node.attrs, {
      inputs: node.inputs.map((id) => (id === null ? null : this.#type(id))),
      outputs: node.outputs.map((id) => this.#type(id)),
    });
    if (!found) throw new Unshardable(`rows meet in ${node.kernel}`);
    const { placement, slices = [] } = found;
    const axis = shardAxis(placement);
    if (axis !== undefined) { for (const id of node.outputs) this.#requireEven(id, axis); }
    for (const [input, axis] of slices) this.#requireRepeating(node.inputs[input]!, axis);
    if (slices.length > 0) this.#slices.set(node, slices);
    return placement;
  }

  #requireEven(id: ValueId, axis: number): void {
    if (this.#type(id).shape[axis]! % this.#count !== 0) throw new Unshardable("shards are uneven");
  }

  /** A shard can have its part of a replicated value only where it is the same all along the axis. */
  #requireRepeating(id: ValueId, axis: number): void {
    this.#requireEven(id, axis);
    if (this.#uniformNumber(id) !== undefined || this.#repeats(id, axis) !== undefined) return;
    throw new Unshardable("a replicated value differs along the rows");
  }

  /** The number that all elements of a constant or of a created value are. */
  #uniformNumber(id: ValueId): number | undefined {
    const data = this.#constants.get(id);
    if (data) return Array.from(data).every((number) => Object.is(number, data[0])) ? data[0]! : undefined;
    const node = this.#producers.get(id);
    const kind = node && traitsOf(node).kind;
    return kind?.is === "creation" ? kind.number?.(node!.attrs) : undefined;
  }

  /** The node and its attribute that let a value be the same all along an axis. */
  #repeats(id: ValueId, axis: number): { readonly node: ProgramNode; readonly attr: string } | undefined {
    const node = this.#producers.get(id);
    const kind = node && traitsOf(node).kind;
    if (!node || kind?.is !== "movement" || kind.repeats === null) return undefined;
    const given = this.#type(node.inputs[0]!).shape;
    const at = axis - (this.#type(id).shape.length - given.length);
    return at < 0 || given[at] === 1 ? { node, attr: kind.repeats } : undefined;
  }

  /** Leaves linear work on sums for later where those sums are needed later anyway: fewer numbers to hand over. */
  #postpone(): void {
    const isAfter = (node: ProgramNode) => this.#placements.get(node.outputs[0]!) === "after";
    for (const node of this.#program.nodes.toReversed()) {
      if (this.#placements.get(node.outputs[0]!) !== "partial") continue;
      const users = node.outputs.flatMap((id) => this.#users.get(id) ?? []);
      if (users.length === 0 || !users.every(isAfter)) continue;
      const given = node.inputs.filter((id): id is ValueId =>
        id !== null && this.#placements.get(id) === "partial"
      );
      // Made of rows: shards are there for that.
      if (given.length === 0) continue;
      if (given.some((id) => !this.#users.get(id)!.some((user) => user !== node && isAfter(user)))) continue;
      for (const id of node.outputs) this.#placements.set(id, "after");
    }
  }

  /** Partial sums that leave the shards. */
  #crossing(outputs: readonly Named[]): readonly ValueId[] {
    const after = this.#program.nodes.filter((node) => this.#placements.get(node.outputs[0]!) === "after");
    const used = [...outputs, ...this.#program.updates].map(({ value }): ValueId | null => value)
      .concat(after.flatMap((node) => node.inputs));
    return [...new Set(used)].filter((id): id is ValueId =>
      id !== null && this.#placements.get(id) === "partial"
    );
  }

  /** The program of one shard. */
  #shard(outputs: readonly Named[]): Program {
    const builder = new ProgramBuilder(this.#program);
    for (const input of this.#program.inputs) {
      const { name, role, value } = input;
      const type = this.#type(value);
      const given = this.#hasRows(input) ? { ...type, shape: this.#shorter(type.shape, 0) } : type;
      builder.input({ name, role: role === "scalar" ? role : "batch" }, given, value);
    }
    builder.begin();
    for (const node of this.#program.nodes) {
      if (this.#placements.get(node.outputs[0]!) !== "after") this.#addToShard(node, builder);
    }
    return builder.finish(`${this.#program.name} (shard)`, outputs, []);
  }

  /** A node with the operands and the shape that it has in a shard. */
  #addToShard(node: ProgramNode, builder: ProgramBuilder): void {
    const inputs = node.inputs.map((id) => (id === null ? null : builder.of(id)));
    for (const [i, axis] of this.#slices.get(node) ?? []) {
      inputs[i] = this.#slice(node.inputs[i]!, axis, builder);
    }
    const axis = this.#axisOf(node.outputs[0]!);
    const { shapeAttr } = traitsOf(node).sharding;
    const attrs = axis !== undefined && shapeAttr !== undefined
      ? { ...node.attrs, [shapeAttr]: this.#shorter(this.#type(node.outputs[0]!).shape, axis) }
      : node.attrs;
    const made = builder.add({ ...node, inputs, attrs });
    const isMean = node.kernel === "Mean" && this.#placements.get(node.outputs[0]!) === "partial" &&
      this.#axisOf(node.inputs[0]!) !== undefined;
    builder.name(node, isMean ? [this.#scaled(made[0]!, node.scope, builder)] : made);
  }

  /** The mean over the rows of a shard, as its part of the mean over all rows. */
  #scaled(mean: ValueId, scope: string, builder: ProgramBuilder): ValueId {
    const attrs = { shape: [], value: Math.fround(1 / this.#count), dtype: "float32" };
    const share = builder.add({ kernel: "Fill", inputs: [], attrs, scope })[0]!;
    return builder.add({ kernel: "Multiply", inputs: [mean, share], attrs: {}, scope })[0]!;
  }

  /** The part that a shard has of a replicated value that is the same all along an axis. */
  #slice(id: ValueId, axis: number, builder: ProgramBuilder): ValueId {
    const { dtype, shape: whole } = this.#type(id);
    const repeated = this.#repeats(id, axis);
    if (repeated) {
      const { node, attr } = repeated;
      const attrs = { ...node.attrs, [attr]: this.#shorter(node.attrs[attr] as readonly number[], axis) };
      return builder.add({ ...node, inputs: [builder.of(node.inputs[0]!)], attrs })[0]!;
    }
    const attrs = { shape: this.#shorter(whole, axis), value: this.#uniformNumber(id)!, dtype };
    const scope = this.#producers.get(id)?.scope ?? "";
    return builder.add({ kernel: "Fill", inputs: [], attrs, scope })[0]!;
  }

  #shorter(shape: readonly number[], axis: number): readonly number[] {
    return shape.map((length, i) => (i === axis ? length / this.#count : length));
  }

  /** The program that adds up the partial sums of the shards and goes on. */
  #after(partials: readonly Named[], outputs: readonly Named[]): Program {
    const builder = new ProgramBuilder(this.#program);
    for (const { name, role, value } of this.#program.inputs) {
      builder.input({ name, role: role === "scalar" ? role : "batch" }, this.#type(value), value);
    }
    const terms = partials.map(({ name, value }) => {
      const type = this.#type(value);
      const role = type.shape.length === 0 ? "scalar" : "batch";
      return Array.from(
        { length: this.#count },
        (_, k) => builder.input({ name: partialName(k, name), role }, type),
      );
    });
    builder.begin();
    partials.forEach(({ value }, i) => {
      const add = (a: ValueId, b: ValueId) =>
        builder.add({ kernel: "Add", inputs: [a, b], attrs: {}, scope: "all-reduce" })[0]!;
      builder.rename(value, terms[i]!.reduce(add));
    });
    for (const node of this.#program.nodes) {
      const placement = this.#placements.get(node.outputs[0]!);
      if (placement !== "replicate" && placement !== "after") continue;
      builder.name(
        node,
        builder.add({ ...node, inputs: node.inputs.map((id) => (id === null ? null : builder.of(id))) }),
      );
    }
    return builder.finish(this.#program.name, outputs, this.#program.updates);
  }
}
