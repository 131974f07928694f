/**
 * Graphs for any number of rows, from two graphs of the same program for two numbers of rows.
 *
 * Programs are traced for a fixed number of rows. What depends on it is found by comparison: lengths and constants that
 * are the same in both graphs do not, those that differ must be a · rows + b, which two points decide. Numbers of rows that
 * are primes and far from any layer's size keep what is equal by chance apart. Lists of lengths that depend on rows
 * (targets of reshapes and expansions, ends of slices) are computed in the graph from the length of an input.
 *
 * @module
 */
import { UnsupportedError } from "../../core/errors.ts";
import {
  type OnnxDtype,
  type OnnxGraph,
  type OnnxInitializer,
  type OnnxNode,
  type Value,
} from "./builder.ts";

/** A graph for a fixed number of rows. */
export interface BatchedGraph {
  readonly graph: OnnxGraph;
  readonly rows: number;
}

/** Length of an axis: a number, or what it is of the number of rows, such as "batch" or "4*batch". */
export type Length = number | string;

/** An input or output of a graph for any number of rows. */
export interface OpenValue {
  readonly name: string;
  readonly dtype: OnnxDtype;
  readonly shape: readonly Length[];
}

/** A graph for any number of rows. Shapes of its inner values are those of the first of the graphs it was made from. */
export interface OpenGraph {
  readonly name: string;
  readonly inputs: readonly OpenValue[];
  readonly outputs: readonly OpenValue[];
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxInitializer[];
}

/** The name of the number of rows. */
export const BATCH = "batch";

/**
 * The graph for any number of rows of which both graphs are instances.
 *
 * @throws {UnsupportedError} If the number of rows is baked in somewhere: which node, and how.
 */
export function openBatch(first: BatchedGraph, second: BatchedGraph): OpenGraph {
  return new Opener(first, second).open();
}

/** a · rows + b. */
interface Affine {
  readonly slope: number;
  readonly offset: number;
}

class Opener {
  readonly #first: BatchedGraph;
  readonly #second: BatchedGraph;
  readonly #constants: readonly [ReadonlyMap<string, OnnxInitializer>, ReadonlyMap<string, OnnxInitializer>];
  /** Names of the first graph by those of the second. */
  readonly #names = new Map<string, string>();
  readonly #nodes: OnnxNode[] = [];
  readonly #initializers = new Map<string, OnnxInitializer>();
  readonly #made = new Map<string, Value>();
  #batch: Value | undefined;

  constructor(first: BatchedGraph, second: BatchedGraph) {
    this.#first = first;
    this.#second = second;
    this.#constants = [constantsOf(first.graph), constantsOf(second.graph)];
  }

  open(): OpenGraph {
    const [a, b] = [this.#first.graph, this.#second.graph];
    if (a.nodes.length !== b.nodes.length) {
      const at = a.nodes.findIndex((node, i) => node.op !== b.nodes[i]?.op);
      throw this.#baked(a.nodes[at] ?? b.nodes[a.nodes.length]!, "the operators themselves depend on it");
    }
    const inputs = this.#values(a.inputs, b.inputs);
    a.nodes.forEach((node, i) => this.#node(node, b.nodes[i]!));
    const outputs = this.#values(a.outputs, b.outputs);
    return {
      name: a.name,
      inputs,
      outputs,
      nodes: this.#nodes,
      initializers: [...this.#initializers.values()],
    };
  }

  #values(a: readonly Value[], b: readonly Value[]): OpenValue[] {
    return a.map((value, i) => {
      this.#names.set(b[i]!.name, value.name);
      const shape = value.shape.map((length, axis) => {
        const found = this.#affine(length, b[i]!.shape[axis]!);
        if (found) return text(found);
        throw new UnsupportedError(
          `Cannot open the batch dimension of "${value.name}" as lengths must grow in whole steps with the rows: found ${length} for ${this.#first.rows} rows and ${
            b[i]!.shape[axis]
          } for ${this.#second.rows}`,
          "dynamic batch",
        );
      });
      return { name: value.name, dtype: value.dtype, shape };
    });
  }

  #node(a: OnnxNode, b: OnnxNode): void {
    if (a.op !== b.op || a.inputs.length !== b.inputs.length || a.outputs.length !== b.outputs.length) {
      throw this.#baked(a, "the operators themselves depend on it");
    }
    if (JSON.stringify(a.attrs) !== JSON.stringify(b.attrs)) {
      const name = Object.keys(a.attrs).find((key) =>
        JSON.stringify(a.attrs[key]) !== JSON.stringify(b.attrs[key])
      );
      throw this.#baked(a, `its attribute "${name}" depends on it`);
    }
    const inputs = a.inputs.map((input, slot) => this.#input(a, input, b.inputs[slot] ?? null, slot));
    b.outputs.forEach((output, i) => this.#names.set(output.name, a.outputs[i]!.name));
    this.#nodes.push({ ...a, inputs });
  }

  #input(node: OnnxNode, a: Value | null, b: Value | null, slot: number): Value | null {
    if (!a || !b) {
      if (a === b) return null;
      throw this.#baked(node, `its input ${slot} depends on it`);
    }
    const [constant, other] = [this.#constants[0].get(a.name), this.#constants[1].get(b.name)];
    if (!constant && !other) {
      if (this.#names.get(b.name) === a.name) return a;
      throw this.#baked(node, `where its input ${slot} comes from depends on it`);
    }
    if (!constant || !other) throw this.#baked(node, `whether its input ${slot} is constant depends on it`);
    if (sameBytes(constant.bytes, other.bytes)) return this.#keep(constant);
    const lengths = this.#lengths(constant, other);
    if (lengths) return this.#listOf(node, lengths);
    throw this.#baked(node, `a constant in its input ${slot} depends on it`);
  }

  #keep(constant: OnnxInitializer): Value {
    this.#initializers.set(constant.value.name, constant);
    return constant.value;
  }

  /** A list of lengths, of which some depend on the rows. */
  #lengths(a: OnnxInitializer, b: OnnxInitializer): readonly Affine[] | undefined {
    const isList = a.value.dtype === "int64" && a.value.shape.length === 1 &&
      a.bytes.length === b.bytes.length;
    if (!isList) return undefined;
    const [here, there] = [integersOf(a), integersOf(b)];
    const lengths = here.map((length, i) => this.#affine(length, there[i]!));
    return lengths.every((length) => length !== undefined) ? lengths : undefined;
  }

  #affine(here: number, there: number): Affine | undefined {
    if (here === there) return { slope: 0, offset: here };
    const slope = (there - here) / (this.#second.rows - this.#first.rows);
    return Number.isInteger(slope) ? { slope, offset: here - slope * this.#first.rows } : undefined;
  }

  /** The list as a value of the graph. */
  #listOf(node: OnnxNode, lengths: readonly Affine[]): Value {
    const open = lengths.filter(({ slope }) => slope !== 0);
    const isReshape = node.op === "Reshape" && open.length === 1 &&
      !lengths.some(({ slope, offset }) => slope === 0 && offset === 0);
    // A reshape finds one length by itself.
    if (isReshape) return this.#ints(lengths.map(({ slope, offset }) => slope === 0 ? offset : -1));
    const name = `lengths/${lengths.map(text).join(",")}`;
    return this.#once(name, () => {
      const parts = runsOf(lengths).map((run) =>
        run[0]!.slope === 0 ? this.#ints(run.map((l) => l.offset)) : this.#length(run[0]!)
      );
      return parts.length === 1 ? parts[0]! : this.#add("Concat", parts, name, lengths.length, { axis: 0 });
    });
  }

  /** slope · rows + offset as a list of one. */
  #length({ slope, offset }: Affine): Value {
    const name = `lengths/${text({ slope, offset })}`;
    return this.#once(name, () => {
      let value = this.#rows();
      if (slope !== 1) value = this.#add("Mul", [value, this.#ints([slope])], `${name}/product`);
      if (offset !== 0) value = this.#add("Add", [value, this.#ints([offset])], `${name}/sum`);
      return value;
    });
  }

  /** The number of rows as a list of one: the length of the first axis of an input that has it. */
  #rows(): Value {
    if (this.#batch) return this.#batch;
    const source = this.#first.graph.inputs.find(({ shape }, i) =>
      shape[0] === this.#first.rows && this.#second.graph.inputs[i]!.shape[0] === this.#second.rows
    );
    if (!source) {
      throw new UnsupportedError(
        `Cannot open the batch dimension of "${this.#first.graph.name}" as an input must have it first: none has`,
        "dynamic batch",
      );
    }
    return this.#batch = this.#add("Shape", [source], `lengths/${BATCH}`, 1, { start: 0, end: 1 });
  }

  #add(op: string, inputs: readonly Value[], name: string, length = 1, attrs: OnnxNode["attrs"] = {}): Value {
    const output: Value = { name, dtype: "int64", shape: [length] };
    this.#nodes.push({ op, inputs, attrs, outputs: [output], name: `/${name}` });
    return output;
  }

  #ints(numbers: readonly number[]): Value {
    const name = `lengths/constant/${numbers.join(",")}`;
    return this.#once(name, () => {
      const value: Value = { name, dtype: "int64", shape: [numbers.length] };
      const bytes = new Uint8Array(BigInt64Array.from(numbers, BigInt).buffer);
      this.#initializers.set(name, { value, bytes });
      return value;
    });
  }

  #once(name: string, make: () => Value): Value {
    const known = this.#made.get(name);
    if (known) return known;
    const made = make();
    this.#made.set(name, made);
    return made;
  }

  #baked(node: OnnxNode, how: string): UnsupportedError {
    return new UnsupportedError(
      `Cannot open the batch dimension of "${this.#first.graph.name}" as no node may depend on the number of rows: ` +
        `node "${node.name}" (${node.op}) does, as ${how}`,
      "dynamic batch",
    );
  }
}

/** "7", "batch", "4*batch", "batch+1". */
function text({ slope, offset }: Affine): Length {
  if (slope === 0) return offset;
  const rows = slope === 1 ? BATCH : `${slope}*${BATCH}`;
  return offset === 0 ? rows : `${rows}${offset > 0 ? "+" : ""}${offset}`;
}

/** Neighbors that do not depend on rows together, others alone. */
function runsOf(lengths: readonly Affine[]): readonly (readonly Affine[])[] {
  const runs: Affine[][] = [];
  for (const length of lengths) {
    const last = runs.at(-1);
    if (last && length.slope === 0 && last[0]!.slope === 0) last.push(length);
    else runs.push([length]);
  }
  return runs;
}

function constantsOf({ initializers }: OnnxGraph): ReadonlyMap<string, OnnxInitializer> {
  return new Map(initializers.map((initializer) => [initializer.value.name, initializer]));
}

function integersOf({ bytes }: OnnxInitializer): readonly number[] {
  return Array.from(new BigInt64Array(bytes.slice().buffer), Number);
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
