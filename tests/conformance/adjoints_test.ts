/**
 * What tfjs's cpu backend gets wrong and the native engine must not: compared with numpy's rules and with the definition
 * of an adjoint, since the reference cannot be asked.
 */
import assert from "node:assert/strict";
import type { Kernel, KernelAttrs } from "../../engine/program/kernels.ts";
import { engineByName } from "../../engine/runtimes/engines.ts";
import type { Tensor, Tensors } from "../../engine/runtimes/types.ts";
import { lower } from "../../engine/onnx/lower.ts";
import { assertClose, kernelProgram, numbers, ProgramBuilder, runOnce } from "./harness.ts";

const engine = await engineByName("native");

async function compute<K extends Kernel>(
  kernel: K,
  inputs: readonly Tensor[],
  attrs: KernelAttrs[K],
): Promise<Tensor> {
  const given: Tensors = Object.fromEntries(inputs.map((input, i) => [`x${i}`, input]));
  const { outputs } = await runOnce(engine, kernelProgram(kernel, inputs, attrs), given);
  return outputs["y0"]!;
}

/** The sum of products, in float64. */
function dot(a: Tensor, b: Tensor): number {
  assert.deepEqual([...a.shape], [...b.shape]);
  let sum = 0;
  for (let i = 0; i < a.data.length; i++) sum += Number(a.data[i]) * Number(b.data[i]);
  return sum;
}

/** float32 sums of up to a few hundred products. */
function assertEqual(a: number, b: number): void {
  assert.ok(Math.abs(a - b) <= 1e-5 * Math.max(1, Math.abs(b)), `${a}, expected ${b}`);
}

Deno.test("BatchMatMul broadcasts leading axes as numpy does", async () => {
  const [a, b] = [numbers([2, 1, 3, 4], -1, 1, 1), numbers([3, 4, 2], -1, 1, 2)];
  const y = await compute("BatchMatMul", [a, b], { transposeA: false, transposeB: false });
  assert.deepEqual([...y.shape], [2, 3, 3, 2]);
  for (const [i, j, row, column] of [[0, 0, 0, 0], [1, 2, 2, 1], [0, 2, 1, 0], [1, 0, 0, 1]] as const) {
    let expected = 0;
    for (let k = 0; k < 4; k++) {
      expected += Number(a.data[(i * 3 + row) * 4 + k]) * Number(b.data[(j * 4 + k) * 2 + column]);
    }
    assertEqual(Number(y.data[((i * 3 + j) * 3 + row) * 2 + column]), expected);
  }
});

Deno.test("gradients of the dilated depthwise convolution are its adjoints", async () => {
  const shape = [1, 9, 8, 2];
  const filterShape = [3, 2, 2, 2] as const;
  const pad = [[0, 0], [1, 2], [0, 1], [0, 0]] as const;
  const window = { strides: [1, 1], dilations: [2, 3], pad } as const;
  const [x, filter] = [numbers(shape, -1, 1, 1), numbers(filterShape, -1, 1, 2)];
  const y = await compute("DepthwiseConv2dNative", [x, filter], { ...window, dataFormat: "NHWC" });
  const dy = numbers(y.shape, -1, 1, 3);
  const inputShape = shape as unknown as readonly [number, number, number, number];
  const dx = await compute("DepthwiseConv2dNativeBackpropInput", [dy, filter], { ...window, inputShape });
  const dfilter = await compute("DepthwiseConv2dNativeBackpropFilter", [x, dy], { ...window, filterShape });
  assertEqual(dot(dx, x), dot(dy, y));
  assertEqual(dot(dfilter, filter), dot(dy, y));
});

Deno.test("MaxPool3DGrad follows the maximum of windows of unequal sides", async () => {
  const attrs = { filterSize: [2, 3, 2], strides: [2, 2, 1], pad: "same" } as const;
  const x = numbers([1, 5, 4, 3, 2]);
  const y = await compute("MaxPool3D", [x], attrs);
  const dy = numbers(y.shape, -1, 1, 2);
  const dx = await compute("MaxPool3DGrad", [dy, x, y], attrs);
  // The maximum is homogeneous: <dmax/dx, x> = max.
  assertEqual(dot(dx, x), dot(dy, y));
});

Deno.test("ResizeNearestNeighborGrad is the adjoint for several images", async () => {
  const x = numbers([3, 4, 3, 2]);
  const attrs = { alignCorners: false, halfPixelCenters: false, size: [5, 7] } as const;
  const y = await compute("ResizeNearestNeighbor", [x], attrs);
  const dy = numbers(y.shape, -1, 1, 2);
  const dx = await compute("ResizeNearestNeighborGrad", [x, dy], { alignCorners: false });
  assertEqual(dot(dx, x), dot(dy, y));
});

Deno.test("Conv2D shares its patches with its filter gradient", async () => {
  const window = { strides: [1, 1], pad: [[0, 0], [1, 1], [0, 2], [0, 0]], dataFormat: "NHWC" } as const;
  const b = new ProgramBuilder("shared");
  const [x, filter] = [numbers([2, 6, 5, 8], -1, 1, 1), numbers([3, 3, 8, 4], -1, 1, 2)];
  const [xs, fs] = [b.input("x", x), b.input("filter", filter)];
  const y = b.node("Conv2D", [xs, fs], { ...window, dilations: [1, 1] });
  b.output("y", y);
  b.output("dfilter", b.node("Conv2DBackpropFilter", [xs, y], { ...window, filterShape: [3, 3, 8, 4] }));
  const given = { x, filter };
  const { graph } = lower(b.program());
  assert.equal(graph.nodes.filter((node) => node.op === "Gather").length, 1);
  const expected = await runOnce(await engineByName("reference"), b.program(), given);
  const actual = await runOnce(engine, b.program(), given);
  assertClose(actual.outputs, expected.outputs, { rtol: 1e-4, atol: 1e-5 });
});
