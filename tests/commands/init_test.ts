/** Runs that begin with the weights of another run, or of a file. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { encodeSafetensors, parseSafetensors } from "../../formats/safetensors.ts";
import { openRun } from "../../run/store/run_directory.ts";
import { withTempDir } from "../support/plugins.ts";
import { editJson, flipLastByte, json, verified } from "../support/proving.ts";
import { LINE, places, task, writeTrial } from "../support/trial.ts";

const tensor = (shape: readonly number[], ...values: number[]) => ({
  dtype: "float32" as const,
  shape,
  data: Float32Array.from(values),
});

Deno.test("run --init begins with another run, which resume and verify then do without", async () => {
  await withTempDir(async (directory) => {
    const plugin = await writeTrial(directory);
    const { out, cache, flags } = places(directory);
    const { run: first } = await json("run", plugin, "--epochs", "3", ...flags);
    const before = await Deno.readTextFile(join(first, "run.json"));
    const second = await task("run", plugin, "--epochs", "1", "--init", "latest", ...flags);
    assert.equal(second.code, 0, second.stderr);
    assert.match(second.stderr, /initialized {2}slope: 2 of 2 weights from run trial\/\S+; left: nothing\n/);
    assert.equal(await Deno.readTextFile(join(first, "run.json")), before);

    const run = (await Array.fromAsync(Deno.readDir(join(out, "trial")), ({ name }) =>
      join(out, "trial", name)))
      .find((path) => path !== first)!;
    const { record } = await openRun(run);
    const { folder, sha256 } = record.init!.kept["slope"]!.checkpoint!;
    const manifest = JSON.parse(await Deno.readTextFile(join(first, "checkpoints", folder, "manifest.json")));
    assert.equal(sha256, manifest.files["state.safetensors"].sha256);
    assert.deepEqual(record.init!.models!["slope"], {
      taken: ["dense_Dense1/bias", "dense_Dense1/kernel"],
      missing: [],
      otherShape: [],
      unused: [],
    });
    assert.deepEqual(JSON.parse(await Deno.readTextFile(join(run, "provenance/init.json"))), record.init);
    assert.match(await Deno.readTextFile(join(run, "report.html")), /Begun with the weights of run/);

    await Deno.remove(first, { recursive: true });
    const proof = await verified(run, "--cache", cache);
    assert.deepEqual([proof.code, proof.equal], [0, true]);
    const expected = await Deno.readTextFile(join(run, "metrics.json"));
    await Deno.remove(join(run, "checkpoints"), { recursive: true });
    await editJson(join(run, "run.json"), (changed) => changed.status = "running");
    await json("resume", run, "--cache", cache);
    assert.equal(await Deno.readTextFile(join(run, "metrics.json")), expected);

    const copy = join(run, "init/slope.safetensors");
    await flipLastByte(copy);
    const damaged = await task("verify", run, "--cache", cache);
    assert.equal(damaged.code, 2);
    assert.match(
      damaged.stderr,
      /the weights that it began with must be as they were: "init\/slope.safetensors" has sha256/,
    );
    await Deno.remove(copy);
    const missing = await task("verify", run, "--cache", cache);
    assert.match(missing.stderr, /"init\/slope.safetensors" is missing, a copy of those of run "trial\//);
  });
});

Deno.test("run --init takes what fits from a file, reports the rest, and refuses a file of which nothing fits", async () => {
  await withTempDir(async (directory) => {
    const plugin = await writeTrial(directory);
    const { flags } = places(directory);
    const file = join(directory, "some.safetensors");
    const part = {
      "dense_Dense1/kernel:0": tensor([1, 1], 2),
      "dense_Dense1/bias": tensor([3], 0, 0, 0),
      x: tensor([1], 1),
    };
    await Deno.writeFile(file, encodeSafetensors(part));
    const { run } = await json("run", plugin, "--epochs", "1", "--init", file, ...flags);
    const { record } = await openRun(run);
    assert.deepEqual([record.init!.kind, record.init!.name], ["file", "some.safetensors"]);
    assert.deepEqual(record.init!.models!["slope"], {
      taken: ["dense_Dense1/kernel"],
      missing: [],
      otherShape: [{ name: "dense_Dense1/bias", expected: [1], found: [3] }],
      unused: ["x"],
    });
    await Deno.writeFile(file, encodeSafetensors({ x: tensor([1], 1) }));
    const refused = await task("run", plugin, "--init", file, ...flags);
    assert.equal(refused.code, 2);
    assert.match(
      refused.stderr,
      /Cannot begin with the weights of file "some.safetensors" as at least one must fit by name and shape: none does, slope: 2 missing/,
    );
    const unknown = await task("run", plugin, "--init", "nothing", ...flags);
    assert.match(unknown.stderr, /Cannot find run "nothing"/);
  });
});

const BASE = {
  config: `${LINE.config}, base: inputPath("any", "weights to begin with")`,
  body: LINE.body!
    .replace("build() {", "build({ base }, context) {")
    .replace(
      "return {\n      predict",
      "if (base) loadWeights(layer, context.weights(base));\n    return {\n      predict",
    ),
  head: LINE.head!.replace("{ adam }", "{ adam, loadWeights }"),
};

Deno.test("context.weights reads in the sandbox what an inputPath names: safetensors, and model.json with its files", async () => {
  await withTempDir(async (directory) => {
    const plugin = await writeTrial(directory, BASE);
    const { cache, flags } = places(directory);
    const file = join(directory, "base.safetensors");
    const weights = { "dense_Dense1/kernel": tensor([1, 1], 2), "dense_Dense1/bias": tensor([1], 0) };
    await Deno.writeFile(file, encodeSafetensors(weights));
    const folder = join(directory, "tfjs");
    await Deno.mkdir(folder);
    const entries = Object.entries(weights).map(([name, { shape, dtype }]) => ({ name, shape, dtype }));
    const manifest = { weightsManifest: [{ paths: ["a.bin"], weights: entries }] };
    await Deno.writeTextFile(join(folder, "model.json"), JSON.stringify(manifest));
    await Deno.writeFile(join(folder, "a.bin"), new Uint8Array(Float32Array.of(2, 0).buffer));
    for (const base of [file, folder]) {
      // A rate of next to nothing: the answer y = 2 x was in the weights.
      const flagsOf = ["--epochs", "1", "--learning-rate", "1e-12", "--base", base];
      const { run, metrics } = await json("run", plugin, ...flagsOf, ...flags);
      assert.ok(metrics.mse.value < 1e-9, `${metrics.mse.value}`);
      const { directory: best } = JSON.parse(await Deno.readTextFile(join(run, "checkpoints/best.json")));
      const { tensors } = parseSafetensors(
        await Deno.readFile(join(run, "checkpoints", best, "state.safetensors")),
      );
      assert.ok(Math.abs(Number(tensors["dense_Dense1/kernel"]!.data[0]) - 2) < 1e-6);
      assert.equal((await verified(run, "--cache", cache)).code, 0);
    }
  });
});
