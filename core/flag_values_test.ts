import assert from "node:assert/strict";
import { z } from "zod";
import { describeKind, kindOfPart, parseFlagTexts, placeholderOf, textChoices } from "./flag_values.ts";
import { flagsOf } from "./flags.ts";
import type { Json, JsonObject } from "./types.ts";

const number = z.number();
const SCHEMAS = {
  number,
  integer: z.int(),
  text: z.string(),
  on: z.boolean(),
  maybe: number.nullable(),
  label: z.string().nullable(),
  year: z.literal([2023, 2024]),
  order: z.union([z.literal(1), z.literal(2), z.literal("best")]),
  digits: z.enum(["1", "2"]),
  numbered: z.enum({ one: 1, two: 2 }),
  mode: z.union([z.literal("auto"), number]),
  either: z.union([z.string(), number]),
  layers: z.array(z.int()),
  flags: z.array(z.boolean()),
  names: z.array(z.string()),
  pair: z.tuple([number, z.string()]),
  range: z.tuple([number, number]),
  ranges: z.array(z.tuple([number, number])),
  gaps: z.array(number.nullable()),
  many: z.union([z.literal("all"), z.array(number)]),
  weights: z.record(z.string(), number),
  titles: z.record(z.string(), z.string()),
  only: z.partialRecord(z.enum(["a", "b"]), number),
  cuts: z.array(z.object({ low: number })),
  box: z.object({ low: number }).nullable(),
  any: z.any(),
};
const flags = flagsOf(z.toJSONSchema(z.object(SCHEMAS), { io: "input" }) as JsonObject);
const kind = (path: keyof typeof SCHEMAS) => flags.find((flag) => flag.path === path)!.value;

/** Texts of a flag and the value that they mean. */
const MEANT: readonly (readonly [field: keyof typeof SCHEMAS, texts: readonly string[], value: Json])[] = [
  ["number", ["-5"], -5],
  ["number", ["+.5e-3"], 5e-4],
  ["number", ["1e20"], 1e20],
  ["number", ["1", "2"], 2],
  ["integer", ["9007199254740991"], Number.MAX_SAFE_INTEGER],
  ["integer", ["1e3"], 1000],
  ["text", [""], ""],
  ["text", ["null"], "null"],
  ["text", ["1"], "1"],
  ["on", ["true"], true],
  ["maybe", ["null"], null],
  ["maybe", ["-1.5"], -1.5],
  ["label", ["null"], null],
  ["label", ["5"], "5"],
  ["label", [""], ""],
  ["year", ["2024"], 2024],
  ["year", ["2.024e3"], 2024],
  ["order", ["2"], 2],
  ["order", ["best"], "best"],
  ["digits", ["1"], "1"],
  ["numbered", ["2"], 2],
  ["mode", ["auto"], "auto"],
  ["mode", ["3"], 3],
  ["either", ["3"], 3],
  ["either", ["three"], "three"],
  ["layers", ["64", "32"], [64, 32]],
  ["layers", ["64,32"], [64, 32]],
  ["layers", ["64,32", "16"], [64, 32, 16]],
  ["layers", ["[64, 32]"], [64, 32]],
  ["layers", ["[]"], []],
  ["layers", ["-1"], [-1]],
  ["flags", ["true", "0"], [true, false]],
  ["names", ["a,b", "[c]", ""], ["a,b", "[c]", ""]],
  ["names", ["[]"], []],
  ["pair", ["1", "a,b"], [1, "a,b"]],
  ["range", ["-1,1e3"], [-1, 1000]],
  ["range", ["0", "1"], [0, 1]],
  ["ranges", ["0,1", "2,3"], [[0, 1], [2, 3]]],
  ["ranges", ["[0,1]", "[2,3]"], [[0, 1], [2, 3]]],
  ["ranges", ["[[0,1],[2,3]]"], [[0, 1], [2, 3]]],
  ["gaps", ["1,null"], [1, null]],
  ["many", ["all"], "all"],
  ["many", ["1,2"], [1, 2]],
  ["many", ["1", "2"], [1, 2]],
  ["many", ["1"], [1]],
  ["weights", ["a=1", "b=-2e-1"], { a: 1, b: -0.2 }],
  ["weights", ["a=1", "a=2"], { a: 2 }],
  ["weights", ['{"a": 1}'], { a: 1 }],
  ["weights", ["{}"], {}],
  ["titles", ["a=b=c", "d="], { a: "b=c", d: "" }],
  ["only", ["a=1"], { a: 1 }],
  ["cuts", ['{"low": 1}', '{"low": 2}'], [{ low: 1 }, { low: 2 }]],
  ["cuts", ['[{"low": 1}]'], [{ low: 1 }]],
  ["box", ['{"low": 1}'], { low: 1 }],
  ["box", ["null"], null],
  ["any", ["[1]"], [1]],
  ["any", ["x"], "x"],
];

for (const [field, texts, value] of MEANT) {
  Deno.test(`parseFlagTexts() reads ${JSON.stringify(texts)} for "${field}"`, () => {
    assert.deepEqual(parseFlagTexts(kind(field), texts), value);
  });
}

const NO_NUMBERS = [
  "",
  " ",
  " 1",
  "1 ",
  "0x10",
  "0b1",
  "NaN",
  "Infinity",
  "-Infinity",
  "1e999",
  "1_000",
  "1,5",
  "-",
];

Deno.test("parseFlagTexts() leaves texts as they are that are no decimal numbers, or would be rounded", () => {
  for (const text of [...NO_NUMBERS, "9007199254740993", "-9007199254740992", "null"]) {
    assert.equal(parseFlagTexts(kind("number"), [text]), text);
    assert.equal(parseFlagTexts(kind("integer"), [text]), text);
  }
});

Deno.test("parseFlagTexts() leaves items and entries as they are that do not fit", () => {
  assert.deepEqual(parseFlagTexts(kind("layers"), ["1,x", "0x2"]), [1, "x", "0x2"]);
  assert.deepEqual(parseFlagTexts(kind("layers"), [""]), [""]);
  assert.deepEqual(parseFlagTexts(kind("weights"), ["a=x", "b="]), { a: "x", b: "" });
  for (const text of ["a", "=1", "", "__proto__=1", "constructor=1", '{"__proto__": 1}']) {
    assert.equal(parseFlagTexts(kind("weights"), ["a=1", text]), text);
  }
});

Deno.test("describeKind(), placeholderOf() and textChoices() name what a flag takes", () => {
  const said = (field: keyof typeof SCHEMAS) => [describeKind(kind(field)), placeholderOf(kind(field))];
  assert.deepEqual(said("integer"), ["a whole number", "integer"]);
  assert.deepEqual(said("maybe"), ["a number or null", "number|null"]);
  assert.deepEqual(said("year"), ["one of 2023, 2024", "2023|2024"]);
  assert.deepEqual(said("mode"), ["auto or a number", "auto|number"]);
  assert.deepEqual(said("layers"), ["a list, each a whole number", "integer,..."]);
  assert.deepEqual(said("range"), ["a list of a number, a number", "number,number"]);
  assert.deepEqual(said("weights"), ["name=value, each value a number", "name=number"]);
  assert.deepEqual(textChoices(kind("mode")), ["auto"]);
  assert.deepEqual(textChoices(kind("year")), []);
  assert.deepEqual(textChoices(kind("order")), ["best"]);
});

Deno.test("kindOfPart() follows lists and maps", () => {
  assert.deepEqual(kindOfPart(kind("pair"), "1"), { kind: "string" });
  assert.deepEqual(kindOfPart(kind("ranges"), "3.0"), { kind: "number" });
  assert.deepEqual(kindOfPart(kind("weights"), "a.b"), { kind: "number" });
  assert.equal(kindOfPart(kind("number"), "0"), undefined);
});
