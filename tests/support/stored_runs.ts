/**
 * Runs that were never made: the files of a run directory, for tests of what reads them.
 *
 * @module
 */
import { dirname, join } from "node:path";
import type { RunRecord } from "../../core/records.ts";
import { openRun, type RunDirectory } from "../../run/store/run_directory.ts";

/** A finished run of ecal. */
const RECORD: RunRecord = {
  schema: "beamline-run/1",
  id: "20260101T000000Z-00000000-0000",
  status: "finished",
  plugin: { name: "ecal", title: "Photons" },
  action: "run",
  simulated: true,
  created: "2026-01-01T00:00:00.000Z",
  finished: "2026-01-01T00:01:00.000Z",
  seconds: { prepare: 2, train: 58 },
  engine: { name: "native", threads: 1 },
  seed: 7,
  versions: { beamline: "0.1.0" },
  command: ["run", "ecal"],
  configHash: "00000000",
  error: null,
  warnings: [],
};

/** Writes a run into a store; `files` are objects by name, besides `run.json`. */
export async function storeRun(
  store: string,
  changes: Partial<RunRecord> = {},
  files: { readonly [name: string]: unknown } = {},
): Promise<RunDirectory> {
  const record = { ...RECORD, ...changes };
  const path = join(store, record.plugin.name, record.id);
  for (const [name, value] of Object.entries({ "run.json": record, ...files })) {
    await Deno.mkdir(dirname(join(path, name)), { recursive: true });
    await Deno.writeTextFile(join(path, name), JSON.stringify(value));
  }
  return await openRun(path);
}
