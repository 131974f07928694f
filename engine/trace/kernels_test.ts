import assert from "node:assert/strict";
import type { Tensor } from "../../core/tensor.ts";
import { CALLS, FOLDED, type KernelCall } from "../../tests/conformance/cases.ts";
import { callTensors, outputsOf, traceCase, weightedSumOf } from "../../tests/conformance/trace_case.ts";
import { KERNELS } from "../program/kernels.ts";
import { referenceEngine } from "../runtimes/reference/reference.ts";
import * as tf from "../tf.ts";
import { cpuBackend } from "./internals.ts";
import { registerGradients } from "./gradients/gradients.ts";

registerGradients();
cpuBackend();

const labelOf = ({ kernel, inputs }: KernelCall, index: number): string =>
  `${kernel}(${inputs.map((input) => `[${input.shape}]`).join(", ")}) #${index}`;

Deno.test("CALLS use every kernel of the table in a traced program", async () => {
  const seen = new Set<string>();
  for (const one of CALLS) {
    const { program } = await traceCase(one);
    for (const node of program.nodes) seen.add(node.kernel);
  }
  const missing = Object.keys(KERNELS).filter((kernel) =>
    !seen.has(kernel) && !(FOLDED as string[]).includes(kernel)
  );
  // Identity leaves no node: the result is the input.
  assert.deepEqual(missing, ["Identity"]);
});

CALLS.forEach((one, index) => {
  Deno.test(`traceModel() keeps value and gradient of ${labelOf(one, index)}`, async () => {
    const expected = tf.tidy(() =>
      Object.entries(outputsOf(one, callTensors(one.inputs))).map(([name, output]) =>
        [name, Array.from(output.dataSync())] as const
      )
    );
    const { program, state } = await traceCase(one);
    const session = await referenceEngine.open(state);
    const outputs = await (await session.compile(program)).run({});
    for (const [name, numbers] of expected) {
      const actual = Array.from(outputs[name]!.data as Float32Array);
      assert.equal(actual.length, numbers.length);
      // The same kernels in the same order: only the fusion of scalars may round differently.
      numbers.forEach((number, j) => assertClose(actual[j]!, number, 2e-5, `${name}[${j}]`));
    }
    await session.dispose();
  });
});

CALLS.forEach((one, index) => {
  if (!one.gradient) return;
  Deno.test(`the gradient of ${labelOf(one, index)} agrees with central differences`, () => {
    tf.tidy(() => {
      const inputs = callTensors(one.inputs);
      const outputs = outputsOf(one, inputs);
      let position = 0;
      inputs.forEach((tensor, i) => {
        if (tensor.dtype !== "float32") return;
        const gradient = outputs[`g${position++}`]!.dataSync();
        // Two elements of each input are enough: the rule is the same for all.
        for (const element of [0, gradient.length - 1]) {
          const slope = difference(one, inputs, i, element);
          assertClose(gradient[element]!, slope, 2e-2, `input ${i}[${element}]`);
        }
      });
    });
  });
});

/** (f(x + h) - f(x - h)) / 2h; float32 with h = 1e-2 leaves an error below 1e-2. */
function difference(one: KernelCall, inputs: readonly Tensor[], input: number, element: number): number {
  const h = 1e-2;
  const at = (shift: number) => {
    const moved = inputs.map((tensor, i) => {
      if (i !== input) return tensor;
      const values = tensor.dataSync().slice();
      values[element]! += shift;
      return tf.tensor(values, tensor.shape);
    });
    return weightedSumOf(one, moved).dataSync()[0]!;
  };
  return (at(h) - at(-h)) / (2 * h);
}

function assertClose(actual: number, expected: number, tolerance: number, place: string): void {
  if (Number.isNaN(expected) && Number.isNaN(actual) || actual === expected) return;
  const error = Math.abs(actual - expected);
  assert.ok(error <= tolerance * (1 + Math.abs(expected)), `${place}: ${actual} instead of ${expected}`);
}
