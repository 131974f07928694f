/**
 * Tests of runs that are stopped from outside, by how they are stopped: some are done each time, all by `validate`.
 *
 * @module
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { withTempDir } from "./plugins.ts";
import { assertNothingLeft, assertSaved, MOMENTS, onlyRun, record, SLOW, until } from "./stopping.ts";
import { CTRL_C, hasTerminals, npxDeno, Terminal } from "./terminals.ts";
import { names, places, ROOT, writeTrial } from "./trial.ts";

/** Whether there are no terminals here. */
export const IGNORED = !await hasTerminals();
/** Deno through npx, where that is here. */
export const NPX = IGNORED ? undefined : await npxDeno();
/** Deno. */
export const DENO = [Deno.execPath()];

/** What is offered of a run that was saved. */
export const NEXT = /next: {3}.*task resume \S+/;

/** Without end, for a test. */
export const LONG = ["--epochs", "100000", "--rows", "2000"];

/** One Ctrl-C in a terminal, in a phase of the run. */
export function testCtrlC(
  phase: string,
  through: readonly string[] | undefined,
  epochs: readonly string[],
): void {
  Deno.test({
    name: `one Ctrl-C in a terminal saves the run in ${phase}, exit 130, through ${
      through?.[0] === "npx" ? "npx" : "deno"
    }`,
    ignore: IGNORED || through === undefined,
    async fn() {
      await withTempDir(async (directory) => {
        const plugin = await writeTrial(directory, SLOW);
        const { out, cache, flags } = places(directory);
        const terminal = new Terminal([...through!, "task", "run", plugin, ...epochs, ...flags]);
        await until("the run begins", async () => await onlyRun(out) !== undefined);
        const run = (await onlyRun(out))!;
        await until(phase, () => MOMENTS[phase]!(run));
        await terminal.type(CTRL_C);
        assert.equal(await terminal.end(), 130, terminal.text);
        assert.match(terminal.text, /Cannot finish the run as it was interrupted by SIGINT: /);
        assert.match(terminal.text, NEXT);
        assert.equal((await assertSaved(run, "SIGINT")).phase, phase);
        await assertNothingLeft(cache);
      });
    },
  });
}

interface Stopped {
  readonly code: number;
  readonly run: string;
  readonly stderr: string;
}

/** Starts a run through `deno task`, and gives that process signals as soon as training is on its way. */
async function stopped(
  directory: string,
  plugin: string,
  args: readonly string[],
  signals: readonly (readonly [signal: Deno.Signal, waitMs: number])[],
): Promise<Stopped> {
  const { out, flags } = places(join(directory, crypto.randomUUID()));
  const child = new Deno.Command(Deno.execPath(), {
    args: ["task", "-q", "run", plugin, ...LONG, ...flags, ...args],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const stderr = new Response(child.stderr).text();
  await until("the run begins", async () => await onlyRun(out) !== undefined);
  const run = (await onlyRun(out))!;
  await until("train", () => MOMENTS.train!(run));
  for (const [signal, waitMs] of signals) {
    await new Promise((resolve) => setTimeout(resolve, waitMs));
    child.kill(signal);
  }
  const { code } = await child.status;
  return { code, run, stderr: await stderr };
}

/** A signal to `deno task`, twice within one second. */
export function testSignal(signal: Deno.Signal, flags: readonly string[], code: number): void {
  Deno.test({
    name: `run ${flags.join(" ")} saves a checkpoint on ${signal}, and ends with exit code ${code}`,
    ignore: Deno.build.os === "windows",
    async fn() {
      await withTempDir(async (directory) => {
        const plugin = await writeTrial(directory);
        const ended = await stopped(directory, plugin, flags, [[signal, 0], [signal, 50]]);
        assert.equal(ended.code, code, ended.stderr);
        assert.equal((await assertSaved(ended.run, signal)).phase, "train");
        const message =
          `Cannot finish the run as it was interrupted by ${signal}: a checkpoint was saved at step`;
        assert.ok(ended.stderr.includes(message), ended.stderr);
        assert.match(ended.stderr, NEXT);
      });
    },
  });
}

/** A signal to npx or `deno task` that these do not pass on. */
export function testKilled(signal: Deno.Signal, through: readonly string[] | undefined): void {
  Deno.test({
    name: `a run is saved when ${
      through?.[0] === "npx" ? "npx" : "deno task"
    } gets ${signal} and passes nothing on`,
    ignore: IGNORED || through === undefined,
    async fn() {
      await withTempDir(async (directory) => {
        const plugin = await writeTrial(directory);
        const { out, flags } = places(directory);
        const [program, ...rest] = through!;
        const child = new Deno.Command(program!, {
          args: [...rest, "task", "-q", "run", plugin, ...LONG, ...flags],
          cwd: ROOT,
          stdin: "null",
          stdout: "null",
          stderr: "null",
        }).spawn();
        await until("the run begins", async () => await onlyRun(out) !== undefined);
        const run = (await onlyRun(out))!;
        await until("train", () => MOMENTS.train!(run));
        await new Promise((resolve) => setTimeout(resolve, 500)); // until it knows what started it
        child.kill(signal);
        await child.status;
        await until("the run is saved", async () => (await record(run)).status !== "running");
        await until("it has ended", async () => !(await names(run)).includes("lock"));
        assert.equal((await assertSaved(run, "launcher-killed")).phase, "train");
      });
    },
  });
}
