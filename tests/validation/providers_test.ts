/**
 * Providers of `native` beside the CPU, where the machine has them: every kernel against tfjs's cpu backend.
 *
 * `native:webgpu` can be tried without a GPU: Mesa 25's software Vulkan (Debian: mesa-vulkan-drivers of
 * bookworm-backports or trixie; the older 22.3 lacks features that the library asks for).
 */
import type { Kernel, KernelAttrs } from "../../engine/program/kernels.ts";
import { describeEngines, engineByName } from "../../engine/runtimes/engines.ts";
import type { Tensors } from "../../engine/runtimes/types.ts";
import { CASES } from "../conformance/cases.ts";
import type { KernelCases } from "../conformance/cases/case.ts";
import { assertClose, kernelProgram, runOnce, type Tolerance } from "../conformance/harness.ts";

/** Functions of shading languages are less exact than those of C libraries: WGSL promises 2^-11 to 2^-21 for most. */
const SHADERS: Tolerance = { rtol: 5e-5, atol: 5e-6 };

for (const { name, available, note } of await describeEngines()) {
  if (!name.startsWith("native:")) continue;
  if (!available) console.log(`skipped: ${note}`);
  Deno.test({
    name: `${name} computes every kernel as tfjs's cpu backend does`,
    ignore: !available,
    async fn(t) {
      const [engine, reference] = await Promise.all([engineByName(name), engineByName("reference")]);
      for (const [kernel, { nodes: cases }] of Object.entries(CASES) as [Kernel, KernelCases][]) {
        await t.step(kernel, async () => {
          for (const [i, { inputs, attrs }] of cases.entries()) {
            const program = kernelProgram(kernel, inputs, attrs as KernelAttrs[Kernel]);
            const given: Tensors = Object.fromEntries(
              inputs.flatMap((input, j) => (input ? [[`x${j}`, input]] : [])),
            );
            const expected = await runOnce(reference, program, given);
            const actual = await runOnce(engine, program, given);
            assertClose(actual.outputs, expected.outputs, SHADERS, `${kernel} case ${i}`);
          }
        });
      }
    },
  });
}
