/** A group of runs of a real plugin, killed on its way, against the single runs that it consists of. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { taskArguments } from "../support/killing.ts";
import { withTempDir } from "../support/plugins.ts";
import { json } from "../support/proving.ts";
import { places, ROOT, writeTrial } from "../support/trial.ts";
import { listRuns, openRun, type RunDirectory } from "../../run/store/run_directory.ts";

const SEEDS = [0, 1, 2, 3, 4];
const ARGS = ["hcal", "--rows", "300", "--epochs", "2", "--difficulty", "0.7", "--threads", "1"];

type Stored = {
  readonly [key: string]: { readonly value: number; readonly error: number; readonly spread?: number };
};

const metricsOf = async (run: string): Promise<Stored> =>
  JSON.parse(await Deno.readTextFile(join(run, "metrics.json")));

Deno.test("run hcal --repeat 5, killed and resumed, has mean and spread of five single runs", async () => {
  await withTempDir(async (directory) => {
    const places = ["--cache", join(directory, "cache"), "--out"];
    const single: Stored[] = [];
    for (const seed of SEEDS) {
      const { run } = await json("run", ...ARGS, "--seed", `${seed}`, ...places, join(directory, "single"));
      single.push(await metricsOf(run));
    }
    const out = join(directory, "group");
    const group = await killedGroup(["run", ...ARGS, "--repeat", "5", "--quiet", ...places, out], out);
    assert.equal(await group.state(), "killed");
    await json("resume", group.path, "--cache", join(directory, "cache"));

    const metrics = await metricsOf(group.path);
    assert.deepEqual(Object.keys(metrics).sort(), Object.keys(single[0]!).sort());
    for (const [key, { value, error, spread }] of Object.entries(metrics)) {
      const values = single.map((found) => found[key]!.value);
      const mean = values.reduce((sum, one) => sum + one, 0) / values.length;
      const variance = values.reduce((sum, one) => sum + (one - mean) ** 2, 0) / (values.length - 1);
      const squares = single.reduce((sum, found) => sum + found[key]!.error ** 2, 0);
      const close = (a: number, b: number): boolean => Math.abs(a - b) <= 1e-12 * Math.abs(b);
      assert.equal(value, mean, key);
      assert.ok(close(spread!, Math.sqrt(variance)), key);
      assert.ok(close(error, Math.sqrt(squares / values.length)), key);
    }
    assert.ok(metrics.log_loss!.spread! > 0, "the seeds differ");
    for (const [i, expected] of single.entries()) {
      const [member] = await listRuns(group.file("members", String(i + 1)));
      assert.deepEqual(await metricsOf(member!.path), expected);
    }
  });
});

Deno.test("a group that is interrupted saves its members and exits with 130, and goes on", async () => {
  await withTempDir(async (directory) => {
    const plugin = await writeTrial(directory);
    const { out, flags } = places(directory);
    const child = new Deno.Command(Deno.execPath(), {
      args: ["task", "-q", "run", plugin, "--epochs", "100000", "--repeat", "2", ...flags],
      cwd: ROOT,
      env: { NO_COLOR: "1" },
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const group = await until(async () => (await listRuns(out))[0]);
    const member = await until(async () => (await listRuns(join(group.path, "members", "1")))[0]);
    await until(async () => (await Array.fromAsync(Deno.readDir(join(member.path, "checkpoints"))))[0]);
    child.kill("SIGTERM");
    const { code, stderr } = await child.output();
    assert.equal(code, 130, new TextDecoder().decode(stderr));
    assert.match(new TextDecoder().decode(stderr), /interrupted/);
    assert.equal((await openRun(group.path)).record.status, "interrupted");
    assert.equal((await openRun(member.path)).record.status, "interrupted");
  });
});

/** Starts a group, and kills its process, and that alone, when the second member has a checkpoint or has ended. */
async function killedGroup(args: readonly string[], out: string): Promise<RunDirectory> {
  const streams = { stdin: "null", stdout: "null", stderr: "null" } as const;
  const child = new Deno.Command(Deno.execPath(), { args: taskArguments(args), cwd: ROOT, ...streams })
    .spawn();
  const group = await until(async () => (await listRuns(out))[0]);
  const member = await until(async () => (await listRuns(group.file("members", "2")))[0]);
  child.kill("SIGKILL");
  await child.status;
  // who runs for a group ends with it, and saves
  await until(async () => {
    await member.refresh();
    return member.record.status === "running" ? undefined : member;
  });
  return group;
}

/** Asks until there is something. */
async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (let i = 0; i < 1200; i++) {
    const found = await look().catch(() => undefined);
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("nothing came within a minute");
}
