/** Twenty thousand damaged run folders through the functions behind commands, and three hundred through whole commands. */
import assert from "node:assert/strict";
import { jsonOf } from "../support/child_process.ts";
import { withTempDir } from "../support/plugins.ts";
import { damageRun, makeMutationPlace, restore } from "../support/run_mutations.ts";
import { SECRET, snapshot } from "../support/sent_runs.ts";
import { taskWith } from "../support/trial.ts";

const COUNT = 20_000;
function mutate(count: number, seed: number): Promise<{ readonly [command: string]: number }> {
  // as the tasks run: without all permissions Deno opens files in another way
  const grants = ["read", "write", "run", "env", "sys", "ffi"].map((grant) => `--allow-${grant}`);
  return jsonOf(new URL("mutation_process.ts", import.meta.url), [count, seed], grants);
}

/** In a process of its own, beside the whole commands. */
async function mutateFunctions(): Promise<void> {
  const refused = await mutate(COUNT, 1_000_000);
  console.log(`of ${COUNT}, refused: ${JSON.stringify(refused)}`);
  assert.equal(refused["runs"], 0, "a damaged run hides no other");
  for (const command of ["report", "compare", "verify", "resume"]) {
    // links and a damaged run.json alone are more than a twentieth; most other damage is shown beside the rest
    assert.ok(refused[command]! > COUNT / 20 && refused[command]! < COUNT, `${command}: ${refused[command]}`);
  }
}

/** Whole commands on the damaged run, by the arguments before and after its path. */
const COMMANDS: readonly ((run: string, store: string, cache: string) => string[])[] = [
  (_run, store) => ["runs", "--out", store],
  (run) => ["report", run],
  (run, store) => ["compare", run, "latest", "--runs", store],
  (run, store, cache) => ["verify", run, "--steps", "3", "--runs", store, "--cache", cache],
  (run, store, cache) => ["resume", run, "--runs", store, "--cache", cache],
  (run, store, cache) => ["verify", run, "--steps", "3", "--accept", "--runs", store, "--cache", cache],
  (run, store, cache) => ["resume", run, "--accept", "--runs", store, "--cache", cache],
];

async function mutateCommands(): Promise<void> {
  await withTempDir(async (directory) => {
    const place = await makeMutationPlace(directory);
    const [home, good] = [await snapshot(place.home), await snapshot(place.good)].map((files) =>
      JSON.stringify(files)
    );
    for (let i = 0; i < 300; i++) {
      damageRun(place, 9_000_000 + i);
      const args = COMMANDS[i % COMMANDS.length]!(place.run, place.store, place.cache);
      const { code, stdout, stderr } = await taskWith({}, ...args);
      const where = `mutation ${9_000_000 + i}: ${args[0]} ended with ${code}: ${stderr}`;
      assert.ok([0, 1, 2, 4].includes(code), where);
      assert.doesNotMatch(stderr, /error of Beamline itself|panicked|Uncaught|\n +at /, where);
      if (code === 2) assert.match(stderr, /^error: Cannot [^\n]*$/m, where);
      assert.ok(!`${stdout}${stderr}`.includes(SECRET), where);
      assert.ok(JSON.stringify(await snapshot(place.home)) === home, `${where}: the home was changed`);
      assert.ok(JSON.stringify(await snapshot(place.good)) === good, `${where}: the other run was changed`);
      restore(place);
    }
  });
}

Deno.test(`functions survive ${COUNT} damaged run folders, and whole commands 300`, async () => {
  await Promise.all([mutateFunctions(), mutateCommands()]);
});
