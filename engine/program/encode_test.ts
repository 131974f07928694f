import assert from "node:assert/strict";
import { changed, example } from "./_example.ts";
import { encodeProgram, parseProgram } from "./encode.ts";
import { hashProgram } from "./hash.ts";

Deno.test("parseProgram() reads what encodeProgram() writes", () => {
  assert.deepEqual(parseProgram(encodeProgram(example())), example());
});

Deno.test("parseProgram() keeps non-finite numbers, negative zero, and every dtype", () => {
  const program = changed((p) => {
    p.constants[0] = { value: 3, data: new Float32Array([-0, NaN]) };
    p.nodes[2] = {
      ...p.nodes[2]!,
      kernel: "ClipByValue",
      attrs: { clipValueMin: -1.5, clipValueMax: Infinity },
    };
    p.values.push({ dtype: "int32", shape: [2] }, { dtype: "bool", shape: [3] });
    p.constants.push({ value: 9, data: new Int32Array([-5, 2 ** 31 - 1]) });
    p.constants.push({ value: 10, data: new Uint8Array([1, 0, 1]) });
  });
  const again = parseProgram(encodeProgram(program));
  assert.deepEqual(again, program);
  assert.equal(hashProgram(again), hashProgram(program));
});

const text = encodeProgram(example());

const HOSTILE: { readonly [what: string]: [string, RegExp] } = {
  "text that is not JSON": ["{", /^Cannot read a program as the text must be JSON/],
  "a list": ["[]", /program must be an object: found \[\]/],
  "nothing": ["null", /program must be an object: found null/],
  "another format": [text.replace("program/1", "program/9"), /the format must be beamline-program\/1/],
  "a missing part": [text.replace('"nodes"', '"knots"'), /program\.nodes must be a list: found nothing/],
  "a part of the wrong type": [
    text.replace('"trainable":true', '"trainable":1'),
    /state\[0\]\.trainable must be true or false/,
  ],
  "a prototype key": [text.replace('"attrs":{}', '"attrs":{"__proto__":{"x":1}}'), /found "__proto__"/],
  "a constructor key": [text.replace('"attrs":{}', '"attrs":{"constructor":1}'), /found "constructor"/],
  "a special number that is none": [
    text.replace('"attrs":{}', '"attrs":{"a":{"number":"1e9"}}'),
    /a special number must be known: found 1e9/,
  ],
  "half an element": [
    text.replace(/"data":"[^"]*"/, '"data":"AAA="'),
    /constants must have whole elements: found 2 bytes/,
  ],
};

for (const [what, [hostile, message]] of Object.entries(HOSTILE)) {
  Deno.test(`parseProgram() rejects ${what}`, () => {
    assert.throws(() => parseProgram(hostile), { name: "SyntaxError", message });
  });
}

Deno.test("parseProgram() rejects an extra attribute, a nested attribute, and a wrong shape", () => {
  assert.throws(
    () => parseProgram(text.replace('"attrs":{}', '"attrs":{"deep":[[[1]]]}')),
    /no such attribute/,
  );
  assert.throws(
    () => parseProgram(text.replace('"shape":[3,2]', '"shape":[3,5]')),
    /output 0 must be float32\[4,5\]/,
  );
  assert.throws(
    () => parseProgram(text.replace('"value":7', '"value":"7"')),
    /outputs\[0\]\.value must be a number/,
  );
});
