/**
 * Steps by rows: a program as two, one that several threads run at the same time, each for a part of the rows of a batch,
 * and one that adds up what they found and goes on.
 *
 * Why: threads inside of operations meet at the end of every operation, hundreds of times a step, and wait for the last;
 * threads that each have rows of their own meet once. Losses are sums over rows, so that gradients are as well:
 * `∇ Σ l(x_i) = Σ ∇ l(x_i)`.
 *
 * Found from the inputs forwards, for each value:
 * - *whole*: does not depend on rows; computed by every part that needs it, and once more where sums are used;
 * - *rows along an axis*: each part has its share of that axis;
 * - *sum*: each part has a term of it, as after a sum over the rows or a product of which rows are the inner axis;
 * - *after*: needs finished sums.
 * Where rows need a finished sum (batch normalization) or meet each other, there are no parts: the program stays whole.
 *
 * @module
 */
import type { Kernel } from "../program/kernels.ts";
import type { Program, ProgramInput, ProgramNode, ValueId, ValueType } from "../program/types.ts";
import { type Named, ProgramBuilder } from "./program_builder.ts";
import { isLinear, type Kind, rowRule } from "./sharding_rules.ts";

/** A program in parts. */
export interface RowParts {
  /** How many parts there are; rows are divided evenly. */
  readonly count: number;
  /**
   * The program of each part: the inputs of the program under their names, those of {@linkcode rows} with fewer rows;
   * outputs {@linkcode sums}, and outputs that have rows.
   */
  readonly part: Program;
  /** Inputs of the program of which each part has its share of the first axis. */
  readonly rows: readonly string[];
  /** Outputs of the program of which each part makes its share of the first axis. */
  readonly rowOutputs: readonly string[];
  /** Outputs of the parts that are added up. */
  readonly sums: readonly ({ readonly name: string } & ValueType)[];
  /**
   * What comes after: takes the sums of part k under the names of {@linkcode partSum}, gives all other outputs and all
   * updates. Undefined where there is nothing to do.
   */
  readonly rest: Program | undefined;
}

/** The name under which the rest of a program takes a sum of a part. */
export function partSum(part: number, sum: string): string {
  return `part ${part}/${sum}`;
}

/** The largest number of parts up to `most` that divides the rows of a program evenly. */
export function partsOf(program: Program, most: number): number {
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

/** Divides a program into `count` parts; undefined where that cannot be, or where nothing has rows. */
export function divideRows(program: Program, count: number): RowParts | undefined {
  const rows = rowsOf(program);
  if (rows === undefined || count < 2 || rows % count !== 0) return undefined;
  try {
    return new Divider(program, rows, count).divide();
  } catch (error) {
    if (error instanceof Indivisible) return undefined;
    throw error;
  }
}

/** Why a program has no parts; never leaves this file. */
class Indivisible extends Error {}

class Divider {
  readonly #program: Program;
  readonly #rows: number;
  readonly #count: number;
  readonly #kinds = new Map<ValueId, Kind>();
  readonly #producers = new Map<ValueId, ProgramNode>();
  readonly #users = new Map<ValueId, ProgramNode[]>();
  readonly #constants: ReadonlyMap<ValueId, Program["constants"][number]["data"]>;
  /** Whole inputs of nodes of which parts need their share along an axis. */
  readonly #shares = new Map<ProgramNode, readonly (readonly [input: number, axis: number])[]>();

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

  divide(): RowParts | undefined {
    const { inputs, state, constants, nodes, outputs, updates } = this.#program;
    for (const input of inputs) this.#kinds.set(input.value, this.#hasRows(input) ? 0 : "whole");
    for (const { value } of [...state, ...constants]) this.#kinds.set(value, "whole");
    for (const node of nodes) {
      const kind = this.#kindOf(node);
      for (const id of node.outputs) this.#kinds.set(id, kind);
    }
    this.#postpone();
    const isRows = ({ value }: { readonly value: ValueId }) => typeof this.#kinds.get(value) === "number";
    const apart = outputs.filter(isRows);
    if (updates.some(isRows) || apart.some(({ value }) => this.#kinds.get(value) !== 0)) return undefined;
    const finished = outputs.filter((output) => !isRows(output));
    const sums = this.#crossing(finished).map((value, i) => ({ name: `sum ${i}`, value }));
    if (sums.length + apart.length === 0) return undefined;
    const part = this.#part([...sums, ...apart]);
    const taken = new Set(part.inputs.map(({ name }) => name));
    return {
      count: this.#count,
      part,
      rows: inputs.filter((input) => this.#hasRows(input) && taken.has(input.name)).map(({ name }) => name),
      rowOutputs: apart.map(({ name }) => name),
      sums: sums.map(({ name, value }) => ({ name, ...this.#type(value) })),
      rest: finished.length + updates.length > 0 ? this.#rest(sums, finished) : undefined,
    };
  }

  /** Whether parts take their share of an input: not of scalars, nor of noise that does not belong to rows. */
  #hasRows({ role, value }: ProgramInput): boolean {
    return role !== "scalar" && this.#type(value).shape[0] === this.#rows;
  }

  #type(id: ValueId): ValueType {
    return this.#program.values[id]!;
  }

  #kindOf(node: ProgramNode): Kind {
    const kinds = node.inputs.map((id): Kind => (id === null ? "whole" : this.#kinds.get(id)!));
    const hasRows = kinds.some((kind) => typeof kind === "number");
    const isUnfinished = kinds.some((kind) => kind === "sum" || kind === "after");
    if (hasRows && isUnfinished) throw new Indivisible("rows need a finished sum");
    if (hasRows) return this.#rowKind(node, kinds);
    if (!isUnfinished) return "whole";
    return !kinds.includes("after") && isLinear(node, kinds) ? "sum" : "after";
  }

  #rowKind(node: ProgramNode, kinds: readonly Kind[]): Kind {
    const axes = kinds.map((kind) => (typeof kind === "number" ? kind : undefined));
    const found = rowRule(node, axes, {
      inputs: node.inputs.map((id) => (id === null ? null : this.#type(id))),
      outputs: node.outputs.map((id) => this.#type(id)),
    });
    if (!found) throw new Indivisible(`rows meet in ${node.kernel}`);
    const { kind, shares = [] } = found;
    if (typeof kind === "number") { for (const id of node.outputs) this.#requireEven(id, kind); }
    for (const [input, axis] of shares) this.#requireRepeating(node.inputs[input]!, axis);
    if (shares.length > 0) this.#shares.set(node, shares);
    return kind;
  }

  #requireEven(id: ValueId, axis: number): void {
    if (this.#type(id).shape[axis]! % this.#count !== 0) throw new Indivisible("shares are uneven");
  }

  /** Parts can have their share of a whole value only where it is the same all along the axis. */
  #requireRepeating(id: ValueId, axis: number): void {
    this.#requireEven(id, axis);
    const node = this.#producers.get(id);
    const data = this.#constants.get(id);
    const isUniform = data
      ? Array.from(data).every((number) => Object.is(number, data[0]))
      : node?.kernel === "Fill";
    if (isUniform || (node && REPEATING.has(node.kernel) && this.#repeats(node, axis))) return;
    throw new Indivisible("a whole value differs along the rows");
  }

  /** Whether a node of {@linkcode REPEATING} makes the same numbers all along an axis. */
  #repeats(node: ProgramNode, axis: number): boolean {
    const given = this.#type(node.inputs[0]!).shape;
    const at = axis - (this.#type(node.outputs[0]!).shape.length - given.length);
    return at < 0 || given[at] === 1;
  }

  /** Leaves linear work on sums for later where those sums are needed later anyway: fewer numbers to hand over. */
  #postpone(): void {
    const isAfter = (node: ProgramNode) => this.#kinds.get(node.outputs[0]!) === "after";
    for (const node of this.#program.nodes.toReversed()) {
      if (this.#kinds.get(node.outputs[0]!) !== "sum") continue;
      const users = node.outputs.flatMap((id) => this.#users.get(id) ?? []);
      if (users.length === 0 || !users.every(isAfter)) continue;
      const given = node.inputs.filter((id): id is ValueId => id !== null && this.#kinds.get(id) === "sum");
      // Made of rows: parts are there for that.
      if (given.length === 0) continue;
      if (given.some((id) => !this.#users.get(id)!.some((user) => user !== node && isAfter(user)))) continue;
      for (const id of node.outputs) this.#kinds.set(id, "after");
    }
  }

  /** Sums that leave the parts. */
  #crossing(outputs: readonly Named[]): readonly ValueId[] {
    const after = this.#program.nodes.filter((node) => this.#kinds.get(node.outputs[0]!) === "after");
    const used = [...outputs, ...this.#program.updates].map(({ value }): ValueId | null => value)
      .concat(after.flatMap((node) => node.inputs));
    return [...new Set(used)].filter((id): id is ValueId => id !== null && this.#kinds.get(id) === "sum");
  }

  /** The program of one part. */
  #part(outputs: readonly Named[]): Program {
    const builder = new ProgramBuilder(this.#program);
    for (const input of this.#program.inputs) {
      const { name, role, value } = input;
      const isPart = this.#hasRows(input);
      const type = this.#type(value);
      const given = isPart ? { ...type, shape: this.#shorter(type.shape, 0) } : type;
      builder.input({ name, role: role === "scalar" ? role : "batch" }, given, value);
    }
    builder.begin();
    for (const node of this.#program.nodes) {
      const kind = this.#kinds.get(node.outputs[0]!)!;
      if (kind === "after") continue;
      const inputs = node.inputs.map((id) => (id === null ? null : builder.of(id)));
      for (const [i, axis] of this.#shares.get(node) ?? []) {
        inputs[i] = this.#share(node.inputs[i]!, axis, builder);
      }
      const attr = SHAPE_ATTRS[node.kernel as Kernel];
      const attrs = typeof kind === "number" && attr
        ? { ...node.attrs, [attr]: this.#shorter(this.#type(node.outputs[0]!).shape, kind) }
        : node.attrs;
      const made = builder.add({ ...node, inputs, attrs });
      const isMean = node.kernel === "Mean" && kind === "sum" &&
        typeof this.#kinds.get(node.inputs[0]!) === "number";
      builder.name(node, isMean ? [this.#scaled(made[0]!, node.scope, builder)] : made);
    }
    return builder.finish(`${this.#program.name} (part)`, outputs, []);
  }

  /** The mean over the rows of a part, for its share of all rows. */
  #scaled(mean: ValueId, scope: string, builder: ProgramBuilder): ValueId {
    const attrs = { shape: [], value: Math.fround(1 / this.#count), dtype: "float32" };
    const share = builder.add({ kernel: "Fill", inputs: [], attrs, scope })[0]!;
    return builder.add({ kernel: "Multiply", inputs: [mean, share], attrs: {}, scope })[0]!;
  }

  /** The share of a whole value that is the same all along an axis. */
  #share(id: ValueId, axis: number, builder: ProgramBuilder): ValueId {
    const { dtype, shape: whole } = this.#type(id);
    const shape = this.#shorter(whole, axis);
    const node = this.#producers.get(id);
    const scope = node?.scope ?? "";
    if (node && REPEATING.has(node.kernel)) {
      const attrs = node.kernel === "Tile"
        ? { reps: this.#shorter(node.attrs["reps"] as readonly number[], axis) }
        : { shape };
      return builder.add({ ...node, inputs: [builder.of(node.inputs[0]!)], attrs })[0]!;
    }
    const value = node ? node.attrs["value"]! : this.#constants.get(id)![0]!;
    return builder.add({ kernel: "Fill", inputs: [], attrs: { shape, value, dtype }, scope })[0]!;
  }

  #shorter(shape: readonly number[], axis: number): readonly number[] {
    return shape.map((length, i) => (i === axis ? length / this.#count : length));
  }

  /** The program that adds up the sums of the parts and goes on. */
  #rest(sums: readonly Named[], outputs: readonly Named[]): Program {
    const builder = new ProgramBuilder(this.#program);
    for (const { name, role, value } of this.#program.inputs) {
      builder.input({ name, role: role === "scalar" ? role : "batch" }, this.#type(value), value);
    }
    const terms = sums.map(({ name, value }) => {
      const type = this.#type(value);
      const role = type.shape.length === 0 ? "scalar" : "batch";
      return Array.from(
        { length: this.#count },
        (_, k) => builder.input({ name: partSum(k, name), role }, type),
      );
    });
    builder.begin();
    sums.forEach(({ value }, i) => {
      const add = (a: ValueId, b: ValueId) =>
        builder.add({ kernel: "Add", inputs: [a, b], attrs: {}, scope: "sum of parts" })[0]!;
      builder.rename(value, terms[i]!.reduce(add));
    });
    for (const node of this.#program.nodes) {
      const kind = this.#kinds.get(node.outputs[0]!);
      if (kind !== "whole" && kind !== "after") continue;
      builder.name(
        node,
        builder.add({ ...node, inputs: node.inputs.map((id) => (id === null ? null : builder.of(id))) }),
      );
    }
    return builder.finish(this.#program.name, outputs, this.#program.updates);
  }
}

/** Kernels that write their input several times. */
const REPEATING: ReadonlySet<string> = new Set<Kernel>(["BroadcastTo", "Tile"]);

/** Attributes that hold the shape of the result. */
const SHAPE_ATTRS: { readonly [K in Kernel]?: string } = {
  BroadcastTo: "shape",
  Conv2DBackpropInput: "inputShape",
  Conv3DBackpropInputV2: "inputShape",
  DepthwiseConv2dNativeBackpropInput: "inputShape",
  Reshape: "shape",
  Slice: "size",
};
