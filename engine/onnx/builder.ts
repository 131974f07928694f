/**
 * A typed builder of ONNX graphs: every value knows its shape and element type, equal nodes are made once.
 *
 * @module
 */
import { sizeOf } from "../../core/types.ts";
import { InternalError } from "../../core/errors.ts";
import { broadcastShapes } from "../program/kernels.ts";

/** Element types used in graphs; `int64` for shapes and axes, `float64` for exact integer division. */
export type OnnxDtype = "float32" | "float64" | "int32" | "int64" | "bool";

/** Shape and element type of a value. */
export interface OnnxType {
  readonly dtype: OnnxDtype;
  readonly shape: readonly number[];
}

/** A tensor of the graph. */
export interface Value extends OnnxType {
  readonly name: string;
}

/** Attributes: a number is an ONNX integer; a float is written as `{ float: 0.1 }`. */
export type OnnxAttr = number | string | readonly number[] | { readonly float: number };
/** Attributes by name. */
export type OnnxAttrs = { readonly [name: string]: OnnxAttr };

/** One operator call. `op` is "Add", or "com.microsoft.Gelu" for another domain than the standard one. */
export interface OnnxNode {
  readonly op: string;
  readonly inputs: readonly (Value | null)[];
  readonly attrs: OnnxAttrs;
  readonly outputs: readonly Value[];
  readonly name: string;
}

/** A tensor with known numbers. */
export interface OnnxInitializer {
  readonly value: Value;
  readonly bytes: Uint8Array;
}

/** A whole graph, nodes in execution order. */
export interface OnnxGraph {
  readonly name: string;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxInitializer[];
}

/** Operators whose operands broadcast. */
const BROADCASTING: ReadonlySet<string> = new Set(
  ("Add And Div Equal Greater GreaterOrEqual Less LessOrEqual Max Min Mod Mul Or Pow Sub Where Xor").split(
    " ",
  ),
);

/** Numbers of a constant. */
export type Numbers = ArrayLike<number>;

/** Builds one graph. */
export class Builder {
  readonly #nodes: OnnxNode[] = [];
  readonly #inputs: Value[] = [];
  /** Constants by type and, when short, content: see {@linkcode contentKey}. */
  readonly #initializers = new Map<string, OnnxInitializer[]>();
  /** Outputs of nodes by operator, inputs and attributes: a second equal node is not made. */
  readonly #made = new Map<string, readonly Value[]>();
  readonly #producers = new Map<string, OnnxNode>();
  readonly #constants = new Map<string, Numbers>();
  #count = 0;
  readonly #trained = new Set<string>();
  /** Prefix of node names: the layer being lowered. */
  scope = "";

  /** A graph input. */
  input(name: string, type: OnnxType): Value {
    const value = { name, dtype: type.dtype, shape: type.shape };
    this.#inputs.push(value);
    return value;
  }

  /**
   * A node with one output. Without `type` the output has the dtype of the first input and the shape that all inputs
   * broadcast to; fields of `type` replace either.
   */
  node(
    op: string,
    inputs: readonly (Value | null)[],
    attrs: OnnxAttrs = {},
    type: Partial<OnnxType> = {},
  ): Value {
    const present = inputs.filter((value) => value !== null);
    const shape = type.shape ??
      present.map((value) => value.shape).reduce((a, b) => broadcastShapes(a, b), [] as readonly number[]);
    const dtype = type.dtype ?? present[0]!.dtype;
    const operands = BROADCASTING.has(op) ? inputs.map((value) => this.#fullRank(value!, shape)) : inputs;
    return this.nodes(op, operands, attrs, [{ dtype, shape }])[0]!;
  }

  /**
   * An operand of a broadcasting operator. Where the last axis has length 1, ONNX Runtime takes operands of lower rank
   * element by element (50 times slower) unless they have all axes.
   */
  #fullRank(value: Value, shape: readonly number[]): Value {
    const missing = shape.length - value.shape.length;
    if (missing <= 0 || shape.at(-1) !== 1) return value;
    return this.reshape(value, [...Array.from({ length: missing }, () => 1), ...value.shape]);
  }

  /** A node with several outputs. */
  nodes(
    op: string,
    inputs: readonly (Value | null)[],
    attrs: OnnxAttrs,
    types: readonly OnnxType[],
  ): readonly Value[] {
    const key = JSON.stringify([op, inputs.map((value) => value?.name ?? ""), attrs, types]);
    const known = this.#made.get(key);
    if (known) return known;
    const outputs = types.map(({ dtype, shape }) => ({ name: `t${this.#count++}`, dtype, shape }));
    const node = { op, inputs, attrs, outputs, name: `${this.scope}/${op}_${this.#nodes.length}` };
    this.#nodes.push(node);
    this.#made.set(key, outputs);
    for (const output of outputs) this.#producers.set(output.name, node);
    return outputs;
  }

  /** A constant tensor; equal constants are stored once. */
  constant(numbers: Numbers, type: OnnxType): Value {
    if (numbers.length !== sizeOf(type.shape)) {
      throw new InternalError(
        `Cannot make constant as its length must fit [${type.shape}]: found ${numbers.length} numbers`,
      );
    }
    const bytes = encodeNumbers(numbers, type.dtype);
    const key = `${type.dtype}[${type.shape}]${contentKey(bytes)}`;
    const alike = this.#initializers.get(key) ?? [];
    const known = alike.find((other) => other.bytes.every((byte, i) => byte === bytes[i]));
    if (known) return known.value;
    const value = { name: `c${this.#count++}`, dtype: type.dtype, shape: type.shape };
    this.#initializers.set(key, [...alike, { value, bytes }]);
    this.#constants.set(value.name, numbers);
    return value;
  }

  /** A constant of shape []. */
  scalar(number: number, dtype: OnnxDtype = "float32"): Value {
    return this.constant([number], { dtype, shape: [] });
  }

  /** A constant list of int64: axes, shapes, sizes. */
  ints(numbers: readonly number[]): Value {
    return this.constant(numbers, { dtype: "int64", shape: [numbers.length] });
  }

  /** The number that all elements of a constant have; undefined for other values. */
  numberOf(value: Value): number | undefined {
    const numbers = this.#constants.get(value.name);
    if (!numbers || numbers.length === 0) return undefined;
    const first = numbers[0]!;
    for (let i = 1; i < numbers.length; i++) if (numbers[i] !== first) return undefined;
    return first;
  }

  /** The node that makes a value; undefined for inputs and constants. */
  producer(value: Value): OnnxNode | undefined {
    return this.#producers.get(value.name);
  }

  /** Tells rules that `x` is the input of a convolution whose filter gradient is computed too. */
  markTrained(x: Value): void {
    this.#trained.add(x.name);
  }

  /** Whether a filter gradient of `x` is computed in this graph. */
  isTrained(x: Value): boolean {
    return this.#trained.has(x.name);
  }

  /** `x` in another shape; a reshape of a reshape is one. */
  reshape(x: Value, shape: readonly number[]): Value {
    const producer = this.#producers.get(x.name);
    const source = producer?.op === "Reshape" ? producer.inputs[0]! : x;
    if (sameShape(source.shape, shape)) return source;
    const numbers = this.#constants.get(source.name);
    if (numbers) return this.constant(numbers, { dtype: source.dtype, shape });
    return this.node("Reshape", [source, this.ints(shape)], shape.includes(0) ? { allowzero: 1 } : {}, {
      shape,
    });
  }

  /** `x` with axes in another order; a transpose of a transpose is one, or none. */
  transpose(x: Value, perm: readonly number[]): Value {
    const producer = this.#producers.get(x.name);
    if (producer?.op === "Transpose") {
      const first = producer.attrs["perm"] as readonly number[];
      return this.transpose(producer.inputs[0]!, perm.map((axis) => first[axis]!));
    }
    const moved = perm.filter((axis) => x.shape[axis] !== 1);
    const shape = perm.map((axis) => x.shape[axis]!);
    // Moving only axes of length 1 leaves the memory as it is.
    if (moved.every((axis, i) => i === 0 || moved[i - 1]! < axis)) return this.reshape(x, shape);
    return this.node("Transpose", [x], { perm }, { shape });
  }

  /** `x` in another element type. */
  cast(x: Value, dtype: OnnxDtype): Value {
    if (x.dtype === dtype) return x;
    return this.node("Cast", [x], { to: ONNX_TYPES[dtype] }, { dtype });
  }

  /**
   * The graph that computes `outputs`, with each value under its new name. Nodes that no output needs are left out.
   */
  finish(name: string, outputs: readonly { readonly name: string; readonly value: Value }[]): OnnxGraph {
    const final = new Map<string, Value>();
    const copies: OnnxNode[] = [];
    const named = outputs.map(({ name, value }) => {
      const output = { ...value, name };
      // An input, a constant or a value that has its final name already is copied.
      if (this.#producers.has(value.name) && !final.has(value.name)) final.set(value.name, output);
      else {copies.push({
          op: "Identity",
          inputs: [value],
          attrs: {},
          outputs: [output],
          name: `/copy_${name}`,
        });}
      return output;
    });
    const rename = <V extends Value | null>(value: V): V => (final.get(value?.name ?? "") as V) ?? value;
    const needed = new Set(named.map((value) => value.name));
    const nodes: OnnxNode[] = [];
    for (const node of [...this.#nodes, ...copies].reverse()) {
      const outputs = node.outputs.map(rename);
      if (!outputs.some((output) => needed.has(output.name))) continue;
      const inputs = node.inputs.map(rename);
      nodes.push({ ...node, inputs, outputs });
      for (const input of inputs) if (input) needed.add(input.name);
    }
    const initializers = [...this.#initializers.values()].flat().filter(({ value }) =>
      needed.has(value.name)
    );
    return { name, inputs: this.#inputs, outputs: named, nodes: nodes.reverse(), initializers };
  }
}

/** `TensorProto.DataType` of the element types. */
export const ONNX_TYPES: { readonly [D in OnnxDtype]: number } = {
  float32: 1,
  int32: 6,
  int64: 7,
  bool: 9,
  float64: 11,
};

/** One line per node, for golden files and error reports. */
export function printGraph(graph: OnnxGraph): string {
  const type = (v: Value) => `${v.dtype}[${v.shape.join(",")}]`;
  const attrs = (node: OnnxNode) =>
    Object.entries(node.attrs).map(([name, value]) => ` ${name}=${JSON.stringify(value)}`).join("");
  return [
    `graph ${graph.name}`,
    ...graph.inputs.map((v) => `  input ${v.name}: ${type(v)}`),
    ...graph.initializers.map(({ value }) => `  constant ${value.name}: ${type(value)}`),
    ...graph.nodes.map((node) => {
      const results = node.outputs.map((v) => `${v.name}: ${type(v)}`).join(", ");
      return `  ${results} = ${node.op}(${node.inputs.map((v) => v?.name ?? "-").join(", ")})${attrs(node)}`;
    }),
    ...graph.outputs.map((v) => `  output ${v.name}: ${type(v)}`),
  ].join("\n") + "\n";
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((length, i) => length === b[i]);
}

function encodeNumbers(numbers: Numbers, dtype: OnnxDtype): Uint8Array {
  if (dtype === "bool") return Uint8Array.from(numbers, (n) => (n ? 1 : 0));
  if (dtype === "int64") return new Uint8Array(BigInt64Array.from(Array.from(numbers), BigInt).buffer);
  if (dtype === "int32") return new Uint8Array(Int32Array.from(numbers).buffer);
  if (dtype === "float64") return new Uint8Array(Float64Array.from(numbers).buffer);
  return new Uint8Array(Float32Array.from(numbers).buffer);
}

/** All bytes up to 256; beyond, the length: constants with the same key are compared byte by byte. */
function contentKey(bytes: Uint8Array): string {
  return bytes.length <= 256 ? bytes.join() : `#${bytes.length}`;
}
