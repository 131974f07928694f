/** NaN on its way through a run: in the validation loss, columns, the state, metrics; and a model without a loss. */
import assert from "node:assert/strict";
import { definePlugin, run, trainingOptions, z } from "beamline";
import { column } from "beamline/data";
import { meanSquaredError, sgd } from "beamline/nn";
import * as tf from "beamline/tf";
import { join } from "node:path";
import { toFileUrl } from "../../files/paths.ts";
import { withTempDir, writePlugin } from "../support/plugins.ts";
import { json, verified } from "../support/proving.ts";
import { places, task } from "../support/trial.ts";

const ROWS = 64;

/** Fields beside those of the training; a type parameter in each. */
const config = z.object({
  what: z.enum(["root", "step", "no-validation", "nan-column", "nan-state"]),
  ...trainingOptions({ epochs: 12, learningRate: 0.05, batchSize: 8, schedule: "constant", warmup: 0 }),
});

type Scalar = ReturnType<typeof meanSquaredError>;

/**
 * y = w x from w = 0 to 1. On validation rows `held` is 1, and there the loss of "root" has sqrt(w - 0.5): NaN as long as
 * w < 0.5. "nan-state" updates a second number to NaN that the loss does not read.
 */
const plugin = definePlugin({
  name: "trial",
  title: "A validation loss that is NaN in the first epochs",
  config,
  prepare({ what }, context) {
    const draw = (split: string, held: number, rows = ROWS) => {
      const random = context.random(split);
      const x = Float32Array.from({ length: rows }, () => random.normal());
      const given = x.slice();
      if (what === "nan-column" && split === "b") given.set([NaN, Infinity], 4);
      const shape = [rows, 1];
      return {
        x: column(given, { unit: "1", shape }),
        held: column(new Float32Array(rows).fill(held), { unit: "1", shape }),
        y: column(x, { unit: "1", shape }),
      };
    };
    const train = draw("a", 0);
    const validation = draw("b", what === "root" ? 1 : 0, what === "no-validation" ? 0 : ROWS);
    return { tables: { train, validation, test: draw("c", 0) }, simulated: true, source: "a line" };
  },
  models: {
    line: {
      inputs: () => ["x", "held"],
      targets: () => ["y"],
      build({ what }) {
        const w = tf.variable(tf.zeros([1, 1]), true, "w");
        const other = tf.variable(tf.zeros([1]), false, "other");
        const optimizer = sgd();
        const predict = ({ x }: { readonly [name: string]: tf.Tensor }) => ({ y: tf.matMul(x!, w as never) });
        const loss = ({ x, held, y }: { readonly [name: string]: tf.Tensor }) => {
          const under = tf.add(tf.mul(held!, tf.sub(w, 0.5)), tf.sub(1, held!));
          const error = meanSquaredError(y!, tf.matMul(x!, w as never));
          return { loss: tf.add(error, tf.mul(0, tf.mean(tf.sqrt(under)))) as Scalar };
        };
        if (what !== "step" && what !== "nan-state") return { predict, loss, optimizer };
        return {
          predict,
          step: (batch, context) => {
            if (what === "nan-state") other.assign(tf.sqrt(tf.sub(other, 1)) as never);
            return { loss: optimizer.minimize(() => loss(batch).loss, context.learningRate) };
          },
        };
      },
    },
  },
  evaluate: (_config, { history }) => ({
    results: { lost: history.filter(({ loss }) => Number.isNaN(loss)).length },
  }),
});

/** Runs the plugin in its own folder, and returns what it wrote. */
async function ran(
  values: { readonly what: string; readonly [name: string]: string | number },
  use: (left: {
    readonly json: (name: string) => Promise<unknown>;
    readonly lines: readonly { readonly [name: string]: unknown }[];
    readonly results: unknown;
  }) => Promise<void>,
): Promise<void> {
  await withTempDir(async (directory) => {
    const { run: folder, results } = await run(plugin, {
      config: values,
      out: `${directory}/runs`,
      cache: `${directory}/cache`,
    });
    const text = await Deno.readTextFile(`${folder}/metrics.jsonl`);
    await use({
      json: async (name) => JSON.parse(await Deno.readTextFile(`${folder}/${name}`)),
      lines: text.trim().split("\n").map((line) => JSON.parse(line)),
      results,
    });
  });
}

Deno.test("run() never takes an epoch with a NaN validation loss for the best, and warns of each", async () => {
  await ran({ what: "root" }, async ({ json, lines, results }) => {
    const lost = lines.filter(({ split, loss }) => split === "validation" && loss === null);
    assert.ok(lost.length > 0 && lost.length < 12, `${lost.length}`);
    const { warnings, training } = await json("run.json") as {
      warnings: { code: string; message: string }[];
      training: { line: { bestEpoch: number; bestLoss: number } };
    };
    assert.deepEqual(warnings.map(({ code }) => code), lost.map(() => "validation-not-finite"));
    assert.equal(new Set(warnings.map(({ message }) => message)).size, lost.length);
    assert.equal(training.line.bestEpoch, 12);
    assert.ok(Number.isFinite(training.line.bestLoss));
    assert.deepEqual(results, { lost: lost.length }, "the history that evaluate gets has NaN");
  });
});

Deno.test("run() stops early when validation stays NaN for as long as patience lasts", async () => {
  await ran({ what: "root", epochs: 3, learningRate: 1e-6, patience: 2 }, async ({ json }) => {
    const { warnings, training } = await json("run.json") as {
      warnings: { code: string }[];
      training: { line: { reason: string; bestEpoch: null; bestLoss: null; epochs: number } };
    };
    const { reason, bestEpoch, bestLoss, epochs } = training.line;
    assert.deepEqual([reason, bestEpoch, bestLoss, epochs], ["early-stopping", null, null, 2]);
    assert.deepEqual(warnings.map(({ code }) => code), [
      "validation-not-finite",
      "validation-not-finite",
      "no-best-epoch",
    ]);
  });
});

Deno.test("run() takes the last epoch of a model with step and without loss, and refuses to watch a loss for it", async () => {
  await ran({ what: "step", epochs: 2 }, async ({ json, lines }) => {
    assert.deepEqual(lines.map(({ split }) => split), ["train", "train"], "there is no validation");
    const { training, warnings } = await json("run.json") as {
      training: { line: { bestEpoch: number; bestLoss: null } };
      warnings: unknown[];
    };
    assert.deepEqual([training.line.bestEpoch, training.line.bestLoss, warnings], [2, null, []]);
  });
  for (const asked of [{ patience: 3 }, { schedule: "plateau" }]) {
    await assert.rejects(ran({ what: "step", ...asked }, () => Promise.resolve()), {
      name: "ConfigError",
      message:
        /^Cannot train "line" with --.* as it watches the validation loss: the model has "step" without/,
    });
  }
});

Deno.test("run() reports that the training loss is used where there are no validation rows", async () => {
  await ran({ what: "no-validation", epochs: 2 }, async ({ json, lines }) => {
    assert.deepEqual(lines.map(({ split }) => split), ["train", "train"]);
    const { warnings } = await json("run.json") as { warnings: { code: string }[] };
    assert.deepEqual(warnings.map(({ code }) => code), ["no-validation"]);
  });
});

Deno.test("run() refuses to train on a column with NaN, and names its rows", async () => {
  await assert.rejects(ran({ what: "nan-column" }, () => Promise.resolve()), {
    name: "DataError",
    message:
      /: column "x" of split "validation" has others in 2 of 64 rows \(NaN in row 4, Infinity in row 5; /,
  });
});

Deno.test("run() ends with the tensor's name when the state becomes NaN although the loss is finite", async () => {
  await assert.rejects(ran({ what: "nan-state" }, () => Promise.resolve()), {
    name: "ConfigError",
    message: /state must not hold NaN: the first tensor with NaN is "other" after step 1 \(epoch 1\)/,
  });
});

/** Metrics and a table that are not finite, as a small plugin returns them. */
const BODY = `evaluate() {
    const rest = { errorKind: "bootstrap", unit: "GeV", better: "lower", rows: 10, split: "test" };
    const metric = (value, error) => ({ value, error, ...rest });
    return {
      metrics: { lost: metric(NaN, 0.1), far: metric(-Infinity, null), vague: metric(1, NaN), fine: metric(2, 0.5) },
      tables: [{ name: "t", title: "T", columns: ["a", "b"], rows: [[NaN, 1], ["x", Infinity]] }],
      results: { lost: NaN },
    };
  },`;

/** What a run with these metrics leaves, in a sandbox and in this process alike. */
async function checkMetrics(folder: string): Promise<void> {
  const json = async (name: string) => JSON.parse(await Deno.readTextFile(join(folder, name)));
  const metrics = await json("metrics.json") as { [key: string]: { [field: string]: unknown } };
  assert.deepEqual(
    Object.entries(metrics).map(([key, { value, valueText, error }]) => [key, value, valueText, error]),
    [
      ["lost", null, "NaN", 0.1],
      ["far", null, "-Infinity", null],
      ["vague", 1, undefined, null],
      ["fine", 2, undefined, 0.5],
    ],
  );
  const { tables, results } = await json("results.json");
  assert.deepEqual(tables[0].rows, [["NaN", 1], ["x", "Infinity"]]);
  assert.deepEqual(results, { lost: null });
  const { warnings, status } = await json("run.json");
  assert.equal(status, "finished");
  assert.deepEqual(
    warnings.map(({ code }: { code: string }) => code),
    new Array(3).fill("metric-not-finite"),
  );
  const report = await Deno.readTextFile(join(folder, "report.html"));
  for (const text of ["NaN", "-Infinity", "2.0 ± 0.5"]) assert.ok(report.includes(`>${text}<`), text);
}

Deno.test("run keeps metrics that are not finite with a warning each, in a sandbox and in this process", async () => {
  await withTempDir(async (directory) => {
    const location = await writePlugin(directory, { body: BODY });
    const { cache, flags } = places(directory);
    const shown = await task("run", location.directory, ...flags);
    assert.equal(shown.code, 0, shown.stderr);
    assert.match(shown.stdout, /lost +NaN +GeV/);
    const { run: folder, metrics } = await json("run", location.directory, ...flags);
    assert.deepEqual([metrics.lost.value, metrics.lost.valueText, metrics.fine.value], [null, "NaN", 2]);
    await checkMetrics(folder);
    const proof = await verified(folder, "--cache", cache);
    assert.deepEqual([proof.code, proof.equal], [0, true]);
    const module = await import(toFileUrl(location.entry)) as { default: Parameters<typeof run>[0] };
    const inProcess = await run(module.default, { out: join(directory, "in-process"), cache });
    assert.equal(inProcess.metrics.lost!.value, NaN);
    await checkMetrics(inProcess.run);
  });
});
