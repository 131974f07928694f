/**
 * Programs as hostile input: seeded changes of their JSON, and of its bytes.
 *
 * @module
 */
import assert from "node:assert/strict";
import { encodeProgram, parseProgram } from "../../engine/program/encode.ts";
import { isKernel, type Kernel, KERNELS } from "../../engine/program/kernels.ts";
import { example } from "../../engine/program/_example.ts";
import { mutations, seededIntegers } from "../../formats/fuzz_test_helpers.ts";
import { CASES } from "../conformance/cases.ts";
import { kernelProgram } from "../conformance/harness.ts";

type Tree = { [key: string]: unknown } | unknown[];
type Integers = (bound: number) => number;

/** Values at which readers trip. */
const NASTY: readonly unknown[] = [
  -1,
  0,
  1,
  0.5,
  2 ** 31,
  2 ** 32,
  2 ** 53,
  1e300,
  -1e300,
  "",
  "x",
  "NaN",
  null,
  true,
  [],
  {},
  [[]],
  { number: "NaN" },
  "a".repeat(10_000),
  Array(1000).fill(1),
  [2 ** 20, 2 ** 20],
  [65536, 65536],
];

/** Every place of a tree: the object or list that holds it, and the key. */
function places(tree: unknown): [Tree, string][] {
  const found: [Tree, string][] = [];
  const walk = (node: unknown): void => {
    if (typeof node !== "object" || node === null) return;
    for (const key of Object.keys(node)) {
      found.push([node as Tree, key]);
      walk((node as { [key: string]: unknown })[key]);
    }
  };
  walk(tree);
  return found;
}

type Change = (holder: { [key: string]: unknown }, key: string, integer: Integers, tree: unknown) => void;

const CHANGES: readonly Change[] = [
  function replace(holder, key, integer) {
    holder[key] = structuredClone(NASTY[integer(NASTY.length)]);
  },
  function nudge(holder, key, integer) {
    const value = holder[key];
    if (typeof value === "number") holder[key] = value + [-1, 1, 2 ** 20, 2 ** 31][integer(4)]!;
  },
  function remove(holder, key) {
    if (Array.isArray(holder)) holder.splice(Number(key), 1);
    else delete holder[key];
  },
  function double(holder, key) {
    if (Array.isArray(holder)) holder.splice(Number(key), 0, structuredClone(holder[Number(key)]));
  },
  function swap(holder, key, integer, tree) {
    const [other, otherKey] = places(tree)[integer(places(tree).length)]!;
    const [a, b] = [structuredClone(holder[key]), structuredClone((other as typeof holder)[otherKey])];
    holder[key] = b;
    (other as typeof holder)[otherKey] = a;
  },
  function rename(holder, key, integer) {
    if (Array.isArray(holder)) return;
    const names = ["constructor", "__proto__", "prototype", "extra", "value"];
    Object.defineProperty(holder, names[integer(names.length)]!, {
      value: structuredClone(holder[key]),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  },
  function otherKernel(_holder, _key, integer, tree) {
    const { nodes } = tree as { nodes?: { kernel?: unknown }[] };
    const names = Object.keys(KERNELS);
    const node = Array.isArray(nodes) ? nodes[integer(nodes.length || 1)] : undefined;
    if (typeof node === "object" && node !== null) node.kernel = names[integer(names.length)];
  },
  function cycle(_holder, _key, integer, tree) {
    const { nodes } = tree as { nodes?: { inputs?: unknown[]; outputs?: unknown[] }[] };
    if (!Array.isArray(nodes) || nodes.length === 0) return;
    const [a, b] = [nodes[integer(nodes.length)], nodes[integer(nodes.length)]];
    if (Array.isArray(a?.inputs) && Array.isArray(b?.outputs)) a.inputs[0] = b.outputs[0];
  },
];

/** Texts of programs: a small one, and one for each kernel. */
export function programTexts(): string[] {
  const kernels = (Object.keys(CASES) as Kernel[]).filter(isKernel);
  return [
    encodeProgram(example()),
    ...kernels.flatMap((kernel) =>
      CASES[kernel].nodes.slice(0, 1).map(({ inputs, attrs }) =>
        encodeProgram(kernelProgram(kernel, inputs, attrs as never))
      )
    ),
  ];
}

/** A damaged text: one to three changes of the tree, or of the bytes. */
export function* damagedPrograms(texts: readonly string[], count: number, seed: number): Generator<string> {
  const integer = seededIntegers(seed);
  for (let i = 0; i < count; i++) {
    const text = texts[i % texts.length]!;
    if (i % 4 === 0) {
      const [bytes] = mutations(new TextEncoder().encode(text), { count: 1, seed: integer(2 ** 31) });
      yield new TextDecoder().decode(bytes);
      continue;
    }
    const tree = JSON.parse(text) as unknown;
    for (let n = 1 + integer(3); n > 0; n--) {
      const all = places(tree);
      const place = all[integer(all.length)];
      if (!place) break;
      CHANGES[integer(CHANGES.length)]!(place[0] as { [key: string]: unknown }, place[1], integer, tree);
    }
    yield JSON.stringify(tree);
  }
}

/** What became of damaged texts. */
export interface FuzzReport {
  readonly parsed: number;
  readonly refused: number;
  readonly slowestMs: number;
}

/**
 * Parses damaged programs.
 *
 * @throws {AssertionError} If one is refused with another error than ours, or takes over a second.
 */
export function fuzzPrograms(texts: readonly string[], count: number, seed: number): FuzzReport {
  let [parsed, refused, slowestMs, number] = [0, 0, 0, 0];
  for (const text of damagedPrograms(texts, count, seed)) {
    const start = performance.now();
    try {
      parseProgram(text);
      parsed++;
    } catch (error) {
      refused++;
      const isOurs = error instanceof SyntaxError || error instanceof TypeError;
      const where = `mutation ${number}, seed ${seed}: ${text.slice(0, 2_000)}`;
      assert.ok(
        isOurs && /^Cannot [^\n]* as [^\n]*[^.\n]$/.test(error.message),
        `${where}\n${(error as Error).stack}`,
      );
      assert.ok(error.message.length < 2_000, `the message has ${error.message.length} characters; ${where}`);
    }
    slowestMs = Math.max(slowestMs, performance.now() - start);
    number++;
  }
  assert.ok(slowestMs < 60_000, `the slowest mutation took ${slowestMs.toFixed(0)} ms`);
  return { parsed, refused, slowestMs };
}
