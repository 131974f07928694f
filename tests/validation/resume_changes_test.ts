/** Runs whose training is changed on the way: extended, with another patience, rate or schedule, with several models. */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { RunRecord } from "../../core/records.ts";
import { openRun } from "../../run/store/run_directory.ts";
import { type PluginText, withTempDir } from "../support/plugins.ts";
import { editJson, json, verified } from "../support/proving.ts";
import { LINE, places, task, writeTrial } from "../support/trial.ts";

/** Two models of as many steps each, which are trained one after the other; each has a plan of its own. */
const TWO: PluginText = {
  config:
    `rows: z.int().default(64), ${"second: z.object({ ...trainingOptions({ epochs: 4 }) }).prefault({}),"}
    ...trainingOptions({ epochs: 4, batchSize: 16, learningRate: 0.05 })`,
  body: LINE.body!.replace(
    "models: { slope: {",
    `models: { other: { inputs: () => ["x"], targets: () => ["y"], training: (config) => ({ ...config, ...config.second, batchSize: 16 }),
      build() {
        const layer = tf.layers.dense({ units: 1, inputShape: [1], kernelInitializer: "zeros" });
        return { predict: ({ x }) => ({ y: layer.apply(x) }), loss: ({ x, y }) => ({ loss: tf.losses.meanSquaredError(y, layer.apply(x)) }), optimizer: adam() };
      } }, slope: {`,
  ),
};

/** A loss that grows from the first epoch on, so that early stopping ends the training. */
const WORSE: PluginText = {
  body: LINE.body!.replace(
    'validation: line(50, context.random("b"))',
    'validation: (({ x, y }) => ({ x, y: { ...y, data: y.data.map((v) => -v) } }))(line(50, context.random("b")))',
  ),
};

/** A run that was stopped after some steps, as Ctrl-C leaves it. */
async function stoppedRun(plugin: string, directory: string, ...args: string[]): Promise<string> {
  const { flags } = places(directory);
  const { run } = await json("run", plugin, "--checkpoint-seconds", "0", ...args, ...flags);
  const { step } = JSON.parse(await Deno.readTextFile(join(run, "checkpoints/last.json")));
  // the newest checkpoint is the end of the training; the one before it is one step earlier
  await Deno.remove(join(run, "checkpoints", String(step)), { recursive: true });
  await editJson(join(run, "run.json"), (record) => record.status = "interrupted");
  return run;
}

async function recordOf(run: string): Promise<RunRecord> {
  return (await openRun(run)).record;
}

async function assertRepeats(run: string, cache: string): Promise<void> {
  const proof = await verified(run, "--cache", cache);
  assert.deepEqual([proof.code, proof.equal], [0, true], JSON.stringify(proof));
}

Deno.test("resume --extend trains on, says what the rate does, and verify repeats both parts", async () => {
  await withTempDir(async (directory) => {
    const plugin = await writeTrial(directory);
    const { cache, flags } = places(directory);
    const { run } = await json("run", plugin, "--epochs", "2", ...flags);
    const before = await Deno.readTextFile(join(run, "run.json"));
    const same = await task("resume", run, "--extend", "2", "--cache", cache);
    assert.equal(same.code, 2);
    assert.match(
      same.stderr,
      /more epochs must be asked for than were trained: "slope" has trained 2 and is to train 2/,
    );
    assert.equal(await Deno.readTextFile(join(run, "run.json")), before);
    const { code, stderr } = await task("resume", run, "--extend", "4", "--cache", cache);
    assert.equal(code, 0, stderr);
    // half a cosine: 1e-3 at the end of 2 epochs; in the middle of 4 epochs, after 2 % of warm-up, it is 0.051
    assert.match(stderr, /goes on +slope: after step 24, epoch 2 of 4\n/);
    assert.match(stderr, /rate +slope: was 1\.4e-3, is 5\.2e-2 now, cosine to 1\.1e-3 in the last step/);
    assert.match(stderr, /the rate jumps to where it would be in such a run; --warm-restart begins it anew/);
    const { resumed, training } = await recordOf(run);
    assert.deepEqual(resumed!.map(({ steps, changed, patience }) => ({ steps, changed, patience })), [
      { steps: { slope: 24 }, changed: { epochs: { from: 2, to: 4 } }, patience: "anew" },
    ]);
    assert.equal(training?.slope?.epochs, 4);
    const proof = await verified(run, "--cache", cache);
    assert.deepEqual([proof.code, proof.equal, proof.levels.record!.slice(0, 5)], [0, true, "equal"]);
    assert.match(
      await Deno.readTextFile(join(run, "report.html")),
      /<td>slope: 24<\/td><td><code>epochs<\/code><\/td><td>2<\/td><td>4<\/td>/,
    );
  });
});

Deno.test("resume --extend --warm-restart begins the schedule anew, from the peak or from a given rate", async () => {
  await withTempDir(async (directory) => {
    const plugin = await writeTrial(directory);
    const { cache, flags } = places(directory);
    for (const [args, peak] of [[[], "1.0e-1"], [["--learning-rate", "0.03"], "3.0e-2"]] as const) {
      const { run } = await json("run", plugin, "--epochs", "2", "--warmup", "0", ...flags);
      const { code, stderr } = await task(
        "resume",
        run,
        "--extend",
        "4",
        "--warm-restart",
        ...args,
        "--cache",
        cache,
      );
      assert.equal(code, 0, stderr);
      assert.match(stderr, new RegExp(`is ${peak} now, cosine begun anew from its peak ${peak} to`));
      assert.doesNotMatch(stderr, /stretched/);
      assert.deepEqual((await recordOf(run)).resumed![0]!.schedule, {
        slope: { step: 24, epoch: 2, plateauDrops: 0 },
      });
      await assertRepeats(run, cache);
    }
  });
});

Deno.test("resume --extend after early stopping trains on, with patience counted anew", async () => {
  await withTempDir(async (directory) => {
    const plugin = await writeTrial(directory, WORSE);
    const { cache, flags } = places(directory);
    const { run } = await json("run", plugin, "--epochs", "20", "--patience", "2", ...flags);
    const first = await recordOf(run);
    assert.deepEqual([first.training!.slope!.reason, first.training!.slope!.epochs], ["early-stopping", 3]);
    // fewer epochs than were planned, but more than were trained
    await json("resume", run, "--extend", "4", "--cache", cache);
    assert.deepEqual((await recordOf(run)).training!.slope!.epochs, 4);
    await json("resume", run, "--extend", "30", "--cache", cache);
    const last = await recordOf(run);
    assert.deepEqual([last.training!.slope!.reason, last.training!.slope!.epochs], ["early-stopping", 6]);
    await assertRepeats(run, cache);
    // and without early stopping to the end
    await json("resume", run, "--patience", "0", "--epochs", "8", "--cache", cache);
    assert.deepEqual((await recordOf(run)).training!.slope!.epochs, 8);
    await assertRepeats(run, cache);
  });
});

Deno.test("resume changes patience, rate, schedule and epochs of an interrupted run, and verify repeats it", async () => {
  await withTempDir(async (directory) => {
    const plugin = await writeTrial(directory);
    const { cache } = places(directory);
    const run = await stoppedRun(plugin, directory, "--epochs", "3");
    const changes = [
      "--patience",
      "4",
      "--learning-rate",
      "0.02",
      "--schedule",
      "step",
      "--schedule-epochs",
      "2",
    ];
    await json("resume", run, ...changes, "--schedule-factor", "0.5", "--epochs", "6", "--cache", cache);
    const { resumed, configHash } = await recordOf(run);
    assert.deepEqual(resumed!.map(({ steps, changed }) => ({ steps, changed })), [{
      steps: { slope: 35 },
      changed: {
        patience: { from: 0, to: 4 },
        learningRate: { from: 0.1, to: 0.02 },
        schedule: { from: "cosine", to: "step" },
        scheduleEpochs: { from: 10, to: 2 },
        scheduleFactor: { to: 0.5 },
        epochs: { from: 3, to: 6 },
      },
    }]);
    const config = JSON.parse(await Deno.readTextFile(join(run, "config.json")));
    assert.equal(config.sources.patience, "--patience");
    assert.equal(configHash.length, 64);
    await assertRepeats(run, cache);
    for (const steps of ["20", "35", "50"]) {
      const proof = await verified(run, "--steps", steps, "--cache", cache);
      assert.deepEqual([proof.code, proof.levels.steps!.slice(0, 5)], [0, "equal"], JSON.stringify(proof));
    }
  });
});

Deno.test("resume refuses values that a training keeps, and touches nothing", async () => {
  await withTempDir(async (directory) => {
    const plugin = await writeTrial(directory, {
      config: LINE.config!.replace(
        "...training",
        'units: z.int().default(1).meta({ affects: "training" }), ...training',
      ),
    });
    const { cache } = places(directory);
    const run = await stoppedRun(plugin, directory, "--epochs", "2");
    const before = await Deno.readTextFile(join(run, "run.json"));
    const refused = async (args: string[], message: RegExp) => {
      const { code, stderr } = await task("resume", run, ...args, "--cache", cache);
      assert.equal(code, 2, stderr);
      assert.match(stderr, message);
      assert.equal(await Deno.readTextFile(join(run, "run.json")), before);
    };
    await refused(
      ["--batch-size", "8"],
      /--batch-size: changes batchSize, which a training keeps from its first step on/,
    );
    await refused(["--units", "2", "--patience", "3"], /--units: changes nothing of how a model is trained/);
    await refused(["--learning-rate", "-1"], /learningRate/);
    await refused(["--rows", "9"], /--rows.*there is no such flag/);
    await refused(
      ["--extend", "9"],
      /it must be finished: it is interrupted; resume it without --extend first/,
    );
  });
});

Deno.test("resume extends and changes runs with several models, whose checkpoints do not mix", async () => {
  await withTempDir(async (directory) => {
    const plugin = await writeTrial(directory, TWO);
    const { cache, flags } = places(directory);
    const { run } = await json("run", plugin, ...flags);
    await json("resume", run, "--extend", "8", "--second.epochs", "8", "--cache", cache);
    const best = JSON.parse(await Deno.readTextFile(join(run, "checkpoints/best.json"))).models;
    for (const [model, folder] of Object.entries(best)) {
      const manifest = JSON.parse(
        await Deno.readTextFile(join(run, "checkpoints", String(folder), "manifest.json")),
      );
      assert.equal(manifest.model, model, `${folder}`);
    }
    assert.deepEqual(Object.values((await recordOf(run)).training!).map(({ epochs }) => epochs), [8, 8]);
    await assertRepeats(run, cache);
    // the second model alone, with the schedule anew
    await json("resume", run, "--extend", "9", "--warm-restart", "--cache", cache);
    assert.deepEqual(Object.values((await recordOf(run)).training!).map(({ epochs }) => epochs), [8, 9]);
    await assertRepeats(run, cache);
  });
});

Deno.test("resume refuses a rate that the plugin built into its programs, and goes on without it", async () => {
  await withTempDir(async (directory) => {
    const plugin = await writeTrial(directory, {
      body: LINE.body!.replace("build() {", "build({ learningRate }) {").replace(
        "optimizer: adam(),",
        "optimizer: adam({ beta1: 1 - learningRate }),",
      ),
    });
    const { cache } = places(directory);
    const run = await stoppedRun(plugin, directory, "--epochs", "2");
    const { code, stderr } = await task("resume", run, "--learning-rate", "0.02", "--cache", cache);
    assert.equal(code, 2);
    assert.match(
      stderr,
      /as its models must stay as they are: program "step" of model "slope" becomes another/,
    );
    await json("resume", run, "--cache", cache);
    await assertRepeats(run, cache);
  });
});
