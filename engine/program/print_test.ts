import assert from "node:assert/strict";
import { example } from "./_example.ts";
import { formatFloat32, printProgram } from "./print.ts";

Deno.test("printProgram() gives a text that shows everything but ids", () => {
  assert.equal(
    printProgram(example()),
    `program "example"
inputs
  %0: float32[4,3] = batch "x"
state
  $w: float32[3,2]
  $calls: float32[] fixed
constants
  #0: float32[2] = [0.5, -0.1]
nodes
  %1: float32[4,2] = BatchMatMul(%0, $w) {transposeA: false, transposeB: false}
  %2: float32[4,2] = Add(%1, #0)
  %3: float32[4,2] = Relu(%2)
  %4: float32[] = Add($calls, 1)
outputs
  y = %3
updates
  $calls = %4
`,
  );
});

Deno.test("printProgram() shows scopes when asked", () => {
  assert.match(printProgram(example(), { scopes: true }), /Relu\(%2\) {2}\/\/ layer\/relu\n/);
});

Deno.test("printProgram() shortens long constants", () => {
  const program = example();
  const long = {
    ...program,
    values: [{ dtype: "float32" as const, shape: [100] }],
    inputs: [],
    state: [],
    constants: [{ value: 0, data: Float32Array.from({ length: 100 }, (_, i) => i / 2) }],
    nodes: [],
    outputs: [{ name: "y", value: 0 }],
    updates: [],
  };
  assert.match(
    printProgram(long),
    /#0: float32\[100\] = \[0, 0\.5, 1, \.\.\., 49\.5\] \(sha256 [0-9a-f]{8}\)/,
  );
});

Deno.test("formatFloat32() gives the shortest decimal of the same float32", () => {
  const cases: [number, string][] = [
    [0.1, "0.1"],
    [Math.fround(0.1), "0.1"],
    [Math.fround(Math.SQRT1_2), "0.70710677"],
    [1e-7, "1e-7"],
    [3.4028234663852886e38, "3.4028234663852886e+38"],
    [-0, "-0"],
    [-Infinity, "-Infinity"],
    [NaN, "NaN"],
  ];
  for (const [value, text] of cases) assert.equal(formatFloat32(value), text);
});
