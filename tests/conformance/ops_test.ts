/**
 * Traced tfjs operations with their gradients, on every engine: against tfjs's cpu backend and against central
 * differences of the engine's own results.
 */
import assert from "node:assert/strict";
import { engineByName } from "../../engine/runtimes/engines.ts";
import type { Tensor, Tensors } from "../../engine/runtimes/types.ts";
import { CALLS } from "./cases.ts";
import { assertClose, IMPLEMENTATIONS, numbers, runOnce, type Tolerance } from "./harness.ts";
import { outputWeights, traceCase } from "./trace_case.ts";

/** float32 on both sides, chains of a few operations with sums of up to a few hundred terms in another order. */
const CLOSE: Tolerance = { rtol: 5e-5, atol: 5e-6 };

/** Half the distance of the two points of a central difference. */
const STEP = 1e-2;
/** The difference formula is off by step^2 f'''/6, the float32 results by about 1e-6 / step each. */
const DIFFERENCE: Tolerance = { rtol: 2e-2, atol: 4e-3 };

/** The weighted sum whose gradient the program gives, in float64. */
function weightedSum(outputs: Tensors): number {
  let sum = 0;
  for (const [name, { shape, data }] of Object.entries(outputs)) {
    if (!name.startsWith("y")) continue;
    const factors = outputWeights(shape, Number(name.slice(1)));
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

const cases = CALLS.map((one, i) => ({
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
