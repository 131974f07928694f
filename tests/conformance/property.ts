/**
 * Runs random programs on all engines and compares.
 *
 * @module
 */
import { engineByName } from "../../engine/runtimes/engines.ts";
import type { Engine, SessionOptions, Tensors } from "../../engine/runtimes/types.ts";
import { assertClose, IMPLEMENTATIONS, runOnce, type Tolerance } from "./harness.ts";
import { type RandomProgram, randomProgram } from "./random_programs.ts";

/**
 * How far two engines may be apart on a composition of about 60 kernels, all numbers within [-1, 1].
 *
 * The reference computes in float64 inside a kernel and has an error function that is off by 1.5e-7; each is amplified a
 * few times on the way. All others run the same graphs in float32 and differ in the order of sums.
 */
export const PROGRAM_TOLERANCE: Tolerance = { rtol: 1e-4, atol: 1e-5 };

/** Fails with the seed of the first program on which two engines are apart. */
export async function checkPrograms(firstSeed: number, count: number): Promise<void> {
  const reference = { name: "reference", engine: await engineByName("reference"), options: {} };
  const engines = await Promise.all(
    IMPLEMENTATIONS.map(async ({ name, options, open }) => ({ name, engine: await open(), options })),
  );
  for (let seed = firstSeed; seed < firstSeed + count; seed++) {
    const program = randomProgram(seed);
    const expected = await resultsOf(reference, program, seed);
    const found: { readonly name: string; readonly results: Tensors }[] = [];
    for (const one of engines) {
      const results = await resultsOf(one, program, seed);
      assertClose(results, expected, PROGRAM_TOLERANCE, `seed ${seed}, ${one.name} against reference:`);
      found.push({ name: one.name, results });
    }
    const [first, ...others] = found;
    for (const { name, results } of others) {
      assertClose(
        results,
        first!.results,
        PROGRAM_TOLERANCE,
        `seed ${seed}, ${name} against ${first!.name}:`,
      );
    }
  }
}

interface Side {
  readonly name: string;
  readonly engine: Engine;
  readonly options: SessionOptions;
}

/** Outputs and new state of one run. */
async function resultsOf(
  { name, engine, options }: Side,
  { program, inputs, state }: RandomProgram,
  seed: number,
): Promise<Tensors> {
  try {
    const result = await runOnce(engine, program, inputs, state, options);
    const updated = Object.entries(result.state).map(([name, tensor]) => [`state ${name}`, tensor]);
    return { ...result.outputs, ...Object.fromEntries(updated) };
  } catch (cause) {
    throw new Error(`seed ${seed} on ${name}: ${(cause as Error).message}`, { cause });
  }
}
