/**
 * Ending a run by force at some moment, resuming it, and comparing what it leaves with a run that was let alone.
 *
 * @module
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { exists } from "../../files/atomic.ts";
import { renderReport } from "../../report/mod.ts";
import { listRuns, type RunState } from "../../run/store/run_directory.ts";
import { ROOT, task } from "./trial.ts";

/** What is ended: the host alone, its sandbox, or all processes at once. */
export type Victim = "host" | "sandbox" | "tree";

/** A command and where it writes. */
export interface Killable {
  /** Arguments after "run", without `--out`. */
  readonly args: readonly string[];
  /** Arguments of resume besides the run. */
  readonly resumeArgs: readonly string[];
  readonly plugin: string;
  /** A folder for this attempt alone. */
  readonly out: string;
}

/** Files that must be the same, byte by byte, in two runs. */
const COMPARED = ["metrics.json", "fingerprints.jsonl"];

/** What a run leaves that must not depend on when it was interrupted. */
export function outcomeOf(run: string): { readonly [name: string]: string } {
  const read = (name: string): string => Deno.readTextFileSync(join(run, name));
  const found: { [name: string]: string } = Object.fromEntries(COMPARED.map((name) => [name, read(name)]));
  for (const which of ["best", "last"]) {
    found[which] = read(`checkpoints/${which}.json`);
    const { directory } = JSON.parse(found[which]) as { directory: string };
    found[`weights of ${which}`] = read(`checkpoints/${directory}/manifest.json`);
  }
  const lines = read("metrics.jsonl").trim().split("\n").map((line) => JSON.parse(line));
  found.history = JSON.stringify(lines.map(({ seconds: _seconds, ...line }) => line));
  return found;
}

/** Starts a run, waits until `run.json` is there, ends it `delayMs` later; returns the run directory and its state. */
export async function killAt(
  { args, plugin, out }: Killable,
  delayMs: number,
  victim: Victim,
): Promise<{ readonly run: string; readonly state: RunState }> {
  const child = spawnTask(["run", ...args, "--out", out, "--quiet"], ROOT);
  const ended = child.status;
  const run = await firstRun(join(out, plugin), ended);
  await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, delayMs))]);
  await kill(child.pid, victim);
  await ended;
  const [only] = await listRuns(out);
  assert.ok(only, "the run must be listed");
  const state = await only.state();
  assert.ok((await renderReport(run, { status: state })).includes(`${state}</li>`));
  return { run, state };
}

/** Arguments of Deno for a task in any folder, with the permissions that tasks have. */
export function taskArguments([name, ...args]: readonly string[]): string[] {
  const grants = ["read", "write", "run", "env", "sys", "ffi"].map((grant) => `--allow-${grant}`);
  const options = [
    "--v8-flags=--no-maglev-osr",
    "--no-prompt",
    "--config",
    join(ROOT, "deno.json"),
    ...grants,
  ];
  return ["run", ...options, join(ROOT, `tasks/${name}.ts`), ...args];
}

function spawnTask(args: readonly string[], cwd: string): Deno.ChildProcess {
  const streams = { stdin: "null", stdout: "null", stderr: "null" } as const;
  return new Deno.Command(Deno.execPath(), { args: taskArguments(args), cwd, ...streams }).spawn();
}

/** Starts a task, and ends it by force `delayMs` later; returns whether a process was ended. */
export async function killCommandAt(
  args: readonly string[],
  delayMs: number,
  victim: Victim,
  cwd: string,
): Promise<boolean> {
  const child = spawnTask(args, cwd);
  let isEnded = false;
  const ended = child.status.then(() => void (isEnded = true));
  let timer: ReturnType<typeof setTimeout> | undefined;
  await Promise.race([ended, new Promise((resolve) => timer = setTimeout(resolve, delayMs))]);
  clearTimeout(timer);
  const wasRunning = !isEnded && victim === "sandbox";
  if (!isEnded) await kill(child.pid, victim);
  const { signal } = await child.status; // of the host; that of a sandbox shows in its error
  await ended;
  return signal !== null || wasRunning;
}

async function firstRun(folder: string, ended: Promise<Deno.CommandStatus>): Promise<string> {
  let isEnded = false;
  void ended.then(() => isEnded = true);
  for (;;) {
    if (await exists(folder)) {
      for await (const { name } of Deno.readDir(folder)) {
        if (await exists(join(folder, name, "run.json"))) return join(folder, name);
      }
    }
    assert.equal(isEnded, false, "the run must begin");
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

async function kill(host: number, victim: Victim): Promise<void> {
  const below = await descendants(host);
  // before a sandbox is there, and where a command has none, it is the host
  const sandbox = below.length > 0 ? below : [host];
  const victims = { host: [host], sandbox, tree: [host, ...below] }[victim];
  for (const pid of victims) {
    try {
      Deno.kill(pid, "SIGKILL");
    } catch {
      // it has ended
    }
  }
}

async function descendants(root: number): Promise<number[]> {
  const { stdout } = await new Deno.Command("ps", { args: ["-A", "-o", "pid=,ppid="] }).output();
  const pairs = new TextDecoder().decode(stdout).trim().split("\n").map((line) =>
    line.trim().split(/\s+/).map(Number)
  );
  const below = (pid: number): number[] =>
    pairs.filter(([, parent]) => parent === pid).flatMap(([child]) => [child!, ...below(child!)]);
  return below(root);
}

/** Goes on with a run until it is finished. */
export async function resumed(run: string, { resumeArgs }: Killable): Promise<void> {
  const { code, stdout, stderr } = await task("resume", run, ...resumeArgs, "--quiet", "--json");
  if (code === 2 && /must not be finished: it is/.test(stderr)) return; // it had finished before
  assert.equal(code, 0, stderr);
  assert.equal(JSON.parse(stdout).status, "finished");
}
