/**
 * Stopping a run from outside at some moment, and what must be left.
 *
 * @module
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { RunRecord } from "../../core/records.ts";
import { exists } from "../../files/atomic.ts";
import { LINE, names } from "./trial.ts";
import type { PluginText } from "./plugins.ts";

/** The trial with a second of waiting in `prepare`, and two in `evaluate`. */
export const SLOW: PluginText = {
  body: LINE.body!
    .replace("prepare({ rows }, context) {", `async prepare({ rows }, context) { ${pause(1000)}`)
    .replace("async evaluate(_config, context) {", `async evaluate(_config, context) { ${pause(2000)}`),
};

function pause(ms: number): string {
  return `await new Promise((resolve) => setTimeout(resolve, ${ms}));`;
}

/** Waits until something holds, or a minute has passed. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const started = performance.now();
  while (!await holds()) {
    assert.ok(performance.now() - started < 60_000, `within a minute: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Folder of the only run of the trial below a folder of runs, where its record is there. */
export async function onlyRun(out: string): Promise<string | undefined> {
  for (const name of await names(join(out, "trial"))) {
    if (await exists(join(out, "trial", name, "run.json"))) return join(out, "trial", name);
  }
  return undefined;
}

/** Whether the run has done so much. */
export const MOMENTS: { readonly [phase: string]: (run: string) => Promise<boolean> } = {
  prepare: () => Promise.resolve(true),
  train: (run) => isFilled(join(run, "metrics.jsonl")),
  evaluate: async (run) => (await record(run)).training?.slope?.reason === "finished",
};

async function isFilled(file: string): Promise<boolean> {
  return (await Deno.stat(file).catch(() => undefined))?.size !== undefined &&
    (await Deno.stat(file)).size > 0;
}

/** `run.json`. */
export async function record(run: string): Promise<RunRecord> {
  return JSON.parse(await Deno.readTextFile(join(run, "run.json"))) as RunRecord;
}

/** Fails where a run that was stopped is not saved: it says why it ended, and nothing is half written or locked. */
export async function assertSaved(run: string, by: string): Promise<{ readonly phase: string }> {
  const { status, stopped = [] } = await record(run);
  assert.equal(status, "interrupted");
  const last = stopped.at(-1)!;
  assert.equal(last.by, by);
  await assertNothingLeft(run);
  assert.ok(await exists(join(run, "report.html")));
  if (last.phase === "train") assert.ok(await exists(join(run, "checkpoints/last.json")), "a checkpoint");
  return last;
}

/** Fails where a folder holds a temporary file, a lock, or a folder of a process. */
export async function assertNothingLeft(folder: string): Promise<void> {
  const found = await namesBelow(folder);
  assert.deepEqual(
    found.filter((name) => /\.tmp$|lock$|^shared\/./.test(name) && !/deno\.lock$/.test(name)),
    [],
  );
}

async function namesBelow(folder: string, prefix = ""): Promise<string[]> {
  const found: string[] = [];
  try {
    for await (const { name, isDirectory } of Deno.readDir(join(folder, prefix))) {
      const path = prefix === "" ? name : `${prefix}/${name}`;
      found.push(path, ...(isDirectory ? await namesBelow(folder, path) : []));
    }
  } catch {
    // not there
  }
  return found;
}
