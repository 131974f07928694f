/** Work on finished runs: new code of `evaluate`, and actions, on weights that were trained before. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { withTempDir } from "../support/plugins.ts";
import { json } from "../support/proving.ts";
import { LINE, places, task, weightsOf, writeTrial } from "../support/trial.ts";

/** The trial with an action on its model. */
const WITH_ACTION = {
  body: `${LINE.body}
  actions: { slope: { title: "the slope", models: true, async run({ rows }, context) {
    const x = { x: column(Float32Array.of(0, 1), { unit: "cm", shape: [2, 1], dims: ["row", "axis"] }) };
    const { y } = await context.predict("slope", x);
    return { results: { slope: y.data[1] - y.data[0], rows } };
  } } },`,
};

const metricsOf = async (run: string) => JSON.parse(await Deno.readTextFile(join(run, "metrics.json")));
const recordOf = async (run: string) => JSON.parse(await Deno.readTextFile(join(run, "run.json")));

Deno.test("evaluate runs new code of evaluate on trained weights, and what it made repeats itself", async () => {
  await withTempDir(async (directory) => {
    const plugin = await writeTrial(directory, WITH_ACTION);
    const { cache, flags } = places(directory);
    const { run } = await json("run", plugin, "--epochs", "3", ...flags);
    const same = await json("evaluate", run, ...flags.slice(2), "--runs", flags[1]!);
    assert.deepEqual(await metricsOf(same.run), await metricsOf(run));

    const code = await Deno.readTextFile(join(plugin, "mod.ts"));
    await Deno.writeTextFile(join(plugin, "mod.ts"), code.replace("value: mse,", "value: 2 * mse,"));
    const weights = weightsOf(run);
    const again = await json("evaluate", run, "--cache", cache, "--runs", flags[1]!, "--name", "doubled");
    const [before, after] = [(await metricsOf(run)).mse.value, (await metricsOf(again.run)).mse.value];
    assert.equal(after, 2 * before);
    assert.equal(weightsOf(run), weights, "the run stays as it was");
    const record = await recordOf(again.run);
    assert.deepEqual([record.action, record.name, record.status], ["evaluate", "doubled", "finished"]);
    const { configHash, id } = await recordOf(run);
    assert.deepEqual(record.from, { plugin: "trial", id, configHash });
    assert.equal(record.training, undefined);
    const history = (path: string) => Deno.readTextFile(join(path, "metrics.jsonl"));
    assert.equal(await history(again.run), await history(run));
    await Deno.remove(run, { recursive: true }); // it has a copy of all it needs
    const verified = await task("verify", again.run, "--cache", cache);
    assert.equal(verified.code, 0, verified.stdout + verified.stderr);
  });
});

Deno.test("an action runs on the weights of --from, with the values of that run and flags that change them", async () => {
  await withTempDir(async (directory) => {
    const plugin = await writeTrial(directory, WITH_ACTION);
    const { flags } = places(directory);
    const { run } = await json("run", plugin, "--epochs", "30", "--rows", "321", ...flags);
    const fresh = await json("run", plugin, "slope", ...flags);
    const trained = await json("run", plugin, "slope", "--from", run, ...flags);
    assert.ok(Math.abs(trained.slope - 2) < 0.2, `${trained.slope}`);
    assert.notEqual(fresh.slope, trained.slope);
    assert.equal(trained.rows, 321);
    assert.equal((await json("evaluate", run, "slope", "--rows", "7", ...flags)).rows, 7);
    for (const wrong of [["--seed", "3"], ["--init", run], ["--repeat", "2"]]) {
      const { code, stderr } = await task("run", plugin, "slope", "--from", run, ...wrong, ...flags);
      assert.equal(code, 2);
      assert.match(stderr, /^error: Cannot use --\w+ with --from as the values of that run are taken/m);
    }
    const code = await Deno.readTextFile(join(plugin, "mod.ts"));
    await Deno.writeTextFile(join(plugin, "mod.ts"), code.replace("units: 1,", 'units: 1, name: "other",'));
    const other = await task("evaluate", run, ...flags);
    assert.equal(other.code, 2);
    assert.match(
      other.stderr,
      /Cannot evaluate the weights of run ".*" as the plugin must build its models: slope: /,
    );
  });
});
