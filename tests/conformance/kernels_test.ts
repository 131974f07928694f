/**
 * Every kernel of the kernel table, on every engine, against tfjs's cpu backend.
 */
import assert from "node:assert/strict";
import { type Kernel, type KernelAttrs, KERNELS, ruleOf } from "../../engine/program/kernels.ts";
import { engineByName } from "../../engine/runtimes/engines.ts";
import type { Tensors } from "../../engine/runtimes/types.ts";
import { CASES } from "./cases.ts";
import type { KernelCases } from "./cases/case.ts";
import { assertClose, IMPLEMENTATIONS, kernelProgram, runOnce, type Tolerance } from "./harness.ts";

/** float32 on both sides: the same formula, rounded a few times differently. */
const ROUNDING: Tolerance = { rtol: 2e-6, atol: 2e-7 };
/** Sums of up to a few hundred products in another order, and in float64 on the side of tfjs. */
const SUMS: Tolerance = { rtol: 1e-5, atol: 2e-6 };
/** tfjs's error function is a fit with an error of 1.5e-7 (Abramowitz and Stegun 7.1.26). */
const ERF: Tolerance = { rtol: 0, atol: 4e-7 };
/** float32 functions whose last digits are left to the library: tan near its poles, powers, inverse hyperbolics. */
const LIBRARY: Tolerance = { rtol: 2e-5, atol: 2e-6 };

/** Kinds of kernels that add up or multiply many numbers. */
const TOLERANCE_OF_KIND: { readonly [kind: string]: Tolerance } = {
  product: SUMS,
  reduction: SUMS,
  scan: SUMS,
  scatter: SUMS,
  window: SUMS,
};

const TOLERANCES: { readonly [K in Kernel]?: Tolerance } = {
  Erf: ERF,
  Acosh: LIBRARY,
  Asinh: LIBRARY,
  Atanh: LIBRARY,
  Tan: LIBRARY,
  Pow: LIBRARY,
  Softplus: LIBRARY,
  Mod: LIBRARY,
  LRN: LIBRARY,
  LRNGrad: LIBRARY,
};

Deno.test("conformance cases name every kernel of the table", () => {
  assert.deepEqual(Object.keys(CASES).sort(), Object.keys(KERNELS).sort());
});

for (const implementation of IMPLEMENTATIONS) {
  Deno.test(`${implementation.name} computes every kernel as tfjs's cpu backend does`, async (t) => {
    const [engine, reference] = await Promise.all([implementation.open(), engineByName("reference")]);
    for (const [kernel, { nodes: cases }] of Object.entries(CASES) as [Kernel, KernelCases][]) {
      await t.step(kernel, async () => {
        for (const [i, { inputs, attrs }] of cases.entries()) {
          const program = kernelProgram(kernel, inputs, attrs as KernelAttrs[Kernel]);
          const given: Tensors = Object.fromEntries(
            inputs.flatMap((input, j) => (input ? [[`x${j}`, input]] : [])),
          );
          const expected = await runOnce(reference, program, given);
          const actual = await runOnce(engine, program, given, {}, implementation.options);
          const tolerance = TOLERANCES[kernel] ?? TOLERANCE_OF_KIND[ruleOf(kernel).traits.kind.is] ??
            ROUNDING;
          assertClose(actual.outputs, expected.outputs, tolerance, `${kernel} case ${i}`);
        }
      });
    }
  });
}
