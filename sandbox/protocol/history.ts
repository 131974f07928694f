/**
 * The records of a long training on their way to a sandbox: a file among the answers, which the sandbox can read but not
 * write. A message is bounded; a hundred thousand epochs are not one.
 *
 * @module
 */
import type { TrainingRecord } from "../../core/types.ts";
import { join } from "../../files/paths.ts";
import { answersOf } from "./shared_directory.ts";

/** The file of a history among the answers. */
const HISTORY = "history.jsonl";

/** A history that is in a file. */
export interface WrittenHistory {
  readonly lines: number;
}

/** Records that are written at a time. */
const PIECE = 10_000;

/** Writes the records, one per line. */
export async function writeHistory(
  sharedDirectory: string,
  history: readonly TrainingRecord[],
): Promise<WrittenHistory> {
  const folder = answersOf(sharedDirectory);
  await Deno.mkdir(folder, { recursive: true });
  const path = join(folder, HISTORY);
  for (let at = 0; at === 0 || at < history.length; at += PIECE) {
    const lines = history.slice(at, at + PIECE).map((record) => JSON.stringify(record) + "\n").join("");
    await Deno.writeTextFile(path, lines, { append: at > 0 });
  }
  return { lines: history.length };
}

/** The records as they were sent: in the message, or in the file; a NaN is null. */
export async function sentHistory(
  sharedDirectory: string,
  history: readonly TrainingRecord[] | WrittenHistory,
): Promise<readonly TrainingRecord[]> {
  if (!("lines" in history)) return history;
  const text = await Deno.readTextFile(join(answersOf(sharedDirectory), HISTORY));
  return text.split("\n", history.lines).map((line) => JSON.parse(line) as TrainingRecord);
}
