/**
 * How many threads a program gets when nobody says: a fixed rule, so that a run repeats on the same machine.
 *
 * @module
 */
import { traitsOf } from "../program/kernels.ts";
import type { Program, ProgramNode } from "../program/types.ts";

/** More threads than this gain little on the models that this is made for, and disturb other jobs. */
const MOST_THREADS = 4;

/** The most threads that a program gets by default: the cores of the machine, at most four. */
export function defaultThreads(): number {
  return Math.max(1, Math.min(MOST_THREADS, navigator.hardwareConcurrency));
}

/**
 * One thread for programs below this many multiplications: handing work to a second thread costs more than it saves. It
 * lies between a step of 16 million, slower on two threads (0.94 against 0.57 ms), and one of 300 million, quicker (8.8
 * against 13.1 ms); where between was not measured. See `bench/README.md`.
 */
const SMALL_PROGRAM = 5e7;

/**
 * Checks a number of threads that was asked for.
 *
 * @throws {RangeError} If it is no integer in 1..1024.
 */
export function checkThreads(threads: number): void {
  if (Number.isInteger(threads) && threads >= 1 && threads <= 1024) return;
  throw new RangeError(`Cannot open session as threads must be an integer in 1..1024: found ${threads}`);
}

/** Threads of a program with so many multiplications: one for small programs, `most` for others. */
export function threadsFor(multiplications: number, most: number): number {
  return multiplications < SMALL_PROGRAM ? 1 : most;
}

/**
 * Multiplications that shards must make for each number of a partial sum that they hand over. What comes after the sums, the update
 * of all weights, is done by one thread: networks of dense layers on 64 rows, 190 multiplications for each weight, take
 * 1.3 to 1.6 times as long in shards as with threads in their operations; a convolutional autoencoder with 1,000 takes 0.95.
 */
const LEAST_WORK = 500;

/**
 * Shards of a program with so many multiplications, one on each thread, when they hand over partial sums of so many
 * numbers. In shards a step of a transformer takes 0.52 of its time on one thread, with two threads in each
 * operation 0.66; of a convolutional network 0.56 and 0.75. Small programs are quicker with threads in their operations:
 * 0.44 ms against 0.48.
 */
export function shardsFor(multiplications: number, numbers: number, threads: number): number {
  return multiplications < Math.max(SMALL_PROGRAM, LEAST_WORK * numbers) ? 1 : threads;
}

/** Multiplications in the matrix products and convolutions of a program. */
export function multiplications(program: Program): number {
  return program.nodes.reduce((sum, node) => sum + multiplicationsOf(node, program), 0);
}

function multiplicationsOf(node: ProgramNode, program: Program): number {
  const { kind } = traitsOf(node);
  if (kind.is !== "product") return 0;
  const inputs = node.inputs.map((id) => (id === null ? null : program.values[id]!));
  return kind.multiplications?.(inputs, program.values[node.outputs[0]!]!, node.attrs) ?? 0;
}
