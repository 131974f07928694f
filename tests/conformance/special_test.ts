/**
 * Every kernel on special numbers (NaN, infinities, ends of int32, divisors of zero): all engines must give the same.
 */
import assert from "node:assert/strict";
import { type Kernel, type KernelAttrs, KERNELS, ruleOf } from "../../engine/program/kernels.ts";
import { engineByName } from "../../engine/runtimes/engines.ts";
import type { Tensors } from "../../engine/runtimes/types.ts";
import { specialCases } from "./cases/special.ts";
import { IMPLEMENTATIONS, kernelProgram, runOnce } from "./harness.ts";

/** Other roundings of float32 on numbers of any size: as the tolerances of `kernels_test.ts`, powers of 1e30 included. */
const RELATIVE = 2e-5;
/** What is left where ordinary numbers cancel. */
const ABSOLUTE = 2e-6;

/**
 * Kernels whose products take in zeros (of padding, of matrices that pick cells): there 0 * NaN and 0 * Infinity spread NaN
 * to results that tfjs, which leaves some of the zeros out, has as numbers. NaN may be in more places, and where tfjs has
 * it there must not be a number.
 */
const SPREADING: RegExp = /^(LRN|LRNGrad|Resize\w+Grad|(Fused)?(Depthwise)?Conv\w*)$/;

/** Whether two results are the same; zeros may differ in sign. */
function isSame(actual: number, expected: number, spreads: boolean): boolean {
  if (actual === expected || (Number.isNaN(actual) && Number.isNaN(expected))) return true;
  if (spreads && (Number.isNaN(actual) || Number.isNaN(expected))) return !Number.isFinite(actual);
  return Math.abs(actual - expected) <= ABSOLUTE + RELATIVE * Math.abs(expected);
}

function assertSame(actual: Tensors, expected: Tensors, spreads: boolean, label: string): void {
  for (const [name, { data }] of Object.entries(expected)) {
    for (let i = 0; i < data.length; i++) {
      const [a, b] = [Number(actual[name]!.data[i]), Number(data[i])];
      assert.ok(isSame(a, b, spreads), `${label} ${name}[${i}]: ${a}, expected ${b}`);
    }
  }
}

Deno.test("special cases leave out no kernel that takes numbers", () => {
  const without = (Object.keys(KERNELS) as Kernel[]).filter((kernel) => specialCases(kernel).length === 0);
  assert.deepEqual(without, []);
});

for (const implementation of IMPLEMENTATIONS) {
  Deno.test(`${implementation.name} gives what reference gives on special numbers`, async (t) => {
    const [engine, reference] = await Promise.all([implementation.open(), engineByName("reference")]);
    for (const kernel of Object.keys(KERNELS) as Kernel[]) {
      await t.step(kernel, async () => {
        for (const [i, { inputs, attrs }] of specialCases(kernel).entries()) {
          const program = kernelProgram(kernel, inputs, attrs as KernelAttrs[Kernel]);
          const given: Tensors = Object.fromEntries(
            inputs.flatMap((input, j) => (input ? [[`x${j}`, input]] : [])),
          );
          const expected = await runOnce(reference, program, given);
          const actual = await runOnce(engine, program, given, {}, implementation.options);
          const spreads = SPREADING.test(kernel) && ruleOf(kernel).traits.kind.is !== "elementwise";
          assertSame(actual.outputs, expected.outputs, spreads, `${kernel} case ${i}`);
        }
      });
    }
  });
}
