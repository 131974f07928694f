/**
 * Pretrained weights: arrays that were read from a file become the values of a model's variables, by name and shape.
 *
 * @module
 */
import type { Tensor, Variable } from "../../core/tensor.ts";
import type { NdArray } from "../../core/types.ts";
import {
  convertWeight,
  describeLeft,
  matchWeights,
  type WeightDtype,
  type WeightsReport,
} from "../../core/weights.ts";
import { originOf } from "../layer_weights.ts";
import * as tf from "../tf.ts";
import { currentTrace } from "../trace/current.ts";
import { Names } from "../trace/names.ts";

export type { WeightsReport } from "../../core/weights.ts";

/** Where pretrained weights go: a model, a layer, a variable, a list of these, or all that `build` made so far. */
export type WeightsTarget =
  | tf.layers.Layer
  | Variable
  | readonly (tf.layers.Layer | Variable)[]
  | "all";

/** Options of {@linkcode loadWeights}. */
export interface LoadWeightsOptions {
  /** Take what fits and leave the rest as it is. @default false: everything must fit */
  readonly partial?: boolean;
  /**
   * The name in the source of a weight of the model.
   * @default the same name
   */
  sourceName?(name: string): string;
}

/**
 * Gives weights the values of pretrained ones, by name and shape. In `build` they are the initial values; what is not to
 * be trained is frozen with `layer.trainable = false`.
 *
 * Names are those of the model's state, and of `checkpoints/<step>/state.safetensors`: "layer/kernel"; layers without a
 * name of their own are numbered from 1 in the order of the target: "dense_Dense1/kernel". The ending ":0" of Keras is
 * left out. Numbers become those of the weight's dtype; integers must fit.
 *
 * @param tensors Arrays by name, such as `context.weights(path)` gives.
 * @returns What was taken and what was not.
 * @throws {TypeError} If nothing fits; without `partial`, if a weight is missing or has another shape.
 *
 * @example Half of a network
 * ```ts
 * import { dense, loadWeights } from "beamline/nn";
 * dense({ inputs: 2, units: 1, name: "first" });
 * const bias = { dtype: "float32", shape: [1], data: Float32Array.of(3) } as const;
 * loadWeights("all", { "first/bias": bias }, { partial: true }).missing; // ["first/kernel"]
 * ```
 */
export function loadWeights(
  target: WeightsTarget,
  tensors: { readonly [name: string]: NdArray | Tensor },
  options: LoadWeightsOptions = {},
): WeightsReport {
  const { partial = false } = options;
  const source = Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => [name.replace(/:0$/, ""), tensor]),
  );
  const sourceName = (name: string) => options.sourceName?.(name).replace(/:0$/, "") ?? name;
  const variables = namedVariables(target);
  const report = matchWeights(variables, source, sourceName);
  checkReport(report, Object.keys(variables), partial);
  for (const name of report.taken) assign(variables[name]!, name, source[sourceName(name)]!);
  return report;
}

/** Names as the tracer gives them. */
function namedVariables(target: WeightsTarget): { readonly [name: string]: Variable } {
  const variables = [...new Set(variablesOf(target))];
  const names = new Names();
  for (const variable of variables) {
    const origin = originOf(variable);
    if (origin) names.weight(variable, origin.layer, origin.name);
  }
  const resolved = names.resolve(variables as tf.Variable[], new Map());
  return Object.fromEntries([...resolved].map(([variable, name]) => [name, variable]));
}

function variablesOf(target: WeightsTarget): readonly Variable[] {
  if (target === "all") {
    return currentTrace()?.variables ?? Object.values(tf.engine().registeredVariables);
  }
  if (target instanceof tf.Variable) return [target];
  if (Array.isArray(target)) return target.flatMap(variablesOf);
  const layer = target as tf.layers.Layer;
  buildOf(layer);
  const { name, weights } = layer;
  if (weights.length > 0) return weights.map((weight) => (weight as unknown as { val: Variable }).val);
  throw new TypeError(
    `Cannot load weights as layer "${name}" must be built: it has no weights yet; give it an inputShape, or call it`,
  );
}

/** A layer that was told the shape of its input is built when it is first called; here it is needed before. */
function buildOf(layer: tf.layers.Layer): void {
  const { batchInputShape } = layer as unknown as { batchInputShape?: (number | null)[] };
  if (!layer.built && batchInputShape) layer.build(batchInputShape);
}

function checkReport(report: WeightsReport, names: readonly string[], partial: boolean): void {
  const { taken, missing, otherShape, unused } = report;
  if (taken.length === 0) {
    throw new TypeError(
      `Cannot load weights as at least one must fit by name and shape: none of ${names.length} does, ${
        describeLeft(report)
      }`,
    );
  }
  if (partial || missing.length + otherShape.length === 0) return;
  const left = describeLeft({ taken, missing, otherShape, unused });
  throw new TypeError(
    `Cannot load weights as every one must fit by name and shape: ${left}; {partial: true} takes what fits`,
  );
}

function assign(variable: Variable, name: string, source: NdArray | Tensor): void {
  tf.tidy(() => {
    if (source instanceof tf.Tensor) return variable.assign(tf.cast(source, variable.dtype));
    const values = convertWeight(source, variable.dtype as WeightDtype, name);
    variable.assign(tf.tensor(values, [...variable.shape], variable.dtype));
  });
}
