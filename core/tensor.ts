/**
 * The tfjs types that appear in the plugin contract. Types only: nothing is loaded.
 *
 * @module
 */
export type { Scalar, Tensor, Variable } from "@tensorflow/tfjs";
