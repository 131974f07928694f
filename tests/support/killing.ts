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
  killTree([child.pid, ...descendants(child.pid)], victim);
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

/** A task in some folder. */
export interface TaskCommand {
  /** Its name and its arguments. */
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env?: { readonly [name: string]: string };
}

/** How a task ended that was to be killed. */
export interface Ended {
  /** Whether it was running when it was killed; else it had ended before. */
  readonly isKilled: boolean;
  /** Of the task, where it ended by itself. */
  readonly code: number;
  readonly stderr: string;
  /** How long it ran. */
  readonly ms: number;
}

/**
 * Starts a task, ends it by force, and waits until all its processes are gone.
 *
 * @param delayMs How long after its start, or after something that it did.
 * @param hasHappened Looks whether it did that. @default it is started
 */
export async function killCommandAt(
  { args, cwd, env = {} }: TaskCommand,
  delayMs: number,
  victim: Victim,
  hasHappened: () => boolean = () => true,
): Promise<Ended> {
  const begun = performance.now();
  const options = { args: taskArguments(args), cwd, env, stdin: "null", stdout: "null" } as const;
  const child = new Deno.Command(Deno.execPath(), { ...options, stderr: "piped" }).spawn();
  const said = readText(child.stderr);
  let isEnded = false;
  const ended = child.status.then(() => void (isEnded = true));
  while (!isEnded && !hasHappened()) await before(ended, 1);
  await before(ended, delayMs);
  const tree = isEnded ? [] : [child.pid, ...descendants(child.pid)];
  const killed = isEnded ? [] : killTree(tree, victim);
  const { code, signal } = await child.status;
  const ms = performance.now() - begun;
  await goneAll(tree);
  // a sandbox alone does not end its host, which says in its error what became of it
  const isKilled = victim === "sandbox" ? killed.length > 0 : signal !== null;
  return { isKilled, code, stderr: await said(), ms };
}

/** Reads a stream; gives what came until now, and reads no more. */
function readText(stream: ReadableStream<Uint8Array>): () => Promise<string> {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let text = "";
  const all = (async () => {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      text += decoder.decode(part.value, { stream: true });
    }
  })();
  return async () => {
    await before(all, 1000);
    await reader.cancel();
    await all;
    return text;
  };
}

/** Waits for a promise, at most so long. */
async function before(promise: Promise<void>, ms: number): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  await Promise.race([promise, new Promise((resolve) => timer = setTimeout(resolve, ms))]);
  clearTimeout(timer);
}

/** How long processes may outlive their host. */
const GONE_MS = 10_000;

async function goneAll(pids: readonly number[]): Promise<void> {
  const begun = performance.now();
  for (let left = pids; left.length > 0; left = left.filter(isAlive)) {
    assert.ok(performance.now() - begun < GONE_MS, `${left.length} processes outlive their host`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** Whether a process runs; one that has ended and waits for its parent does not. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(Deno.readTextFileSync(`/proc/${pid}/status`));
  } catch {
    return false;
  }
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

/** Ends the first process, or those below it, or all; returns those that were there. */
function killTree([host, ...below]: readonly number[], victim: Victim): number[] {
  // before a sandbox is there, and where a command has none, it is the host
  const sandbox = below.length > 0 ? below : [host!];
  return { host: [host!], sandbox, tree: [host!, ...below] }[victim].filter((pid) => {
    try {
      Deno.kill(pid, "SIGKILL");
      return true;
    } catch {
      return false; // it has ended
    }
  });
}

/** Processes below a process, each after its parent. */
function descendants(pid: number): number[] {
  const found: number[] = [];
  try {
    for (const { name: thread } of Deno.readDirSync(`/proc/${pid}/task`)) {
      const children = Deno.readTextFileSync(`/proc/${pid}/task/${thread}/children`);
      for (const child of children.split(" ").filter(Boolean).map(Number)) {
        found.push(child, ...descendants(child));
      }
    }
  } catch {
    // it has ended
  }
  return found;
}

/** Goes on with a run until it is finished. */
export async function resumed(run: string, { resumeArgs }: Killable): Promise<void> {
  const { code, stdout, stderr } = await task("resume", run, ...resumeArgs, "--quiet", "--json");
  if (code === 2 && /must not be finished: it is/.test(stderr)) return; // it had finished before
  assert.equal(code, 0, stderr);
  assert.equal(JSON.parse(stdout).status, "finished");
}
