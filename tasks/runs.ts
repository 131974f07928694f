/**
 * `deno task runs [plugin]`: the runs of a store, oldest first; removing them, and changing what they are called.
 *
 * @module
 */
import { ConfigError } from "../core/errors.ts";
import { formatBytes } from "../core/format.ts";
import type { RunRecord } from "../core/records.ts";
import { Cache } from "../run/store/cache.ts";
import { listRuns, type RunDirectory } from "../run/store/run_directory.ts";
import { type CommandSpec, type ParsedCommand, withCommand } from "./shared/command.ts";
import { findRunIn, findRunTo, listRunsTelling } from "./shared/broken_runs.ts";
import { terminalQuestion } from "./shared/consent.ts";
import { labelsIn } from "./finding/label_flags.ts";
import { OUT_FLAG, RUNS_FLAG, runsFolder } from "./finding/runs_folder.ts";
import { changedLabels, editRun, labelChangesOf } from "./store/labels.ts";
import { measure, runJson, runsTable, sortRuns } from "./store/listing.ts";
import { onlyTheirs } from "./store/prepared.ts";
import { type RemovalOptions, removeLeftOvers, removeRuns } from "./store/removal.ts";
import {
  describeSelection,
  FILTER_FLAGS,
  type FoundRun,
  isSelected,
  isSelective,
  selected,
  type Selection,
  selectionOf,
} from "./store/selection.ts";
import { EXIT } from "./terminal/exit_codes.ts";
import { main } from "./terminal/main.ts";
import { print, printJson, tell } from "./terminal/print.ts";

const COMMAND: CommandSpec = {
  name: "runs",
  summary: "Lists runs, oldest first; removes them; changes what they are called.",
  positionals: "[plugin] | --remove [run...] | --edit <run...>",
  taskFlags: [
    RUNS_FLAG,
    OUT_FLAG,
    ...FILTER_FLAGS,
    {
      name: "sort",
      value: "key",
      help: "sort by a metric, the best first; or by created, time, size or name",
    },
    {
      name: "remove",
      help: "remove the runs that are named, or those that the filters leave, after a question",
    },
    { name: "prepared", help: "with --remove: also prepared data that no other run of the folder names" },
    { name: "cache", value: "dir", help: "the folder of prepared data", default: "cache" },
    { name: "yes", help: "with --remove: ask nothing" },
    {
      name: "edit",
      help: "change the runs that are named: --name, --note (empty to take away), --tag, --untag",
    },
    { name: "name", value: "text", help: "with --edit: the name" },
    { name: "note", value: "text", help: "with --edit: the note" },
    { name: "untag", value: "text", help: "with --edit: a tag to take away", isRepeatable: true },
  ],
};

/** Lists, removes or edits runs; returns the exit code. */
export function runs(args: readonly string[]): Promise<number> {
  return withCommand(COMMAND, args, async (parsed) => {
    const [remove, edit] = ["remove", "edit"].map((flag) => flag in parsed.task);
    if (remove && edit) {
      throw new ConfigError("Cannot remove and edit as one of both must be asked for: found both");
    }
    refuseAlone(parsed, "edit", ["name", "note", "untag"]);
    refuseAlone(parsed, "remove", ["yes", "prepared"]);
    return remove ? await removal(parsed) : edit ? await edits(parsed) : await listing(parsed);
  });
}

/** Refuses flags that say how something is done which was not asked for. */
function refuseAlone({ task, lists }: ParsedCommand, flag: string, others: readonly string[]): void {
  const found = others.find((name) => name in task || name in lists);
  if (flag in task || found === undefined) return;
  throw new ConfigError(`Cannot use --${found} as it must come with --${flag}: it does not`);
}

async function listing(parsed: ParsedCommand): Promise<number> {
  const store = runsFolder(parsed.task);
  const [plugin = parsed.task.plugin, ...more] = parsed.positionals;
  if (more.length > 0 || (parsed.task.plugin ?? plugin) !== plugin) {
    throw new ConfigError(
      `Cannot list runs as one plugin at most must be named: found ${
        [...parsed.positionals, ...(parsed.task.plugin === undefined ? [] : [parsed.task.plugin])].join(", ")
      }`,
    );
  }
  const { runs: all, broken } = await listRunsTelling(store);
  const found = await selected(all, { ...selectionOf(parsed, Date.now()), plugin });
  const { sort } = parsed.task;
  const measured = found.length === 0 ? [] : sortRuns(await Promise.all(found.map(measure)), sort);
  if ("json" in parsed.task) {
    printJson({ runs: measured.map((run) => runJson(run, sort)), ...(broken.length > 0 ? { broken } : {}) });
  } else if (measured.length > 0) print(runsTable(measured, sort));
  else tell(`no runs in "${store}"${describeSelection(parsed, plugin)}`);
  return measured.length > 0 ? EXIT.ok : EXIT.nothingMatched;
}

async function removal(parsed: ParsedCommand): Promise<number> {
  const { task } = parsed;
  const selection = selectionOf(parsed, Date.now());
  const found = await runsToRemove(parsed, selection);
  if (found.length === 0) {
    tell(`no runs in "${runsFolder(task)}"${describeSelection(parsed, selection.plugin)}`);
  }
  const outcome = await removeRuns(found, {
    isNamed: parsed.positionals.length > 0,
    isAccepted: "yes" in task,
    ask: terminalQuestion(),
    prepared: "prepared" in task ? await preparedOf(parsed) : undefined,
  });
  await removeLeftOvers(found);
  const { removed, bytes, kept } = outcome;
  if ("json" in task) printJson(outcome);
  else if (found.length > 0) {
    print(`removed  ${removed.length} of ${found.length} runs, ${formatBytes(bytes)}`);
  }
  return found.length === 0 ? EXIT.nothingMatched : kept.length > 0 ? EXIT.checkFailed : EXIT.ok;
}

/** The prepared data that only runs to remove name. */
async function preparedOf({ task }: ParsedCommand): Promise<RemovalOptions["prepared"]> {
  const all = await listRuns(runsFolder(task));
  return { cache: new Cache(task.cache ?? "cache"), keysOf: (removed) => onlyTheirs(removed, all) };
}

/** Runs that are named, those of them that the filters leave; or all that the filters leave. */
async function runsToRemove(parsed: ParsedCommand, selection: Selection): Promise<FoundRun[]> {
  const store = runsFolder(parsed.task);
  if (parsed.positionals.length > 0) {
    const named = await eachOnce(parsed.positionals, (reference) => findRunIn(reference, store));
    const found = await Promise.all(named.map(async (run) => ({ run, state: await run.state() })));
    return found.filter((one) => isSelected(one, selection));
  }
  if (isSelective(selection)) return await selected((await listRunsTelling(store)).runs, selection);
  throw new ConfigError(
    "Cannot remove as runs must be named, or chosen by --plugin, --tag, --status, --since or --until: neither found",
  );
}

async function edits(parsed: ParsedCommand): Promise<number> {
  const store = runsFolder(parsed.task);
  const changes = labelChangesOf(parsed);
  if (parsed.positionals.length === 0) {
    throw new ConfigError("Cannot edit as the first argument must name a run: none found");
  }
  const found = await eachOnce(parsed.positionals, (reference) => findRunTo("edit", reference, store));
  for (const { record } of found) changedLabels(record, changes); // all or none
  for (const run of found) await editRun(run, changes);
  if ("json" in parsed.task) {
    printJson({ runs: found.map(({ path, record }) => ({ run: path, id: record.id, ...labelsIn(record) })) });
  } else for (const { record } of found) print(labelsLine(record));
  return EXIT.ok;
}

function labelsLine({ plugin, id, name, tags, note }: RunRecord): string {
  const parts = [
    ...(name === undefined ? [] : [`name "${name}"`]),
    ...(tags === undefined ? [] : [`tags ${tags.join(", ")}`]),
    ...(note === undefined ? [] : [`note "${note}"`]),
  ];
  return `edited  ${plugin.name}/${id}: ${parts.join("; ") || "no name, tags or note"}`;
}

/** The runs that are meant, each once; all are found before anything is done to one. */
async function eachOnce(
  references: readonly string[],
  find: (reference: string) => Promise<RunDirectory>,
): Promise<RunDirectory[]> {
  const found = new Map<string, RunDirectory>();
  for (const reference of references) {
    const run = await find(reference);
    found.set(run.path, run);
  }
  return [...found.values()];
}

if (import.meta.main) await main(runs);
