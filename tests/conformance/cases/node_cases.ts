/**
 * Cases of nodes that several kernels share. Shapes include scalars, empty tensors and dimensions of 1.
 *
 * @module
 */
import type { Tensor } from "../../../engine/runtimes/types.ts";
import { booleans, integers, numbers, tensor } from "../harness.ts";
import type { NodeCase } from "./case.ts";

/** One float32 input of several shapes, an empty one among them. */
export function unaryNodes(from = -2, to = 2): NodeCase[] {
  return [[3, 4], [2, 1, 3], [], [1], [5, 0]].map((shape) => ({
    inputs: [numbers(shape, from, to)],
    attrs: {},
  }));
}

/** The same cases, and one with integers. */
export function withIntegers(cases: NodeCase[], from = -7, to = 8): NodeCase[] {
  return [...cases, { inputs: [integers([3, 4], from, to)], attrs: {} }];
}

/** Pairs of shapes that broadcast, size-1 dimensions and scalars among them. */
const PAIRS = [
  [[3, 4], [3, 4]],
  [[3, 4], [4]],
  [[3, 1], [1, 4]],
  [[], [2, 3]],
  [[2, 3], []],
  [[2, 1, 3], [5, 1]],
  [[1], [1, 1]],
] as const;

/** Two float32 inputs that broadcast. */
export function binaryNodes(low = -2, high = 2, lowB = low, highB = high): NodeCase[] {
  return PAIRS.map(([a, b]) => ({
    inputs: [numbers(a, low, high, 1), numbers(b, lowB, highB, 2)],
    attrs: {},
  }));
}

/** Two int32 inputs that broadcast. */
export function integerNodes(low: number, high: number, lowB = low, highB = high): NodeCase[] {
  return PAIRS.map(([a, b]) => ({
    inputs: [integers(a, low, high, 1), integers(b, lowB, highB, 2)],
    attrs: {},
  }));
}

/** Two inputs of each dtype. */
export function comparedNodes(): NodeCase[] {
  return [
    ...binaryNodes(),
    ...integerNodes(-2, 3),
    { inputs: [booleans([3, 4], 1), booleans([3, 4], 2)], attrs: {} },
  ];
}

/** Reductions over several axes, kept or not. */
export function reducedNodes(make: (shape: readonly number[]) => Tensor, key = "axis"): NodeCase[] {
  const cases: NodeCase[] = [];
  for (const keepDims of [false, true]) {
    for (const axis of [[0], [1], [2], [0, 2], [0, 1, 2]]) {
      cases.push({ inputs: [make([3, 1, 4])], attrs: { [key]: axis, keepDims } });
    }
    cases.push({ inputs: [make([64, 33])], attrs: { [key]: [0], keepDims } });
    cases.push({ inputs: [make([])], attrs: { [key]: [], keepDims } });
    cases.push({ inputs: [make([2, 3])], attrs: { [key]: [], keepDims } });
  }
  return cases;
}

/** What is not finite, and the other dtypes. */
export function specialNodes(): NodeCase[] {
  return [
    { inputs: [tensor("float32", [2, 3], [NaN, Infinity, -Infinity, 0, 1, -3])], attrs: {} },
    { inputs: [integers([3], -2, 2)], attrs: {} },
    { inputs: [booleans([3])], attrs: {} },
  ];
}

/** Two bool inputs that broadcast. */
export function logicalNodes(): NodeCase[] {
  return PAIRS.map(([a, b]) => ({ inputs: [booleans(a, 1), booleans(b, 2)], attrs: {} }));
}

const NONE = [0, 0] as const;

/** Paddings of an image: batch and channels have none. */
export const padding = (top: number, bottom: number, left: number, right: number): (readonly number[])[] => [
  NONE,
  [top, bottom],
  [left, right],
  NONE,
];

/** Places of a window along one axis. */
export const windowed = (size: number, window: number, stride: number, pad: readonly number[]): number =>
  Math.floor((size + pad[0]! + pad[1]! - window) / stride) + 1;
