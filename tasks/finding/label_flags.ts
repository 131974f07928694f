/**
 * Flags that say what a run is called.
 *
 * @module
 */
import { checkedName, checkedNote, checkedTags, type RunLabels } from "../../core/labels.ts";
import type { ParsedCommand, TaskFlag } from "../shared/command.ts";

/** Flags of `run`. */
export const LABEL_FLAGS: readonly TaskFlag[] = [
  { name: "name", value: "text", help: "a name by which the run can be found again, in place of its id" },
  {
    name: "tag",
    value: "text",
    help: "a tag to filter runs by; may be given several times",
    isRepeatable: true,
  },
  { name: "note", value: "text", help: "a note, shown in lists and in the report" },
];

/** The labels that a record has, for JSON. */
export function labelsIn({ name, tags, note }: RunLabels): RunLabels {
  return {
    ...(name === undefined ? {} : { name }),
    ...(tags === undefined ? {} : { tags }),
    ...(note === undefined ? {} : { note }),
  };
}

/**
 * The labels that were typed; those that were not are absent.
 *
 * @throws {ConfigError} If one is not plain text within its bounds.
 */
export function labelsOf({ task, lists }: Pick<ParsedCommand, "task" | "lists">): RunLabels {
  return {
    ...(task.name === undefined ? {} : { name: checkedName(task.name) }),
    ...(lists.tag === undefined ? {} : { tags: checkedTags(lists.tag) }),
    ...(task.note === undefined ? {} : { note: checkedNote(task.note) }),
  };
}
