/**
 * The lowering table: how every tfjs kernel is written in ONNX operators.
 *
 * @module
 */
import type { Kernel } from "../../program/kernels.ts";
import { activations } from "./activation.ts";
import { convolutions } from "./convolution.ts";
import { gathers } from "./gather.ts";
import { crops } from "./crop.ts";
import { logic } from "./logic.ts";
import { math } from "./math.ts";
import { products } from "./matmul.ts";
import { normalizations } from "./normalization.ts";
import { pools } from "./pool.ts";
import { reductions } from "./reduce.ts";
import type { Rule } from "./rule.ts";
import { shapes } from "./shape.ts";

/** One rule per kernel of the kernel table; a kernel without one does not compile. */
export const rules: { readonly [K in Kernel]: Rule<K> } = {
  ...math,
  ...logic,
  ...activations,
  ...reductions,
  ...products,
  ...normalizations,
  ...shapes,
  ...gathers,
  ...convolutions,
  ...pools,
  ...crops,
};
