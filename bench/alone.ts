/**
 * What is measured in processes of their own: memory, what comes before the first step, what JavaScript adds to a step.
 *
 * @module
 */
import { ROOT } from "./root.ts";

/** What `host_bench.ts --json` prints. */
export interface Alone {
  readonly workload: string;
  /** Largest resident memory of the process, from the start through tracing to the last of its steps. */
  readonly peakMiB: number;
  /** Tracing, lowering and loading: on the clock, and processor time of all threads. */
  readonly setUpMs: number;
  readonly setUpCpuMs: number;
  /** Processor time of a step on one thread, with a session and of its graph alone; null but for `native`. */
  readonly stepCpuMs: number | null;
  readonly graphCpuMs: number | null;
  /** What the session adds, as a fraction of the graph. */
  readonly hostShare: number | null;
}

/** Measures a workload in a fresh process. */
export async function measureAlone(workload: string, engine: string, threads: number): Promise<Alone> {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--v8-flags=--no-maglev-osr",
      "--allow-all",
      `--config=${ROOT}/deno.json`,
      `${ROOT}/bench/host_bench.ts`,
      "--json",
      `--engine=${engine}`,
      `--threads=${threads}`,
      workload,
    ],
    stderr: "inherit",
  }).output();
  if (!success) throw new Error(`Cannot measure "${workload}" as its process must end well: it did not`);
  return JSON.parse(new TextDecoder().decode(stdout)) as Alone;
}
