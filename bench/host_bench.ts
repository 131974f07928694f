/**
 * Memory of a workload, what comes before its first step, and what JavaScript adds to each:
 * `deno run -A bench/host_bench.ts [WORKLOAD...]`. Each workload is measured in a process of its own (`--json`).
 *
 * For the last, a session (inputs checked and copied, state turned, timers served) and the same graph called without a
 * session take turns on one thread; processor time is compared, which other jobs of the machine disturb least.
 */
import process from "node:process";
import { parseArgs } from "node:util";
import { encodeOnnx } from "../engine/onnx/encode.ts";
import { lower } from "../engine/onnx/lower.ts";
import { optimize } from "../engine/passes/passes.ts";
import type { Program } from "../engine/program/types.ts";
import { engineByName } from "../engine/runtimes/engines.ts";
import { openOrt } from "../engine/runtimes/native/ort.ts";
import type { TracedModel } from "../engine/trace/trace.ts";
import { type Alone, measureAlone } from "./alone.ts";
import { traceWorkload, type Workload, workloadInputs, WORKLOADS } from "./workloads.ts";

const ROUNDS = 9;
/** Processor time of one round of one side, about. */
const ROUND_MS = 300;
/** Steps after which memory is read; by then all of it is in use. */
const STEPS = 30;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    engine: { type: "string", default: "native" },
    json: { type: "boolean", default: false },
    threads: { type: "string", default: "1" },
  },
});

/** Milliseconds of processor time, of all threads of this process. */
async function processorTime(run: () => Promise<unknown>): Promise<number> {
  const begin = process.cpuUsage();
  await run();
  const { user, system } = process.cpuUsage(begin);
  return (user + system) / 1000;
}

/** The largest resident memory so far, in MiB; where the system does not report it, the current one. */
function peakMemory(): number {
  try {
    const [, kilobytes] = /VmHWM:\s*(\d+) kB/.exec(Deno.readTextFileSync("/proc/self/status"))!;
    return Number(kilobytes) / 1024;
  } catch {
    return Deno.memoryUsage().rss / 2 ** 20;
  }
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

async function openStep(workload: Workload, model: TracedModel, threads: number) {
  const session = await (await engineByName(options.engine)).open(model.state, { threads });
  const step = await session.compile(model.programs["step"]!);
  const inputs = workloadInputs(workload, model);
  return { session, run: () => step.run(inputs) };
}

/** Everything of one workload. */
async function measure(workload: Workload): Promise<Alone> {
  const begin = performance.now();
  const opened = { model: undefined as unknown as TracedModel, close: () => Promise.resolve() };
  const setUpCpuMs = await processorTime(async () => {
    opened.model = await traceWorkload(workload);
    const { session, run } = await openStep(workload, opened.model, Number(options.threads));
    opened.close = async () => {
      for (let i = 0; i < STEPS; i++) await run();
      await session.dispose();
    };
  });
  const setUpMs = performance.now() - begin;
  await opened.close();
  const facts = { workload: workload.name, setUpMs, setUpCpuMs, peakMiB: peakMemory() };
  if (options.engine !== "native") return { ...facts, stepCpuMs: null, graphCpuMs: null, hostShare: null };
  const [stepCpuMs, graphCpuMs] = await hostTimes(workload, opened.model);
  return { ...facts, stepCpuMs, graphCpuMs, hostShare: stepCpuMs / graphCpuMs - 1 };
}

/** Least processor time of a step over the rounds: with a session, and of the graph alone. */
async function hostTimes(workload: Workload, model: TracedModel): Promise<[step: number, graph: number]> {
  const { session, run } = await openStep(workload, model, 1);
  const bare = await bareGraph(model.programs["step"]!);
  const sides = [run, async () => await bare()];
  const once = Math.min(await processorTime(run), await processorTime(run));
  const steps = Math.max(2, Math.round(ROUND_MS / once));
  const least = [Infinity, Infinity];
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, side] of sides.entries()) {
      const total = await processorTime(async () => {
        for (let k = 0; k < steps; k++) await side();
      });
      least[i] = Math.min(least[i]!, total / steps);
    }
  }
  await session.dispose();
  return least as [number, number];
}

const chosen = WORKLOADS.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
if (options.json) {
  for (const workload of chosen) console.log(JSON.stringify(await measure(workload)));
} else {
  for (const { name } of chosen) {
    const alone = await measureAlone(name, options.engine, Number(options.threads));
    const host = alone.hostShare === null
      ? ""
      : `step ${alone.stepCpuMs!.toFixed(3)} ms, graph alone ${alone.graphCpuMs!.toFixed(3)} ms, host ${
        (100 * alone.hostShare).toFixed(1)
      } %; `;
    console.log(
      `${name}: ${host}trace + lower + compile ${alone.setUpCpuMs.toFixed(0)} ms of processor time, ${
        alone.setUpMs.toFixed(0)
      } ms on the clock; at most ${alone.peakMiB.toFixed(0)} MiB`,
    );
  }
}
