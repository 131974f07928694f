/**
 * What TensorFlow.js does not tell of the weights of its layers: which layer made a variable, and whether it is frozen.
 * A layer keeps the answer to "may this be trained?" in several places that TensorFlow.js does not keep equal; here they
 * are made to agree, so that optimizers, which look only at variables, leave frozen layers alone.
 *
 * @module
 */
import type { Variable } from "../core/tensor.ts";

/** A weight of a layer: a variable and its name before TensorFlow.js made it unique. */
export interface LayerWeight {
  readonly val: Variable;
  readonly originalName: string;
  trainable: boolean;
}

/** What is needed of a layer or model, of its hidden parts, too. */
export interface WeightedLayer {
  readonly name: string;
  trainable: boolean;
  readonly built: boolean;
  readonly weights: readonly LayerWeight[];
  readonly trainableWeights: readonly LayerWeight[];
  /** Of a model: the layers in it. */
  readonly layers?: readonly WeightedLayer[];
  addWeight(...args: unknown[]): LayerWeight;
}

/** Where a variable comes from. */
export interface WeightOrigin {
  readonly layer: WeightedLayer;
  /** "kernel", or "dense_Dense17/kernel" when the layer was built by its first call. */
  readonly name: string;
  /** Made to be trained; moving averages are not. */
  readonly isParameter: boolean;
}

const origins = new WeakMap<Variable, WeightOrigin>();

/** The layer that made a variable; undefined where no layer did. */
export function originOf(variable: Variable): WeightOrigin | undefined {
  return origins.get(variable);
}

/**
 * The parameters of a layer or model that it would not train: it is frozen, or a layer in it is, or the weight is.
 * Weights that are never trained, such as moving averages, are not among them.
 */
export function frozenWeights(layer: WeightedLayer): readonly Variable[] {
  const trained = new Set(layer.trainableWeights.map(({ val }) => val));
  return layer.weights.map(({ val }) => val).filter((variable) =>
    !trained.has(variable) && origins.get(variable)?.isParameter !== false
  );
}

/** The classes whose methods are made to keep weights and layers in agreement. */
export interface LayerClasses {
  readonly layer: WeightedLayer;
  /** The class below `LayersModel`, which has `trainable` of its own. */
  readonly container: WeightedLayer;
  readonly sequential: { build(shape?: unknown): void };
}

/** Position of `trainable` among the arguments of `addWeight`. */
const TRAINABLE = 5;

/** Makes layers tell where weights come from, and freeze them. Called once, where TensorFlow.js is imported. */
export function keepTrack({ layer, container, sequential }: LayerClasses): void {
  const { addWeight } = layer;
  layer.addWeight = function (this: WeightedLayer, ...args) {
    const weight = addWeight.apply(this, args);
    const isParameter = args[TRAINABLE] !== false;
    origins.set(weight.val, { layer: this, name: weight.originalName, isParameter });
    // TensorFlow.js makes the weights of a layer with `trainable: false` trainable.
    if (isParameter && !this.trainable) weight.trainable = false;
    return weight;
  };
  freezeDeeply(layer);
  freezeDeeply(container);
  const { build } = sequential;
  sequential.build = function (this: WeightedLayer, ...args) {
    const frozen = this.trainable ? frozenWeights(this) : [];
    build.apply(this, args);
    // It sets all weights to the state of the model, and layers that were frozen before would be trained.
    for (const weight of this.weights) if (frozen.includes(weight.val)) weight.trainable = false;
  };
}

/** Makes `x.trainable = value` reach the weights of cells, wrapped layers and models inside. */
function freezeDeeply(prototype: WeightedLayer): void {
  const { get, set } = Object.getOwnPropertyDescriptor(prototype, "trainable")!;
  Object.defineProperty(prototype, "trainable", {
    configurable: true,
    get: get!,
    set(this: WeightedLayer, value: boolean) {
      set!.call(this, value);
      for (const weight of this.weights) {
        if (origins.get(weight.val)?.isParameter) weight.trainable = value;
      }
    },
  });
}
