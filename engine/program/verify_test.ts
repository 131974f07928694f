import assert from "node:assert/strict";
import { changed, example, type Rewriter } from "./_example.ts";
import { PROGRAM_LIMITS, verifyProgram } from "./verify.ts";

Deno.test("verifyProgram() accepts a well-formed program", () => {
  verifyProgram(example());
});

const WRONG: { readonly [rule: string]: [(rewriter: Rewriter) => void, RegExp] } = {
  "another format": [
    (p) => p.format = "beamline-program/2" as "beamline-program/1",
    /as the format must be beamline-program\/1: found beamline-program\/2/,
  ],
  "an id out of range": [
    (p) => p.nodes[2] = { ...p.nodes[2]!, inputs: [99] },
    /as ids must be below 9: found 99 at node 2 Relu in layer\/relu/,
  ],
  "an id that is not an integer": [
    (p) => p.outputs[0] = { name: "y", value: 1.5 },
    /ids must be below 9: found 1\.5/,
  ],
  "a use before the definition": [
    (p) => p.nodes.reverse(),
    /a value must be defined before its use: found value 6 at node 1 Relu/,
  ],
  "a cycle": [
    (p) => p.nodes[1] = { ...p.nodes[1]!, inputs: [7, 3] },
    /defined before its use: found value 7 at node 1 Add/,
  ],
  "a second definition": [
    (p) => p.nodes[3] = { ...p.nodes[3]!, outputs: [7] },
    /a value must be defined once: found value 7 again at node 3 Add/,
  ],
  "a value that nothing defines": [
    (p) => p.values.push({ dtype: "float32", shape: [] }),
    /every value must be defined: found 9 of 10/,
  ],
  "a wrong shape": [
    (p) => p.values[7] = { dtype: "float32", shape: [4, 3] },
    /output 0 must be float32\[4,2\]: found float32\[4,3\] at node 2 Relu/,
  ],
  "a wrong dtype": [
    (p) => p.values[7] = { dtype: "int32", shape: [4, 2] },
    /output 0 must be float32\[4,2\]/,
  ],
  "an unknown dtype": [
    (p) => p.values[7] = { dtype: "float64" as "float32", shape: [4, 2] },
    /a dtype must be float32, int32 or bool/,
  ],
  "inputs that do not fit": [
    (p) => p.values[1] = { dtype: "float32", shape: [4, 2] },
    /node 0 BatchMatMul in layer\/matMul: Cannot infer "BatchMatMul" as inner dimensions must agree/,
  ],
  "an unknown kernel": [
    (p) => p.nodes[2] = { ...p.nodes[2]!, kernel: "Frobnicate" },
    /the kernel must be known: found node 2 Frobnicate/,
  ],
  "a refused kernel": [
    (p) => p.nodes[2] = { ...p.nodes[2]!, kernel: "FFT" },
    /the kernel must be known: complex numbers/,
  ],
  "a kernel named like a member of every object": [
    (p) => p.nodes[2] = { ...p.nodes[2]!, kernel: "constructor" },
    /the kernel must be known: found node 2 constructor/,
  ],
  "a constant of the wrong length": [
    (p) => p.constants[0] = { value: 3, data: new Float32Array(3) },
    /constant 0 must have 2 elements: found 3/,
  ],
  "an update of another type": [
    (p) => p.updates[0] = { state: "calls", value: 7 },
    /update of "calls" must be float32\[\]: found float32\[4,2\]/,
  ],
  "an update of unknown state": [
    (p) => p.updates[0] = { state: "cells", value: 8 },
    /an update must name a state of the program: found update of "cells"/,
  ],
  "two updates of one state": [
    (p) => p.updates.push(p.updates[0]!),
    /names of updates must be unique: found "calls" twice/,
  ],
  "two states of one name": [
    (p) => p.state[0] = { ...p.state[0]!, name: "calls" },
    /names of state must be unique: found "calls" twice/,
  ],
  "a name that is not printable": [
    (p) => p.outputs[0] = { name: "y\n", value: 7 },
    /names of outputs must be short printable texts/,
  ],
  "a reserved name": [(p) => p.outputs[0] = { name: "__proto__", value: 7 }, /must be short printable texts/],
  "an endless name": [
    (p) => p.outputs[0] = { name: "y".repeat(1000), value: 7 },
    /must be short printable texts/,
  ],
  "an unknown role": [
    (p) => p.inputs[0] = { ...p.inputs[0]!, role: "gift" as "batch" },
    /a role must be batch, scalar or random/,
  ],
  "a scalar with dimensions": [
    (p) => p.inputs[0] = { ...p.inputs[0]!, role: "scalar" },
    /a scalar must have shape \[\]/,
  ],
  "a random input without a distribution": [
    (p) => p.inputs[0] = { ...p.inputs[0]!, role: "random" },
    /exactly a random input has a distribution/,
  ],
  "too many elements": [
    (p) => p.values[0] = { dtype: "float32", shape: [65536, 65536] },
    /a value must have at most 2147483648 elements/,
  ],
  "a negative dimension": [
    (p) => p.values[0] = { dtype: "float32", shape: [-1, 3] },
    /a dimension must be a non-negative integer/,
  ],
  "too many dimensions": [
    (p) => p.values[0] = { dtype: "float32", shape: Array(20).fill(1) },
    /a rank must be at most 8/,
  ],
  "too many nodes": [
    (p) => p.nodes.length = PROGRAM_LIMITS.nodes + 1,
    /it must have at most 200000 nodes: found 200001/,
  ],
};

for (const [rule, [change, message]] of Object.entries(WRONG)) {
  Deno.test(`verifyProgram() rejects ${rule}`, () => {
    assert.throws(() => verifyProgram(changed(change)), { name: "TypeError", message });
  });
}
