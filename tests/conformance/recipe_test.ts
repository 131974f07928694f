/**
 * The recipe "Adding a kernel" of `engine/README.md`: whatever step is forgotten for a kernel, a test says which file lacks
 * it.
 */
import assert from "node:assert/strict";
import { rules } from "../../engine/onnx/kernels/rules.ts";
import { type Kernel, KERNELS, REFUSED_KERNELS } from "../../engine/program/kernels.ts";
import * as tf from "../../engine/tf.ts";
import { registerGradients } from "../../engine/trace/gradients/gradients.ts";
import { NORMALIZERS } from "../../engine/trace/normalize.ts";
import { CASES, FOLDED } from "./cases.ts";
import { README } from "./write_table.ts";

/** The places in which a kernel is known. */
interface Places {
  readonly KERNELS: { readonly [kernel: string]: (typeof KERNELS)[Kernel] };
  readonly NORMALIZERS: object;
  readonly GRADIENTS: (kernel: string) => unknown;
  readonly rules: object;
  readonly CASES: { readonly [kernel: string]: (typeof CASES)[Kernel] };
  readonly readme: string;
}

registerGradients();
const PLACES: Places = {
  KERNELS,
  NORMALIZERS,
  GRADIENTS: (kernel) => tf.getGradient(kernel),
  rules,
  CASES,
  readme: await Deno.readTextFile(README),
};

/** Kernels without a gradient to test, by pattern of their names, and why. */
const NO_GRADIENT: readonly (readonly [RegExp, string])[] = [
  [
    /Grad$|Backprop|^Fused(Conv|Depthwise)|^_Fused/,
    "made by gradients, or fused by a pass or by hand for prediction",
  ],
  [/^(All|Any|ArgM|Is|Not|Equal|Greater|Less|Logical|OneHot)/, "its results are no float32 numbers"],
  [
    /^(Cast|Ceil|Floor|FloorDiv|Round|Sign|Step)$/,
    "constant wherever it has a derivative, or changes the dtype",
  ],
  [/^CropAndResize$/, "tfjs has none, and it is refused by name"],
  [/^Einsum$/, "tf.einsum of ours is written in matrix products"],
  [/^Identity$/, "no node: the result is the input"],
];

/** What is missing of a kernel, as `file: what`. */
function missing(kernel: string, places: Places): readonly string[] {
  const rule = places.KERNELS[kernel];
  if (!rule) {
    return [
      "engine/program/kernels/<family>.ts: an entry, or a reason in REFUSED_KERNELS of engine/program/kernels.ts",
    ];
  }
  const isFolded = (FOLDED as readonly string[]).includes(kernel);
  const cases = places.CASES[kernel];
  const hasGradient = isFolded || cases?.calls.some(({ gradient }) => gradient) ||
    NO_GRADIENT.some(([names]) => names.test(kernel));
  const steps: readonly (readonly [isDone: boolean, lack: string])[] = [
    [rule.traits !== undefined, "engine/program/kernels/<family>.ts: traits"],
    [
      !Object.hasOwn(REFUSED_KERNELS, kernel),
      "engine/program/kernels.ts: to be taken out of REFUSED_KERNELS",
    ],
    [
      isFolded || Object.keys(rule.attrs).length === 0 || Object.hasOwn(places.NORMALIZERS, kernel),
      "engine/trace/normalize.ts: the normal form of its attributes",
    ],
    [
      NO_GRADIENT.some(([names]) => names.test(kernel)) || isFolded || places.GRADIENTS(kernel) !== undefined,
      "engine/trace/gradients/: a gradient, which tfjs lacks",
    ],
    [Object.hasOwn(places.rules, kernel), "engine/onnx/kernels/<family>.ts: a lowering rule"],
    [(cases?.nodes.length ?? 0) > 0, "tests/conformance/cases/<family>.ts: nodes"],
    [isFolded || (cases?.calls.length ?? 0) > 0, "tests/conformance/cases/<family>.ts: calls"],
    [hasGradient, "tests/conformance/cases/<family>.ts: a call with `gradient: true`"],
    [
      places.readme.split(`\n| \`${kernel}\` `).length === 3,
      "engine/README.md: its rows (run tests/conformance/write_table.ts)",
    ],
  ];
  return steps.flatMap(([isDone, lack]) => (isDone ? [] : [lack]));
}

Deno.test("every kernel of tfjs is refused with a reason, or has all that the recipe names", () => {
  const known = tf.getKernelsForBackend("cpu").map((kernel) => kernel.kernelName as string);
  const names = new Set([
    ...known.filter((name) => !Object.hasOwn(REFUSED_KERNELS, name)),
    ...Object.keys(KERNELS),
  ]);
  const lacks = [...names].flatMap((kernel) =>
    missing(kernel, PLACES).map((lack) => `${kernel} lacks ${lack}`)
  );
  assert.deepEqual(lacks, []);
});

/** A table without a kernel. */
function without<T extends object>(table: T, kernel: string): T {
  return Object.fromEntries(Object.entries(table).filter(([name]) => name !== kernel)) as T;
}

for (
  const [step, lack, places] of [
    ["the entry", "engine/program/kernels/<family>.ts: an entry", { KERNELS: without(KERNELS, "Tile") }],
    ["the traits", "engine/program/kernels/<family>.ts: traits", {
      KERNELS: { ...KERNELS, Tile: { ...KERNELS.Tile, traits: undefined } },
    }],
    ["the normal form", "engine/trace/normalize.ts", { NORMALIZERS: without(NORMALIZERS, "Tile") }],
    ["the gradient", "engine/trace/gradients/", { GRADIENTS: () => undefined }],
    ["the lowering rule", "engine/onnx/kernels/<family>.ts", { rules: without(rules, "Tile") }],
    ["the nodes", "tests/conformance/cases/<family>.ts: nodes", {
      CASES: { ...CASES, Tile: { ...CASES.Tile, nodes: [] } },
    }],
    ["the calls", "tests/conformance/cases/<family>.ts: calls", {
      CASES: { ...CASES, Tile: { ...CASES.Tile, calls: [] } },
    }],
    ["the tables", "engine/README.md", { readme: PLACES.readme.replace("| `Tile` ", "| ") }],
  ] as const
) {
  Deno.test(`a kernel without ${step} is reported with the file that lacks it`, () => {
    const found = missing("Tile", { ...PLACES, ...places as Partial<Places> });
    assert.ok(found[0]?.startsWith(lack), found.join("; "));
  });
}
