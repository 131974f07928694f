/**
 * Runs random programs on pairs of engines and compares.
 *
 * @module
 */
import { engineByName } from "../../engine/runtime/engines.ts";
import type { Tensors } from "../../engine/runtime/types.ts";
import { assertClose, runOnce, type Tolerance } from "./harness.ts";
import { randomProgram } from "./random_programs.ts";

/**
 * How far two engines may be apart on a composition of about 60 kernels, all numbers within [-1, 1].
 *
 * The reference computes in float64 inside a kernel and has an error function that is off by 1.5e-7; each is amplified a
 * few times on the way. `native` and `wasm` are the same graphs in float32 and differ in the order of sums.
 */
export const PAIR_TOLERANCES: readonly {
  readonly engines: readonly [string, string];
  readonly tolerance: Tolerance;
}[] = [
  { engines: ["native", "reference"], tolerance: { rtol: 1e-4, atol: 1e-5 } },
  { engines: ["wasm", "reference"], tolerance: { rtol: 1e-4, atol: 1e-5 } },
  { engines: ["native", "wasm"], tolerance: { rtol: 1e-4, atol: 1e-5 } },
];

const ENGINES = ["native", "wasm", "reference"] as const;

/** Fails with the seed of the first program on which two engines are apart. */
export async function checkPrograms(firstSeed: number, count: number): Promise<void> {
  const engines = await Promise.all(ENGINES.map((name) => engineByName(name)));
  for (let seed = firstSeed; seed < firstSeed + count; seed++) {
    const { program, inputs, state } = randomProgram(seed);
    const results: { [engine: string]: Tensors } = {};
    for (const engine of engines) {
      try {
        const result = await runOnce(engine, program, inputs, state, { threads: 1 });
        const updated = Object.entries(result.state).map(([name, tensor]) => [`state ${name}`, tensor]);
        results[engine.name] = { ...result.outputs, ...Object.fromEntries(updated) };
      } catch (cause) {
        throw new Error(`seed ${seed} on ${engine.name}: ${(cause as Error).message}`, { cause });
      }
    }
    for (const { engines: [a, b], tolerance } of PAIR_TOLERANCES) {
      assertClose(results[a]!, results[b]!, tolerance, `seed ${seed}, ${a} against ${b}:`);
    }
  }
}
