/**
 * The number of threads that is quickest here and now, found by trying. Asked for by `--threads auto`; otherwise the fixed
 * rule of `threads.ts` holds, so that runs repeat.
 *
 * @module
 */
import { sizeOf } from "../../core/types.ts";
import type { Program } from "../program/types.ts";
import type { GraphCache } from "./graphs/graph_cache.ts";
import type { Engine, Executable, Session, Tensor, Tensors } from "./types.ts";

/** What was tried and which number of threads won. */
export interface Calibration {
  readonly threads: number;
  /** Median milliseconds of a step by number of threads; the first entry is for 1. */
  readonly stepMs: readonly number[];
}

/** Options of {@linkcode calibrateThreads}. */
export interface CalibrateOptions {
  /** The most threads to try. */
  readonly most: number;
  /** A clock in milliseconds. */
  readonly now: () => number;
  /** Programs that were lowered before. @default those of this process */
  readonly graphs?: GraphCache | undefined;
}

/** Steps before the clock starts: memory is laid out, caches fill. */
const WARM_UP = 2;
/** Timed steps of each number of threads; odd, so that the median is one of them. */
const STEPS = 9;
/** A further thread must save this share, or it stays with other jobs. */
const WORTHWHILE = 0.03;

/**
 * Times a few steps of a program with 1, 2, ... threads, in turn so that a busy moment meets them all, and picks the
 * lowest median. Sessions and their state are thrown away. An engine that knows one thread only is not timed.
 */
export async function calibrateThreads(
  engine: Engine,
  program: Program,
  state: Tensors,
  { most, now, graphs }: CalibrateOptions,
): Promise<Calibration> {
  const last = Math.min(most, engine.mostThreads ?? most);
  if (last < 2) return { threads: 1, stepMs: [] };
  const inputs = trialInputs(program);
  const sides: { readonly session: Session; readonly step: Executable; readonly times: number[] }[] = [];
  try {
    for (let threads = 1; threads <= last; threads++) {
      const session = await engine.open(state, { threads, graphs });
      if (session.threads !== threads) {
        await session.dispose();
        break;
      }
      sides.push({ session, step: await session.compile(program), times: [] });
    }
    if (sides.length < 2) return { threads: 1, stepMs: [] };
    for (let i = 0; i < WARM_UP + STEPS; i++) {
      for (const { step, times } of sides) {
        const begin = now();
        await step.run(inputs);
        if (i >= WARM_UP) times.push(now() - begin);
      }
    }
    const stepMs = sides.map(({ times }) => times.toSorted((a, b) => a - b)[STEPS >> 1]!);
    return { threads: pick(stepMs), stepMs };
  } finally {
    for (const { session } of sides) await session.dispose();
  }
}

/** The fewest threads than which no larger number saves a worthwhile share. */
function pick(stepMs: readonly number[]): number {
  let best = 0;
  stepMs.forEach((ms, i) => {
    if (ms < stepMs[best]! * (1 - WORTHWHILE)) best = i;
  });
  return best + 1;
}

/** Numbers in [0, 1) for float32 inputs, zeros for indices and for the learning rate. */
function trialInputs(program: Program): Tensors {
  return Object.fromEntries(program.inputs.map(({ name, role, value }): [string, Tensor] => {
    const { dtype, shape } = program.values[value]!;
    const size = sizeOf(shape);
    if (dtype === "int32") return [name, { dtype, shape, data: new Int32Array(size) }];
    if (dtype === "bool") return [name, { dtype, shape, data: new Uint8Array(size) }];
    const data = new Float32Array(size);
    if (role !== "scalar") data.forEach((_, i) => data[i] = (i + 1) * 0.6180339887498949 % 1);
    return [name, { dtype, shape, data }];
  }));
}
