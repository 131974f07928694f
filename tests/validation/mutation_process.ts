/**
 * Damages a run folder again and again in a process of its own and prints how often each command refused it:
 * `deno run ... mutation_process.ts COUNT SEED`.
 */
import { makeMutationPlace, survivesMutations } from "../support/run_mutations.ts";

if (import.meta.main) {
  const [count, seed] = Deno.args.map(Number);
  const directory = await Deno.realPath(await Deno.makeTempDir({ prefix: "beamline-mutations-" }));
  try {
    const place = await makeMutationPlace(directory);
    console.log(JSON.stringify(await survivesMutations(place, count!, seed!)));
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}
