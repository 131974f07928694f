/**
 * Time of a training step, side by side with Python peers, and what surrounds it: `deno task bench [--peers PYTHON]
 * [--json]`.
 *
 * Accuracy comes first: a few steps on few rows must lose as on the reference engine. Then both sides try their thread
 * counts once, and take turns with the best one; medians over the rounds are compared.
 */
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { engineByName } from "../engine/runtimes/engines.ts";
import type { Executable, Session, Tensors } from "../engine/runtimes/types.ts";
import type { TracedModel } from "../engine/trace/trace.ts";
import { measureAlone } from "./alone.ts";
import { coldStart } from "./cold_start.ts";
import { type Peer, PEERS, startPeer } from "./peers.ts";
import { median } from "../metrics/summary/summary.ts";
import { traceWorkload, type Workload, workloadInputs, WORKLOADS } from "./workloads.ts";

/** Rows and steps of the accuracy check; tfjs's cpu backend takes a second per row of the convolutional ones. */
const CHECK = { rows: 2, steps: 3, rtol: 2e-3, atol: 1e-5 } as const;
/** Wall time of one round of one side, about. */
const ROUND_MS = 400;

const { values: options } = parseArgs({
  args: Deno.args,
  options: {
    engine: { type: "string", default: "native" },
    json: { type: "boolean", default: false },
    "only-steps": { type: "boolean", default: false },
    peers: { type: "string" },
    rounds: { type: "string", default: "7" },
    threads: { type: "string" },
    workload: { type: "string", multiple: true, default: WORKLOADS.map(({ name }) => name) },
  },
});

interface Result {
  readonly workload: string;
  readonly engine: string;
  readonly threads: number;
  readonly stepMs: number;
  readonly traceMs: number;
  readonly compileMs: number;
  /** Largest resident memory of a process that traces, compiles and trains; null with --only-steps, as what follows. */
  readonly peakMiB: number | null;
  /** What the session adds to the processor time of its graph, as a fraction of it; null except for `native`. */
  readonly hostShare: number | null;
  /** From the start of `deno task run` to its first step. */
  readonly coldStartMs: number | null;
  readonly peer: string | null;
  readonly peerVersion: string | null;
  readonly peerThreads: number | null;
  readonly peerMs: number | null;
  readonly ratio: number | null;
}

async function timed<T>(run: () => Promise<T>): Promise<[T, number]> {
  const begin = performance.now();
  return [await run(), performance.now() - begin];
}

async function lossesOf(engine: string, workload: Workload, model: TracedModel): Promise<number[]> {
  const session = await (await engineByName(engine)).open(model.state);
  const step = await session.compile(model.programs["step"]!);
  const losses: number[] = [];
  for (let i = 0; i < CHECK.steps; i++) {
    losses.push(Number((await step.run(workloadInputs(workload, model, i)))["loss"]!.data[0]));
  }
  await session.dispose();
  return losses;
}

/** Throws unless the engine loses as the reference does. */
async function checkAccuracy(engine: string, workload: Workload): Promise<void> {
  const model = await traceWorkload(workload, CHECK.rows);
  const [actual, expected] = [
    await lossesOf(engine, workload, model),
    await lossesOf("reference", workload, model),
  ];
  actual.forEach((loss, i) => {
    if (Math.abs(loss - expected[i]!) <= CHECK.atol + CHECK.rtol * Math.abs(expected[i]!)) return;
    throw new Error(
      `Cannot measure "${workload.name}" as it must be right first: loss ${loss}, expected ${expected[i]}`,
    );
  });
}

/** A compiled step at one thread count. */
class Side {
  constructor(
    readonly threads: number,
    readonly session: Session,
    readonly step: Executable,
    readonly inputs: Tensors,
    readonly compileMs: number,
  ) {}

  static async open(threads: number, workload: Workload, model: TracedModel): Promise<Side> {
    const session = await (await engineByName(options.engine)).open(model.state, { threads });
    const [step, compileMs] = await timed(() => session.compile(model.programs["step"]!));
    const side = new Side(threads, session, step, workloadInputs(workload, model), compileMs);
    await side.measure(3);
    return side;
  }

  /** Milliseconds of a step. */
  async measure(steps: number): Promise<number> {
    const begin = performance.now();
    for (let i = 0; i < steps; i++) await this.step.run(this.inputs);
    return (performance.now() - begin) / steps;
  }
}

/** The candidate with the quickest step: the median of three tries each, in turn. */
async function best<T>(candidates: readonly T[], measure: (one: T) => Promise<number>): Promise<T> {
  const times: number[][] = candidates.map(() => []);
  for (let round = 0; round < 3; round++) {
    for (const [i, one] of candidates.entries()) times[i]!.push(await measure(one));
  }
  const medians = times.map(median);
  return candidates[medians.indexOf(Math.min(...medians))]!;
}

const stepsFor = (stepMs: number) => Math.max(3, Math.round(ROUND_MS / stepMs));

async function measure(workload: Workload, peers: readonly Peer[]): Promise<Result[]> {
  await checkAccuracy(options.engine, workload);
  const [model, traceMs] = await timed(() => traceWorkload(workload));
  const counts = options.threads
    ? [Number(options.threads)]
    : Array.from({ length: Math.min(4, navigator.hardwareConcurrency) }, (_, i) => i + 1);
  const sides: Side[] = [];
  for (const threads of counts) sides.push(await Side.open(threads, workload, model));
  const side = await best(sides, async (one) => one.measure(stepsFor(await one.measure(3))));
  const steps = stepsFor(await side.measure(3));
  const ours: number[] = [];
  const theirs = new Map<Peer, number[]>();
  const settings = new Map<Peer, { threads: number; steps: number }>();
  for (const peer of peers) {
    const threads = await best(
      peer.threads,
      async (count) => peer.measure(count, stepsFor(await peer.measure(count, 3)) >> 1),
    );
    settings.set(peer, { threads, steps: stepsFor(await peer.measure(threads, 5)) });
    theirs.set(peer, []);
  }
  for (let round = 0; round < Number(options.rounds); round++) {
    ours.push(await side.measure(steps));
    for (const peer of peers) {
      const { threads, steps } = settings.get(peer)!;
      theirs.get(peer)!.push(await peer.measure(threads, steps));
    }
  }
  for (const one of sides) await one.session.dispose();
  const around = options["only-steps"]
    ? { peakMiB: null, hostShare: null, coldStartMs: null }
    : await surroundings(workload, side.threads);
  const common = {
    workload: workload.name,
    engine: options.engine,
    threads: side.threads,
    stepMs: median(ours),
    traceMs,
    compileMs: sides[0]!.compileMs, // the others find the program lowered
    ...around,
  };
  if (peers.length === 0) {
    return [{ ...common, peer: null, peerVersion: null, peerThreads: null, peerMs: null, ratio: null }];
  }
  return peers.map((peer) => {
    const peerMs = median(theirs.get(peer)!);
    return {
      ...common,
      peer: peer.name,
      peerVersion: peer.version,
      peerThreads: settings.get(peer)!.threads,
      peerMs,
      ratio: common.stepMs / peerMs,
    };
  });
}

/** What is measured in other processes. */
async function surroundings(
  { name }: Workload,
  threads: number,
): Promise<Pick<Result, "peakMiB" | "hostShare" | "coldStartMs">> {
  const { peakMiB, hostShare } = await measureAlone(name, options.engine, threads);
  return { peakMiB, hostShare, coldStartMs: await coldStart(name, options.engine) };
}

function machine(): object {
  const { os, arch } = Deno.build;
  const cpu = cpus()[0]?.model ?? "unknown";
  return { os, arch, cpu, cores: navigator.hardwareConcurrency, deno: Deno.version.deno };
}

function printed(number: number | null, digits = 2): string {
  return (number === null ? "-" : number.toFixed(digits)).padStart(9);
}

const results: Result[] = [];
if (!options.json) {
  console.log(
    "workload threads   step ms  trace ms compile ms peak MiB   host %  start ms  peer       threads   peer ms    ratio",
  );
}
for (const workload of WORKLOADS) {
  if (!options.workload.includes(workload.name)) continue;
  const peers: Peer[] = [];
  if (options.peers) {
    for (const kind of PEERS) {
      const peer = await startPeer(options.peers, kind, workload.name);
      if (peer) peers.push(peer);
    }
  }
  for (const result of await measure(workload, peers)) {
    results.push(result);
    if (options.json) continue;
    const { threads, stepMs, traceMs, compileMs, peer, peerThreads, peerMs, ratio } = result;
    const { peakMiB, hostShare, coldStartMs } = result;
    console.log(
      workload.name.padEnd(8) + String(threads).padStart(8) + printed(stepMs, 3) + printed(traceMs, 0) +
        printed(compileMs, 0) + printed(peakMiB, 0) +
        printed(hostShare === null ? null : 100 * hostShare, 1) +
        printed(coldStartMs, 0) + `   ${(peer ?? "none").padEnd(10)}` +
        String(peerThreads ?? "-").padStart(8) +
        printed(peerMs, 3) + printed(ratio, 3),
    );
  }
  for (const peer of peers) await peer.stop();
}
if (options.json) console.log(JSON.stringify({ machine: machine(), results }));
