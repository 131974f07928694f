/**
 * Traits of kernels, checked by numbers on the calls of the case table, with tfjs's cpu backend.
 */
import assert from "node:assert/strict";
import { sizeOf } from "../../core/types.ts";
import { isUnchanged, type Kernel, type KernelAttrs, KERNELS, ruleOf } from "../../engine/program/kernels.ts";
import type { Kind } from "../../engine/program/kernels/traits.ts";
import { referenceEngine } from "../../engine/runtimes/reference/reference.ts";
import type { Tensor } from "../../engine/runtimes/types.ts";
import { CASES } from "./cases.ts";
import type { KernelCases, NodeCase } from "./cases/case.ts";
import { kernelProgram, numbers, runOnce, tensor } from "./harness.ts";

type Operands = NodeCase["inputs"];

const ALL = (Object.entries(CASES) as [Kernel, KernelCases][]).map(([kernel, { nodes }]) =>
  [kernel, nodes] as const
);

/** What a kernel gives; undefined where it refuses these operands. */
async function call(
  kernel: Kernel,
  inputs: Operands,
  attrs: unknown,
): Promise<readonly Tensor[] | undefined> {
  let program;
  try {
    program = kernelProgram(kernel, inputs, attrs as KernelAttrs[Kernel]);
  } catch {
    return undefined;
  }
  const given = Object.fromEntries(inputs.flatMap((input, i) => (input ? [[`x${i}`, input]] : [])));
  return Object.values((await runOnce(referenceEngine, program, given)).outputs);
}

/** Kernels of a kind with the details of it, and their calls. */
function* ofKind<I extends Kind<unknown>["is"]>(
  is: I,
): Generator<readonly [Kernel, Extract<Kind<unknown>, { readonly is: I }>, NodeCase]> {
  for (const [kernel, cases] of ALL) {
    const { kind } = ruleOf(kernel).traits;
    if (kind.is !== is) continue;
    for (const one of cases) yield [kernel, kind as Extract<Kind<unknown>, { readonly is: I }>, one];
  }
}

function assertSame(actual: Tensor | undefined, expected: Tensor, label: string): void {
  assert.deepEqual(actual && [actual.dtype, ...actual.shape], [expected.dtype, ...expected.shape], label);
  assert.deepEqual([...actual!.data], [...expected.data], label);
}

/** A tensor of one number. */
const full = ({ dtype, shape }: Tensor, number: number) =>
  tensor(dtype, shape, Array(sizeOf(shape)).fill(number));

/** The elements of an operand in the places of the result. */
function broadcast({ dtype, shape, data }: Tensor, target: readonly number[]): Tensor {
  const skip = target.length - shape.length;
  const values = Array.from({ length: sizeOf(target) }, (_, flat) => {
    let [rest, index, stride] = [flat, 0, 1];
    for (let axis = target.length - 1; axis >= 0; axis--) {
      const at = rest % target[axis]!;
      rest = Math.floor(rest / target[axis]!);
      const length = axis < skip ? 1 : shape[axis - skip]!;
      if (length > 1) index += at * stride;
      stride *= length;
    }
    return Number(data[index]);
  });
  return tensor(dtype, target, values);
}

const reversed = ({ dtype, shape, data }: Tensor) => tensor(dtype, shape, Array.from(data, Number).reverse());

Deno.test("every kernel that is elementwise computes each element from those in its place", async () => {
  for (const [kernel, { broadcasts }, { inputs, attrs }] of ofKind("elementwise")) {
    const [result] = (await call(kernel, inputs, attrs))!;
    const operands = inputs as readonly Tensor[];
    if (!broadcasts) {
      for (const { shape } of operands) assert.deepEqual([...shape], [...result!.shape], kernel);
    }
    const turned = operands.map((operand) => reversed(broadcast(operand, result!.shape)));
    assertSame((await call(kernel, turned, attrs))?.[0], reversed(result!), kernel);
  }
});

Deno.test("elementwise kernels are commutative exactly where they say so", async () => {
  const differing = new Set<Kernel>();
  for (const [kernel, { commutative }, { inputs, attrs }] of ofKind("elementwise")) {
    if (KERNELS[kernel].inputs.length !== 2) {
      assert.equal(commutative, false, kernel);
      continue;
    }
    const [result] = (await call(kernel, inputs, attrs))!;
    const swapped = (await call(kernel, [inputs[1]!, inputs[0]!], attrs))?.[0];
    if (commutative) assertSame(swapped, result!, kernel);
    else if (String(swapped?.data) !== String(result!.data)) differing.add(kernel);
  }
  for (const [kernel, { commutative }] of ofKind("elementwise")) {
    if (KERNELS[kernel].inputs.length === 2 && !commutative) assert.ok(differing.has(kernel), kernel);
  }
});

Deno.test("the neutral number of a kernel changes nothing", async () => {
  for (const [kernel, { neutral, commutative }, { inputs, attrs }] of ofKind("elementwise")) {
    const [a] = inputs as [Tensor];
    if (neutral === null || a.dtype === "bool") continue;
    const number = tensor(a.dtype, [], [neutral]);
    assertSame((await call(kernel, [a, number], attrs))?.[0], a, kernel);
    if (commutative) assertSame((await call(kernel, [number, a], attrs))?.[0], a, kernel);
  }
});

Deno.test("the function of single numbers is that of the kernel", async () => {
  for (const [kernel, { number }, { inputs, attrs }] of ofKind("elementwise")) {
    const [result] = (await call(kernel, inputs, attrs))!;
    if (number === null || result!.dtype === "bool" && kernel === "Cast") continue;
    const [a, b] = (inputs as readonly Tensor[]).map((input) => broadcast(input, result!.shape));
    const expected = Array.from(a!.data, (x, i) => number(Number(x), Number(b?.data[i] ?? 0)));
    assertSame(result, tensor(result!.dtype, result!.shape, expected), kernel);
  }
});

Deno.test("reductions and movements of equal numbers, and creations, give the numbers that they say", async () => {
  for (const [kernel, { ofEqual, axes }, { inputs, attrs }] of ofKind("reduction")) {
    const [x] = inputs as [Tensor];
    if (ofEqual !== null) {
      const [result] = (await call(kernel, [full(x, 3)], attrs))!;
      const count = axes(attrs).reduce((product, axis) => product * x.shape[axis]!, 1);
      assertSame(result, full(result!, ofEqual(3, count)), kernel);
    }
    const single = full({ ...x, shape: x.shape.map(() => 1) }, 1);
    assert.deepEqual([...(await call(kernel, [single], attrs))![0]!.data], [1], `${kernel} of one element`);
  }
  for (const [kernel, { keepsUniform }, { inputs, attrs }] of ofKind("movement")) {
    if (!keepsUniform) continue;
    assert.equal(inputs.length, 1, kernel);
    for (const result of (await call(kernel, [full(inputs[0]!, 1)], attrs))!) {
      assertSame(result, full(result, 1), kernel);
    }
  }
  for (const [kernel, { number }, { inputs, attrs }] of ofKind("creation")) {
    const [result] = (await call(kernel, inputs, attrs))!;
    if (number !== null) assertSame(result, full(result!, number(attrs)), kernel);
  }
});

/** float32 sums in another order, and tfjs's sums in float64 that round once. */
const SUM_ERROR = 2e-5;

/** Whether f(x + x') = f(x) + f(x'), where `varied` slots are x and x' and the others are the same; undefined if it refuses. */
async function isAdditive(kernel: Kernel, { inputs, attrs }: NodeCase, varied: readonly number[]) {
  const other = inputs.map((input, i) =>
    input && varied.includes(i) ? numbers(input.shape, -1, 1, 31 + i) : input
  );
  const sum = inputs.map((input, i) => {
    if (!input || !varied.includes(i)) return input;
    return tensor(
      "float32",
      input.shape,
      Array.from(input.data, (x, j) => Number(x) + Number(other[i]!.data[j])),
    );
  });
  const [a, b, both] = await Promise.all(
    [inputs, other, sum].map((operands) => call(kernel, operands, attrs)),
  );
  return both!.every(({ dtype, data }, k) =>
    dtype === "float32" && Array.from(data, Number).every((value, j) => {
      const terms = Number(a![k]!.data[j]) + Number(b![k]!.data[j]);
      if (Number.isNaN(terms)) return Number.isNaN(value); // the mean of no cell
      return Math.abs(value - terms) <= SUM_ERROR * (1 + Math.abs(terms));
    })
  );
}

/** Slots in which kernels are linear in all calls of the table and do not say so, and why. */
const NOT_SAID: { readonly [slot: string]: string } = {
  "PadV2 in 0": "only where the constant is 0",
  "ZerosLike in 0": "the numbers of its operand are not read",
};

Deno.test("kernels are linear exactly where they say so", async () => {
  const unsaid: string[] = [];
  for (const [kernel, cases] of ALL) {
    const { linear } = ruleOf(kernel).traits;
    const isFloat = (input: Tensor | null) => input?.dtype === "float32" && input.data.length > 0;
    const slots = [...(cases[0]?.inputs ?? []).keys()];
    if (linear === "jointly") {
      for (const one of cases.filter(({ inputs }) => inputs.every(isFloat))) {
        assert.ok(await isAdditive(kernel, one, [...one.inputs.keys()]), kernel);
      }
      continue;
    }
    for (const slot of slots) {
      const float = cases.filter(({ inputs }) => isFloat(inputs[slot] ?? null));
      const additive = await Promise.all(float.map((one) => isAdditive(kernel, one, [slot])));
      if (linear.includes(slot)) assert.ok(additive.every(Boolean), `${kernel} in ${slot}`);
      else if (additive.length > 0 && !additive.includes(false)) unsaid.push(`${kernel} in ${slot}`);
    }
  }
  assert.deepEqual(unsaid, Object.keys(NOT_SAID));
});

Deno.test("calls that change nothing give their first operand, and several results come as a list", async () => {
  for (const [kernel, cases] of ALL) {
    const rule = ruleOf(kernel);
    for (const { inputs, attrs } of cases) {
      const results = (await call(kernel, inputs, attrs))!;
      if (results.length !== 1) assert.ok(rule.returnsList, kernel);
      const [x] = inputs;
      if (x && isUnchanged(rule.traits, attrs, x, results)) assertSame(results[0], x, kernel);
    }
  }
});
