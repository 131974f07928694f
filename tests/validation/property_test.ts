/** Thousands of random programs, a few dozen of which are in the normal suite. */
import { checkPrograms } from "../conformance/property.ts";

/** Seeds far from those of the normal suite. */
const FIRST_SEED = 10_000;
const PROGRAMS = 3000;

Deno.test(`native, wasm and reference agree on ${PROGRAMS} random programs`, async () => {
  await checkPrograms(FIRST_SEED, PROGRAMS);
});
