/**
 * Stage "report": what is made from the files of a run that has ended.
 *
 * @module
 */
import { writeAtomic } from "../../files/atomic.ts";
import { renderReport } from "../../report/mod.ts";
import { writeCrate } from "../provenance/crate.ts";
import type { RunDirectory } from "../store/run_directory.ts";

/** Writes the report of a run. */
export async function writeReport(run: RunDirectory): Promise<void> {
  await writeAtomic(run.file("report.html"), await renderReport(run.path), { isTidied: true });
}

/** Writes the report and the crate of a run. */
export async function completeRun(run: RunDirectory): Promise<void> {
  await writeReport(run);
  await writeCrate(run);
}
