/** Training over long runs and in other processes: memory stays flat, bits stay the same. */
import assert from "node:assert/strict";
import { WORKLOADS } from "../../bench/workloads.ts";
import { jsonOf } from "../support/child_process.ts";
import type { TrainingReport } from "./training_process.ts";

function train(...args: readonly (string | number)[]): Promise<TrainingReport> {
  const flags = ["--v8-flags=--expose-gc,--no-maglev-osr"];
  const grants = ["--allow-read", "--allow-env", "--allow-sys", "--allow-ffi"];
  return jsonOf(new URL("training_process.ts", import.meta.url), args, [...flags, ...grants]);
}

Deno.test("native keeps its resident memory over 5,000 steps of the MLP within 5 % of that after 500", async () => {
  const { residentBytes } = await train("mlp", 5000, 1, 500, 5000);
  const [early, late] = [residentBytes[500]!, residentBytes[5000]!];
  const megabytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
  console.log(`resident memory: ${megabytes(early)} after 500 steps, ${megabytes(late)} after 5,000`);
  assert.ok(late <= 1.05 * early, `${megabytes(early)} after 500 steps, ${megabytes(late)} after 5,000`);
});

/** Steps of each workload; enough that a difference in one bit of one weight would have spread. */
const STEPS = { mlp: 200, vit: 5, cnn: 12, vae: 5 } as const;

for (const { name } of WORKLOADS) {
  for (const threads of [1, 2]) {
    const title = `native trains the ${name} to the same bits in two processes, ${threads} threads`;
    Deno.test(title.replace("1 threads", "1 thread"), async () => {
      const [first, second] = [
        await train(name, STEPS[name], threads),
        await train(name, STEPS[name], threads),
      ];
      assert.ok(Number.isFinite(first.lastLoss), `loss ${first.lastLoss}`);
      assert.deepEqual(second, first);
    });
  }
}
