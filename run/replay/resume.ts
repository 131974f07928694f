/**
 * Resuming a run: what must be unchanged, and what may have changed and is recorded.
 *
 * @module
 */
import { DataError } from "../../core/errors.ts";
import type { InputsRecord } from "../../core/records.ts";
import type { Warning } from "../../core/types.ts";
import { changedProvenance } from "../provenance/environment_diff.ts";
import { exists, removeFolder } from "../../files/atomic.ts";
import { join } from "../../files/paths.ts";
import type { RunProgress } from "./progress.ts";
import { type ProvenanceRequest, writeProvenance } from "../provenance/provenance.ts";
import { readRunJson } from "./replay.ts";
import type { RunDirectory } from "../store/run_directory.ts";

/** Codes of warnings that stay with a run when it is resumed. */
export const LASTING: readonly string[] = ["damaged-checkpoint", "resumed-otherwise"];

/**
 * Checks that a run would resume with the data it began with.
 *
 * @throws {DataError} Naming the first input that differs.
 */
export async function checkSameInputs(run: RunDirectory, inputs: InputsRecord): Promise<void> {
  if (!await exists(run.file("provenance/inputs.json"))) return;
  const recorded = await readRunJson<InputsRecord>(run, "provenance/inputs.json");
  for (const [i, { name, sha256 }] of recorded.entries()) {
    const now = inputs[i]?.sha256;
    if (now === sha256) continue;
    throw new DataError(
      `Cannot resume run "${run.record.id}" as its input "${name}" must be the one it began with: expected sha256 ${
        sha256.slice(0, 12)
      }, got ${now?.slice(0, 12) ?? "nothing"}`,
      name,
    );
  }
}

/** Steps of each model that are done. */
export function stepsOf({ models }: RunProgress): { readonly [model: string]: number } {
  return Object.fromEntries(Object.entries(models).map(([model, { counters }]) => [model, counters.step]));
}

/**
 * Writes `provenance/`. For a resumed run, it is kept as it was; what has changed is written beside it, into
 * `provenance/resumed-<n>/`, and reported in warnings.
 */
export async function recordProvenance(
  run: RunDirectory,
  request: Omit<ProvenanceRequest, "directory">,
): Promise<Warning[]> {
  const first = run.file("provenance");
  const count = run.record.resumed?.length ?? 0;
  if (count === 0 || !await exists(join(first, LAST_WRITTEN))) {
    await writeProvenance({ ...request, directory: first });
    return [];
  }
  const directory = join(first, `resumed-${count}`);
  await Deno.mkdir(directory, { recursive: true });
  await writeProvenance({ ...request, directory });
  const changes = await changedProvenance(first, directory);
  if (changes.length === 0) await removeFolder(directory);
  return changes.map(({ what, before, now }) => ({
    code: "resumed-otherwise",
    message: `resumed with other ${what}: ${before} then, ${now} now`,
  }));
}

/** The file that {@linkcode writeProvenance} writes last. */
const LAST_WRITTEN = "deno.lock";
