/**
 * From the command to the first training step: `deno task run` with the workloads as an experiment.
 *
 * @module
 */
import { median } from "../metrics/summary/summary.ts";
import { ROOT, taskFlags } from "./root.ts";

/** Measured runs, after one that fills the caches. */
const RUNS = 3;
/** Longest time of a run. */
const LIMIT_MS = 120_000;

/**
 * Milliseconds from the start of the process until the fingerprint of the first step is written: median of three runs
 * whose data are prepared, and whose code, descriptions and programs are in the caches.
 */
export async function coldStart(workload: string, engine: string): Promise<number> {
  const folder = await Deno.makeTempDir({ prefix: "beamline-bench-" });
  try {
    const times: number[] = [];
    for (let i = 0; i <= RUNS; i++) {
      times.push(await firstStep(workload, engine, folder, `${folder}/runs${i}`));
    }
    return median(times.slice(1));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function firstStep(workload: string, engine: string, folder: string, out: string): Promise<number> {
  const flags = await taskFlags("run");
  const plugin = ["--workload", workload, "--engine", engine, "--out", out, "--cache", `${folder}/cache`];
  const begin = performance.now();
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      ...flags,
      `--config=${ROOT}/deno.json`,
      `${ROOT}/tasks/run.ts`,
      `${ROOT}/bench/experiment`,
      ...plugin,
      "--quiet",
    ],
    cwd: folder,
    stdout: "null",
    stderr: "inherit",
  }).spawn();
  const ended = { status: undefined as Deno.CommandStatus | undefined };
  void child.status.then((status) => ended.status = status);
  while (!await hasStepped(out)) {
    if (ended.status || performance.now() - begin > LIMIT_MS) {
      throw new Error(`Cannot measure "${workload}" as a run must come to its first step: it did not`);
    }
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  const ms = performance.now() - begin;
  await child.status;
  return ms;
}

/** Whether the run in a folder has written a fingerprint: it does so after its first step. */
async function hasStepped(out: string): Promise<boolean> {
  try {
    for await (const { name } of Deno.readDir(`${out}/bench`)) {
      if ((await Deno.stat(`${out}/bench/${name}/fingerprints.jsonl`)).size > 0) return true;
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return false;
}
