/**
 * Matrix products.
 *
 * @module
 */
import {
  broadcastShapes,
  formatType,
  is,
  must,
  mustBeFloat,
  mustBeNumber,
  oneOf,
  type Rules,
  sameShape,
  sizeOf,
  slot,
  type Slots,
  typed,
} from "./rule.ts";
import { matMulSharding, notSharded } from "./placements.ts";
import type { Traits } from "./traits.ts";
import type { ValueType } from "../types.ts";

/** Activations that tfjs fuses into matrix products and convolutions. */
export type FusedActivation = "linear" | "relu" | "relu6" | "elu" | "prelu" | "leakyrelu" | "sigmoid";

/** Attributes of fused kernels; `leakyreluAlpha` is 0 unless the activation is `leakyrelu`. */
export interface FusedAttrs {
  readonly activation: FusedActivation;
  readonly leakyreluAlpha: number;
}

/** Checks of {@linkcode FusedAttrs}. */
export const fusedChecks = {
  activation: oneOf("linear", "relu", "relu6", "elu", "prelu", "leakyrelu", "sigmoid"),
  leakyreluAlpha: is.finite,
};

interface MatMulAttrs {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

/** Attributes of the matrix products. */
export interface LinearAttrs {
  BatchMatMul: MatMulAttrs;
  Einsum: { readonly equation: string };
  _FusedMatMul: MatMulAttrs & FusedAttrs;
}

function matMul(inputs: Slots, { transposeA, transposeB }: MatMulAttrs): ValueType {
  const [a, b] = [slot(inputs, 0), slot(inputs, 1)];
  must(a.dtype === b.dtype, "both dtypes must agree", a, b);
  mustBeNumber(a, b);
  must(a.shape.length >= 2 && b.shape.length >= 2, "both ranks must be at least 2", a, b);
  const [rows, inner] = transposed(a.shape, transposeA);
  const [innerB, columns] = transposed(b.shape, transposeB);
  must(inner === innerB, "inner dimensions must agree", a, b, `${inner} and ${innerB}`);
  // ONNX Runtime does not fill products whose sums have no terms,
  must(inner! > 0, "inner dimensions must not be 0", a, b);
  const [batchA, batchB] = [a.shape.slice(0, -2), b.shape.slice(0, -2)];
  const batch = broadcastShapes(batchA, batchB);
  // and does not repeat a matrix zero times
  must(!batch.includes(0) || sameShape(batchA, batchB), "empty batches must agree", a, b);
  return typed(a.dtype, [...batch, rows, columns]);
}

/** Traits of a matrix product. */
function ofProduct(isPlain: boolean): Traits<MatMulAttrs> {
  return {
    kind: {
      is: "product",
      multiplications([a], output, { transposeA }) {
        const inner = transposeA ? a!.shape.at(-2)! : a!.shape.at(-1)!;
        return sizeOf(output.shape) * inner;
      },
    },
    linear: isPlain ? [0, 1] : [],
    unchanged: "never",
    sharding: matMulSharding(isPlain),
  };
}

function transposed(shape: readonly number[], swap: boolean): [number, number] {
  const [rows, columns] = [shape[shape.length - 2]!, shape[shape.length - 1]!];
  return swap ? [columns, rows] : [rows, columns];
}

/** Checks the bias and PReLU slots 2 and 3 of a fused kernel; both must broadcast to the output. */
export function mustFuse(inputs: Slots, out: ValueType, { activation }: FusedAttrs): void {
  for (const extra of inputs.slice(2)) {
    if (!extra) continue;
    mustBeFloat(extra);
    must(
      sameShape(broadcastShapes(extra.shape, out.shape), out.shape),
      "bias and slopes must broadcast to the output",
      extra,
      out,
    );
  }
  must(
    (activation === "prelu") === Boolean(inputs[3]),
    "slopes must be given exactly for the activation prelu",
    activation,
    formatType(inputs[3]),
  );
}

/** Rules of the matrix products. */
export const linear: Rules<LinearAttrs> = {
  BatchMatMul: {
    inputs: ["a", "b"],
    attrs: { transposeA: is.boolean, transposeB: is.boolean },
    infer: (inputs, attrs) => [matMul(inputs, attrs)],
    traits: ofProduct(true),
  },
  /** Sum of products over the letters that are missing right of "->"; no ellipsis, no repeated letters in a term. */
  Einsum: {
    inputs: "variadic",
    attrs: { equation: is.text },
    infer(inputs, { equation }) {
      const match = /^([a-zA-Z]*(?:,[a-zA-Z]*)*)->([a-zA-Z]*)$/.exec(equation);
      must(match !== null, "the equation must have the form ab,bc->ac", equation);
      const terms = match![1]!.split(",");
      must(terms.length === inputs.length, `the equation must have ${inputs.length} terms`, equation);
      const sizes = new Map<string, number>();
      terms.forEach((term, i) => {
        const type = slot(inputs, i);
        mustBeFloat(type);
        must(term.length === type.shape.length, `term "${term}" must have a letter per dimension`, type);
        [...term].forEach((letter, j) => {
          const size = type.shape[j]!;
          must((sizes.get(letter) ?? size) === size, `letter "${letter}" must have one size`, type);
          sizes.set(letter, size);
        });
      });
      const shape = [...match![2]!].map((letter) => {
        must(sizes.has(letter), `letter "${letter}" must occur in a term`, equation);
        return sizes.get(letter)!;
      });
      return [typed("float32", shape)];
    },
    traits: {
      // Not counted: tf.einsum of ours is written in matrix products.
      kind: { is: "product", multiplications: null },
      linear: [0, 1],
      unchanged: "never",
      sharding: notSharded("tf.einsum is written in matrix products, which are"),
    },
  },
  /** activation(a b + bias). */
  _FusedMatMul: {
    inputs: ["a", "b", "bias", "preluActivationWeights"],
    optional: ["bias", "preluActivationWeights"],
    attrs: { transposeA: is.boolean, transposeB: is.boolean, ...fusedChecks },
    infer(inputs, attrs) {
      const out = matMul(inputs, attrs);
      mustBeFloat(out);
      mustFuse(inputs, out, attrs);
      return [out];
    },
    traits: ofProduct(false),
  },
};
