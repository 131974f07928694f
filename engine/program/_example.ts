/**
 * A small program for the tests: y = relu(x w + b) for a batch of 4, counting its calls.
 *
 * @module
 */
import type { Program } from "./types.ts";

/** The program, to be changed by tests: `example()` is a fresh copy. */
export function example(): Program {
  return {
    format: "beamline-program/1",
    name: "example",
    values: [
      { dtype: "float32", shape: [4, 3] },
      { dtype: "float32", shape: [3, 2] },
      { dtype: "float32", shape: [] },
      { dtype: "float32", shape: [2] },
      { dtype: "float32", shape: [] },
      { dtype: "float32", shape: [4, 2] },
      { dtype: "float32", shape: [4, 2] },
      { dtype: "float32", shape: [4, 2] },
      { dtype: "float32", shape: [] },
    ],
    inputs: [{ name: "x", role: "batch", value: 0 }],
    state: [
      { name: "w", trainable: true, value: 1 },
      { name: "calls", trainable: false, value: 2 },
    ],
    constants: [
      { value: 3, data: new Float32Array([0.5, -0.1]) },
      { value: 4, data: new Float32Array([1]) },
    ],
    nodes: [
      {
        kernel: "BatchMatMul",
        inputs: [0, 1],
        attrs: { transposeA: false, transposeB: false },
        outputs: [5],
        scope: "layer/matMul",
      },
      { kernel: "Add", inputs: [5, 3], attrs: {}, outputs: [6], scope: "layer/add" },
      { kernel: "Relu", inputs: [6], attrs: {}, outputs: [7], scope: "layer/relu" },
      { kernel: "Add", inputs: [2, 4], attrs: {}, outputs: [8], scope: "add" },
    ],
    outputs: [{ name: "y", value: 7 }],
    updates: [{ state: "calls", value: 8 }],
  };
}

/** A program whose parts tests may replace. */
export type Rewriter = {
  -readonly [K in keyof Program]: Program[K] extends readonly (infer T)[] ? T[] : Program[K];
};

/** A copy with one change. */
export function changed(change: (rewriter: Rewriter) => void): Program {
  const rewriter = structuredClone(example()) as unknown as Rewriter;
  change(rewriter);
  return rewriter as unknown as Program;
}
