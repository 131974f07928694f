import assert from "node:assert/strict";
import { canonicalJson, safeParseJson } from "./json.ts";
import { sha256Hex } from "./hash.ts";
import type { Json } from "./types.ts";

Deno.test("canonicalJson() gives one text for equal values", () => {
  const a = { b: [1, 2.5, { d: null, c: "x" }], a: true };
  const b = { a: true, b: [1.0, 2.50, { c: "x", d: null }] };
  assert.equal(canonicalJson(a), '{"a":true,"b":[1,2.5,{"c":"x","d":null}]}');
  assert.equal(canonicalJson(a), canonicalJson(b));
  assert.equal(canonicalJson(Object.assign(Object.create(null), { b: a.b, a: true })), canonicalJson(a));
});

Deno.test("canonicalJson() writes numbers in the shortest exact form, and -0 as 0", () => {
  assert.equal(
    canonicalJson([0.1, 1e21, 1e-7, -0, 5e-324, 9007199254740991]),
    "[0.1,1e+21,1e-7,0,5e-324,9007199254740991]",
  );
});

Deno.test("canonicalJson() sorts keys by code unit and escapes texts", () => {
  assert.equal(
    canonicalJson({ "é": 1, b: 2, B: 3, "10": 4, "9": 5, 'q"': "\n" }),
    '{"10":4,"9":5,"B":3,"b":2,"q\\"":"\\n","é":1}',
  );
});

Deno.test("canonicalJson() rejects what is not JSON and names the path", () => {
  const cases: [unknown, string][] = [
    [{ a: [1, NaN] }, 'found NaN at "$.a[1]"'],
    [-Infinity, 'found -Infinity at "$"'],
    [{ a: undefined }, 'found undefined at "$.a"'],
    [new Array(2), 'found undefined at "$[0]"'],
    [{ a: () => 1 }, 'found function at "$.a"'],
    [{ a: 1n }, 'found bigint at "$.a"'],
    [{ a: new Date(0) }, 'found an instance of Date at "$.a"'],
    [{ a: new Float64Array(2) }, 'found an instance of Float64Array at "$.a"'],
  ];
  for (const [value, found] of cases) {
    assert.throws(() => canonicalJson(value as Json), {
      name: "TypeError",
      message: `Cannot write JSON as every value must be a JSON value: ${found}`,
    });
  }
  const loop: unknown[] = [];
  loop.push(loop);
  assert.throws(() => canonicalJson(loop as unknown as Json), /more than 200 levels/);
});

Deno.test("safeParseJson() reads what canonicalJson() writes", () => {
  const value = { a: [1, -2.5e-8, "é", null, false, {}], b: { c: [] } };
  assert.deepEqual(safeParseJson(canonicalJson(value), "x"), value);
});

Deno.test("safeParseJson() rejects damaged text with line and column", () => {
  const cases = [
    ["", "Unexpected end of JSON input at line 1, column 1"],
    ["[1,2", "Expected ',' or ']' after array element at line 1, column 5"],
    ["[1,]", "Unexpected token ']' at line 1, column 4"],
    ['{"a":1,\n "b" 2}', "Expected ':' after property name at line 2, column 6"],
    ['{"a":\n  nan}', "Unexpected token 'a' at line 2, column 4"],
    ["NaN", '"NaN" is not valid JSON at line 1, column 1'],
    ["\uFEFF{}", "found a byte-order mark at line 1, column 1"],
  ] as const;
  for (const [text, reason] of cases) {
    assert.throws(() => safeParseJson(text, "config.json"), {
      name: "SyntaxError",
      message: `Cannot read "config.json" as it must be JSON: ${reason}`,
    });
  }
});

Deno.test("safeParseJson() rejects keys that name a prototype", () => {
  for (const key of ["__proto__", "constructor", "prototype"]) {
    assert.throws(() => safeParseJson(`{"a": [{"${key}": 1}]}`, "config.json"), {
      name: "SyntaxError",
      message: `Cannot read "config.json" as a key must not name a prototype: found "$.a[0].${key}"`,
    });
  }
});

Deno.test("safeParseJson() rejects nesting deeper than 200 levels", () => {
  const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
  safeParseJson(nested(200), "x");
  for (const depth of [201, 100_000]) {
    assert.throws(() => safeParseJson(nested(depth), "x"), {
      name: "SyntaxError",
      message: /^Cannot read "x" as JSON must not nest deeper than 200 levels: found more at /,
    });
  }
});

Deno.test("sha256Hex() agrees with the examples of FIPS 180", () => {
  // NIST example values for SHA-256: "abc" and the empty message.
  assert.equal(sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  assert.equal(sha256Hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  assert.equal(sha256Hex("é"), sha256Hex(Uint8Array.of(0xc3, 0xa9)));
  assert.equal(sha256Hex(Uint8Array.of(1, 2, 3, 4).subarray(1, 3)), sha256Hex(Uint8Array.of(2, 3)));
});
