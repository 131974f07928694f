import assert from "node:assert/strict";
import type { Batch, BuiltModel } from "../../core/plugin.ts";
import type { Scalar, Tensor } from "../../core/tensor.ts";
import * as nn from "../nn/mod.ts";
import { engineByName } from "../runtimes/engines.ts";
import * as tf from "../tf.ts";
import { type TracedModel, traceModel } from "./trace.ts";

const ENGINES = ["native", "wasm", "reference"];

const trace = (build: () => BuiltModel, rows = 2, shape: readonly number[] = [2]): Promise<TracedModel> =>
  traceModel({
    build,
    columns: { x: { shape, dtype: "float32" } },
    inputs: ["x"],
    targets: [],
    batchSize: rows,
    lastValidationBatch: 0,
    predictBatch: rows,
    seed: 1,
    purpose: "model/test",
  });

const one = (values: readonly number[], shape: readonly number[] = [values.length]) => ({
  dtype: "float32" as const,
  shape,
  data: Float32Array.from(values),
});

const X = one([1, 1, 2, 0], [2, 2]);

/** What each engine predicts for the rows (1, 1) and (2, 0). */
async function predictions(build: () => BuiltModel): Promise<number[][]> {
  const { programs, state } = await trace(build);
  return await Promise.all(ENGINES.map(async (name) => {
    const session = await (await engineByName(name)).open(state);
    const { y } = await (await session.compile(programs["predict"]!)).run({ x: X });
    const numbers = [...y!.data as Float32Array];
    await session.dispose();
    return numbers;
  }));
}

const dense = (units: number, more: Partial<Parameters<typeof tf.layers.dense>[0]> = {}) =>
  tf.layers.dense({ units, ...more });
const network = (first: Partial<Parameters<typeof tf.layers.dense>[0]> = {}, units = 3) =>
  tf.sequential({ layers: [dense(units, { inputShape: [2], ...first }), dense(1)] });
const applied = (layer: tf.layers.Layer) => ({ x }: Batch) => ({ y: layer.apply(x!) as Tensor });
const lossOf = (layer: tf.layers.Layer) => ({ x }: Batch) => ({
  loss: tf.mean(tf.square(tf.sub(layer.apply(x!) as Tensor, 3))) as Scalar,
});

const KERNEL = () => tf.tensor2d([[10], [20]]);
const line = () => tf.sequential({ layers: [dense(1, { inputShape: [2] })] });
const filled = () => {
  const model = line();
  model.setWeights([KERNEL(), tf.tensor1d([5])]);
  return model;
};

/** y = x w + 5, with the weights written by its `build`. */
class Filled extends tf.layers.Layer {
  static className = "Filled";
  #w: ReturnType<Filled["addWeight"]> | undefined;

  override build(): void {
    this.#w = this.addWeight("w", [2, 1], "float32", tf.initializers.zeros());
    this.#w.write(KERNEL());
    this.built = true;
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const [x] = [inputs].flat();
    return tf.add(tf.matMul(x as tf.Tensor2D, this.#w!.read() as tf.Tensor2D), 5);
  }
}

/** Ways to say that y = 10 x_0 + 20 x_1 + 5, with what is made before the trace. */
const INITIAL: { readonly [way: string]: () => Promise<() => BuiltModel> } = {
  "model.setWeights": () => Promise.resolve(() => ({ predict: applied(filled()) })),
  "layer.setWeights": () =>
    Promise.resolve(() => {
      const model = line();
      model.layers[0]!.setWeights([KERNEL(), tf.tensor1d([5])]);
      return { predict: applied(model) };
    }),
  "the layer option weights": () =>
    Promise.resolve(() => {
      const layer = dense(1, { inputShape: [2], weights: [KERNEL(), tf.tensor1d([5])] });
      return { predict: applied(tf.sequential({ layers: [layer] })) };
    }),
  "the layer option weights of a layer built on first use": () =>
    Promise.resolve(() => ({ predict: applied(dense(1, { weights: [KERNEL(), tf.tensor1d([5])] })) })),
  "a layer of one's own that fills its weights in its build": () =>
    Promise.resolve(() => ({ predict: applied(new Filled({ name: "filled" })) })),
  "variable.assign": () =>
    Promise.resolve(() => {
      const [w, b] = [tf.variable(tf.zeros([2, 1])), tf.variable(tf.scalar(0))];
      tf.tidy(() => w.assign(tf.mul(KERNEL(), 1)));
      b.assign(tf.scalar(4));
      b.assign(tf.scalar(5));
      return { predict: ({ x }) => ({ y: tf.add(tf.matMul(x as tf.Tensor2D, w as tf.Tensor2D), b) }) };
    }),
  "a copy of another network": () =>
    Promise.resolve(() => {
      const copy = line();
      copy.setWeights(filled().getWeights());
      return { predict: applied(copy) };
    }),
  "a copy of a network made before": () => {
    const before = filled();
    return Promise.resolve(() => {
      const copy = line();
      copy.setWeights(before.getWeights());
      return { predict: applied(copy) };
    });
  },
  "model.loadWeights": async () => {
    const { weightData, weightSpecs } = await saved(filled());
    const tensors = tf.io.decodeWeights(weightData as ArrayBuffer, weightSpecs!);
    return () => {
      const model = line();
      const names = model.layers[0]!.weights.map(({ originalName }) => originalName);
      const values = Object.values(tensors).map((tensor, i) => [names[i]!, tensor]);
      model.loadWeights(Object.fromEntries(values), false);
      return { predict: applied(model) };
    };
  },
  "a model made before": () => {
    const model = filled();
    return Promise.resolve(() => ({ predict: applied(model) }));
  },
  "a model made before, changed in build": () => {
    const model = line();
    return Promise.resolve(() => {
      model.setWeights([KERNEL(), tf.tensor1d([5])]);
      return { predict: applied(model) };
    });
  },
  "a model loaded before": async () => {
    const model = await tf.loadLayersModel(tf.io.fromMemory(await saved(filled())));
    return () => ({ predict: applied(model) });
  },
};

async function saved(model: tf.LayersModel): Promise<tf.io.ModelArtifacts> {
  let kept: tf.io.ModelArtifacts = {};
  await model.save(tf.io.withSaveHandler((artifacts) => {
    kept = artifacts;
    return Promise.resolve({ modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: "JSON" } });
  }));
  return kept;
}

for (const [way, prepare] of Object.entries(INITIAL)) {
  Deno.test(`traceModel() begins with the weights of ${way}`, async () => {
    const build = await prepare();
    // 10 + 20 + 5 and 2 * 10 + 5: whole numbers, exact in float32. Twice, as a trace must not change what was before.
    for (let i = 0; i < 2; i++) {
      assert.deepEqual(await predictions(build), ENGINES.map(() => [35, 25]));
    }
  });
}

Deno.test("traceModel() keeps two networks apart whose layers have one name", async () => {
  const outside = await tf.loadLayersModel(tf.io.fromMemory(await saved(filled())));
  const generated = outside.layers[0]!.name;
  const { state } = await trace(() => {
    const head = dense(1, { name: generated, inputShape: [1] });
    return {
      predict: ({ x }) => ({
        y: tf.sequential({ layers: [head] }).apply(outside.apply(x!) as Tensor) as Tensor,
      }),
    };
  });
  assert.equal(new Set(Object.keys(state)).size, 4);
});

/** Trains some steps on each engine; the state before and after. */
async function trained(build: () => BuiltModel, shape: readonly number[] = [2]) {
  const { programs, state } = await trace(build, 2, shape);
  const step = programs["step"]!;
  const x = one(Array.from({ length: 2 * shape.reduce((a, b) => a * b) }, (_, i) => (i % 3) - 0.5), [
    2,
    ...shape,
  ]);
  const all: { readonly [name: string]: ReturnType<typeof one> } = { x, learningRate: one([0.01], []) };
  const given = Object.fromEntries(step.inputs.map(({ name }) => [name, all[name]!]));
  const moved = await Promise.all(ENGINES.map(async (name) => {
    const session = await (await engineByName(name)).open(state);
    const executable = await session.compile(step);
    for (let i = 0; i < 3; i++) await executable.run(given);
    const after = await session.state();
    await session.dispose();
    return Object.keys(state).filter((key) => `${state[key]!.data}` !== `${after[key]!.data}`).sort();
  }));
  for (const names of moved) assert.deepEqual(names, moved[0]);
  return moved[0]!.filter((name) => !/^(adam|sgd|momentum)/.test(name));
}

const OPTIMIZERS: { readonly [name: string]: () => BuiltModel["optimizer"] } = {
  "nn.sgd": () => nn.sgd(),
  "nn.adam with decay": () => nn.adam({ weightDecay: 0.1 }),
  "tf.train.sgd": () => tf.train.sgd(0.01) as unknown as BuiltModel["optimizer"],
  "tf.train.adam": () => tf.train.adam(0.01) as unknown as BuiltModel["optimizer"],
};

/** Ways to freeze the first of two layers. */
const FROZEN: { readonly [way: string]: () => tf.LayersModel } = {
  "the layer option": () => network({ trainable: false, name: "first" }),
  "layer.trainable before the first call": () => {
    const model = network({ name: "first" });
    model.layers[0]!.trainable = false;
    return model;
  },
  "layer.trainable after a call": () => {
    const model = network({ name: "first" });
    model.predict(tf.ones([1, 2]));
    model.layers[0]!.trainable = false;
    return model;
  },
  "layer.trainable after compile": () => {
    const model = network({ name: "first" });
    model.compile({ loss: "meanSquaredError", optimizer: "sgd" });
    model.layers[0]!.trainable = false;
    return model;
  },
  "model.trainable of a model inside": () => {
    const base = tf.sequential({ layers: [dense(3, { inputShape: [2], name: "first" })] });
    base.trainable = false;
    return tf.sequential({ layers: [base, dense(1)] });
  },
  "each weight": () => {
    const model = network({ name: "first" });
    for (const weight of model.layers[0]!.weights) (weight as { trainable: boolean }).trainable = false;
    return model;
  },
};

for (const [optimizer, make] of Object.entries(OPTIMIZERS)) {
  for (const [way, build] of Object.entries(FROZEN)) {
    for (const place of ["in build", "before"]) {
      Deno.test(`${optimizer} leaves layers alone that ${way} froze ${place}`, async () => {
        const before = place === "before" ? build() : undefined;
        const moved = await trained(() => {
          const model = before ?? build();
          return { loss: lossOf(model), predict: applied(model), optimizer: make()! };
        });
        assert.equal(moved.length, 2, moved.join());
        assert.ok(moved.every((name) => /^dense_Dense\d+\/(kernel|bias)$/.test(name)), moved.join());
      });
    }
  }
}

/** Layers that hold their weights inside, frozen. */
const WRAPPED: { readonly [name: string]: () => tf.layers.Layer } = {
  "lstm, by its option": () =>
    tf.layers.lstm({ units: 2, returnSequences: true, trainable: false, inputShape: [3, 2] }),
  gru: () => frozen(tf.layers.gru({ units: 2, returnSequences: true, inputShape: [3, 2] })),
  bidirectional: () =>
    frozen(
      tf.layers.bidirectional({
        layer: tf.layers.lstm({ units: 2, returnSequences: true }) as tf.RNN,
        inputShape: [3, 2],
      }),
    ),
  timeDistributed: () => frozen(tf.layers.timeDistributed({ layer: dense(2), inputShape: [3, 2] })),
};

function frozen<L extends tf.layers.Layer>(layer: L): L {
  layer.trainable = false;
  return layer;
}

for (const [name, make] of Object.entries(WRAPPED)) {
  Deno.test(`a frozen layer is not trained: ${name}`, async () => {
    const moved = await trained(() => {
      const model = tf.sequential({ layers: [make(), tf.layers.flatten(), dense(1, { name: "head" })] });
      return { loss: lossOf(model), optimizer: nn.adam() };
    }, [3, 2]);
    assert.deepEqual(moved, ["head/bias", "head/kernel"]);
  });
}

Deno.test("a frozen model that holds recurrent layers is not trained through its layers", async () => {
  const moved = await trained(() => {
    const base = tf.sequential({ layers: [tf.layers.lstm({ units: 2, inputShape: [3, 2] })] });
    base.trainable = false;
    const head = dense(1, { name: "head" });
    const part = tf.model({
      inputs: base.inputs,
      outputs: head.apply(base.layers[0]!.output) as tf.SymbolicTensor,
    });
    return { loss: lossOf(part), optimizer: nn.sgd() };
  }, [3, 2]);
  assert.deepEqual(moved, ["head/bias", "head/kernel"]);
});

Deno.test("a layer that is trainable again is trained", async () => {
  const moved = await trained(() => {
    const model = network({ name: "first", trainable: false });
    model.trainable = false;
    model.trainable = true;
    model.layers[0]!.trainable = true;
    return { loss: lossOf(model), optimizer: nn.sgd() };
  });
  assert.equal(moved.length, 4);
});

Deno.test("moving averages are updated beside frozen layers, also those of a model made before", async () => {
  const make = () => {
    const layers = [
      dense(3, { inputShape: [2], name: "first", trainable: false }),
      tf.layers.batchNormalization({ name: "norm" }),
      dense(1, { name: "head" }),
    ];
    return tf.sequential({ layers });
  };
  const before = make();
  for (const build of [make, () => before]) {
    const moved = await trained(() => {
      const model = build();
      const loss = ({ x }: Batch, { training }: { training: boolean }) => ({
        loss: tf.mean(tf.square(tf.sub(model.apply(x!, { training }) as Tensor, 3))) as Scalar,
      });
      return { loss, optimizer: nn.sgd() };
    });
    assert.deepEqual(
      moved.filter((name) => !/beta|gamma/.test(name)).map((name) => name.replace(/_\d+/g, "")),
      ["head/bias", "head/kernel", "norm/moving_mean", "norm/moving_variance"],
    );
  }
});

Deno.test("tf.variable(x, false) and variables left out of the optimizer's list are not updated", async () => {
  const moved = await trained(() => {
    const [a, b, c] = ["a", "b", "c"].map((name) => tf.variable(tf.ones([2]), name !== "b", name));
    return {
      step: ({ x }, { learningRate }) => {
        const loss = () => tf.mean(tf.square(tf.mul(x!, tf.add(tf.mul(a!, b!), c!)))) as Scalar;
        return { loss: nn.sgd({ variables: [a!, b!] }).minimize(loss, learningRate) };
      },
    };
  });
  assert.deepEqual(moved, ["a"]);
});

Deno.test("a step may freeze and thaw, as adversarial training does", async () => {
  const moved = await trained(() => {
    const [generator, judge] = [network({ name: "generator" }, 1), network({ name: "judge" }, 1)];
    const [first, second] = [nn.sgd({ name: "sgd_judge" }), nn.sgd({ name: "sgd_generator" })];
    return {
      step: (batch, { learningRate }) => {
        judge.trainable = true;
        generator.trainable = false;
        first.minimize(() => lossOf(judge)(batch).loss, learningRate);
        judge.trainable = false;
        generator.trainable = true;
        return { loss: second.minimize(() => lossOf(generator)(batch).loss, learningRate) };
      },
    };
  });
  assert.equal(moved.length, 8);
});

Deno.test("a model made before is trained by a step of its own, and is afterwards what it was", async () => {
  const model = filled();
  const moved = await trained(() => ({
    step: (batch, { learningRate }) => ({
      loss: nn.sgd().minimize(() => lossOf(model)(batch).loss, learningRate),
    }),
  }));
  assert.equal(moved.length, 2);
  assert.deepEqual([...model.getWeights()[0]!.dataSync()], [10, 20]);
});

Deno.test("a new head on a part of a model made before: both are trained, or the head alone", async () => {
  for (const isFrozen of [false, true]) {
    const whole = network();
    const moved = await trained(() => {
      const base = tf.model({ inputs: whole.inputs, outputs: whole.layers[0]!.output as tf.SymbolicTensor });
      base.trainable = !isFrozen;
      const head = dense(1, { inputShape: [3], name: "new_head" });
      const loss = ({ x }: Batch) => ({
        loss: tf.mean(tf.square(tf.sub(head.apply(base.apply(x!)) as Tensor, 3))) as Scalar,
      });
      return { loss, optimizer: nn.adam() };
    });
    assert.equal(moved.length, isFrozen ? 2 : 4);
  }
});

Deno.test("traceModel() rejects a loss of frozen variables alone", async () => {
  await assert.rejects(
    trace(() => {
      const model = frozen(network());
      return { loss: lossOf(model), optimizer: nn.sgd() };
    }),
    (error: Error) =>
      error.message ===
        'Cannot trace "step" as the loss must depend on a variable that is not frozen: ' +
          "found 4 variables made in build, 4 of them not trainable",
  );
});

Deno.test("model.predict in a function is traced as one call", async () => {
  const build = (run: (model: tf.LayersModel, x: Tensor) => Tensor) => (): BuiltModel => {
    const model = network();
    return { predict: ({ x }) => ({ y: run(model, x!) }) };
  };
  const applies = await trace(build((model, x) => model.apply(x) as Tensor), 100);
  for (const options of [undefined, { batchSize: 16 }]) {
    const predicts = await trace(build((model, x) => model.predict(x, options) as Tensor), 100);
    const kernels = ({ programs }: TracedModel) => programs["predict"]!.nodes.map(({ kernel }) => kernel);
    assert.deepEqual(kernels(predicts), kernels(applies));
  }
});

Deno.test("model.predict in a function keeps frozen what is frozen, and takes several inputs", async () => {
  const moved = await trained(() => {
    const base = frozen(network());
    const inputs = [tf.input({ shape: [2] }), tf.input({ shape: [2] })];
    const pair = tf.model({ inputs, outputs: tf.layers.add().apply(inputs) as tf.SymbolicTensor });
    const w = tf.variable(tf.ones([1]), true, "w");
    const loss = ({ x }: Batch) => {
      const sum = tf.sum(pair.predict([x!, x!]) as Tensor);
      return { loss: tf.mean(tf.mul(tf.add(base.predict(x!) as Tensor, sum), w)) as Scalar };
    };
    return { loss, optimizer: nn.sgd() };
  });
  assert.deepEqual(moved, ["w"]);
});

Deno.test("traceModel() names its variables as if nothing had been made before", async () => {
  const build = (): BuiltModel => {
    const block = nn.dense({ inputs: 2, units: 1, name: "block" });
    const w = tf.variable(tf.ones([1]));
    const loss = ({ x }: Batch) => ({ loss: tf.mean(tf.mul(block(x!), w)) as Scalar });
    return { loss, optimizer: nn.adam() };
  };
  const names = async () => Object.keys((await trace(build)).state);
  const alone = await names();
  const others = [
    nn.dense({ inputs: 2, units: 1, name: "block" }),
    tf.variable(tf.ones([3]), true, "adam/m/block/kernel"),
  ];
  assert.equal(others.length, 2);
  assert.deepEqual(await names(), alone);
  const outside = tf.engine().registeredVariables;
  assert.ok(Object.entries(outside).every(([name, variable]) => variable.name === name));
});

Deno.test("the slots of tfjs's optimizers carry the names of weights that were made before", async () => {
  const model = line();
  const optimizer = tf.train.adam(0.01) as unknown as BuiltModel["optimizer"];
  const { state } = await trace(() => ({ loss: lossOf(model), optimizer: optimizer! }));
  const slots = Object.keys(state).filter((name) => name.startsWith("adam/m/"));
  assert.deepEqual(slots, ["adam/m/dense_Dense1/kernel", "adam/m/dense_Dense1/bias"]);
});

Deno.test("a target network is kept equal, or follows, inside the step", async () => {
  const { programs, state } = await trace(() => {
    const [online, target] = [line(), line()];
    target.trainable = false;
    target.setWeights(online.getWeights());
    return {
      step: (batch, { learningRate }) => {
        const loss = nn.sgd().minimize(() => lossOf(online)(batch).loss, learningRate);
        target.setWeights(online.getWeights());
        return { loss };
      },
      predict: ({ x }) => ({ y: tf.sub(online.apply(x!) as Tensor, target.apply(x!) as Tensor) }),
    };
  });
  for (const name of ENGINES) {
    const session = await (await engineByName(name)).open(state);
    const [step, predict] = [
      await session.compile(programs["step"]!),
      await session.compile(programs["predict"]!),
    ];
    await step.run({ x: X, learningRate: one([0.1], []) });
    const { y } = await predict.run({ x: X });
    assert.deepEqual([...y!.data as Float32Array], [0, 0], name);
    const now = await session.state();
    assert.notDeepEqual(now["dense_Dense1/kernel"]!.data, state["dense_Dense1/kernel"]!.data);
    assert.deepEqual(now["dense_Dense2/kernel"]!.data, now["dense_Dense1/kernel"]!.data);
    await session.dispose();
  }
});

Deno.test("the option weights holds for recurrent layers and normalizations that are built on first use", async () => {
  const numbers = (shapes: readonly number[][]) =>
    shapes.map((shape, i) => tf.fill(shape, 0.1 * (i + 1)) as tf.Tensor);
  const LSTM = [[2, 8], [2, 8], [8]];
  const layers: { readonly [name: string]: () => tf.layers.Layer } = {
    lstm: () => tf.layers.lstm({ units: 2, weights: numbers(LSTM) }),
    gru: () => tf.layers.gru({ units: 2, weights: numbers([[2, 6], [2, 6], [6]]) }),
    batchNormalization: () => tf.layers.batchNormalization({ weights: numbers([[2], [2], [2], [2]]) }),
  };
  for (const [name, make] of Object.entries(layers)) {
    const { state } = await trace(() => ({ predict: applied(make()) }), 2, [3, 2]);
    const first = Object.values(state).map(({ data }) => data[0]!.toFixed(1));
    assert.deepEqual(first, Object.keys(state).map((_, i) => (0.1 * (i + 1)).toFixed(1)), name);
  }
});

Deno.test("traceModel() rejects a layer that an earlier trace built", async () => {
  const layer = dense(1);
  const build = () => ({ predict: applied(layer) });
  await trace(build);
  await assert.rejects(trace(build), {
    name: "TypeError",
    message: 'Cannot trace "predict" as a layer without an input shape must be made in build: ' +
      "found one whose weights ended with the trace that built it",
  });
});
