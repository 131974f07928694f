/**
 * What the kernel table accepts, ONNX Runtime loads and computes: each case again with other dtypes and with lengths of
 * zero. A kernel that the runtime lacks for a type, or that ends the process, is refused while tracing, not when it runs.
 */
import assert from "node:assert/strict";
import { sizeOf } from "../../core/types.ts";
import type { KernelAttrs } from "../../engine/program/kernels.ts";
import type { Program, ProgramDtype } from "../../engine/program/types.ts";
import { engineByName } from "../../engine/runtimes/engines.ts";
import type { Engine, Tensor, Tensors } from "../../engine/runtimes/types.ts";
import { CASES } from "./cases.ts";
import { assertClose, kernelProgram, runOnce } from "./harness.ts";

type Inputs = readonly (Tensor | null)[];

const ARRAYS = { float32: Float32Array, int32: Int32Array, bool: Uint8Array };

function withDtype(tensor: Tensor | null, dtype: ProgramDtype): Tensor | null {
  if (tensor === null) return null;
  const element = (value: number) => (dtype === "bool" ? Number(value !== 0) : value);
  return { dtype, shape: tensor.shape, data: ARRAYS[dtype].from(Array.from(tensor.data, element)) } as Tensor;
}

function withShape({ dtype }: Tensor, shape: readonly number[]): Tensor {
  return { dtype, shape, data: new ARRAYS[dtype](sizeOf(shape)) } as Tensor;
}

/** The inputs of a case with all dtypes, one at a time and together, and with each length set to zero. */
function* variants(inputs: Inputs): Generator<readonly [string, Inputs]> {
  for (const dtype of ["float32", "int32", "bool"] as const) {
    yield [`all ${dtype}`, inputs.map((tensor) => withDtype(tensor, dtype))];
    for (const i of inputs.keys()) {
      yield [`x${i} ${dtype}`, inputs.map((tensor, j) => (i === j ? withDtype(tensor, dtype) : tensor))];
    }
  }
  const lengths = new Set(inputs.flatMap((tensor) => tensor?.shape ?? []));
  for (const length of lengths) {
    yield [
      `0 for ${length}`,
      inputs.map((tensor) => tensor && withShape(tensor, tensor.shape.map((n) => (n === length ? 0 : n)))),
    ];
  }
  for (const [i, tensor] of inputs.entries()) {
    if (!tensor || tensor.shape.length === 0) continue;
    const empty = withShape(tensor, [0, ...tensor.shape.slice(1)]);
    yield [`x${i} without rows`, inputs.map((other, j) => (i === j ? empty : other))];
  }
}

/** The program of a variant; undefined where the table refuses it. */
function accepted(kernel: keyof KernelAttrs, inputs: Inputs, attrs: unknown): Program | undefined {
  try {
    return kernelProgram(kernel, inputs, attrs as never);
  } catch (error) {
    assert.match((error as Error).message, /^Cannot /);
    return undefined;
  }
}

/** Outputs, or what was thrown: a value in a variant can be one that every engine refuses, such as an index. */
async function outcome(engine: Engine, program: Program, inputs: Tensors): Promise<Tensors | Error> {
  try {
    return (await runOnce(engine, program, inputs, {}, { threads: 1 })).outputs;
  } catch (error) {
    return error as Error;
  }
}

const native = await engineByName("native");
const reference = await engineByName("reference");

for (const [kernel, { nodes }] of Object.entries(CASES)) {
  Deno.test(`${kernel}: native computes every type and length that the table accepts`, async () => {
    const seen = new Set<string>();
    for (const [i, { inputs, attrs }] of nodes.entries()) {
      for (const [label, varied] of variants(inputs)) {
        const types = JSON.stringify([varied.map((tensor) => tensor && [tensor.dtype, tensor.shape]), attrs]);
        if (seen.has(types)) continue;
        seen.add(types);
        const program = accepted(kernel as keyof KernelAttrs, varied, attrs);
        if (!program) continue;
        const given = varied.flatMap((tensor, j) => (tensor ? [[`x${j}`, tensor] as const] : []));
        const where = `case ${i}, ${label}`;
        const [found, expected] = [
          await outcome(native, program, Object.fromEntries(given)),
          await outcome(reference, program, Object.fromEntries(given)),
        ];
        if (expected instanceof Error) {
          assert.match(expected.message, /^Cannot compute .* as (indices|segment ids) /, where);
          assert.ok(found instanceof Error, where);
          assert.match(found.message, /^Cannot run graph as indices /, where);
        } else {
          if (found instanceof Error) throw new Error(`${where}: ${found.message}`);
          // As in the suite of kernels: float32 sums in another order, exp and pow of another library.
          assertClose(found, expected, { rtol: 1e-3, atol: 1e-4 }, where);
        }
      }
    }
  });
}
