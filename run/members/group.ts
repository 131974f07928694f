/**
 * The folder of a group: a run whose metrics are means over the runs in its `members/`.
 *
 * @module
 */
import { decodeMetrics, encodeMetrics, type StoredMetric } from "../../core/not_finite.ts";
import type { DataRecord, RepeatRecord, ResultsRecord, RunRecord } from "../../core/records.ts";
import type { Metrics, TextTable } from "../../core/types.ts";
import { defaultThreads } from "../../engine/runtimes/threads.ts";
import { relative } from "../../files/paths.ts";
import { describePlugin } from "../hooks/plugin_source.ts";
import { Workspace } from "../hooks/workspace.ts";
import { keepInitial, openInitial } from "../initial/source.ts";
import { readRunJson } from "../replay/replay.ts";
import { courseOf } from "../stages/action.ts";
import { configure } from "../stages/configure.ts";
import { createRecord } from "../stages/record.ts";
import { completeRun } from "../stages/report.ts";
import type { RunRequest } from "../stages/request.ts";
import { Cache } from "../store/cache.ts";
import type { RunDirectory } from "../store/run_directory.ts";
import { combineMetrics } from "./combine.ts";
import { memberName } from "./plan.ts";

/** The most metrics that the table of members shows; `metrics.json` of each has all. */
const MOST_SHOWN = 12;

/**
 * Makes the folder of a group, locked: what every member has in common is checked before any of them begins.
 *
 * @throws {ConfigError} If the configuration is not valid.
 */
export async function createGroup(
  request: Omit<RunRequest, "listener" | "stop" | "threads"> & { readonly threads?: number | undefined },
  members: RepeatRecord["members"],
): Promise<RunDirectory> {
  const { source, config, files = [] } = request;
  const workspace = new Workspace(source, new Cache(request.cache), { onWarning: () => {} });
  try {
    const description = await describePlugin(source, workspace.cache.directory);
    courseOf(request.action, description);
    const initial = await openInitial(request);
    const configured = await configure({
      description,
      config,
      files,
      open: async (read) => {
        await workspace.open("prepare", read);
        return workspace;
      },
    });
    const group = await createRecord({ ...request, members }, configured, description, initial?.record);
    if (initial) await keepInitial(group, initial);
    const { engine, threads } = request;
    await group.update({
      engine: {
        name: engine,
        threads: Number(threads ?? defaultThreads()),
        chosen: threads ? "given" : "rule",
      },
    });
    return group;
  } finally {
    await workspace.close();
  }
}

/** Metrics of a run; none where it has none. */
export async function metricsOf(run: RunDirectory): Promise<Metrics> {
  try {
    return decodeMetrics(await readRunJson<{ [key: string]: StoredMetric }>(run, "metrics.json"));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return {};
    throw error;
  }
}

/**
 * Writes what a group says of its members, which have all ended, and its report.
 *
 * @returns The metrics of the group.
 */
export async function completeGroup(
  group: RunDirectory,
  runs: readonly RunDirectory[],
  seconds: number,
): Promise<Metrics> {
  const { members } = group.record.repeat!;
  const found = await Promise.all(runs.map(metricsOf));
  const metrics = combineMetrics(found);
  const results: ResultsRecord = { tables: [membersTable(group, runs, found)], results: {} };
  await group.write("metrics.json", encodeMetrics(metrics));
  await group.write("results.json", results);
  await group.write("figures/index.json", []);
  const data = await dataOf(runs[0]!, members.length);
  if (data) await group.write("data.json", data);
  const { simulated } = runs[0]!.record;
  const engine = runs[0]!.record.engine ?? group.record.engine;
  const finished = new Date().toISOString();
  const summary = summaryOf(members);
  await group.update({
    status: "finished",
    error: null,
    finished,
    engine,
    simulated,
    summary,
    seconds: { members: seconds },
  });
  await completeRun(group);
  return metrics;
}

function summaryOf(members: RepeatRecord["members"]): string {
  const [first, last] = [members[0]!, members.at(-1)!];
  const seeds = first.seed === last.seed ? `seed ${first.seed}` : `seeds ${first.seed} to ${last.seed}`;
  const folds = first.fold ? `, ${first.fold.count} folds` : "";
  return `Means over ${members.length} runs (${seeds}${folds}). The error is that of one run; the spread is the ` +
    `standard deviation of the runs.`;
}

/** One row for each member, with the metrics that the plugin declares. */
function membersTable(
  group: RunDirectory,
  runs: readonly RunDirectory[],
  metrics: readonly Metrics[],
): TextTable {
  const { headline = [], repeat } = group.record;
  const all = headline.length > 0 ? headline : Object.keys(metrics[0] ?? {});
  const shown = all.filter((key) => metrics.some((found) => Object.hasOwn(found, key))).slice(0, MOST_SHOWN);
  return {
    name: "members",
    title: "Members",
    columns: ["run", "of", ...shown],
    rows: runs.map((run, i) => [
      relative(group.path, run.path),
      memberName(repeat!.members[i]!),
      ...shown.map((key) => metrics[i]![key]?.value ?? null),
    ]),
    note: "Each is a whole run, which can be reported, verified and used for predictions by its path.",
  };
}

/** What the first member says of its data; the others have other seeds or folds. */
async function dataOf(first: RunDirectory, members: number): Promise<DataRecord | undefined> {
  try {
    const { cacheKey: _cacheKey, source, ...data } = await readRunJson<DataRecord>(first, "data.json");
    return { ...data, source: `${source} (of the first of ${members} runs)` };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Closes the record of a group that has not come to its end. */
export async function closeGroup(
  group: RunDirectory,
  status: RunRecord["status"],
  failure: Error,
): Promise<void> {
  const { name, message } = failure;
  await group.update({ status, finished: new Date().toISOString(), error: { name, message, hook: null } });
  await completeRun(group);
}
