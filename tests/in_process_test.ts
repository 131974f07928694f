/** Running a plugin from code gives what the command gives. */
import assert from "node:assert/strict";
import { run } from "beamline";
import peak from "../examples/peak/mod.ts";
import { withTempDir } from "./plugins.ts";

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
