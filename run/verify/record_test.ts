import assert from "node:assert/strict";
import type { RunRecord } from "../../core/records.ts";
import { withTempDir } from "../../tests/support/plugins.ts";
import { FLAGS, type RunFiles, writeRun } from "../../tests/support/run_folder.ts";
import { compareRecord, type RecordResult } from "./record.ts";

/** How the record of a changed run comes out, with the first digits of its hash as "HASH". */
async function outcome(files: RunFiles, record: Partial<RunRecord>): Promise<RecordResult> {
  let found: RecordResult | undefined;
  await withTempDir(async (directory) => {
    const run = await writeRun(directory, files, record);
    const { result, circumstances } = await compareRecord(run, FLAGS);
    const detail = result.detail.replace(run.record.configHash.slice(0, 8), "HASH");
    found = { result: { ...result, detail }, circumstances };
  });
  return found!;
}

const BELONGS = { state: "equal", detail: "belongs to configuration hash HASH" };
const EDITED = {
  state: "different",
  detail: "run.json, config.json or inputs.json do not belong to configuration hash HASH",
};

Deno.test("compareRecord() finds that an untouched record belongs to its hash", async () => {
  assert.deepEqual(await outcome({}, {}), { result: BELONGS, circumstances: [] });
});

Deno.test("compareRecord() tries all engines for a run that came to none", async () => {
  assert.deepEqual(await outcome({}, { engine: null }), { result: BELONGS, circumstances: [] });
});

Deno.test("compareRecord() finds the seed that was edited, typed or small", async () => {
  const expected = {
    result: { state: "different", detail: "run.json says seed 8, configuration hash HASH belongs to seed 7" },
    circumstances: [{ what: "seed", before: "7", now: "8" }],
  };
  const commands = [["run", "trial", "--seed", "7"], ["run", "trial", "--seed=7"], ["run", "trial"]];
  for (const command of commands) assert.deepEqual(await outcome({}, { seed: 8, command }), expected);
});

Deno.test("compareRecord() says that something was edited when no seed explains it", async () => {
  const expected = { result: EDITED, circumstances: [] };
  const values = { events: 101 };
  assert.deepEqual(await outcome({ "config.json": { values, sources: {}, help: {} } }, {}), expected);
  assert.deepEqual(await outcome({ "provenance/inputs.json": [] }, {}), expected);
  assert.deepEqual(await outcome({}, { action: "inspect" }), expected);
  assert.deepEqual(await outcome({}, { engine: { name: "reference", threads: 1 } }), expected);
});
