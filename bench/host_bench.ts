/**
 * What JavaScript adds to a step, and what comes before the first one: `deno run -A bench/host_bench.ts [WORKLOAD...]`.
 *
 * A session (inputs checked and copied, state turned, timers served) and the same graph called without a session take
 * turns on one thread; processor time is compared, which other jobs of the machine disturb least.
 */
import process from "node:process";
import { encodeOnnx } from "../engine/lower/onnx.ts";
import { lower } from "../engine/lower/lower.ts";
import { optimize } from "../engine/lower/passes.ts";
import type { Program } from "../engine/program/types.ts";
import { nativeEngine } from "../engine/runtime/native.ts";
import { openOrt } from "../engine/runtime/ort.ts";
import { traceWorkload, type Workload, workloadInputs, WORKLOADS } from "./workloads.ts";

const ROUNDS = 9;
/** Processor time of one round of one side, about. */
const ROUND_MS = 300;

/** Milliseconds of processor time, of all threads of this process. */
async function processorTime(run: () => Promise<unknown>): Promise<number> {
  const begin = process.cpuUsage();
  await run();
  const { user, system } = process.cpuUsage(begin);
  return (user + system) / 1000;
}

/** The graph of a program, bound once to tensors of its own. */
async function bareGraph(program: Program): Promise<() => void | Promise<void>> {
  const { graph } = lower(optimize(program, () => true).program);
  const ort = await openOrt();
  const [inputs, outputs] = [graph.inputs, graph.outputs];
  const names = { inputs: inputs.map(({ name }) => name), outputs: outputs.map(({ name }) => name) };
  const model = await ort.load(encodeOnnx(graph), names, { threads: 1 });
  const tensors = (values: typeof inputs) => values.map(({ shape }) => ort.tensor("float32", shape));
  return model.bind(tensors(inputs), tensors(outputs));
}

async function measure(workload: Workload): Promise<string> {
  const begin = performance.now();
  const state = { step: undefined as unknown as () => Promise<unknown>, bare: () => Promise.resolve() };
  const setUpMs = await processorTime(async () => {
    const model = await traceWorkload(workload);
    const session = await nativeEngine.open(model.state, { threads: 1 });
    const step = await session.compile(model.programs["step"]!);
    const inputs = workloadInputs(workload, model);
    state.step = () => step.run(inputs);
  });
  const wallMs = performance.now() - begin;
  const bare = await bareGraph((await traceWorkload(workload)).programs["step"]!);
  state.bare = async () => await bare();
  const once = Math.min(await processorTime(state.step), await processorTime(state.step));
  const steps = Math.max(2, Math.round(ROUND_MS / once));
  const times = { step: [] as number[], bare: [] as number[] };
  for (let round = 0; round < ROUNDS; round++) {
    for (const side of ["bare", "step"] as const) {
      const total = await processorTime(async () => {
        for (let i = 0; i < steps; i++) await state[side]();
      });
      times[side].push(total / steps);
    }
  }
  const [step, graph] = [Math.min(...times.step), Math.min(...times.bare)];
  return `${workload.name}: step ${step.toFixed(3)} ms, graph alone ${graph.toFixed(3)} ms, ` +
    `host ${(100 * (step / graph - 1)).toFixed(1)} %; ` +
    `trace + lower + compile ${setUpMs.toFixed(0)} ms of processor time, ${
      wallMs.toFixed(0)
    } ms on the clock`;
}

for (const workload of WORKLOADS) {
  if (Deno.args.length > 0 && !Deno.args.includes(workload.name)) continue;
  console.log(await measure(workload));
}
