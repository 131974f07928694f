/**
 * Traced tfjs operations with their gradients, on every engine: against tfjs's cpu backend and against central
 * differences of the engine's own results.
 */
import assert from "node:assert/strict";
import type { Tensor as TfTensor } from "../../core/tensor.ts";
import { engineByName } from "../../engine/runtimes/engines.ts";
import type { Tensor, Tensors } from "../../engine/runtimes/types.ts";
import type { Program } from "../../engine/program/types.ts";
import * as tf from "../../engine/tf.ts";
import { caseValues, OP_CASES, type OpCase } from "../../engine/trace/_op_cases.ts";
import { traceModel } from "../../engine/trace/trace.ts";
import { assertClose, IMPLEMENTATIONS, numbers, runOnce, type Tolerance } from "./harness.ts";

/** float32 on both sides, chains of a few operations with sums of up to a few hundred terms in another order. */
const CLOSE: Tolerance = { rtol: 5e-5, atol: 5e-6 };

/** Half the distance of the two points of a central difference. */
const STEP = 1e-2;
/** The difference formula is off by step^2 f'''/6, the float32 results by about 1e-6 / step each. */
const DIFFERENCE: Tolerance = { rtol: 2e-2, atol: 4e-3 };

const list = (result: TfTensor | TfTensor[]): TfTensor[] => (Array.isArray(result) ? result : [result]);

function weights(shape: readonly number[], i: number): Float32Array<ArrayBuffer> {
  return caseValues({ shape }, 7 + i) as Float32Array<ArrayBuffer>;
}

/** Outputs `y0`, `y1`, ...; gradients `g0`, `g1`, ... of their weighted sum for the float32 inputs. */
function outputsOf(one: OpCase, inputs: TfTensor[]): { readonly [name: string]: TfTensor } {
  const outputs = list(one.run(...inputs)).map((output, i) => [`y${i}`, output] as const);
  if (!one.gradient) return Object.fromEntries(outputs);
  const isVaried = (tensor: TfTensor) => tensor.dtype === "float32";
  const sum = (...varied: TfTensor[]) => {
    const rest = [...varied];
    const results = list(one.run(...inputs.map((tensor) => (isVaried(tensor) ? rest.shift()! : tensor))));
    return results.map((output, i) =>
      tf.sum(tf.mul(output, tf.tensor(weights(output.shape, i), output.shape)))
    )
      .reduce((total, term) => tf.add(total, term));
  };
  const gradients = tf.grads(sum)(inputs.filter(isVaried)).map((gradient, i) => [`g${i}`, gradient] as const);
  return Object.fromEntries([...outputs, ...gradients]);
}

/** All inputs are state, so that scalars may vary too. */
async function traceCase(one: OpCase): Promise<{ program: Program; state: Tensors }> {
  const { programs, state } = await traceModel({
    build() {
      const variables = one.inputs.map((input, i) =>
        tf.variable(tf.tensor(caseValues(input, i), [...input.shape], input.dtype), true, `x${i}`)
      );
      return { predict: () => outputsOf(one, variables) };
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

/** The weighted sum whose gradient the program gives, in float64. */
function weightedSum(outputs: Tensors): number {
  let sum = 0;
  for (const [name, { shape, data }] of Object.entries(outputs)) {
    if (!name.startsWith("y")) continue;
    const factors = weights(shape, Number(name.slice(1)));
    for (let i = 0; i < data.length; i++) sum += Number(data[i]) * factors[i]!;
  }
  return sum;
}

/** The state moved along a direction: one per float32 tensor. */
function moved(state: Tensors, directions: Tensors, step: number): Tensors {
  return Object.fromEntries(
    Object.entries(state).map(([name, tensor]): [string, Tensor] => {
      const direction = directions[name];
      if (!direction) return [name, tensor];
      const data = Float32Array.from(
        tensor.data as Float32Array,
        (x, i) => x + step * Number(direction.data[i]),
      );
      return [name, { dtype: "float32", shape: tensor.shape, data }];
    }),
  );
}

const cases = OP_CASES.map((one, i) => ({
  one,
  name: `${i} ${one.kernel}(${one.inputs.map((input) => `[${input.shape}]`).join(", ")})`,
}));

for (const implementation of IMPLEMENTATIONS) {
  Deno.test(`${implementation.name} gives values and gradients of every tfjs operation`, async (t) => {
    const [engine, reference] = await Promise.all([implementation.open(), engineByName("reference")]);
    for (const { one, name } of cases) {
      await t.step(name, async () => {
        const { program, state } = await traceCase(one);
        const expected = await runOnce(reference, program, {}, state);
        const actual = await runOnce(engine, program, {}, state, implementation.options);
        assertClose(actual.outputs, expected.outputs, CLOSE, name);
        if (!one.gradient) return;
        const varied = Object.keys(state).filter((key) => state[key]!.dtype === "float32");
        const directions = Object.fromEntries(
          varied.map((key, i) => [key, numbers(state[key]!.shape, -1, 1, 11 + i)]),
        );
        const at = async (step: number) => {
          const { outputs } = await runOnce(
            engine,
            program,
            {},
            moved(state, directions, step),
            implementation.options,
          );
          return weightedSum(outputs);
        };
        const difference = (await at(STEP) - await at(-STEP)) / (2 * STEP);
        let slope = 0;
        varied.forEach((key, i) => {
          const gradient = actual.outputs[`g${i}`]!.data;
          for (let j = 0; j < gradient.length; j++) {
            slope += Number(gradient[j]) * Number(directions[key]!.data[j]);
          }
        });
        const bound = DIFFERENCE.atol + DIFFERENCE.rtol * Math.abs(difference);
        assert.ok(Math.abs(slope - difference) <= bound, `${name}: slope ${slope}, difference ${difference}`);
      });
    }
  });
}
