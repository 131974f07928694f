/**
 * Cases of products of matrices.
 *
 * @module
 */
import type { Tensor } from "../../../core/tensor.ts";
import * as tf from "../../../engine/tf.ts";
import { integers, numbers } from "../harness.ts";
import { positive, x } from "./calls.ts";
import type { KernelCases, NodeCase } from "./case.ts";

/** Leading axes of which one side is 1: tfjs's cpu backend broadcasts only one whole stack (see adjoints_test.ts). */
function productNodes(attrs: object, extra: (shape: readonly number[]) => NodeCase["inputs"]): NodeCase[] {
  const plain = { transposeA: false, transposeB: false, ...attrs };
  const shapes: [number[], number[], object, number[]][] = [
    [[3, 4], [4, 5], {}, [3, 5]],
    [[4, 3], [4, 5], { transposeA: true }, [3, 5]],
    [[3, 4], [5, 4], { transposeB: true }, [3, 5]],
    [[4, 3], [5, 4], { transposeA: true, transposeB: true }, [3, 5]],
    [[2, 3, 4], [2, 4, 5], {}, [2, 3, 5]],
    [[2, 4, 3], [2, 5, 4], { transposeA: true, transposeB: true }, [2, 3, 5]],
    [[2, 3, 4], [1, 4, 5], {}, [2, 3, 5]],
    [[1, 3, 4], [1, 4, 5], {}, [1, 3, 5]],
    [[1, 1], [1, 1], {}, [1, 1]],
    [[64, 33], [33, 17], {}, [64, 17]],
  ];
  return shapes.map(([a, b, more, shape]) => ({
    inputs: [numbers(a, -1, 1, 1), numbers(b, -1, 1, 2), ...extra(shape)],
    attrs: { ...plain, ...more },
  }));
}
/** tfjs's own kernel, which `tf.einsum` of ours does not use. */
function einsumKernel(equation: string, ...tensors: Tensor[]): Tensor {
  const runKernel = tf.engine().runKernel.bind(tf.engine()) as (...args: unknown[]) => Tensor;
  return runKernel("Einsum", tensors, { equation });
}

/** By kernel. */
export const LINEAR = {
  BatchMatMul: {
    nodes: [
      ...productNodes({}, () => []),
      {
        inputs: [integers([2, 3], -5, 6, 1), integers([3, 4], -5, 6, 2)],
        attrs: { transposeA: false, transposeB: false },
      },
    ],
    calls: [
      { inputs: [x(2, 3), x(3, 4)], run: (a, b) => tf.matMul(a, b), gradient: true },
      {
        inputs: [x(3, 2), x(4, 3)],
        run: (a, b) => tf.matMul(a, b, true, true),
        gradient: true,
      },
      { inputs: [x(2, 1, 3), x(2, 3, 4)], run: (a, b) => tf.matMul(a, b), gradient: true },
      {
        inputs: [x(2, 2, 3, 2), x(2, 2, 3, 4)],
        run: (a, b) => tf.matMul(a, b, true, false),
        gradient: true,
      },
      { inputs: [x(3), x(3)], run: (a, b) => tf.dot(a, b), gradient: true },
      { inputs: [x(2, 2, 3), x(3, 4)], run: (a, b) => tf.matMul(a, b), gradient: true },
      {
        inputs: [x(3, 2), x(2, 1, 4, 3)],
        run: (a, b) => tf.matMul(a, b, true, true),
        gradient: true,
      },
    ],
  },
  Einsum: {
    nodes: [
      { inputs: [numbers([3, 4]), numbers([4, 2])], attrs: { equation: "ij,jk->ik" } },
      { inputs: [numbers([2, 3, 4])], attrs: { equation: "abc->ca" } },
      { inputs: [numbers([2, 3]), numbers([2, 3])], attrs: { equation: "ab,ab->" } },
      { inputs: [numbers([2, 3, 4]), numbers([2, 5, 4])], attrs: { equation: "bij,bkj->bik" } },
    ],
    calls: [
      { inputs: [x(2, 3, 4), x(2, 4, 5)], run: (a, b) => einsumKernel("bij,bjk->bik", a, b) },
      { inputs: [x(2, 3), x(3)], run: (a, b) => einsumKernel("ij,j->i", a, b) },
    ],
  },
  _FusedMatMul: {
    nodes: ["linear", "relu", "relu6", "elu", "prelu", "leakyrelu", "sigmoid"].flatMap((activation) =>
      productNodes(
        { activation, leakyreluAlpha: activation === "leakyrelu" ? 0.3 : 0 },
        (shape) => [
          activation === "elu" ? null : numbers([shape.at(-1)!], -1, 1, 3),
          activation === "prelu" ? numbers([shape.at(-1)!], 0, 0.5, 4) : null,
        ],
      ).slice(0, 8)
    ),
    calls: [
      {
        inputs: [x(2, 3), x(3, 4), x(4)],
        run: (a, b, bias) => tf.fused.matMul({ a, b, bias, activation: "relu" }),
      },
      {
        inputs: [x(3, 2), x(3, 4)],
        run: (a, b) =>
          tf.fused.matMul({ a, b, transposeA: true, activation: "leakyrelu", leakyreluAlpha: 0.1 }),
      },
      {
        inputs: [x(2, 3), x(3, 4), x(4), positive(4)],
        run: (a, b, bias, slopes) =>
          tf.fused.matMul({ a, b, bias, activation: "prelu", preluActivationWeights: slopes }),
      },
    ],
  },
} satisfies { readonly [kernel: string]: KernelCases };
