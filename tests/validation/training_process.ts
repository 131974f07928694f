/**
 * Trains one of the benchmark's workloads and prints what a test compares between processes:
 * `deno run ... training_process.ts WORKLOAD STEPS THREADS [STEP...]`, the last being steps at which memory is read.
 */
import { sha256Hex } from "../../core/hash.ts";
import { traceWorkload, workloadInputs, WORKLOADS } from "../../bench/workloads.ts";
import { engineByName } from "../../engine/runtimes/engines.ts";
import type { Tensors } from "../../engine/runtimes/types.ts";

/** What a process found. */
export interface TrainingReport {
  /** SHA-256 of all weights and optimizer slots. */
  readonly state: string;
  /** SHA-256 of the losses of all steps. */
  readonly losses: string;
  readonly lastLoss: number;
  /** Resident bytes by step. */
  readonly residentBytes: { readonly [step: number]: number };
}

/** Different batches that are given in turn. */
const BATCHES = 8;

function digest(tensors: Tensors): string {
  const parts = Object.entries(tensors).map(([name, { data }]) =>
    `${name} ${sha256Hex(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))}`
  );
  return sha256Hex(parts.join("\n"));
}

async function train(
  name: string,
  steps: number,
  threads: number,
  at: readonly number[],
): Promise<TrainingReport> {
  const workload = WORKLOADS.find((one) => one.name === name)!;
  const model = await traceWorkload(workload);
  const session = await (await engineByName("native")).open(model.state, { threads });
  const step = await session.compile(model.programs["step"]!);
  const batches = Array.from({ length: BATCHES }, (_, i) => workloadInputs(workload, model, i));
  const losses = new Float32Array(steps);
  const residentBytes: { [step: number]: number } = {};
  for (let i = 0; i < steps; i++) {
    losses[i] = Number((await step.run(batches[i % BATCHES]!))["loss"]!.data[0]);
    if (!at.includes(i + 1)) continue;
    // What is garbage is not what is kept.
    (globalThis as { gc?: () => void }).gc?.();
    residentBytes[i + 1] = Deno.memoryUsage().rss;
  }
  const state = digest(await session.state());
  await session.dispose();
  return { state, losses: sha256Hex(new Uint8Array(losses.buffer)), lastLoss: losses.at(-1)!, residentBytes };
}

if (import.meta.main) {
  const [name, steps, threads, ...at] = Deno.args;
  console.log(JSON.stringify(await train(name!, Number(steps), Number(threads), at.map(Number))));
}
