/** Groups of runs: seeds and folds, their means, and groups that were stopped on the way. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { openRun } from "../../run/store/run_directory.ts";
import { withTempDir } from "../support/plugins.ts";
import { editJson, json } from "../support/proving.ts";
import { LINE, places, task, writeTrial } from "../support/trial.ts";

interface Stored {
  readonly [key: string]: { readonly value: number; readonly error: number | null; readonly spread?: number };
}

const metricsOf = async (run: string): Promise<Stored> =>
  JSON.parse(await Deno.readTextFile(join(run, "metrics.json")));

Deno.test("run --repeat gives mean and spread of the single runs with its seeds, and resume completes it", async () => {
  await withTempDir(async (directory) => {
    const plugin = await writeTrial(directory);
    const { cache, flags } = places(directory);
    const args = [plugin, "--epochs", "2", ...flags];
    const single: Stored[] = [];
    for (const seed of ["5", "6"]) {
      const { run } = await json("run", ...args, "--seed", seed);
      single.push(await metricsOf(run));
    }
    const { run, members } = await json(
      "run",
      ...args,
      "--seed",
      "5",
      "--repeat",
      "2",
      "--parallel",
      "2",
    ) as unknown as {
      run: string;
      members: { seed: number; run: string }[];
    };
    assert.deepEqual(members.map(({ seed }) => seed), [5, 6]);
    const group = await metricsOf(run);
    assert.ok(Object.keys(group).length > 0);
    for (const [key, { value, spread }] of Object.entries(group)) {
      const values = single.map((metrics) => metrics[key]!.value);
      const mean = values.reduce((a, b) => a + b) / 2;
      assert.equal(value, mean);
      const variance = values.reduce((sum, one) => sum + (one - mean) ** 2, 0);
      assert.ok(Math.abs(spread! - Math.sqrt(variance)) <= 1e-12 * (spread! || 1), key);
      assert.ok(spread! > 0, "seeds differ");
    }
    for (const [i, member] of members.entries()) {
      assert.deepEqual(await metricsOf(member.run), single[i]);
    }
    const whole = await Deno.readTextFile(join(run, "metrics.json"));
    assert.match(await Deno.readTextFile(join(run, "report.html")), /spread .* over 2 runs/);

    // as a killed process leaves it: a member interrupted, another never begun
    await editJson(join(run, "run.json"), (record) => record.status = "running");
    await editJson(join(members[0]!.run, "run.json"), (record) => record.status = "running");
    await Deno.remove(join(run, "members", "2"), { recursive: true });
    await Deno.remove(join(run, "metrics.json"));
    await json("resume", run, "--cache", cache);
    assert.equal(await Deno.readTextFile(join(run, "metrics.json")), whole);
    const again = await task("resume", run, "--cache", cache);
    assert.match(again.stderr, /Cannot resume run .* as it must not be finished: its 2 members are/);
    const verified = await task("verify", run, "--cache", cache);
    assert.equal(verified.code, 0, verified.stderr);
    assert.match(verified.stdout, /seed 6 +equal[^]*means +equal[^]*repeats itself/);
    const predicted = await task("predict", run, "--data", plugin);
    assert.match(
      predicted.stderr,
      /Cannot predict run .* as it must be one run: it is a group of 2; name one of them/,
    );
  });
});

/** Splits 100 rows by folds. */
const FOLDED = `async prepare(_config, context) {
    const { train, validation, test } = splitRows(
      context.random("split").permutation(100), { train: 0.8, validation: 0.1 }, context.fold);
    const all = line(100, context.random("rows"));
    const part = (rows) => takeRows(all, rows);
    return { tables: { train: part(train), validation: part(validation), test: part(test) }, simulated: true,
      source: "a line, tested on " + test.length + " rows" };
  }`;

Deno.test("run --folds tests each row once, and refuses a plugin that does not divide by folds", async () => {
  await withTempDir(async (directory) => {
    const head = `${LINE.head}\nimport { splitRows, takeRows } from "beamline/data";`;
    const body = LINE.body!.replace(/prepare\([^]*?\n {2}\}(?=,)/, FOLDED);
    assert.match(body, /splitRows/);
    const plugin = await writeTrial(directory, { head, body });
    const { flags } = places(directory);
    const { run, members } = await json(
      "run",
      plugin,
      "--epochs",
      "1",
      "--folds",
      "2",
      ...flags,
    ) as unknown as {
      run: string;
      members: { fold: { index: number }; run: string }[];
    };
    assert.deepEqual(members.map(({ fold }) => fold.index), [0, 1]);
    const data = await Promise.all(
      members.map(async (member) => JSON.parse(await Deno.readTextFile(join(member.run, "data.json")))),
    );
    assert.deepEqual(data.map(({ tables }) => tables.test.rows), [50, 50]);
    assert.equal(new Set(data.map(({ tables }) => tables.test.columns.x.sha256)).size, 2);
    const one = await json("run", plugin, "--epochs", "1", "--fold", "2/2", ...flags);
    assert.deepEqual(await metricsOf(one.run), await metricsOf(members[1]!.run));
    assert.equal((await openRun(run)).record.repeat!.members.length, 2);
    const verified = await task("verify", run, "--cache", flags.at(-1)!);
    assert.equal(verified.code, 0, verified.stdout + verified.stderr);
    const simple = await writeTrial(join(directory, "simple"));
    const refused = await task("run", simple, "--folds", "2", ...flags);
    assert.equal(refused.code, 2);
    assert.match(
      refused.stderr,
      /Cannot run plugin "trial" in folds as its prepare must divide the rows by context.fold/,
    );
  });
});
