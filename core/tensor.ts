/**
 * The tfjs types that appear in the plugin contract. Types only: nothing is loaded.
 *
 * @module
 */
// The types of the methods `x.add(y)`; `engine/chained_ops.ts` provides them.
import type {} from "@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops.d.ts";

export type { Scalar, Tensor, Variable } from "@tensorflow/tfjs-core";
