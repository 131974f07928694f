/**
 * Cases with special numbers: NaN, infinities, signed zeros, ends of int32, divisors of zero. They follow from what the
 * kernel table says of a kernel, so that a new kernel has them without being named here.
 *
 * @module
 */
import { inferKernel, type Kernel, ruleOf } from "../../../engine/program/kernels.ts";
import type { Json } from "../../../core/types.ts";
import type { Tensor } from "../../../engine/runtimes/types.ts";
import { CASES } from "../cases.ts";
import { tensor } from "../harness.ts";
import type { NodeCase } from "./case.ts";

/** Floats whose results are a matter of convention. No denormals: engines may take them for 0 (see engine/README.md). */
export const FLOATS: readonly number[] = [
  ...[NaN, Infinity, -Infinity, 0, -0, 1, -1, 0.5, -0.5, 1.5, 2.5, -1.5, -2.5, 3, 6, 7.25, -7.25],
  ...[1e-30, -1e-30, 1e30, -1e30, 3.4e38, -3.4e38, 100, -100, 2147483648, 3e9, -3e9, 1e19],
];

/** Integers at the ends of int32, and around 0. */
export const INTEGERS: readonly number[] = [
  ...[0, 1, -1, 2, -2, 3, -3, 7, -7, 46341, 65536, 123456789, -987654321],
  ...[2147483647, 2147483646, -2147483648, -2147483647],
];

const LISTS = { float32: FLOATS, int32: INTEGERS, bool: [0, 1] } as const;

/** A tensor with the special numbers of its dtype, one after the other, beginning with the `from`th. */
export function special(dtype: Tensor["dtype"], shape: readonly number[], from = 0, step = 1): Tensor {
  const list = LISTS[dtype];
  const size = shape.reduce((product, length) => product * length, 1);
  return tensor(dtype, shape, Array.from({ length: size }, (_, i) => list[(from + i * step) % list.length]!));
}

/** All pairs of special numbers, as two operands. */
function pairs(dtype: Tensor["dtype"]): readonly [Tensor, Tensor] {
  const { length } = LISTS[dtype];
  return [special(dtype, [length, 1]), special(dtype, [1, length])];
}

/** Whether the table takes these inputs. */
function takes(kernel: Kernel, { inputs, attrs }: NodeCase): boolean {
  try {
    return inferKernel(kernel, inputs, attrs as { readonly [name: string]: Json }).length > 0;
  } catch {
    return false;
  }
}

const DTYPES = ["float32", "int32", "bool"] as const;

/** Element by element: all special numbers, or all pairs of them, for every dtype and set of attributes of its cases. */
function elementwiseCases(kernel: Kernel, broadcasts: boolean): NodeCase[] {
  const { nodes } = CASES[kernel];
  const attrs = new Map(nodes.map((node) => [JSON.stringify(node.attrs), node.attrs]));
  return [...attrs.values()].flatMap((attrs) =>
    DTYPES.map((dtype): NodeCase => {
      if (broadcasts) return { inputs: pairs(dtype), attrs };
      const [{ inputs }] = nodes as readonly [NodeCase];
      const { length } = LISTS[dtype];
      return {
        inputs: inputs.map((_, i) => special(dtype, [length * length], 0, i === 0 ? 1 : length + 1)),
        attrs,
      };
    })
  );
}

/** Kinds of kernels whose integers are numbers, not indices. */
const OF_INTEGERS: readonly string[] = ["reduction", "scan", "ranking"];

/** The case with special numbers in place of every few of its own, or of all. */
function seeded(kind: string, { inputs, attrs }: NodeCase, every: number, from: number): NodeCase {
  const replaced = inputs.map((input, slot) => {
    if (input?.dtype === "int32" && OF_INTEGERS.includes(kind)) {
      return special("int32", input.shape, from + every);
    }
    if (input?.dtype !== "float32") return input;
    const data = Float32Array.from(input.data as Float32Array, (x, i) => {
      const k = i + slot * 5 + from;
      return k % every === 0 ? SEEDS[Math.floor(k / every) % SEEDS.length]! : x;
    });
    return { ...input, data };
  });
  return { inputs: replaced, attrs };
}

/** What is put among ordinary numbers. */
const SEEDS: readonly number[] = [NaN, Infinity, -Infinity, -0, NaN];

/** Special cases of a kernel. */
export function specialCases(kernel: Kernel): readonly NodeCase[] {
  const { kind } = ruleOf(kernel).traits;
  const cases = kind.is === "elementwise"
    ? elementwiseCases(kernel, kind.broadcasts)
    : CASES[kernel].nodes.flatMap((node) =>
      [[5, 0], [3, 2], [1, 1]].map(([every, from]) => seeded(kind.is, node, every!, from!))
    );
  return cases.filter((one) => takes(kernel, one));
}
