/** `verify` on the built-in calorimeter: it proves a run, quickly by its first steps, and names what was changed. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { withTempDir } from "../support/plugins.ts";
import { names, task, writeTrial } from "../support/trial.ts";

Deno.test("verify proves ecal, its first steps within seconds, and finds one changed byte of its weights", async () => {
  await withTempDir(async (directory) => {
    const cache = ["--cache", join(directory, "cache")];
    const args = ["--events", "3000", "--epochs", "3", "--out", join(directory, "runs"), ...cache];
    const { run } = JSON.parse((await task("run", "ecal", ...args, "--json", "--quiet")).stdout);
    const whole = await task("verify", run, ...cache, "--quiet");
    assert.equal(whole.code, 0, whole.stdout);
    assert.match(whole.stdout, /weights +equal/);
    assert.match(whole.stdout, /promise {2}equal bits: same engine, threads and processor/);
    assert.match(whole.stdout, /repeats itself, bit by bit/);
    console.log(whole.stdout);
    const begun = performance.now();
    const prefix = await task("verify", run, "--steps", "5", ...cache, "--quiet");
    const seconds = (performance.now() - begun) / 1000;
    assert.equal(prefix.code, 0, prefix.stdout);
    assert.match(prefix.stdout, /the first 5 steps of ecal\/.*: it repeats itself, bit by bit/);
    console.log(`--steps 5: ${seconds.toFixed(1)} s\n${prefix.stdout}`);
    const reference = await task("verify", run, "--engine", "reference", ...cache, "--quiet");
    console.log(reference.stdout);
    assert.match(reference.stdout, /changed {2}engine: native then, reference now/);
    assert.match(reference.stdout, /promise {2}agreement within 3 combined standard errors or 1 %/);
    const { directory: step } = JSON.parse(await Deno.readTextFile(join(run, "checkpoints/best.json")));
    const weights = join(run, "checkpoints", step, "state.safetensors");
    const bytes = await Deno.readFile(weights);
    bytes[bytes.length >> 1]! ^= 1;
    await Deno.writeFile(weights, bytes);
    const changed = await task("verify", run, ...cache, "--quiet");
    assert.equal(changed.code, 1);
    assert.match(
      changed.stdout,
      /weights +different +best weights of "network" .* differ; checkpoint \d+ does not match its own checksum/,
    );
    console.log(changed.stdout);
  });
});

Deno.test("20 runs at once never collide", async () => {
  await withTempDir(async (directory) => {
    const plugin = await writeTrial(directory);
    const [out, cache] = [join(directory, "runs"), join(directory, "cache")];
    const args = ["run", plugin, "--epochs", "2", "--json", "--quiet", "--out", out, "--cache", cache];
    const ended = await Promise.all(Array.from({ length: 20 }, () => task(...args)));
    assert.deepEqual(ended.map(({ code }) => code), Array(20).fill(0));
    assert.equal((await names(join(out, "trial"))).length, 20);
    const metrics = ended.map(({ stdout }) =>
      Deno.readTextFileSync(join(JSON.parse(stdout).run, "metrics.json"))
    );
    assert.equal(new Set(metrics).size, 1);
    assert.deepEqual(await names(join(cache, "shared")), []);
  });
});
