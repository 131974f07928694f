/**
 * Running a group for a task, and what it prints of it.
 *
 * @module
 */
import { formatSeconds } from "../../core/format.ts";
import { plainLines } from "../../core/plain_text.ts";
import { encodeMetrics } from "../../core/not_finite.ts";
import type { Description } from "../../sandbox/protocol/description.ts";
import type { StopSignal } from "../../run/stages/request.ts";
import type { RunDirectory } from "../../run/store/run_directory.ts";
import { join } from "../../files/paths.ts";
import { nextCommand } from "../finding/next_command.ts";
import { shownPath } from "../finding/user_paths.ts";
import type { ParsedCommand } from "../shared/command.ts";
import { openFile } from "../shared/open_file.ts";
import { metricsTable } from "../terminal/metrics_table.ts";
import { print, printJson, tell } from "../terminal/print.ts";
import { parallelOf } from "./flags.ts";
import { type RepeatOutcome, runGroup } from "./repeat.ts";

/** What was asked for. */
export interface GroupRequest {
  readonly parsed: ParsedCommand;
  readonly description: Description;
  readonly stop: StopSignal;
  /** Further flags of each member. */
  readonly flags?: readonly string[];
}

/** Flags of a task that each member gets as they are. */
const PASSED = [
  "cache",
  "runs",
  "plugin",
  "engine",
  "threads",
  "hook-timeout",
  "checkpoint-seconds",
  "frozen",
  "accept",
];

/** Runs what is missing of a group, and prints it. */
export async function runAndShowGroup(group: RunDirectory, request: GroupRequest): Promise<void> {
  const started = performance.now();
  const { parsed, description, stop, flags = [] } = request;
  const isQuiet = "quiet" in parsed.task;
  const { members } = group.record.repeat!;
  if (!isQuiet) tell(`${"group".padStart(12)}  ${members.length} runs  ${shownPath(group.path)}`);
  const outcome = await runGroup(group, {
    flags: [...passedOn(parsed), ...flags],
    parallel: parallelOf(parsed),
    isQuiet,
    stop,
  });
  if ("json" in parsed.task) printJson(groupJson(group, outcome));
  else showGroup(group, outcome, description.metrics, (performance.now() - started) / 1000, isQuiet);
  if ("open" in parsed.task) await openFile(group.file("report.html"));
}

function passedOn({ task }: ParsedCommand): string[] {
  return PASSED.filter((name) => name in task).flatMap((name) =>
    task[name] === "true" ? [`--${name}`] : [`--${name}`, task[name]!]
  );
}

function groupJson(
  group: RunDirectory,
  { metrics, runs }: RepeatOutcome,
): { readonly [key: string]: unknown } {
  const { members } = group.record.repeat!;
  return {
    run: group.path,
    status: group.record.status,
    metrics: encodeMetrics(metrics),
    members: runs.map(({ path }, i) => ({ ...members[i], run: path })),
  };
}

function showGroup(
  { path, record }: RunDirectory,
  { metrics }: RepeatOutcome,
  declared: Description["metrics"],
  seconds: number,
  isQuiet: boolean,
): void {
  if (record.simulated) print("simulated data");
  print(metricsTable(metrics, declared));
  if (record.summary) print(["", ...plainLines(record.summary)]);
  print(["", `run     ${shownPath(path)}  (${formatSeconds(seconds)})`]);
  print(`report  ${shownPath(join(path, "report.html"))}`);
  if (!isQuiet) tell(`next:   ${nextCommand("report", path)}`);
}
