/**
 * Which runs are meant: by plugin, tag, status and time.
 *
 * @module
 */
import { ConfigError } from "../../core/errors.ts";
import { nearestName } from "../../core/names.ts";
import type { RunDirectory, RunState } from "../../run/store/run_directory.ts";
import type { ParsedCommand, TaskFlag } from "../shared/command.ts";

/** How far runs can be. */
const STATES: readonly RunState[] = ["running", "finished", "failed", "interrupted", "killed"];

/** Flags that choose runs. */
export const FILTER_FLAGS: readonly TaskFlag[] = [
  { name: "plugin", value: "name", help: "only runs of this plugin" },
  {
    name: "tag",
    value: "text",
    help: "only runs with this tag, or with all that are given",
    isRepeatable: true,
  },
  { name: "status", value: "status", help: `only runs that are ${STATES.join(", ")}` },
  {
    name: "since",
    value: "time",
    help: "only runs that began then or later: 2026-11-30, 2026-11-30T08:00 (UTC), or an age as 90m, 12h, 7d",
  },
  { name: "until", value: "time", help: "only runs that began then or before; a day counts to its end" },
];

/** A run, and how far it is. */
export interface FoundRun {
  readonly run: RunDirectory;
  readonly state: RunState;
}

/** What was asked for. */
export interface Selection {
  readonly plugin?: string | undefined;
  readonly tags: readonly string[];
  readonly status?: string | undefined;
  /** Milliseconds since 1970. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
}

/**
 * The selection that was typed.
 *
 * @param now Milliseconds since 1970, for ages.
 * @throws {ConfigError} If a status or a time is none.
 */
export function selectionOf({ task, lists }: ParsedCommand, now: number): Selection {
  return {
    plugin: task.plugin,
    tags: (lists.tag ?? []).map((tag) => tag.normalize("NFC")),
    status: task.status === undefined ? undefined : checkedStatus(task.status),
    since: task.since === undefined ? undefined : timeOf("since", task.since, now).from,
    until: task.until === undefined ? undefined : timeOf("until", task.until, now).to,
  };
}

/** Whether the selection leaves out anything. */
export function isSelective({ plugin, tags, status, since, until }: Selection): boolean {
  return tags.length > 0 || [plugin, status, since, until].some((part) => part !== undefined);
}

function checkedStatus(status: string): string {
  if ((STATES as readonly string[]).includes(status)) return status;
  const nearest = nearestName(status, STATES);
  throw new ConfigError(
    `Cannot use --status as it must be one of ${STATES.join(", ")}: found "${status}"${
      nearest ? `; did you mean "${nearest}"?` : ""
    }`,
  );
}

const MINUTE = 60_000;
const AGES: { readonly [unit: string]: number } = {
  m: MINUTE,
  h: 60 * MINUTE,
  d: 24 * 60 * MINUTE,
  w: 7 * 24 * 60 * MINUTE,
};

/** The first and the last millisecond that a text stands for: of a day, of a minute, of a second. */
function timeOf(flag: string, text: string, now: number): { readonly from: number; readonly to: number } {
  const age = /^(\d{1,6})([mhdw])$/.exec(text);
  if (age) {
    const time = now - Number(age[1]) * AGES[age[2]!]!;
    return { from: time, to: time };
  }
  const parts = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d)?Z?)?$/.exec(text);
  const [, day, minute, second] = parts ?? [];
  const from = Date.parse(`${day}T${minute ?? "00:00"}${second ?? ":00"}Z`);
  // the engine takes the 31st of a short month for the first of the next
  if (parts && !Number.isNaN(from) && new Date(from).toISOString().startsWith(day!)) {
    const length = minute === undefined ? AGES.d! : second === undefined ? MINUTE : 1000;
    return { from, to: from + length - 1 };
  }
  throw new ConfigError(
    `Cannot use --${flag} as it must be a day, a time in UTC or an age, as 2026-11-30, 2026-11-30T08:00 or 7d: found "${text}"`,
  );
}

/** Whether a run is among those that were asked for. */
export function isSelected({ run: { record }, state }: FoundRun, selection: Selection): boolean {
  const { plugin, tags, status, since = -Infinity, until = Infinity } = selection;
  const began = Date.parse(record.created);
  return (plugin === undefined || record.plugin.name === plugin) &&
    tags.every((tag) => record.tags?.includes(tag)) &&
    (status === undefined || state === status) &&
    began >= since && began <= until;
}

/** Runs with their state, those that were asked for. */
export async function selected(runs: readonly RunDirectory[], selection: Selection): Promise<FoundRun[]> {
  const found = await Promise.all(runs.map(async (run) => ({ run, state: await run.state() })));
  return found.filter((one) => isSelected(one, selection));
}

/** The selection as it was typed, for messages; empty where it leaves out nothing. */
export function describeSelection({ task, lists }: ParsedCommand, plugin: string | undefined): string {
  const parts = [
    ...(plugin === undefined ? [] : [`of plugin "${plugin}"`]),
    ...(lists.tag ?? []).map((tag) => `with tag "${tag}"`),
    ...(task.status === undefined ? [] : [`with status ${task.status}`]),
    ...(task.since === undefined ? [] : [`since ${task.since}`]),
    ...(task.until === undefined ? [] : [`until ${task.until}`]),
  ];
  return parts.length === 0 ? "" : ` ${parts.join(", ")}`;
}
