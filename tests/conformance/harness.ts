/**
 * What the conformance suites share: engines to compare, small programs, numbers, comparison.
 *
 * @module
 */
import assert from "node:assert/strict";
import { type Json, sizeOf } from "../../core/types.ts";
import { inferKernel, type Kernel, type KernelAttrs } from "../../engine/program/kernels.ts";
import type { Program, ProgramDtype, ValueType } from "../../engine/program/types.ts";
import { engineByName } from "../../engine/runtimes/engines.ts";
import { nativeEngineOn } from "../../engine/runtimes/native/native.ts";
import { openPackage } from "../../engine/runtimes/native/ort.ts";
import type { Engine, SessionOptions, Tensor, Tensors } from "../../engine/runtimes/types.ts";

/** How far two engines may be apart: |a - b| <= atol + rtol |b|. */
export interface Tolerance {
  readonly rtol: number;
  readonly atol: number;
}

/** An implementation under test, and the oracle it is compared with. */
export interface Implementation {
  readonly name: string;
  readonly options: SessionOptions;
  open(): Promise<Engine>;
}

/** Engines that are compared with `reference`. */
export const IMPLEMENTATIONS: readonly Implementation[] = [
  { name: "native, 1 thread", options: { threads: 1 }, open: () => engineByName("native") },
  { name: "native, 2 threads", options: { threads: 2 }, open: () => engineByName("native") },
  {
    name: "native through the package's binding",
    options: { threads: 1 },
    open: () => Promise.resolve(nativeEngineOn(openPackage)),
  },
  { name: "wasm", options: {}, open: () => engineByName("wasm") },
];

/** Numbers in a tensor of the given type: from -2 to 2 without symmetry, zeros and repeats among them. */
export function numbers(shape: readonly number[], from = -2, to = 2, salt = 1): Tensor {
  const data = Float32Array.from({ length: sizeOf(shape) }, (_, i) => {
    // Weyl sequence of the golden ratio: spread evenly, no two equal, the same on every machine.
    const unit = ((i + 1) * 0.6180339887498949 + salt * 0.7548776662466927) % 1;
    return from + (to - from) * unit;
  });
  return { dtype: "float32", shape, data };
}

/** Integers from `from` up to and not including `to`. */
export function integers(shape: readonly number[], from: number, to: number, salt = 1): Tensor {
  const data = Int32Array.from(numbers(shape, from, to, salt).data as Float32Array, Math.floor);
  return { dtype: "int32", shape, data };
}

/** Booleans, about as many true as false. */
export function booleans(shape: readonly number[], salt = 1): Tensor {
  const data = Uint8Array.from(numbers(shape, -1, 1, salt).data as Float32Array, (x) => Number(x > 0));
  return { dtype: "bool", shape, data };
}

/** A tensor with these numbers. */
export function tensor(dtype: ProgramDtype, shape: readonly number[], data: readonly number[]): Tensor {
  const arrays = { float32: Float32Array, int32: Int32Array, bool: Uint8Array };
  return { dtype, shape, data: arrays[dtype].from(data) } as Tensor;
}

/** Builds a program node by node. */
export class ProgramBuilder {
  readonly #values: ValueType[] = [];
  readonly #inputs: Program["inputs"][number][] = [];
  readonly #state: Program["state"][number][] = [];
  readonly #constants: Program["constants"][number][] = [];
  readonly #nodes: Program["nodes"][number][] = [];
  readonly #updates: Program["updates"][number][] = [];
  readonly #outputs: Program["outputs"][number][] = [];

  constructor(readonly name: string) {}

  #value(type: ValueType): number {
    this.#values.push({ dtype: type.dtype, shape: [...type.shape] });
    return this.#values.length - 1;
  }

  input(name: string, type: ValueType): number {
    const value = this.#value(type);
    this.#inputs.push({ name, role: type.shape.length === 0 ? "scalar" : "batch", value });
    return value;
  }

  state(name: string, type: ValueType, trainable = true): number {
    const value = this.#value(type);
    this.#state.push({ name, trainable, value });
    return value;
  }

  constant(data: readonly number[], type: ValueType): number {
    const value = this.#value(type);
    this.#constants.push({ value, data });
    return value;
  }

  scalar(number: number): number {
    return this.constant([number], { dtype: "float32", shape: [] });
  }

  /** A node; returns its outputs. */
  nodes<K extends Kernel>(kernel: K, inputs: readonly (number | null)[], attrs: KernelAttrs[K]): number[] {
    const plain = attrs as unknown as { [name: string]: Json };
    const types = inferKernel(kernel, inputs.map((id) => (id === null ? null : this.#values[id]!)), plain);
    const outputs = types.map((type) => this.#value(type));
    this.#nodes.push({ kernel, inputs, attrs: plain, outputs, scope: "" });
    return outputs;
  }

  /** A node with one output. */
  node<K extends Kernel>(kernel: K, inputs: readonly (number | null)[], attrs: KernelAttrs[K]): number {
    return this.nodes(kernel, inputs, attrs)[0]!;
  }

  shape(value: number): readonly number[] {
    return this.#values[value]!.shape;
  }

  output(name: string, value: number): void {
    this.#outputs.push({ name, value });
  }

  update(state: string, value: number): void {
    this.#updates.push({ state, value });
  }

  program(): Program {
    return {
      format: "beamline-program/1",
      name: this.name,
      values: this.#values,
      inputs: this.#inputs,
      state: this.#state,
      constants: this.#constants,
      nodes: this.#nodes,
      outputs: this.#outputs,
      updates: this.#updates,
    };
  }
}

/** A program of one kernel; its inputs are `x0`, `x1`, ..., its outputs `y0`, `y1`, ... */
export function kernelProgram<K extends Kernel>(
  kernel: K,
  inputs: readonly (ValueType | null)[],
  attrs: KernelAttrs[K],
): Program {
  const builder = new ProgramBuilder(kernel);
  const slots = inputs.map((type, i) => (type === null ? null : builder.input(`x${i}`, type)));
  builder.nodes(kernel, slots, attrs).forEach((value, i) => builder.output(`y${i}`, value));
  return builder.program();
}

/** Runs a program once in a session of its own; results are copies. */
export async function runOnce(
  engine: Engine,
  program: Program,
  inputs: Tensors,
  state: Tensors = {},
  options: SessionOptions = {},
): Promise<{ readonly outputs: Tensors; readonly state: Tensors }> {
  const session = await engine.open(state, options);
  try {
    const executable = await session.compile(program);
    const outputs = structuredClone(await executable.run(inputs));
    return { outputs, state: await session.state() };
  } finally {
    await session.dispose();
  }
}

/** Fails unless both hold the same names, types and nearly the same numbers. NaN equals NaN. */
export function assertClose(actual: Tensors, expected: Tensors, { rtol, atol }: Tolerance, label = ""): void {
  assert.deepEqual(Object.keys(actual), Object.keys(expected), label);
  for (const [name, wanted] of Object.entries(expected)) {
    const found = actual[name]!;
    assert.equal(found.dtype, wanted.dtype, `${label} ${name}`);
    assert.deepEqual([...found.shape], [...wanted.shape], `${label} ${name}`);
    for (let i = 0; i < wanted.data.length; i++) {
      const [a, b] = [Number(found.data[i]), Number(wanted.data[i])];
      const isClose = Object.is(a, b) || Math.abs(a - b) <= atol + rtol * Math.abs(b);
      assert.ok(isClose, `${label} ${name}[${i}] of [${wanted.shape}]: ${a}, expected ${b}`);
    }
  }
}
