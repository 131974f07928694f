import assert from "node:assert/strict";
import { canonicalJson, safeParseJson } from "./json.ts";
import { sha256Hex } from "./hash.ts";
import { randomFor } from "./random.ts";
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

/** The rules in four lines: keys by code unit, no white space, all else as `JSON.stringify` has it. */
function byTheRules(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(byTheRules).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const members = Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1);
  return `{${members.map(([key, inner]) => `${JSON.stringify(key)}:${byTheRules(inner)}`).join(",")}}`;
}

/** Values of every kind: numbers of any bits, texts from every plane, keys that look like indices or members. */
function* randomValues(count: number): Generator<Json> {
  const random = randomFor({ seed: 1, purpose: "canonical JSON" });
  const below = (n: number) => Math.floor(random.uniform() * n);
  const oneOf = <T>(values: readonly T[]): T => values[below(values.length)]!;
  const bits = new DataView(new ArrayBuffer(8));
  const number = (): number => {
    bits.setUint32(0, random.word());
    bits.setUint32(4, random.word());
    const any = bits.getFloat64(0);
    return oneOf([below(1000) - 500, oneOf(NUMBERS), Number.isFinite(any) ? any : 0]);
  };
  const character = (): string =>
    String.fromCodePoint(
      oneOf([below(0x80), below(0xd800), 0xe000 + below(0x2000), 0x10000 + below(0x100000)]),
    );
  const text = (): string => oneOf([oneOf(KEYS), Array.from({ length: below(6) }, character).join("")]);
  const value = (depth: number): Json => {
    const leaf = () => oneOf([number(), text(), oneOf([null, true, false])]);
    if (depth === 5) return leaf();
    return oneOf([
      leaf,
      () => Array.from({ length: below(4) }, () => value(depth + 1)),
      () => Object.fromEntries(Array.from({ length: below(5) }, () => [text(), value(depth + 1)])),
    ])();
  };
  for (let i = 0; i < count; i++) yield value(0);
}

const NUMBERS = [
  -0,
  1e20,
  1e21,
  123456789012345680000,
  1e-6,
  1e-7,
  5e-324,
  1.7976931348623157e308,
  2 ** 53,
  1 / 3,
];
const KEYS = ["", "10", "9", "a", "A", "length", "toJSON", "__proto__", "constructor"];

Deno.test("canonicalJson() follows its rules for any value, and writes what earlier versions wrote", () => {
  const texts: string[] = [];
  for (const value of randomValues(3000)) {
    const text = canonicalJson(value);
    assert.equal(text, byTheRules(value));
    assert.deepEqual(JSON.parse(text), withoutMinusZero(value));
    texts.push(text);
  }
  // Printed by the function as it was before it used a package: hashes in older runs and caches stay true.
  assert.equal(
    sha256Hex(texts.join("\n")),
    "cd7345919bc3534621599ef1c038500f741f1ca0942209de2c6eccccd5b892ce",
  );
});

/** The value that the text of a value reads back as. */
function withoutMinusZero(value: Json): Json {
  if (typeof value === "number") return value + 0;
  if (Array.isArray(value)) return value.map(withoutMinusZero);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withoutMinusZero(inner)]));
}

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
    [{ a: { toJSON: () => 1 } }, 'found function at "$.a.toJSON"'],
    [{ a: "x\ud800" }, 'found half of a surrogate pair in "x\\ud800" at "$.a"'],
    [{ "\udc00": 1 }, 'found half of a surrogate pair in "\\udc00" at "$"'],
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
