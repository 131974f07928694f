/** Runs that are resumed, moved, extended, or started together. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { isLocked } from "../../files/lock.ts";
import { openRun } from "../../run/store/run_directory.ts";
import { withTempDir } from "../support/plugins.ts";
import { editJson, flipLastByte, FROM_FILE, json, verified, writeData } from "../support/proving.ts";
import { names, type Outcome, places, task, writeTrial } from "../support/trial.ts";

Deno.test("resume falls back to the checkpoint before a damaged one, and says so", async () => {
  await withTempDir(async (directory) => {
    const plugin = await writeTrial(directory);
    const { cache, flags } = places(directory);
    const args = ["--epochs", "4", "--checkpoint-seconds", "0"];
    const { run } = await json("run", plugin, ...args, ...flags);
    const expected = await Deno.readTextFile(join(run, "metrics.json"));
    const { directory: last } = JSON.parse(await Deno.readTextFile(join(run, "checkpoints/last.json")));
    await flipLastByte(join(run, "checkpoints", last, "state.safetensors"));
    await Deno.writeTextFile(join(run, "checkpoints/last.json"), "{");
    await Deno.writeTextFile(join(run, "metrics.jsonl"), '{"step": 4', { append: true });
    await editJson(join(run, "run.json"), (record) => record.status = "running");
    assert.equal(await (await openRun(run)).state(), "killed");
    await json("resume", run, "--cache", cache);
    assert.equal(await Deno.readTextFile(join(run, "metrics.json")), expected);
    const { record } = await openRun(run);
    assert.match(
      record.warnings[0]!.message,
      /^Cannot read checkpoint "48" as .*; training continues from the one before$/,
    );
    assert.ok(record.resumed![0]!.steps.slope! < 48);
    assert.equal((await verified(run, "--cache", cache)).code, 0);
  });
});

Deno.test("a run that was moved away from its data reports, verifies and resumes with --data", async () => {
  await withTempDir(async (directory) => {
    const plugin = await writeTrial(directory, FROM_FILE);
    const { cache, flags } = places(directory);
    const data = join(directory, "x.json");
    await writeData(data);
    const { run } = await json("run", plugin, "--data", data, "--epochs", "2", ...flags);
    const expected = await Deno.readTextFile(join(run, "metrics.json"));
    const moved = join(directory, "moved");
    await Deno.mkdir(join(directory, "else"));
    await Deno.rename(run, moved);
    await Deno.rename(data, join(directory, "else", "y.json"));
    assert.equal((await task("report", moved)).code, 0);
    const there = ["--plugin", plugin, "--cache", cache];
    const lost = await task("verify", moved, ...there);
    assert.equal(lost.code, 2);
    assert.match(lost.stderr, /--data must name something to read: no such file or folder/);
    const noPlugin = await task("verify", moved, "--cache", cache);
    assert.match(noPlugin.stderr, /its folder must be where it was: .* is not there; name it with --plugin/);
    const found = [...there, "--data", join(directory, "else", "y.json")];
    const proof = await verified(moved, ...found);
    assert.equal(proof.code, 0, JSON.stringify(proof));
    await editJson(join(moved, "run.json"), (record) => record.status = "interrupted");
    const other = join(directory, "z.json");
    await Deno.writeTextFile(other, "[1, 2, 3]");
    const refused = await task("resume", moved, ...there, "--data", other);
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /its input "x.json" must be the one it began with: expected sha256/);
    await json("resume", moved, ...found);
    assert.equal(await Deno.readTextFile(join(moved, "metrics.json")), expected);
    // it remembers where its data are now
    assert.equal((await verified(moved, ...there)).code, 0);
  });
});

Deno.test("six runs at once neither collide nor differ, and two cannot resume one run", async () => {
  await withTempDir(async (directory) => {
    const plugin = await writeTrial(directory);
    const { out, cache, flags } = places(directory);
    const started = await Promise.all(
      Array.from({ length: 6 }, () => json("run", plugin, "--epochs", "2", ...flags)),
    );
    assert.equal(new Set(started.map(({ run }) => run)).size, 6);
    assert.equal(new Set(started.map(({ run }) => Deno.readTextFileSync(join(run, "metrics.json")))).size, 1);
    assert.equal((await names(join(out, "trial"))).length, 6);
    assert.deepEqual(await names(join(cache, "shared")), []);
    const { run } = started[0]!;
    await editJson(join(run, "run.json"), (record) => record.status = "interrupted");
    const resumes = await Promise.all([0, 1].map(() => task("resume", run, "--cache", cache, "--quiet")));
    const [first, second] = resumes.sort((a, b) => a.code - b.code) as [Outcome, Outcome];
    assert.equal(first.code, 0, first.stderr);
    // the second came while the first worked, or after it
    assert.equal(second.code, 2);
    assert.match(
      second.stderr,
      /one process at a time may work on it: another one does|must not be finished: it is/,
    );
    assert.equal(await isLocked(join(run, "lock")), false);
  });
});
