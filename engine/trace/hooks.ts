/**
 * What a trace changes in tfjs while it runs, and undoes at its end: scopes are watched to know layer and operation,
 * random operations become inputs, variables are counted, and `Math.random` repeats.
 *
 * @module
 */
import { UnsupportedError } from "../../core/errors.ts";
import { type Random, randomFor } from "../../core/random.ts";
import * as tf from "../tf.ts";
import { originOf, type WeightedLayer } from "../layer_weights.ts";
import type { RandomRequest } from "./current.ts";
import { type EngineInternals, engineInternals } from "./internals.ts";
import type { Names } from "./names.ts";

/** What the hooks report to the trace. */
export interface HookEvents {
  /** The program whose function is being traced. */
  program(): string | undefined;
  random(request: RandomRequest): tf.Tensor;
  variable(variable: tf.Variable): void;
  /** Variables that a layer, when it was built, gave the initial values that it was told. */
  initialized(variables: readonly tf.Variable[]): void;
  /** A layer or model is used for the first time. */
  layer(layer: WeightedLayer): void;
  optimizer(optimizer: tf.Optimizer): void;
}

/** The hidden methods of layers that are replaced. */
interface LayerPrototype extends WeightedLayer {
  apply(...args: unknown[]): unknown;
  call(...args: unknown[]): unknown;
}

/** The hidden method of models that is replaced. */
interface ModelPrototype extends WeightedLayer {
  predictLoop(inputs: tf.Tensor | tf.Tensor[], batchSize?: number, verbose?: boolean): unknown;
}

type Noise = Pick<RandomRequest, "distribution" | "shift" | "scale">;

const UNIFORM: Noise = { distribution: "uniform", shift: 0, scale: 1 };
const STANDARD_NORMAL: Noise = { distribution: "normal", shift: 0, scale: 1 };

/** Operations that draw standard numbers inside, whoever calls them. */
const KNOWN_NOISE: { readonly [op: string]: Noise } = {
  dropout: UNIFORM,
  randomStandardNormal: STANDARD_NORMAL,
};

/** Layers that draw numbers by themselves, and which. */
const LAYER_NOISE: { readonly [className: string]: (config: tf.serialization.ConfigDict) => Noise } = {
  GaussianNoise: ({ stddev }) => ({ distribution: "normal", shift: 0, scale: Number(stddev) }),
  GaussianDropout: ({ rate }) => ({
    distribution: "normal",
    shift: 1,
    scale: Math.sqrt(Number(rate) / (1 - Number(rate))),
  }),
  AlphaDropout: () => UNIFORM,
};

/** Operations whose numbers are exchanged when their tensor is made. */
const DRAWN: readonly string[] = ["randomUniform", "randomNormal"];

/** Operations that cannot become an input, with what to use instead. */
const REFUSED: { readonly [op: string]: string } = {
  truncatedNormal: "use randomNormal, with clipByValue where bounds matter",
  randomGamma: "use randomUniform or randomNormal",
  rand: "use randomUniform",
  multinomial: "use gumbelSoftmax of beamline/nn",
};

const SUFFIX = "__op";

/** The operation of a scope: tfjs opens the scope "matMul__op" around `matMul`. */
function opOf(scope: string | undefined): string | undefined {
  return scope?.endsWith(SUFFIX) ? scope.slice(0, -SUFFIX.length) : undefined;
}

/** Installs and removes the hooks. */
export class Hooks {
  readonly #engine: EngineInternals = engineInternals();
  readonly #events: HookEvents;
  readonly #names: Names;
  readonly #random: Random;
  readonly #layers: tf.layers.Layer[] = [];
  readonly #seen = new Set<WeightedLayer>();
  readonly #undo: (() => void)[] = [];
  #initializing = 0;
  #gradientOf: string | undefined;

  constructor(events: HookEvents, names: Names, seed: number, purpose: string) {
    this.#events = events;
    this.#names = names;
    this.#random = randomFor({ seed, purpose: `${purpose}/initial-values` });
  }

  /** Whether random operations become inputs now. */
  get capturesRandom(): boolean {
    return this.#events.program() !== undefined && this.#initializing === 0;
  }

  /** Layer and operation now running: "dense_Dense1/matMul", "gradient of dense_Dense1/matMul"; else the program. */
  scope(): string {
    if (this.#gradientOf !== undefined) return this.#gradientOf;
    const layer = this.#layers.at(-1);
    const scope = this.#engine.state.scopeStack.find(({ name }) => name.endsWith(SUFFIX));
    return [layer && this.#names.layer(layer.name, layer), opOf(scope?.name)]
      .filter(Boolean).join("/") || (this.#events.program() ?? "");
  }

  install(): void {
    const engine = this.#engine;
    const events = this.#events;
    this.#replace(engine, "startScope", (original) => (name?: string) => {
      if (this.capturesRandom) this.#refuse(opOf(name));
      original.call(engine, name);
    });
    this.#replace(engine, "makeTensor", (original) => (values, shape, dtype, backend) => {
      const noise = this.capturesRandom ? this.#noise() : undefined;
      if (!noise) return original.call(engine, values, shape, dtype, backend);
      const op = opOf(engine.state.activeScope?.name) ?? "";
      return events.random({ ...noise, shape, dtype: dtype === "int32" ? "int32" : "float32", op });
    });
    this.#replace(engine, "makeVariable", (original) => (initial, trainable, name, dtype) => {
      const variable = original.call(engine, initial, trainable, name, dtype);
      events.variable(variable);
      return variable;
    });
    // tfjs would clone an optional input that is absent, such as the scale of a batch normalization.
    this.#replace(engine, "getTensorsForGradient", (original) => (...args) => {
      return original.apply(engine, args).filter((tensor) => tensor !== undefined && tensor !== null);
    });
    this.#replace(engine, "addTapeNode", (original) => (...args) => {
      original.apply(engine, args);
      this.#nameGradient();
    });
    this.#hookFusedConvolution();
    this.#hookLayers();
    this.#replace(tf.Optimizer.prototype, "computeGradients", (original) => {
      return function (this: tf.Optimizer, ...args) {
        events.optimizer(this);
        return original.apply(this, args);
      };
    });
    this.#hookMathRandom();
  }

  /** Undoes everything, latest first. */
  remove(): void {
    for (const undo of this.#undo.splice(0).reverse()) undo();
  }

  /** tfjs's fused convolution refuses gradients with dilation; convolution, bias and activation one by one have them. */
  #hookFusedConvolution(): void {
    const engine = this.#engine;
    this.#replace(tf.fused as { conv2d: typeof tf.fused.conv2d }, "conv2d", (original) => {
      const apart = (options: Parameters<typeof original>[0]) => {
        const { x, filter, strides, pad, dataFormat, dilations, dimRoundingMode, bias } = options;
        const convolved = tf.conv2d(x, filter, strides, pad, dataFormat, dilations, dimRoundingMode);
        return bias ? tf.add(convolved, bias as tf.Tensor) : convolved;
      };
      return ((options) => {
        const isPlain = [options.dilations ?? 1].flat().every((dilation) => dilation === 1);
        const isLinear = (options.activation ?? "linear") === "linear";
        const isFirst = options.dataFormat === "NCHW";
        if (isPlain || isFirst || !isLinear || engine.state.gradientDepth === 0) return original(options);
        return apart(options);
      }) as typeof original;
    });
  }

  #hookLayers(): void {
    // deno-lint-ignore no-this-alias -- the hooks below need the layer as `this`
    const hooks = this;
    const prototype = tf.layers.Layer.prototype as unknown as LayerPrototype;
    this.#replace(prototype, "apply", (original) => {
      return function (this: LayerPrototype, ...args) {
        hooks.#names.layer(this.name, this);
        hooks.#layers.push(this as unknown as tf.layers.Layer);
        const isBuilding = !this.built;
        if (isBuilding) hooks.#watchBuilding(this);
        else hooks.#see(this);
        try {
          return original.apply(this, args);
        } finally {
          hooks.#layers.pop();
          if (this.built) hooks.#see(this);
        }
      };
    });
    this.#replace(prototype, "addWeight", (original) => {
      return function (this: LayerPrototype, ...args) {
        hooks.#initializing++;
        try {
          const weight = original.apply(this, args);
          hooks.#names.weight(weight.val, this, weight.originalName);
          return weight;
        } finally {
          hooks.#initializing--;
        }
      };
    });
    this.#hookPredict();
  }

  /** A layer is built by its first call: what it gave its weights until it computes are their initial values. */
  #watchBuilding(layer: LayerPrototype): void {
    const own = Object.getOwnPropertyDescriptor(layer, "call");
    const { call } = layer;
    layer.call = (...args) => {
      if (own) Object.defineProperty(layer, "call", own);
      else delete (layer as Partial<LayerPrototype>).call;
      this.#events.initialized(layer.weights.map(({ val }) => val));
      return call.apply(layer, args);
    };
  }

  /** Inside a traced function, `model.predict` is one call for the whole batch: tfjs would make one per 32 rows. */
  #hookPredict(): void {
    // deno-lint-ignore no-this-alias -- the hook below needs the model as `this`
    const hooks = this;
    this.#replace(tf.LayersModel.prototype as unknown as ModelPrototype, "predictLoop", (original) => {
      return function (this: ModelPrototype, inputs, batchSize, verbose) {
        if (hooks.#events.program() === undefined) return original.call(this, inputs, batchSize, verbose);
        hooks.#see(this);
        const [rows = 0] = [inputs].flat()[0]?.shape ?? [];
        return original.call(this, inputs, Math.max(1, rows), verbose);
      };
    });
  }

  /** Tells of a layer once, and gives weights that were made before the trace their names. */
  #see(layer: WeightedLayer): void {
    if (this.#seen.has(layer)) return;
    this.#seen.add(layer);
    for (const { val } of layer.weights) {
      const origin = this.#names.hasWeight(val) ? undefined : originOf(val);
      if (origin) this.#names.weight(val, origin.layer, origin.name);
    }
    this.#events.layer(layer);
  }

  /** `Math.random` repeats from run to run; inside a traced function it would be frozen, so it is refused. */
  #hookMathRandom(): void {
    this.#replace(Math, "random", () => () => {
      const isAllowed = !this.capturesRandom || this.#isInRandomOp();
      if (isAllowed) return this.#random.uniform();
      throw new UnsupportedError(
        `Cannot trace "${this.scope()}" as random numbers drawn in JavaScript would be the same in every step: ` +
          "found Math.random; use context.randomUniform",
        "Math.random in a model function",
      );
    });
  }

  #isInRandomOp(): boolean {
    return this.#engine.state.scopeStack.some(({ name }) => DRAWN.includes(opOf(name) ?? ""));
  }

  #refuse(op: string | undefined): void {
    if (op === undefined || !Object.hasOwn(REFUSED, op)) return;
    throw this.#cannotCapture(op, REFUSED[op]!);
  }

  /** Which numbers the tensor now being made holds; `undefined` when they are not random. */
  #noise(): Noise | undefined {
    const { activeScope, scopeStack } = this.#engine.state;
    const drawn = opOf(activeScope?.name);
    if (drawn === undefined || !DRAWN.includes(drawn)) return undefined;
    for (const { name } of scopeStack) {
      const op = opOf(name);
      if (op !== undefined && Object.hasOwn(KNOWN_NOISE, op)) return KNOWN_NOISE[op];
    }
    const layer = this.#layers.at(-1);
    const className = layer?.getClassName() ?? "";
    if (layer && Object.hasOwn(LAYER_NOISE, className)) return LAYER_NOISE[className]!(layer.getConfig());
    throw this.#cannotCapture(drawn, "use context.randomUniform or context.randomNormal");
  }

  #cannotCapture(op: string, remedy: string): Error {
    const layer = this.#layers.at(-1);
    const where = layer ? ` in layer "${this.#names.layer(layer.name, layer)}"` : "";
    return new UnsupportedError(
      `Cannot trace "${op}" as random numbers drawn in JavaScript would be the same in every step: ` +
        `found ${op}${where}; ${remedy}`,
      op,
    );
  }

  /** Makes the gradient of the operation just recorded on the tape carry its name. */
  #nameGradient(): void {
    const node = this.#engine.state.activeTape?.at(-1);
    const original = node?.gradient;
    if (!node || !original) return;
    const scope = this.scope();
    const name = scope.startsWith("gradient of ") ? scope : `gradient of ${scope}`;
    const within = <T>(run: () => T): T => {
      const outer = this.#gradientOf;
      this.#gradientOf = name;
      try {
        return run();
      } finally {
        this.#gradientOf = outer;
      }
    };
    node.gradient = (dys) =>
      within(() =>
        Object.fromEntries(
          Object.entries(original(dys)).map(([input, make]) => [input, () => within(make)]),
        )
      );
  }

  #replace<T extends object, K extends keyof T>(
    target: T,
    key: K,
    make: (original: T[K]) => T[K],
  ): void {
    const original = target[key];
    const own = Object.getOwnPropertyDescriptor(target, key);
    this.#undo.push(() => {
      if (own) Object.defineProperty(target, key, own);
      else delete (target as Partial<T>)[key];
    });
    target[key] = make(original);
  }
}
