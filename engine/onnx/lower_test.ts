import assert from "node:assert/strict";
import { assertClose, numbers, ProgramBuilder, runOnce } from "../../tests/conformance/harness.ts";
import { InternalError, NoRuleError } from "../../core/errors.ts";
import { KERNELS } from "../program/kernels.ts";
import type { Program } from "../program/types.ts";
import { nativeEngine } from "../runtimes/native/native.ts";
import { referenceEngine } from "../runtimes/reference/reference.ts";
import { Builder, printGraph } from "./builder.ts";
import { lower } from "./lower.ts";
import { encodeOnnx } from "./encode.ts";
import { rules } from "./kernels/rules.ts";

const float = (...shape: number[]) => ({ dtype: "float32", shape } as const);

Deno.test("rules have an entry for every kernel of the table", () => {
  assert.deepEqual(Object.keys(rules).sort(), Object.keys(KERNELS).sort());
});

Deno.test("lower() turns long products around where that is quicker, to the same numbers", async () => {
  for (
    const [m, n, isTurned] of [[72, 16, true], [64, 192, true], [64, 64, false], [16, 72, false]] as const
  ) {
    const b = new ProgramBuilder("turned");
    const [x, dy] = [b.input("x", float(1024, m)), b.input("dy", float(1024, n))];
    b.output("y", b.node("BatchMatMul", [x, dy], { transposeA: true, transposeB: false }));
    const program = b.program();
    const gemm = lower(program).graph.nodes.find((node) => node.op === "Gemm")!;
    assert.equal(gemm.inputs[0]!.name, isTurned ? "dy" : "x");
    const inputs = { x: numbers([1024, m], -1, 1), dy: numbers([1024, n], -1, 1, 2) };
    const expected = await runOnce(referenceEngine, program, inputs);
    const actual = await runOnce(nativeEngine, program, inputs);
    assertClose(actual.outputs, expected.outputs, { rtol: 1e-4, atol: 1e-4 });
  }
});

Deno.test("lower() writes the normal distribution of an error function in one pass, and no other sum", async () => {
  for (const [offset, op] of [[0.5, "HardSigmoid"], [0.25, "Add"]] as const) {
    const b = new ProgramBuilder("normal");
    const half = b.node("Multiply", [b.node("Erf", [b.input("x", float(3, 5))], {}), b.scalar(0.5)], {});
    b.output("y", b.node("Add", [half, b.scalar(offset)], {}));
    const program = b.program();
    assert.ok(lower(program).graph.nodes.some((node) => node.op === op));
    const inputs = { x: numbers([3, 5], -9, 9) };
    const expected = await runOnce(referenceEngine, program, inputs);
    const actual = await runOnce(nativeEngine, program, inputs);
    assertClose(actual.outputs, expected.outputs, { rtol: 0, atol: 4e-7 }); // tfjs's error function: 1.5e-7
  }
});

Deno.test("lower() writes a dense layer as Gemm and Relu", () => {
  const b = new ProgramBuilder("dense");
  const x = b.input("x", float(4, 3));
  const [w, bias] = [b.state("w", float(3, 2)), b.state("b", float(2))];
  const attrs = { transposeA: false, transposeB: false, activation: "relu", leakyreluAlpha: 0 } as const;
  b.output("y", b.node("_FusedMatMul", [x, w, bias, null], attrs));
  b.update("b", b.node("Multiply", [bias, b.scalar(0.5)], {}));
  const { graph, state, updates } = lower(b.program());
  assert.equal(
    printGraph(graph),
    `graph dense
  input x: float32[4,3]
  input state/w: float32[3,2]
  input state/b: float32[2]
  constant c0: float32[]
  t1: float32[4,2] = Gemm(x, state/w, state/b) transA=0 transB=0
  y: float32[4,2] = Relu(t1)
  update/b: float32[2] = Mul(state/b, c0)
  output y: float32[4,2]
  output update/b: float32[2]
`,
  );
  assert.deepEqual(state, [{ name: "w", input: "state/w" }, { name: "b", input: "state/b" }]);
  assert.deepEqual(updates, [{ name: "b", output: "update/b" }]);
});

Deno.test("lower() copies outputs that are inputs or shared, and leaves out state that nothing reads", () => {
  const b = new ProgramBuilder("copies");
  const x = b.input("x", float(2));
  const [a, c] = [b.state("a", float(2)), b.state("c", float(2))];
  b.state("unused", float(5));
  const y = b.node("Exp", [x], {});
  b.output("x", x);
  b.output("y", y);
  b.output("again", y);
  b.update("a", c);
  b.update("c", c);
  assert.equal(b.shape(a).length, 1);
  const lowered = lower(b.program());
  assert.equal(
    printGraph(lowered.graph),
    `graph copies
  input x: float32[2]
  input state/c: float32[2]
  y: float32[2] = Exp(x)
  output/x: float32[2] = Identity(x)
  again: float32[2] = Identity(y)
  update/a: float32[2] = Identity(state/c)
  output output/x: float32[2]
  output y: float32[2]
  output again: float32[2]
  output update/a: float32[2]
`,
  );
  assert.deepEqual(lowered.outputs.map(({ output }) => output), ["output/x", "y", "again"]);
});

Deno.test("lower() names kernel, layer and types of a kernel without a rule", () => {
  const program: Program = {
    format: "beamline-program/1",
    name: "p",
    values: [float(32, 24), float(32)],
    inputs: [{ name: "x", role: "batch", value: 0 }],
    state: [],
    constants: [],
    nodes: [{ kernel: "FFT", inputs: [0], attrs: {}, outputs: [1], scope: "spectrum" }],
    outputs: [{ name: "y", value: 1 }],
    updates: [],
  };
  assert.throws(() => lower(program), (error: NoRuleError) => {
    assert.ok(error instanceof NoRuleError);
    assert.equal(
      error.message,
      'Cannot lower kernel "FFT" as it has no rule: reached from layer "spectrum" with float32[32,24]',
    );
    assert.deepEqual([error.kernel, error.layer], ["FFT", "spectrum"]);
    return true;
  });
});

Deno.test("Builder makes equal nodes and constants once and drops nodes that no output needs", () => {
  const graph = new Builder();
  const x = graph.input("x", float(2, 3));
  const [a, b] = [graph.node("Add", [x, graph.scalar(1)]), graph.node("Add", [x, graph.scalar(1)])];
  assert.equal(a, b);
  graph.node("Exp", [x]);
  const { nodes, initializers } = graph.finish("g", [{ name: "y", value: a }]);
  assert.deepEqual(nodes.map((node) => node.op), ["Add"]);
  assert.equal(initializers.length, 1);
});

Deno.test("Builder tells large constants of one length apart", () => {
  const graph = new Builder();
  const type = float(300);
  const first = graph.constant(numbers([300], 0, 1, 1).data as Float32Array, type);
  const second = graph.constant(numbers([300], 0, 1, 2).data as Float32Array, type);
  assert.notEqual(first.name, second.name);
  assert.equal(graph.constant(numbers([300], 0, 1, 1).data as Float32Array, type).name, first.name);
  assert.throws(() => graph.constant([1, 2], type), InternalError);
});

Deno.test("Builder joins reshapes and transposes", () => {
  const graph = new Builder();
  const x = graph.input("x", float(2, 3, 1));
  assert.equal(graph.reshape(graph.reshape(x, [6]), [2, 3, 1]), x);
  const y = graph.transpose(x, [1, 0, 2]);
  assert.equal(graph.transpose(y, [1, 0, 2]), x);
  // Only an axis of length 1 moves: the numbers stay where they are.
  const z = graph.transpose(x, [0, 2, 1]);
  assert.deepEqual([z.shape, graph.reshape(z, [2, 3, 1])], [[2, 1, 3], x]);
});

Deno.test("Builder reads the number of uniform constants", () => {
  const graph = new Builder();
  assert.equal(graph.numberOf(graph.constant([2, 2], float(2))), 2);
  assert.equal(graph.numberOf(graph.constant([2, 3], float(2))), undefined);
  assert.equal(graph.numberOf(graph.input("x", float())), undefined);
});

Deno.test("encodeOnnx() writes a protobuf model with the operator sets in use", () => {
  const graph = new Builder();
  const y = graph.node("com.microsoft.Gelu", [graph.input("x", float(2))]);
  const bytes = encodeOnnx(graph.finish("g", [{ name: "y", value: y }]));
  // ModelProto by hand: ir_version 9, producer_name, graph (its 47 bytes left to the reader), opset_import "" 18 and
  // "com.microsoft" 1.
  const sets = [66, 4, 10, 0, 16, 18, 66, 17, 10, 13, ...new TextEncoder().encode("com.microsoft"), 16, 1];
  assert.deepEqual([...bytes.subarray(0, 11)], [8, 9, 18, 8, ...new TextEncoder().encode("beamlin")]);
  assert.deepEqual([...bytes.subarray(-sets.length)], sets);
  assert.ok(new TextDecoder("latin1").decode(bytes).includes("Gelu"));
});
