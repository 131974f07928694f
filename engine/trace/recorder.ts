/**
 * Collects nodes while a function is traced, and makes a program of what its results need.
 *
 * @module
 */
import { sha256Hex } from "../../core/hash.ts";
import type { Json } from "../../core/types.ts";
import { inferKernel, type Kernel } from "../program/kernels.ts";
import type {
  InputRole,
  Program,
  ProgramConstant,
  ProgramDtype,
  ProgramInput,
  ProgramNode,
  ProgramState,
  ValueId,
  ValueType,
} from "../program/types.ts";
import { verifyProgram } from "../program/verify.ts";

/** Numbers of a constant in the array of its dtype. */
export type ConstantData = Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>;

/** Constants of at most this many elements are written out even if all are equal. */
const SHARED_SIZE = 16;

/** What a program computes, by the recorder's ids. */
export interface Results {
  readonly outputs: readonly { readonly name: string; readonly value: ValueId }[];
  readonly updates: readonly { readonly state: string; readonly value: ValueId }[];
}

/** Collects the parts of one program. */
export class Recorder {
  readonly #values: ValueType[] = [];
  readonly #inputs: ProgramInput[] = [];
  readonly #state: ProgramState[] = [];
  readonly #constants: ProgramConstant[] = [];
  readonly #nodes: ProgramNode[] = [];
  readonly #shared = new Map<string, ValueId>();

  /** Number of random inputs so far. */
  get randomCount(): number {
    return this.#inputs.filter((input) => input.role === "random").length;
  }

  typeOf(id: ValueId): ValueType {
    return this.#values[id]!;
  }

  input(
    name: string,
    role: InputRole,
    type: ValueType,
    distribution?: "uniform" | "normal",
  ): ValueId {
    const value = this.#add(type);
    this.#inputs.push({ name, role, value, ...(distribution ? { distribution } : {}) });
    return value;
  }

  state(name: string, trainable: boolean, type: ValueType): ValueId {
    const value = this.#add(type);
    this.#state.push({ name, trainable, value });
    return value;
  }

  /**
   * A tensor that is known while tracing. Equal ones are shared; a long one of equal elements becomes a `Fill` node.
   *
   * @param values Copied.
   */
  constant(type: ValueType, values: ArrayLike<number>): ValueId {
    const isLong = values.length > SHARED_SIZE;
    if (isLong && isUniform(values)) return this.#fill(type, values[0]!);
    const data = constantData(values, type.dtype);
    const content = isLong
      ? sha256Hex(new Uint8Array(data.buffer))
      : Array.from(data, (element) => (Object.is(element, -0) ? "-0" : element));
    return this.#share(`${type.dtype}[${type.shape}] ${content}`, () => {
      const value = this.#add(type);
      this.#constants.push({ value, data });
      return value;
    });
  }

  node(
    kernel: Kernel,
    inputs: readonly (ValueId | null)[],
    attrs: { readonly [name: string]: Json },
    scope: string,
  ): readonly ValueId[] {
    const types = inputs.map((id) => (id === null ? null : this.#values[id]!));
    const outputs = inferKernel(kernel, types, attrs).map((type) => this.#add(type));
    this.#nodes.push({ kernel, inputs, attrs, outputs, scope });
    return outputs;
  }

  /** The program of what the results need: other nodes and inputs are left out, ids are made dense. */
  finish(name: string, { outputs, updates }: Results): Program {
    const needed = this.#needed([...outputs, ...updates].map((result) => result.value));
    const states = new Set(updates.map((update) => update.state));
    const inputs = this.#inputs.filter((input) => needed.has(input.value));
    const state = this.#state.filter((entry) => needed.has(entry.value) || states.has(entry.name));
    const constants = this.#constants.filter((constant) => needed.has(constant.value));
    const nodes = this.#nodes.filter((node) => node.outputs.some((id) => needed.has(id)));

    const order = [
      ...[...inputs, ...state, ...constants].map((item) => item.value),
      ...nodes.flatMap((node) => node.outputs),
    ];
    const renumbered = new Map(order.map((id, i) => [id, i]));
    const at = (id: ValueId): ValueId => renumbered.get(id)!;
    const move = <T extends { readonly value: ValueId }>(item: T): T => ({ ...item, value: at(item.value) });
    const program: Program = {
      format: "beamline-program/1",
      name,
      values: order.map((id) => this.#values[id]!),
      inputs: inputs.map(move),
      state: state.map(move),
      constants: constants.map(move),
      nodes: nodes.map((node) => ({
        ...node,
        inputs: node.inputs.map((id) => (id === null ? null : at(id))),
        outputs: node.outputs.map(at),
      })),
      outputs: outputs.map(move),
      updates: updates.map(move),
    };
    verifyProgram(program);
    return program;
  }

  #needed(results: readonly ValueId[]): ReadonlySet<ValueId> {
    const needed = new Set(results);
    for (const node of this.#nodes.toReversed()) {
      if (!node.outputs.some((id) => needed.has(id))) continue;
      for (const id of node.inputs) if (id !== null) needed.add(id);
    }
    return needed;
  }

  #fill(type: ValueType, value: number): ValueId {
    const { dtype, shape } = type;
    const key = `fill ${dtype}[${shape}] ${Object.is(value, -0) ? "-0" : value}`;
    return this.#share(key, () => this.node("Fill", [], { shape, value, dtype }, "")[0]!);
  }

  #share(key: string, make: () => ValueId): ValueId {
    const known = this.#shared.get(key);
    if (known !== undefined) return known;
    const value = make();
    this.#shared.set(key, value);
    return value;
  }

  #add(type: ValueType): ValueId {
    this.#values.push({ dtype: type.dtype, shape: [...type.shape] });
    return this.#values.length - 1;
  }
}

/** Whether all elements have the same bits. */
function isUniform(values: ArrayLike<number>): boolean {
  const bits = values instanceof Float32Array
    ? new Uint32Array(values.buffer, values.byteOffset, values.length)
    : values;
  const first = bits[0];
  for (let i = 1; i < bits.length; i++) if (bits[i] !== first) return false;
  return true;
}

/** A copy of numbers as the array of a dtype; bool as 0 and 1. */
export function constantData(values: ArrayLike<number>, dtype: ProgramDtype): ConstantData {
  if (dtype === "float32") return Float32Array.from(values);
  if (dtype === "int32") return Int32Array.from(values);
  return Uint8Array.from(values, (value) => (value ? 1 : 0));
}
