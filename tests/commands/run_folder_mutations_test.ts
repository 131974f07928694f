import assert from "node:assert/strict";
import { withTempDir } from "../support/plugins.ts";
import { makeMutationPlace, survivesMutations } from "../support/run_mutations.ts";

/** A small share of what `deno task validate` tries. */
const COUNT = 75;

Deno.test(`the functions behind commands survive ${COUNT} damaged run folders`, async () => {
  await withTempDir(async (directory) => {
    const place = await makeMutationPlace(directory);
    const refused = await survivesMutations(place, COUNT, 77);
    assert.equal(refused["runs"], 0, "a damaged run hides no other");
    for (const command of ["report", "compare", "verify", "resume"]) {
      assert.ok(refused[command]! > 0 && refused[command]! < COUNT, `${command}: ${refused[command]}`);
    }
  });
});
