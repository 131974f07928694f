import assert from "node:assert/strict";
import type { Tensor } from "../../core/tensor.ts";
import { KERNELS } from "../program/kernels.ts";
import type { Program } from "../program/types.ts";
import { referenceEngine } from "../runtimes/reference/reference.ts";
import type { Tensors } from "../runtimes/types.ts";
import * as tf from "../tf.ts";
import { type CaseInput, caseValues, FOLDED, OP_CASES, type OpCase } from "./_op_cases.ts";
import { cpuBackend } from "./internals.ts";
import { registerGradients } from "./gradients/gradients.ts";
import { traceModel } from "./trace.ts";

registerGradients();
cpuBackend();

const list = (result: Tensor | Tensor[]): Tensor[] => (Array.isArray(result) ? result : [result]);

/** The sum of all outputs, each element times another weight, so that its gradient sees every output. */
function weighted(result: Tensor | Tensor[]): Tensor {
  const terms = list(result).map((output, i) => {
    const weights = caseValues({ shape: output.shape }, 7 + i);
    return tf.sum(tf.mul(output, tf.tensor(weights, output.shape)));
  });
  return terms.reduce((total, term) => tf.add(total, term));
}

/** Outputs of a case, and the gradients with respect to its float32 inputs when it has them. */
function results(one: OpCase, inputs: Tensor[]): Tensor[] {
  const outputs = list(one.run(...inputs));
  if (!one.gradient) return outputs;
  const floats = inputs.filter((tensor) => tensor.dtype === "float32");
  const gradients = tf.grads((...varied: Tensor[]) => {
    const rest = varied.slice();
    return weighted(
      one.run(...inputs.map((tensor) => (tensor.dtype === "float32" ? rest.shift()! : tensor))),
    );
  })(floats);
  return [...outputs, ...gradients];
}

function tensors(inputs: readonly CaseInput[]): Tensor[] {
  return inputs.map((input, i) => tf.tensor(caseValues(input, i), [...input.shape], input.dtype));
}

/** All inputs are state, so that any shape goes, scalars included. */
async function traceCase(one: OpCase): Promise<{ program: Program; state: Tensors }> {
  const { programs, state } = await traceModel({
    build() {
      const variables = tensors(one.inputs).map((tensor, i) => tf.variable(tensor, true, `input${i}`));
      return {
        predict: () => Object.fromEntries(results(one, variables).map((output, i) => [`y${i}`, output])),
      };
    },
    columns: {},
    inputs: [],
    targets: [],
    batchSize: 1,
    lastValidationBatch: 0,
    predictBatch: 1,
    seed: 0,
    purpose: "test",
  });
  return { program: programs["predict"]!, state };
}

Deno.test("OP_CASES use every kernel of the table in a traced program", async () => {
  const seen = new Set<string>();
  for (const one of OP_CASES) {
    const { program } = await traceCase(one);
    for (const node of program.nodes) seen.add(node.kernel);
  }
  const missing = Object.keys(KERNELS).filter((kernel) =>
    !seen.has(kernel) && !(FOLDED as string[]).includes(kernel)
  );
  // Identity leaves no node: the result is the input.
  assert.deepEqual(missing, ["Identity"]);
});

OP_CASES.forEach((one, index) => {
  const label = `${one.kernel}(${one.inputs.map((input) => `[${input.shape}]`).join(", ")})`;
  Deno.test(`traceModel() keeps value and gradient of ${label} #${index}`, async () => {
    const expected = tf.tidy(() =>
      results(one, tensors(one.inputs)).map((output) => Array.from(output.dataSync()))
    );
    const { program, state } = await traceCase(one);
    const session = await referenceEngine.open(state);
    const outputs = await (await session.compile(program)).run({});
    expected.forEach((numbers, i) => {
      const actual = Array.from(outputs[`y${i}`]!.data as Float32Array);
      assert.equal(actual.length, numbers.length);
      // The same kernels in the same order: only the fusion of scalars may round differently.
      numbers.forEach((number, j) => assertClose(actual[j]!, number, 2e-5, `y${i}[${j}]`));
    });
    await session.dispose();
  });
});

OP_CASES.forEach((one, index) => {
  if (!one.gradient) return;
  const label = `${one.kernel}(${one.inputs.map((input) => `[${input.shape}]`).join(", ")})`;
  Deno.test(`the gradient of ${label} #${index} agrees with central differences`, () => {
    tf.tidy(() => {
      const inputs = tensors(one.inputs);
      const gradients = results(one, inputs).slice(list(one.run(...inputs)).length);
      let position = 0;
      inputs.forEach((tensor, i) => {
        if (tensor.dtype !== "float32") return;
        const gradient = gradients[position++]!.dataSync();
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
function difference(one: OpCase, inputs: readonly Tensor[], input: number, element: number): number {
  const h = 1e-2;
  const at = (shift: number) => {
    const moved = inputs.map((tensor, i) => {
      if (i !== input) return tensor;
      const values = tensor.dataSync().slice();
      values[element]! += shift;
      return tf.tensor(values, tensor.shape);
    });
    return weighted(one.run(...moved)).dataSync()[0]!;
  };
  return (at(h) - at(-h)) / (2 * h);
}

function assertClose(actual: number, expected: number, tolerance: number, place: string): void {
  if (Number.isNaN(expected) && Number.isNaN(actual) || actual === expected) return;
  const error = Math.abs(actual - expected);
  assert.ok(error <= tolerance * (1 + Math.abs(expected)), `${place}: ${actual} instead of ${expected}`);
}
