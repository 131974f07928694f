import assert from "node:assert/strict";
import { changed, example } from "./_example.ts";
import { programKey } from "./key.ts";
import type { Program, ValueId } from "./types.ts";

/** The same program with its values numbered from the last to the first. */
function renumbered(program: Program): Program {
  const last = program.values.length - 1;
  const id = (value: ValueId) => last - value;
  const moved = <T extends { readonly value: ValueId }>(item: T): T => ({ ...item, value: id(item.value) });
  return {
    ...program,
    values: program.values.toReversed(),
    inputs: program.inputs.map(moved),
    state: program.state.map(moved),
    constants: program.constants.map(moved),
    nodes: program.nodes.map((node) => ({
      ...node,
      inputs: node.inputs.map((input) => (input === null ? null : id(input))),
      outputs: node.outputs.map(id),
    })),
    outputs: program.outputs.map(moved),
    updates: program.updates.map(moved),
  };
}

Deno.test("programKey() ignores how values are numbered", () => {
  assert.equal(programKey(renumbered(example())), programKey(example()));
});

Deno.test("programKey() sees all that lowering writes into a graph", () => {
  const clip = (clipValueMin: number) =>
    changed((p) => {
      p.nodes[2] = { ...p.nodes[2]!, kernel: "ClipByValue", attrs: { clipValueMin, clipValueMax: 1 } };
    });
  const differences: Program[] = [
    changed((p) => p.name = "other"),
    changed((p) => p.inputs[0] = { ...p.inputs[0]!, name: "features" }),
    changed((p) => p.inputs[0] = { ...p.inputs[0]!, role: "random", distribution: "normal" }),
    changed((p) => p.state[1] = { ...p.state[1]!, name: "count" }),
    changed((p) => p.state[1] = { ...p.state[1]!, trainable: true }),
    changed((p) => p.outputs[0] = { ...p.outputs[0]!, name: "z" }),
    changed((p) => p.outputs[0] = { ...p.outputs[0]!, value: 6 }),
    changed((p) => p.updates.pop()),
    changed((p) => p.nodes[0] = { ...p.nodes[0]!, scope: "elsewhere" }),
    changed((p) => p.nodes[0] = { ...p.nodes[0]!, attrs: { transposeA: false, transposeB: true } }),
    changed((p) => p.nodes[1] = { ...p.nodes[1]!, inputs: [3, 5] }),
    changed((p) => p.nodes.unshift(p.nodes.pop()!)),
    changed((p) => p.values[0] = { dtype: "float32", shape: [5, 3] }),
    changed((p) => p.constants[1] = { ...p.constants[1]!, data: new Float32Array([-0]) }),
    changed((p) => p.constants[1] = { ...p.constants[1]!, data: new Float32Array([0]) }),
    clip(0),
    clip(-0),
    clip(-Infinity),
    clip(NaN),
  ];
  const keys = new Set([example(), ...differences].map(programKey));
  assert.equal(keys.size, differences.length + 1);
});
