/**
 * Random programs over most of the kernel table: engines must agree with the reference, and with each other, whatever the
 * passes make of a composition. Thousands more are in `tests/validation/property_test.ts`.
 */
import assert from "node:assert/strict";
import { KERNELS } from "../../engine/program/kernels.ts";
import { engineByName } from "../../engine/runtimes/engines.ts";
import { numbers, ProgramBuilder, runOnce } from "./harness.ts";
import { checkPrograms } from "./property.ts";
import { randomProgram } from "./random_programs.ts";

/** Programs of one run of the suite. */
const PROGRAMS = 40;

Deno.test("randomProgram() composes more than 20 kernels, the same for the same seed", () => {
  for (let seed = 0; seed < 20; seed++) {
    const random = randomProgram(seed);
    assert.ok(random.program.nodes.length > 20, `${random.program.nodes.length} nodes`);
    assert.deepEqual(random, randomProgram(seed));
  }
});

Deno.test("randomProgram() leaves out few kernels of the table", () => {
  const used = new Set(Array.from({ length: 400 }, (_, seed) => [...randomProgram(seed).kernels]).flat());
  const absent = Object.keys(KERNELS).filter((kernel) => !used.has(kernel));
  // Gradients of rare forward kernels, and kernels in three dimensions, have cases of their own.
  assert.deepEqual(absent.sort(), [
    "AvgPool3D",
    "AvgPool3DGrad",
    "BatchToSpaceND",
    "Conv3D",
    "Conv3DBackpropFilterV2",
    "Conv3DBackpropInputV2",
    "CropAndResize",
    "DepthwiseConv2dNativeBackpropFilter",
    "DepthwiseConv2dNativeBackpropInput",
    "FusedDepthwiseConv2D",
    "LRNGrad",
    "MaxPool3D",
    "MaxPool3DGrad",
    "MaxPoolGrad",
    "ResizeBilinearGrad",
    "ResizeNearestNeighborGrad",
  ]);
});

Deno.test("reference keeps what tfjs's kernel writes into", async () => {
  const b = new ProgramBuilder("scatter");
  const x = b.input("x", numbers([3]));
  const place = b.constant([1], { dtype: "int32", shape: [1, 1] });
  b.output("changed", b.node("TensorScatterUpdate", [x, place, b.constant([9], numbers([1]))], {}));
  b.output("kept", b.node("Identity", [x], {}));
  const given = { x: numbers([3]) };
  const { outputs } = await runOnce(await engineByName("reference"), b.program(), given);
  assert.deepEqual(outputs["kept"], given.x);
  assert.equal(outputs["changed"]!.data[1], 9);
});

Deno.test(`native, wasm and reference agree on ${PROGRAMS} random programs`, async () => {
  await checkPrograms(1, PROGRAMS);
});
