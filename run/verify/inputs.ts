/**
 * Whether a repetition read the same input files.
 *
 * @module
 */
import type { InputsRecord } from "../../core/records.ts";
import { readBoth } from "./files.ts";
import { count, different, equal, skipped } from "./results.ts";
import type { Pair, Result } from "./types.ts";

/** Compares `provenance/inputs.json`: the first file with another digest, or another number of files. */
export async function compareInputs({ before, now }: Pair): Promise<Result> {
  const [then, today] = await readBoth<InputsRecord>(before, now, "provenance/inputs.json");
  if (then.length === 0 && today.length === 0) return skipped("the run reads no files");
  for (const [i, { name, sha256, bytes }] of then.entries()) {
    const other = today[i];
    if (other?.sha256 === sha256) continue;
    const size = other && other.bytes !== bytes ? ` (${bytes} bytes then, ${other.bytes} now)` : "";
    return different(`input "${name}" had sha256 ${short(sha256)} and has ${short(other?.sha256)}${size}`);
  }
  if (today.length === then.length) return equal(count(then.length, "input file"));
  const are = today.length === 1 ? "is" : "are";
  return different(`there ${are} ${count(today.length, "input file")} now, not ${then.length}`);
}

function short(digest: string | undefined): string {
  return digest === undefined ? "none" : digest.slice(0, 12);
}
