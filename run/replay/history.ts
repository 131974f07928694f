/**
 * The history of a training, for whoever evaluates its weights later.
 *
 * @module
 */
import { decodeRecord } from "../../core/not_finite.ts";
import { parseLine } from "../../core/record_shapes.ts";
import type { JsonObject, TrainingRecord } from "../../core/types.ts";
import { writeAtomic } from "../../files/atomic.ts";
import { readPlainText } from "../../files/plain_file.ts";
import type { RunDirectory } from "../store/run_directory.ts";

const FILE = "metrics.jsonl";

/**
 * Copies the history of one run into another, where it is not there yet, and gives it.
 *
 * @throws {SyntaxError} If a line is none of a history.
 */
export async function takeHistory(from: RunDirectory, to: RunDirectory): Promise<TrainingRecord[]> {
  const text = historyText(from);
  if (text === "") return [];
  if (from.path !== to.path) await writeAtomic(to.file(FILE), text);
  return text.trim().split("\n").map((line, i) =>
    decodeRecord(parseLine(FILE, line, from.file(FILE), i + 1) as JsonObject) as unknown as TrainingRecord
  );
}

/** The whole lines; nothing where there was no training. */
function historyText(run: RunDirectory): string {
  try {
    const text = readPlainText(run.file(FILE));
    return text.slice(0, text.lastIndexOf("\n") + 1);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}
