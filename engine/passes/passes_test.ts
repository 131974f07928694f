import assert from "node:assert/strict";
import { assertClose, numbers, ProgramBuilder, runOnce, tensor } from "../../tests/conformance/harness.ts";
import { printProgram } from "../program/print.ts";
import type { Program } from "../program/types.ts";
import { verifyProgram } from "../program/verify.ts";
import { nativeEngine } from "../runtimes/native/native.ts";
import { referenceEngine } from "../runtimes/reference/reference.ts";
import type { Tensors } from "../runtimes/types.ts";
import { optimize } from "./passes.ts";
import { dropDead, mergeCommon } from "./common.ts";
import { contractRows } from "./contract.ts";
import { foldConstants } from "./fold.ts";
import { fuseBias } from "./fuse.ts";
import { flattenUpdates } from "./flat_update.ts";
import { simplify } from "./simplify.ts";

const NONE = {};
const matrix = { dtype: "float32", shape: [2, 3] } as const;

/** Applies a pass: the result must verify, and print as expected; the given program must not change. */
function assertPass(pass: (program: Program) => Program, given: Program, expected: string): Program {
  verifyProgram(given);
  const before = printProgram(given);
  const result = pass(given);
  verifyProgram(result);
  assert.equal(printProgram(result).trim(), expected.trim());
  assert.equal(printProgram(given), before);
  return result;
}

Deno.test("dropDead() drops nodes and constants that nothing uses", () => {
  const b = new ProgramBuilder("dead");
  const x = b.input("x", matrix);
  const kept = b.node("Relu", [x], NONE);
  b.node("Add", [b.node("Exp", [x], NONE), b.scalar(3)], NONE);
  b.output("y", kept);
  assertPass(
    dropDead,
    b.program(),
    `
program "dead"
inputs
  %0: float32[2,3] = batch "x"
nodes
  %1: float32[2,3] = Relu(%0)
outputs
  y = %1`,
  );
});

Deno.test("mergeCommon() computes equal nodes once, through chains", () => {
  const b = new ProgramBuilder("common");
  const x = b.input("x", matrix);
  const sums = [1, 2].map(() => b.node("Sum", [b.node("Exp", [x], NONE)], { axis: [1], keepDims: false }));
  const other = b.node("Sum", [b.node("Exp", [x], NONE)], { axis: [0], keepDims: false });
  b.output("y", b.node("Add", [sums[0]!, sums[1]!], NONE));
  b.output("z", other);
  assertPass(
    mergeCommon,
    b.program(),
    `
program "common"
inputs
  %0: float32[2,3] = batch "x"
nodes
  %1: float32[2,3] = Exp(%0)
  %2: float32[2] = Sum(%1) {axis: [1], keepDims: false}
  %3: float32[3] = Sum(%1) {axis: [0], keepDims: false}
  %4: float32[2] = Add(%2, %2)
outputs
  y = %4
  z = %3`,
  );
});

Deno.test("foldConstants() computes what depends on nothing and writes uniform operands as scalars", () => {
  const b = new ProgramBuilder("fold");
  const x = b.input("x", matrix);
  const ones = b.node("Fill", [], { shape: [2, 3], value: 1, dtype: "float32" });
  const count = b.node("Sum", [ones], { axis: [0, 1], keepDims: false });
  const share = b.node("RealDiv", [b.scalar(3), count], NONE);
  const mask = b.node("Cast", [b.node("NotEqual", [ones, b.scalar(0)], NONE)], { dtype: "float32" });
  b.output("y", b.node("Multiply", [b.node("Multiply", [x, mask], NONE), share], NONE));
  // A uniform operand that gives the result its shape stays.
  b.output("z", b.node("Add", [b.node("Sum", [x], { axis: [1], keepDims: true }), ones], NONE));
  assertPass(
    foldConstants,
    b.program(),
    `
program "fold"
inputs
  %0: float32[2,3] = batch "x"
nodes
  %1: float32[2,3] = Fill() {dtype: "float32", shape: [2,3], value: 1}
  %2: float32[2,3] = Multiply(%0, 1)
  %3: float32[2,3] = Multiply(%2, 0.5)
  %4: float32[2,1] = Sum(%0) {axis: [1], keepDims: true}
  %5: float32[2,3] = Add(%4, %1)
outputs
  y = %3
  z = %5`,
  );
});

Deno.test("foldConstants() rounds as float32 and int32 do", () => {
  const b = new ProgramBuilder("rounding");
  const third = b.node("RealDiv", [b.scalar(1), b.scalar(3)], NONE);
  b.output("third", third);
  b.output("cut", b.node("Cast", [b.scalar(-2.7)], { dtype: "int32" }));
  b.output("truth", b.node("Cast", [b.scalar(-2.7)], { dtype: "bool" }));
  const folded = foldConstants(b.program());
  assert.equal(folded.nodes.length, 0);
  const number = (i: number) =>
    folded.constants.find((constant) => constant.value === folded.outputs[i]!.value)!.data[0];
  assert.deepEqual([number(0), number(1), number(2)], [Math.fround(1 / 3), -2, 1]);
});

Deno.test("simplify() drops what changes nothing and joins chains", () => {
  const b = new ProgramBuilder("simplify");
  const x = b.input("x", matrix);
  const one = b.node("Multiply", [x, b.scalar(1)], NONE);
  const zero = b.node("Sub", [b.node("Add", [b.scalar(0), one], NONE), b.scalar(0)], NONE);
  const cast = b.node("Cast", [zero], { dtype: "float32" });
  const flat = b.node("Reshape", [b.node("Reshape", [cast], { shape: [6] })], { shape: [3, 2] });
  const there = b.node("Transpose", [flat], { perm: [1, 0] });
  b.output("y", b.node("Transpose", [there], { perm: [1, 0] }));
  const mask = b.node("Greater", [x, b.scalar(0)], NONE);
  const twice = b.node("Cast", [b.node("Cast", [mask], { dtype: "int32" })], { dtype: "float32" });
  b.output("mask", twice);
  b.output("scaled", b.node("RealDiv", [b.node("Multiply", [b.scalar(3), x], NONE), b.scalar(2)], NONE));
  const column = b.node("Sum", [x], { axis: [1], keepDims: true });
  b.output("sum", b.node("Sum", [column], { axis: [1], keepDims: false }));
  assertPass(
    (program) => dropDead(simplify(simplify(program))),
    b.program(),
    `
program "simplify"
inputs
  %0: float32[2,3] = batch "x"
nodes
  %1: float32[3,2] = Reshape(%0) {shape: [3,2]}
  %2: bool[2,3] = Greater(%0, 0)
  %3: float32[2,3] = Cast(%2) {dtype: "float32"}
  %4: float32[2,3] = Multiply(%0, 1.5)
  %5: float32[2,1] = Sum(%0) {axis: [1], keepDims: true}
  %6: float32[2] = Reshape(%5) {shape: [2]}
outputs
  y = %1
  mask = %3
  scaled = %4
  sum = %6`,
  );
});

Deno.test("simplify() lets operands broadcast themselves, and takes the step of relu's result", () => {
  const b = new ProgramBuilder("broadcast");
  const x = b.input("x", matrix);
  const row = b.input("row", { dtype: "float32", shape: [3] });
  const ones = b.node("Fill", [], { shape: [2, 3], value: 1, dtype: "float32" });
  const repeated = b.node("Multiply", [row, ones], NONE);
  const relu = b.node("Relu", [x], NONE);
  b.output(
    "y",
    b.node("Multiply", [b.node("Multiply", [relu, repeated], NONE), b.node("Step", [x], { alpha: 0 })], NONE),
  );
  assertPass(
    (program) => dropDead(simplify(program)),
    b.program(),
    `
program "broadcast"
inputs
  %0: float32[2,3] = batch "x"
  %1: float32[3] = batch "row"
nodes
  %2: float32[2,3] = Relu(%0)
  %3: float32[2,3] = Multiply(%2, %1)
  %4: float32[2,3] = Step(%2) {alpha: 0}
  %5: float32[2,3] = Multiply(%3, %4)
outputs
  y = %5`,
  );
});

Deno.test("contractRows() takes row sums of attention from its result", async () => {
  const b = new ProgramBuilder("attention");
  const wide = { dtype: "float32", shape: [2, 5, 3] } as const;
  const [g, v] = [b.input("g", wide), b.input("v", wide)];
  const p = b.node("Softmax", [b.input("s", { dtype: "float32", shape: [2, 5, 5] })], { dim: 2 });
  b.output("o", b.node("BatchMatMul", [p, v], { transposeA: false, transposeB: false }));
  const dp = b.node("BatchMatMul", [g, v], { transposeA: false, transposeB: true });
  const weighted = b.node("Multiply", [dp, p], NONE);
  const sum = b.node("Sum", [weighted], { axis: [2], keepDims: true });
  b.output("ds", b.node("Sub", [weighted, b.node("Multiply", [sum, p], NONE)], NONE));
  const result = assertPass(
    (program) => simplify(contractRows(program)),
    b.program(),
    `
program "attention"
inputs
  %0: float32[2,5,3] = batch "g"
  %1: float32[2,5,3] = batch "v"
  %2: float32[2,5,5] = batch "s"
nodes
  %3: float32[2,5,5] = Softmax(%2) {dim: 2}
  %4: float32[2,5,3] = BatchMatMul(%3, %1) {transposeA: false, transposeB: false}
  %5: float32[2,5,5] = BatchMatMul(%0, %1) {transposeA: false, transposeB: true}
  %6: float32[2,5,3] = Multiply(%0, %4)
  %7: float32[2,5,1] = Sum(%6) {axis: [2], keepDims: true}
  %8: float32[2,5,5] = Sub(%5, %7)
  %9: float32[2,5,5] = Multiply(%8, %3)
outputs
  o = %4
  ds = %9`,
  );
  const inputs = {
    g: numbers([2, 5, 3], -1, 1, 1),
    v: numbers([2, 5, 3], -1, 1, 2),
    s: numbers([2, 5, 5], -1, 1, 3),
  };
  const expected = await runOnce(referenceEngine, b.program(), inputs);
  const actual = await runOnce(referenceEngine, result, inputs);
  // Sums of 15 products in another order.
  assertClose(actual.outputs, expected.outputs, { rtol: 1e-5, atol: 1e-6 });
});

Deno.test("fuseBias() joins a convolution and its bias", () => {
  const b = new ProgramBuilder("fuse");
  const x = b.input("x", { dtype: "float32", shape: [2, 4, 4, 1] });
  const filter = b.state("filter", { dtype: "float32", shape: [3, 3, 1, 5] });
  const bias = b.state("bias", { dtype: "float32", shape: [5] });
  const none = [0, 0] as const;
  const y = b.node("Conv2D", [x, filter], {
    strides: [1, 1],
    pad: [none, none, none, none],
    dataFormat: "NHWC",
    dilations: [1, 1],
  });
  b.output("y", b.node("Add", [y, bias], NONE));
  const { nodes } = fuseBias(b.program());
  assert.deepEqual(nodes.map(({ kernel, inputs }) => [kernel, inputs]), [["FusedConv2D", [0, 1, 2, null]]]);
});

Deno.test("fuseBias() joins a product and its bias, but not one that is used twice", () => {
  const b = new ProgramBuilder("fuse");
  const [x, w] = [b.input("x", matrix), b.state("w", { dtype: "float32", shape: [3, 4] })];
  const row = b.state("b", { dtype: "float32", shape: [4] });
  const attrs = { transposeA: false, transposeB: false };
  b.output("y", b.node("Add", [b.node("BatchMatMul", [x, w], attrs), row], NONE));
  const shared = b.node("BatchMatMul", [b.node("Neg", [x], NONE), w], attrs);
  b.output("z", b.node("Add", [row, shared], NONE));
  b.output("shared", shared);
  assertPass(
    fuseBias,
    b.program(),
    `
program "fuse"
inputs
  %0: float32[2,3] = batch "x"
state
  $w: float32[3,4]
  $b: float32[4]
nodes
  %1: float32[2,4] = _FusedMatMul(%0, $w, $b, -) {activation: "linear", leakyreluAlpha: 0, transposeA: false, transposeB: false}
  %2: float32[2,3] = Neg(%0)
  %3: float32[2,4] = BatchMatMul(%2, $w) {transposeA: false, transposeB: false}
  %4: float32[2,4] = Add($b, %3)
outputs
  y = %1
  z = %4
  shared = %3`,
  );
});

/** p' = p - rate (0.9 m + g), m' = 0.9 m + g for two parameters, with the gradients from the input. */
function momentum(): Program {
  const b = new ProgramBuilder("momentum");
  const rate = b.input("rate", { dtype: "float32", shape: [] });
  const shapes = { a: [2, 3], b: [4] };
  for (const [name, shape] of Object.entries(shapes)) {
    const type = { dtype: "float32", shape } as const;
    const gradient = b.input(`g${name}`, type);
    const [p, m] = [b.state(name, type), b.state(`m/${name}`, type, false)];
    const next = b.node("Add", [b.node("Multiply", [m, b.scalar(0.9)], NONE), gradient], NONE);
    b.update(`m/${name}`, next);
    b.update(name, b.node("Sub", [p, b.node("Multiply", [next, rate], NONE)], NONE));
    b.output(
      `norm${name}`,
      b.node("Sum", [b.node("Square", [p], NONE)], { axis: shape.map((_, i) => i), keepDims: false }),
    );
  }
  return b.program();
}

Deno.test("flattenUpdates() writes equal updates of several tensors as one", () => {
  const flatStates: unknown[] = [];
  const accept = (flat: unknown) => flatStates.push(flat) > 0;
  assertPass(
    (program) => flattenUpdates(mergeCommon(foldConstants(program)), accept).program,
    momentum(),
    `
program "momentum"
inputs
  %0: float32[] = scalar "rate"
  %1: float32[2,3] = batch "ga"
  %2: float32[4] = batch "gb"
state
  $a: float32[2,3]
  $m/a: float32[2,3] fixed
  $b: float32[4]
  $m/b: float32[4] fixed
  $flat(m/a and 1 more): float32[10] fixed
  $flat(a and 1 more): float32[10]
nodes
  %3: float32[2,3] = Square($a)
  %4: float32[] = Sum(%3) {axis: [0,1], keepDims: false}
  %5: float32[4] = Square($b)
  %6: float32[] = Sum(%5) {axis: [0], keepDims: false}
  %7: float32[10] = Multiply($flat(m/a and 1 more), 0.9)
  %8: float32[6] = Reshape(%1) {shape: [6]}
  %9: float32[10] = Concat(%8, %2) {axis: 0}
  %10: float32[10] = Add(%7, %9)
  %11: float32[10] = Multiply(%10, %0)
  %12: float32[10] = Sub($flat(a and 1 more), %11)
outputs
  norma = %4
  normb = %6
updates
  $flat(m/a and 1 more) = %10
  $flat(a and 1 more) = %12`,
  );
  assert.deepEqual(flatStates, [
    { name: "flat(m/a and 1 more)", members: ["m/a", "m/b"] },
    { name: "flat(a and 1 more)", members: ["a", "b"] },
  ]);
});

/** p' = where p > 0 choose p - exp(-p) σ(g)², else a number that all lanes share: kernels of every kind of elements. */
function selective(shapes: { readonly [name: string]: readonly number[] }): Program {
  const b = new ProgramBuilder("selective");
  const rest = b.input("rest", { dtype: "float32", shape: [] });
  for (const [name, shape] of Object.entries(shapes)) {
    const type = { dtype: "float32", shape } as const;
    const [g, p] = [b.input(`g${name}`, type), b.state(name, type)];
    const change = b.node("Pow", [b.node("Sigmoid", [g], NONE), b.scalar(2)], NONE);
    const scaled = b.node("Multiply", [b.node("Exp", [b.node("Neg", [p], NONE)], NONE), change], NONE);
    const spread = shape.length === 0 ? rest : b.node("BroadcastTo", [rest], { shape });
    const isPositive = b.node("Greater", [p, b.scalar(0)], NONE);
    b.update(name, b.node("Select", [isPositive, b.node("Sub", [p, scaled], NONE), spread], NONE));
  }
  return b.program();
}

for (
  const [what, shapes] of [["tensors", { a: [2, 3], b: [4] }], ["scalars", { a: [], b: [], c: [] }]] as const
) {
  Deno.test(`flattenUpdates() takes every element-by-element kernel, of ${what}`, async () => {
    const given = mergeCommon(selective(shapes));
    const { program, flatStates } = flattenUpdates(given, () => true);
    verifyProgram(program);
    assert.deepEqual(flatStates.map(({ members }) => members), [Object.keys(shapes)]);
    assert.equal(program.nodes.filter(({ kernel }) => kernel === "Exp").length, 1);
    assert.equal(program.nodes.filter(({ kernel }) => kernel === "Select").length, 1);
    const inputs: Tensors = Object.fromEntries(
      Object.entries(shapes).map(([name, shape], i) => [`g${name}`, numbers(shape, -1, 1, i)]),
    );
    const state = Object.fromEntries(
      Object.entries(shapes).map(([name, shape], i) => [name, numbers(shape, -1, 1, 5 + i)]),
    );
    const all = { ...inputs, rest: numbers([]) };
    const expected = await runOnce(referenceEngine, given, all, state);
    const whole = Object.values(state).flatMap(({ data }) => [...data]);
    const flat = tensor("float32", [whole.length], whole);
    const actual = await runOnce(referenceEngine, program, all, { ...state, [flatStates[0]!.name]: flat });
    assert.deepEqual(
      [...actual.state[flatStates[0]!.name]!.data],
      Object.keys(shapes).flatMap((name) => [...expected.state[name]!.data]),
    );
    // And where the state lies flat, the members are what they were.
    const native = await runOnce(nativeEngine, given, all, state, { threads: 1 });
    assertClose(native.state, expected.state, { rtol: 1e-6, atol: 1e-6 }); // Exp and Sigmoid of another library
  });
}

Deno.test("flattenUpdates() gives scalars that become one and the same number a place each", () => {
  const b = new ProgramBuilder("same");
  const x = b.input("x", { dtype: "float32", shape: [] });
  const next = b.node("Add", [x, b.scalar(1)], NONE);
  for (const name of ["a", "b"]) {
    b.state(name, { dtype: "float32", shape: [] });
    b.update(name, next);
  }
  const { program, flatStates } = flattenUpdates(b.program(), () => true);
  verifyProgram(program);
  assert.deepEqual(flatStates.map(({ members }) => members), [["a", "b"]]);
});

Deno.test("flattenUpdates() joins integer state instead of laying it flat", () => {
  const b = new ProgramBuilder("counted");
  for (const name of ["a", "b"]) {
    const [p, count] = [
      b.state(name, matrix),
      b.state(`${name}/count`, { dtype: "int32", shape: [2, 3] }, false),
    ];
    b.update(name, b.node("Add", [p, b.node("Cast", [count], { dtype: "float32" })], NONE));
  }
  const { program, flatStates } = flattenUpdates(b.program(), () => true);
  verifyProgram(program);
  assert.deepEqual(flatStates, [{ name: "flat(a and 1 more)", members: ["a", "b"] }]);
  assert.deepEqual(program.nodes.map(({ kernel }) => kernel), [
    "Reshape",
    "Reshape",
    "Concat",
    "Cast",
    "Add",
  ]);
});

Deno.test("flattenUpdates() leaves updates apart when the flat state is not accepted", () => {
  const { program, flatStates } = flattenUpdates(momentum(), () => false);
  verifyProgram(program);
  assert.deepEqual(flatStates, []);
  assert.deepEqual(program.updates.map((update) => update.state).sort(), ["a", "b", "m/a", "m/b"]);
});

Deno.test("optimize() keeps what a program computes", async () => {
  const b = new ProgramBuilder("whole");
  const x = b.input("x", { dtype: "float32", shape: [4, 3] });
  const ones = b.node("Fill", [], { shape: [4, 3], value: 1, dtype: "float32" });
  const w = b.state("w", { dtype: "float32", shape: [3, 3] });
  const product = b.node("BatchMatMul", [b.node("Multiply", [x, ones], NONE), w], {
    transposeA: false,
    transposeB: true,
  });
  const mean = b.node(
    "RealDiv",
    [b.node("Sum", [product], { axis: [1], keepDims: true }), b.scalar(3)],
    NONE,
  );
  const centered = b.node("Sub", [product, b.node("Tile", [mean], { reps: [1, 3] })], NONE);
  b.output("y", b.node("Relu", [centered], NONE));
  b.output("slope", b.node("Multiply", [b.node("Step", [centered], { alpha: 0 }), product], NONE));
  b.update("w", b.node("Multiply", [w, b.scalar(0.5)], NONE));
  const inputs: Tensors = { x: numbers([4, 3]) };
  const state: Tensors = { w: numbers([3, 3], -1, 1, 2) };
  const { program } = optimize(b.program(), () => false);
  const expected = await runOnce(referenceEngine, b.program(), inputs, state);
  assert.deepEqual(await runOnce(referenceEngine, program, inputs, state), expected);
  assert.ok(program.nodes.length < b.program().nodes.length);
});
