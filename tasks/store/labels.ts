/**
 * Changing what a run is called when it is over.
 *
 * @module
 */
import { ConfigError } from "../../core/errors.ts";
import { checkedName, checkedNote, checkedTags, type RunLabels } from "../../core/labels.ts";
import type { RunRecord } from "../../core/records.ts";
import { exists } from "../../files/atomic.ts";
import type { RunDirectory } from "../../run/store/run_directory.ts";
import type { ParsedCommand } from "../shared/command.ts";

/** What is to be changed: texts to set, null to take away. */
export interface LabelChanges {
  readonly name?: string | null;
  readonly note?: string | null;
  readonly added: readonly string[];
  readonly taken: readonly string[];
}

/**
 * The changes that were typed: an empty text takes a name or a note away.
 *
 * @throws {ConfigError} If there are none, or a text is not plain text within its bounds.
 */
export function labelChangesOf({ task, lists }: ParsedCommand): LabelChanges {
  const { name, note } = task;
  const changes = {
    ...(name === undefined ? {} : { name: name === "" ? null : checkedName(name) }),
    ...(note === undefined ? {} : { note: note.trim() === "" ? null : checkedNote(note) }),
    added: checkedTags(lists.tag ?? []),
    taken: (lists.untag ?? []).map((tag) => tag.normalize("NFC")),
  };
  if (name !== undefined || note !== undefined || changes.added.length + changes.taken.length > 0) {
    return changes;
  }
  throw new ConfigError("Cannot edit as --name, --tag, --untag or --note must say what: none found");
}

/**
 * The labels of a record with changes.
 *
 * @throws {ConfigError} If it would have too many tags, or has none of those that are to be taken away.
 */
export function changedLabels(record: RunRecord, { name, note, added, taken }: LabelChanges): RunLabels {
  const { tags = [] } = record;
  const absent = taken.find((tag) => !tags.includes(tag));
  if (absent !== undefined) {
    throw new ConfigError(
      `Cannot take tag "${absent}" from run "${record.id}" as the run must have it: it has ${
        tags.map((tag) => `"${tag}"`).join(", ") || "none"
      }`,
    );
  }
  const left = checkedTags([...tags.filter((tag) => !taken.includes(tag)), ...added]);
  const labels = {
    name: name === undefined ? record.name : name ?? undefined,
    note: note === undefined ? record.note : note ?? undefined,
    tags: left.length > 0 ? left : undefined,
  };
  // a field that is undefined is not written
  return labels as RunLabels;
}

/**
 * Changes the labels of a run, and makes its report again where it has one.
 *
 * @throws {ConfigError} If a process works on the run.
 */
export async function editRun(run: RunDirectory, changes: LabelChanges): Promise<void> {
  await run.lock("edit");
  try {
    await run.refresh();
    await run.update(changedLabels(run.record, changes));
    if (!await exists(run.file("report.html"))) return;
    const { writeReport } = await import("../../run/stages/report.ts");
    await writeReport(run);
  } finally {
    await run.unlock();
  }
}
