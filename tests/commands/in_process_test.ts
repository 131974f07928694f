/** Running a plugin from code gives what the command gives. */
import assert from "node:assert/strict";
import { type ConfigError, definePlugin, run, z } from "beamline";
import peak from "../../examples/peak/mod.ts";
import { withTempDir } from "../support/plugins.ts";

Deno.test("run() trains a plugin in this process, twice with equal numbers", async () => {
  await withTempDir(async (directory) => {
    const options = {
      config: { events: 1000, epochs: 2 },
      out: `${directory}/runs`,
      cache: `${directory}/cache`,
      seed: 3,
    };
    const first = await run(peak, options);
    const second = await run(peak, options);
    assert.ok(first.metrics.half_width_68!.value > 0);
    assert.deepEqual(first.metrics, second.metrics);
    const record = JSON.parse(await Deno.readTextFile(`${first.run}/run.json`));
    assert.equal(record.status, "finished");
    assert.equal(record.simulated, true);
  });
});

Deno.test("run() takes lowered programs from the cache, and remakes a damaged one, to the same bits", async () => {
  await withTempDir(async (directory) => {
    const options = {
      config: { events: 500, epochs: 1 },
      out: `${directory}/runs`,
      cache: `${directory}/cache`,
      seed: 3,
    };
    const first = await run(peak, options);
    const graphs = `${directory}/cache/graphs`;
    const files = await Array.fromAsync(Deno.readDir(graphs), ({ name }) => `${graphs}/${name}`);
    const programs = await Array.fromAsync(Deno.readDir(`${first.run}/programs`), ({ name }) => name);
    const onnx = programs.filter((name) => name.endsWith(".onnx"));
    assert.ok(onnx.length > 1);
    assert.equal(files.length, onnx.length);
    await Deno.truncate(files[0]!, 100);
    const second = await run(peak, options);
    for (const name of onnx) {
      const [before, now] = [first, second].map((one) => Deno.readFileSync(`${one.run}/programs/${name}`));
      assert.deepEqual(now, before, name);
    }
    const { warnings } = JSON.parse(await Deno.readTextFile(`${second.run}/run.json`));
    assert.deepEqual(warnings.map(({ code }: { code: string }) => code), ["damaged-graph"]);
    assert.equal((await Deno.stat(files[0]!)).size > 100, true);
    assert.deepEqual(second.metrics, first.metrics);
  });
});

Deno.test("run() rejects a wrong configuration with every problem", async () => {
  await withTempDir(async (directory) => {
    const options = {
      config: { events: 1, epochs: -1 },
      out: `${directory}/runs`,
      cache: `${directory}/cache`,
    };
    await assert.rejects(run(peak, options), (error: Error & { issues: readonly { path: string }[] }) => {
      assert.equal(error.name, "ConfigError");
      assert.deepEqual(error.issues.map(({ path }) => path).sort(), ["epochs", "events"]);
      return true;
    });
  });
});

Deno.test("run() refuses unknown keys of options.config at every depth, with the nearest name", async () => {
  const nested = definePlugin({
    name: "nested",
    title: "A trial",
    config: z.object({
      cuts: z.array(z.object({ low: z.number() })).default([]),
      epochs: z.int().default(1),
    }),
  });
  await withTempDir(async (directory) => {
    const places = { out: `${directory}/runs`, cache: `${directory}/cache` };
    const config = { epohs: 1, cuts: [{ low: 1, lw: 2 }] };
    await assert.rejects(run(nested, { ...places, config }), (error: ConfigError) => {
      const { issues } = error;
      assert.deepEqual(issues.map(({ path, source, nearest }) => [path, source, nearest]).sort(), [
        ["cuts.0.lw", "options.config", "cuts.0.low"],
        ["epohs", "options.config", "epochs"],
      ]);
      return true;
    });
  });
});
