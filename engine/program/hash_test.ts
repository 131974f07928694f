import assert from "node:assert/strict";
import { changed, example } from "./_example.ts";
import { hashProgram } from "./hash.ts";
import type { Program } from "./types.ts";

Deno.test("hashProgram() is the same in every version", () => {
  assert.equal(hashProgram(example()), "ea54927a35ddfb4575565348ef1c9fae08bcd2a104f54d3d41c5895dfcb996f1");
});

Deno.test("hashProgram() ignores names and scopes", () => {
  const renamed = changed((p) => {
    p.name = "other";
    p.inputs[0] = { ...p.inputs[0]!, name: "features" };
    p.state[1] = { ...p.state[1]!, name: "count" };
    p.updates[0] = { ...p.updates[0]!, state: "count" };
    p.outputs[0] = { ...p.outputs[0]!, name: "z" };
    p.nodes[0] = { ...p.nodes[0]!, scope: "elsewhere" };
  });
  assert.equal(hashProgram(renamed), hashProgram(example()));
});

Deno.test("hashProgram() ignores the order of independent nodes, unused nodes, and the order of attributes", () => {
  const reordered = changed((p) => p.nodes.unshift(p.nodes.pop()!));
  const longer = changed((p) => {
    p.values.push({ dtype: "float32", shape: [4, 2] });
    p.nodes.push({ kernel: "Exp", inputs: [7], attrs: {}, outputs: [9], scope: "" });
  });
  const swapped = changed((p) => {
    p.nodes[0] = { ...p.nodes[0]!, attrs: { transposeB: false, transposeA: false } };
  });
  for (const program of [reordered, longer, swapped]) {
    assert.equal(hashProgram(program), hashProgram(example()));
  }
});

Deno.test("hashProgram() sees every difference in what is computed", () => {
  const differences: Program[] = [
    changed((p) => p.nodes[2] = { ...p.nodes[2]!, kernel: "Elu" }),
    changed((p) => p.constants[0] = { ...p.constants[0]!, data: new Float32Array([0.5, -0.10000001]) }),
    changed((p) => p.constants[1] = { ...p.constants[1]!, data: new Float32Array([-0]) }),
    changed((p) => p.constants[1] = { ...p.constants[1]!, data: new Float32Array([0]) }),
    changed((p) => p.outputs[0] = { ...p.outputs[0]!, value: 6 }),
    changed((p) => p.updates.pop()),
    changed((p) => p.state[1] = { ...p.state[1]!, trainable: true }),
    changed((p) => p.inputs[0] = { ...p.inputs[0]!, role: "random", distribution: "normal" }),
    changed((p) => p.inputs[0] = { ...p.inputs[0]!, role: "random", distribution: "uniform" }),
    changed((p) => p.nodes[1] = { ...p.nodes[1]!, inputs: [3, 5] }),
    changed((p) => p.nodes[0] = { ...p.nodes[0]!, attrs: { transposeA: false, transposeB: true } }),
    ...[0, -0, Infinity, -Infinity, NaN].map((clipValueMin) =>
      changed((p) => {
        p.nodes[2] = { ...p.nodes[2]!, kernel: "ClipByValue", attrs: { clipValueMin, clipValueMax: 1 } };
      })
    ),
  ];
  const hashes = new Set([example(), ...differences].map(hashProgram));
  assert.equal(hashes.size, differences.length + 1);
});
