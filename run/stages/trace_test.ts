import assert from "node:assert/strict";
import { definePlugin, type Plugin, z } from "../../mod.ts";
import { adam, dense, meanSquaredError } from "../../engine/nn/mod.ts";
import type { Json, Tables, Warning } from "../../core/types.ts";
import { column } from "../../data/tables.ts";
import { GraphCache } from "../../engine/runtimes/graphs/graph_cache.ts";
import { HookRunner } from "../../sandbox/guest/hooks.ts";
import { withTempDir } from "../../tests/support/plugins.ts";
import { NO_PROGRESS } from "../replay/progress.ts";
import { FakeHooks, newRun } from "./stage_test_helpers.ts";
import { disposeAll, trace, type TraceInput } from "./trace.ts";
import { canTrain, trainModels } from "./train.ts";
import { NEVER_STOP } from "./request.ts";

/** One weight and one bias. */
const LINE = definePlugin({
  name: "trial",
  title: "A trial",
  config: z.object({}),
  models: {
    line: {
      inputs: () => ["x"],
      targets: () => ["y"],
      outputs: { y: { unit: "cm" } },
      build() {
        const layer = dense({ inputs: 1, units: 1 });
        return {
          predict: ({ x }) => ({ y: layer(x!) }),
          loss: ({ x, y }) => ({ loss: meanSquaredError(y!, layer(x!)) }),
          optimizer: adam(),
        };
      },
    },
  },
});

const numbers = (n: number, f: (i: number) => number) =>
  column(Float32Array.from({ length: n }, (_, i) => f(i)), {
    unit: "cm",
    shape: [n, 1],
    dims: ["row", "one"],
  });

/** y = 2 x + 1 */
const TABLES: Tables = {
  train: { x: numbers(32, (i) => i / 32), y: numbers(32, (i) => i / 16 + 1) },
  validation: { x: numbers(5, (i) => i / 5), y: numbers(5, (i) => 2 * i / 5 + 1) },
};

const TRAINING = {
  epochs: 2,
  batchSize: 8,
  learningRate: 0.1,
  schedule: "constant",
  warmup: 0,
  patience: 0,
  scheduleEpochs: 1,
  scheduleFactor: 1,
} as const;

async function withStage(use: (input: TraceInput, directory: string) => Promise<void>): Promise<void> {
  await withTempDir(async (directory) => {
    await Deno.mkdir(`${directory}/programs`);
    const runner = new HookRunner(LINE as unknown as Plugin, {
      sharedDirectory: directory,
      emit: () => {},
      callHost: () => Promise.reject(new Error("not used")),
    });
    const plan = { title: "", inputs: ["x"], targets: ["y"], training: TRAINING };
    await use({
      plugin: "trial",
      config: { values: {}, models: { line: plan } },
      seed: 1,
      tables: TABLES,
      metadata: {},
      isTrained: true,
      engine: "reference",
      threads: undefined,
      graphs: new GraphCache(),
      hooks: new FakeHooks(directory, { trace: (args: Json) => runner.call("trace", args) }),
      directory: `${directory}/programs`,
    }, directory);
  });
}

Deno.test("trace() compiles every program of a model and records engine and units", async () => {
  await withStage(async (input, directory) => {
    const { models, engine, outputUnits } = await trace(input);
    assert.deepEqual([...models.keys()], ["line"]);
    assert.deepEqual([engine!.name, engine!.chosen], ["reference", "rule"]);
    assert.deepEqual(outputUnits, { "line.y": "cm" });
    const files = [...Deno.readDirSync(`${directory}/programs`)].map(({ name }) => name).sort();
    // five validation rows are no whole batch of eight: there is a program for the last batch
    const programs = ["predict", "step", "validate", "validate_tail"];
    assert.deepEqual(files, programs.flatMap((name) => [`line-${name}.json`, `line-${name}.txt`]).sort());
    await disposeAll(models);
  });
});

Deno.test("trace() leaves out models without columns where nothing is trained, and refuses them else", async () => {
  await withStage(async (input) => {
    const { models, engine } = await trace({ ...input, tables: {}, isTrained: false });
    assert.deepEqual([models.size, engine], [0, undefined]);
    const nothing = {
      ...input,
      hooks: new FakeHooks((input.hooks as FakeHooks).directory, { trace: () => ({}) }),
    };
    await assert.rejects(trace(nothing), {
      name: "PluginError",
      message: '[trial trace] Cannot train model "line" as it was not traced',
    });
  });
});

Deno.test("trainModels() trains, logs every epoch and leaves checkpoints", async () => {
  await withStage(async (input, directory) => {
    const { models } = await trace(input);
    const run = await newRun(`${directory}/runs`);
    assert.ok(canTrain(models));
    const request = {
      seed: 1,
      stop: NEVER_STOP,
      listener: {},
      stopAfterSteps: undefined,
      checkpointSeconds: undefined,
    };
    const warnings: Warning[] = [];
    const warn = (...more: readonly Warning[]): void => void warnings.push(...more);
    const plans = input.config.models;
    const stage = { run, models, plans, tables: TABLES, progress: NO_PROGRESS, request, warn };
    const history = await trainModels(stage);
    assert.deepEqual(history.map(({ epoch, split }) => `${epoch} ${split}`), [
      "1 train",
      "1 validation",
      "2 train",
      "2 validation",
    ]);
    const logged = (await Deno.readTextFile(run.file("metrics.jsonl"))).trim().split("\n");
    assert.deepEqual(logged.map((line) => JSON.parse(line)), history);
    assert.deepEqual(run.record.training!.line!.steps, 8);
    assert.ok(Deno.statSync(run.file("checkpoints", "8", "state.safetensors")).isFile);
    await assert.rejects(trainModels({ ...stage, tables: { test: TABLES.train! } }), {
      name: "ConfigError",
      message: 'Cannot train as the "train" table must have rows: prepare gave test (32 rows)',
    });
    await assert.rejects(trainModels({ ...stage, request: { ...request, stopAfterSteps: 3 } }), {
      name: "InterruptedError",
      message: "Cannot finish the run as it was interrupted: a checkpoint was saved at step 3",
    });
    await disposeAll(models);
    await run.unlock();
  });
});
