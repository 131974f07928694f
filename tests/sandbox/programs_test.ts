/** Programs from a sandbox as hostile input; `tests/validation/fuzz_test.ts` does the same for longer. */
import assert from "node:assert/strict";
import { example } from "../../engine/program/_example.ts";
import { encodeProgram, parseProgram } from "../../engine/program/encode.ts";
import { kernelProgram } from "../conformance/harness.ts";
import { fuzzPrograms, programTexts } from "../validation/fuzz_programs.ts";

Deno.test("parseProgram() survives mutations", () => {
  const { parsed, refused } = fuzzPrograms(programTexts(), 1500, 3);
  assert.ok(parsed > 50 && refused > 500, `${parsed} parsed, ${refused} refused`);
});

type Tree = ReturnType<typeof JSON.parse>;

/** Changes of the example program, and what the error says. */
const HOSTILE: { readonly [name: string]: readonly [(program: Tree) => void, RegExp] } = {
  "a cycle": [(p) => p.nodes[0].inputs[0] = 7, /defined before its use/],
  "a node that uses its own output": [(p) => p.nodes[1].inputs[0] = 6, /defined before its use/],
  "a value defined twice": [(p) => p.nodes[1].outputs[0] = 5, /defined once/],
  "an unknown kernel": [(p) => p.nodes[0].kernel = "Exec", /the kernel must be known/],
  "a kernel that is a member of every object": [
    (p) => p.nodes[0].kernel = "toString",
    /the kernel must be known/,
  ],
  "a huge shape": [(p) => p.values[0].shape = [2 ** 40, 3], /at most \d+ elements/],
  "a shape beyond exact numbers": [(p) => p.values[0].shape = [2 ** 60, 2 ** 60], /non-negative integer/],
  "a negative size": [(p) => p.values[0].shape = [-4, 3], /non-negative integer/],
  "a broken size": [(p) => p.values[0].shape = [4.5, 3], /non-negative integer/],
  "a rank of a thousand": [(p) => p.values[0].shape = Array(1000).fill(1), /rank must be at most/],
  "a dtype that does not exist": [(p) => p.values[0].dtype = "float64", /dtype must be/],
  "a dtype that does not fit": [(p) => p.values[0].dtype = "bool", /./],
  "a constant that is too short": [
    (p) => p.constants[0].data = "AAAA",
    /whole elements|must have 2 elements/,
  ],
  "a constant for a value that is not there": [(p) => p.constants[0].value = 99, /ids must be below/],
  "an id that is no number": [(p) => p.nodes[0].inputs[0] = "__proto__", /must be a number/],
  "a name that is a member of every object": [(p) => p.outputs[0].name = "__proto__", /short printable/],
  "a name of control characters": [(p) => p.outputs[0].name = "\u001b[2J", /short printable/],
  "an attribute that is not known": [(p) => p.nodes[0].attrs.extra = 1, /no such attribute/],
  "another format": [(p) => p.format = "beamline-program/2", /format must be/],
};

for (const [name, [change, message]] of Object.entries(HOSTILE)) {
  Deno.test(`parseProgram() refuses ${name}`, () => {
    const tree = JSON.parse(encodeProgram(example()));
    change(tree);
    assert.throws(() => parseProgram(JSON.stringify(tree)), (error: Error) => {
      assert.match(error.name, /^(TypeError|SyntaxError)$/);
      assert.match(error.message, message);
      return error.message.startsWith("Cannot ");
    });
  });
}

Deno.test("parseProgram() refuses JSON of a million levels", () => {
  assert.throws(() => parseProgram("[".repeat(1e6) + "]".repeat(1e6)), { name: "SyntaxError" });
});

Deno.test("parseProgram() refuses nodes that make gigabytes from nothing", () => {
  const made = [
    kernelProgram("Range", [], { start: 0, stop: 2 ** 30, step: 1, dtype: "float32" }),
    kernelProgram("LinSpace", [], { start: 0, stop: 1, num: 2 ** 30 }),
    kernelProgram("OneHot", [{ dtype: "int32", shape: [2] }], {
      depth: 2 ** 29,
      onValue: 1,
      offValue: 0,
      dtype: "float32",
    }),
  ];
  for (const program of made) {
    assert.throws(() => parseProgram(encodeProgram(program)), /at most 16777216 numbers of its own/);
  }
});
