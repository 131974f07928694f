/**
 * Calls of tfjs as traced programs, with the gradients of their results.
 *
 * @module
 */
import type { Tensor } from "../../core/tensor.ts";
import type { Program } from "../../engine/program/types.ts";
import type { Tensors } from "../../engine/runtimes/types.ts";
import * as tf from "../../engine/tf.ts";
import { traceBuild } from "../support/tracing.ts";
import { type Call, type CallInput, caseValues } from "./cases/case.ts";

/** What a call gives, as a list. */
export function resultsOf(call: Call, inputs: readonly Tensor[]): Tensor[] {
  const result = call.run(...inputs);
  return Array.isArray(result) ? result : [result];
}

/** Weights for an output: each element another one, so that a gradient of their sum sees every output. */
export function outputWeights(shape: readonly number[], index: number): Float32Array<ArrayBuffer> {
  return caseValues({ shape }, 7 + index) as Float32Array<ArrayBuffer>;
}

/** The weighted sum of all outputs of a call. */
export function weightedSumOf(call: Call, inputs: readonly Tensor[]): Tensor {
  const terms = resultsOf(call, inputs).map((output, i) =>
    tf.sum(tf.mul(output, tf.tensor(outputWeights(output.shape, i), output.shape)))
  );
  return terms.reduce((total, term) => tf.add(total, term));
}

/** Outputs `y0`, `y1`, ...; gradients `g0`, `g1`, ... of their weighted sum for the float32 inputs. */
export function outputsOf(call: Call, inputs: readonly Tensor[]): { readonly [name: string]: Tensor } {
  const outputs = resultsOf(call, inputs).map((output, i) => [`y${i}`, output] as const);
  if (!call.gradient) return Object.fromEntries(outputs);
  const isVaried = (tensor: Tensor) => tensor.dtype === "float32";
  const sum = (...varied: Tensor[]) => {
    const rest = [...varied];
    return weightedSumOf(call, inputs.map((tensor) => (isVaried(tensor) ? rest.shift()! : tensor)));
  };
  const gradients = tf.grads(sum)(inputs.filter(isVaried)).map((gradient, i) => [`g${i}`, gradient] as const);
  return Object.fromEntries([...outputs, ...gradients]);
}

/** The inputs of a call as tensors. */
export function callTensors(inputs: readonly CallInput[]): Tensor[] {
  return inputs.map((input, i) => tf.tensor(caseValues(input, i), [...input.shape], input.dtype));
}

/** The program that gives {@linkcode outputsOf}. All inputs are state, so that any shape goes, scalars included. */
export async function traceCase(call: Call): Promise<{ readonly program: Program; readonly state: Tensors }> {
  const { programs, state } = await traceBuild(() => {
    const variables = callTensors(call.inputs).map((tensor, i) => tf.variable(tensor, true, `x${i}`));
    return { predict: () => outputsOf(call, variables) };
  });
  return { program: programs["predict"]!, state };
}
