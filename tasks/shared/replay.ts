/**
 * What the tasks share that resume a run or do it again: finding the run and its plugin, where its inputs are now.
 *
 * @module
 */
import { findRunTo } from "./broken_runs.ts";
import { ConfigError } from "../../core/errors.ts";
import { BUILT_IN_PLUGINS } from "../../plugins/mod.ts";
import type { ConfigRecord } from "../../core/records.ts";
import type { JsonObject } from "../../core/types.ts";
import type { Description } from "../../sandbox/protocol/description.ts";
import { EVALUATION } from "../../run/stages/record.ts";
import type { RunRequest } from "../../run/stages/request.ts";
import { exists } from "../../files/atomic.ts";
import { type Flag, flagsOf } from "../../core/flags.ts";
import type { PluginLocation } from "../../registry/manifest.ts";
import { join, resolve } from "../../files/paths.ts";
import { findPlugin } from "../../registry/plugins.ts";
import { lastConfig } from "../../run/replay/changes.ts";
import { readRunJson, recordedLayers, recordedThreads } from "../../run/replay/replay.ts";
import { describePlugin, sandboxedSource } from "../../run/hooks/plugin_source.ts";
import type { RunDirectory } from "../../run/store/run_directory.ts";
import { checkTrust } from "../../registry/trust.ts";
import {
  type CommandSpec,
  integerFlag,
  parseCommand,
  type ParsedCommand,
  refuseUnknown,
  type TaskFlag,
} from "./command.ts";
import { ACCEPT_FLAG, requireConsent, terminalQuestion } from "./consent.ts";
import { useEngine } from "./engine.ts";
import { hookTimeout } from "./experiment.ts";
import { RUNS_FLAG, runsFolder } from "../finding/runs_folder.ts";
import { userDirectory } from "../finding/user_paths.ts";
import { tell } from "../terminal/print.ts";

/** Flags of tasks that repeat or continue a run. */
export const REPLAY_FLAGS: readonly TaskFlag[] = [
  { name: "plugin", value: "name|path", help: "the plugin's folder, where it is not where it was" },
  RUNS_FLAG,
  { name: "cache", value: "dir", help: "the folder of prepared data", default: "cache" },
  { name: "engine", value: "name", help: "what runs the models (default: as in the run)" },
  { name: "threads", value: "number", help: "threads to compute with (default: as in the run)" },
  { name: "frozen", help: "refuse a plugin that is not in beamline.lock as it is" },
  { name: "hook-timeout", value: "seconds", help: "longest time of one hook of the plugin" },
  ACCEPT_FLAG,
];

/** Stands for the plugin's own flags for input files in the help text. */
const INPUT_FLAG: TaskFlag = {
  name: "data",
  value: "path",
  help: "where the input data are now, or another flag of the plugin for an input (default: where they were)",
};

/** Stand for the flags of the plugin that can be changed; it can have others, one set for each of its models. */
export const CHANGE_FLAGS: readonly TaskFlag[] = [
  {
    name: "patience",
    value: "epochs",
    help: "stop after so many epochs without a better loss from here on; 0 = never",
  },
  { name: "learning-rate", value: "number", help: "another peak rate from here on" },
  { name: "schedule", value: "name", help: "another schedule of the rate from here on" },
  { name: "schedule-epochs", value: "epochs", help: "another number of epochs of that schedule" },
  { name: "schedule-factor", value: "number", help: "another factor of that schedule" },
  { name: "epochs", value: "epochs", help: "another number of epochs in all" },
];

/** A run that was found, and the request that does it again; `resume` and the stop signal are still to be added. */
export interface OpenedReplay {
  readonly run: RunDirectory;
  readonly description: Description;
  readonly parsed: ParsedCommand;
  readonly request: Omit<RunRequest, "listener" | "stop">;
}

/** A task that repeats or continues a run. */
export interface ReplaySpec extends CommandSpec {
  /** What follows the run. @default nothing */
  readonly further?: string;
  /** Whether it takes a flag of the plugin, beside those for inputs. @default none */
  readonly takes?: (flag: Flag) => boolean;
  /** Stands for these flags in the help text, where no plugin is known yet. @default none */
  readonly help?: readonly TaskFlag[];
}

/** Finds the run that the first argument names, and its plugin. Returns the help text where it is asked for. */
export async function openReplay(
  { takes = () => false, help = [], further, ...spec }: ReplaySpec,
  args: readonly string[],
): Promise<OpenedReplay | string> {
  const taskFlags = [...REPLAY_FLAGS, ...spec.taskFlags];
  const positionals = further === undefined ? "<run>" : `<run> ${further}`;
  const early = parseCommand({
    ...spec,
    positionals,
    taskFlags: [INPUT_FLAG, ...help, ...taskFlags],
  }, args);
  if (early.help !== undefined) return early.help;
  const [reference] = early.positionals;
  if (reference === undefined) {
    throw new ConfigError(`Cannot ${spec.name} as the first argument must name a run: none found`);
  }
  const run = await findRunTo(spec.name, reference, runsFolder(early.task), serviceOf(spec.name, early));
  // once: what is asked for is what is used
  const config = lastConfig(run.record, await readRunJson<ConfigRecord>(run, "config.json"));
  const location = await pluginOf(run, early, spec.name, config.values);
  const source = sandboxedSource(location, hookTimeout(args));
  const cache = early.task.cache ?? "cache";
  const description = await describePlugin(source, cache);
  const flags = flagsOf(description.schema).filter((flag) => flag.inputPath !== undefined || takes(flag));
  const parsed = parseCommand({ ...spec, positionals, flags, taskFlags }, args);
  refuseUnknown(parsed.issues);
  const { record } = run;
  return {
    run,
    description,
    parsed,
    request: {
      source,
      config: {
        layers: recordedLayers(run, description, config),
        flags: parsed.flags,
        workingDirectory: userDirectory(),
      },
      action: isWhole(record) ? undefined : record.action,
      files: record.files?.map((file) => resolve(run.path, file)) ?? [],
      seed: record.seed,
      fold: record.fold,
      engine: await useEngine(parsed.task.engine ?? record.engine?.name ?? "native"),
      threads: integerFlag(parsed, "threads", { min: 1, max: 1024 }) ?? recordedThreads(record),
      init: record.init ? run : undefined,
      from: record.from && { record: record.from, history: run },
      out: runsFolder(parsed.task),
      cache,
      command: record.command,
    },
  };
}

/** Whether a run was of the whole experiment, or of all of its evaluation. */
function isWhole({ action, from }: RunDirectory["record"]): boolean {
  return action === "run" || from !== undefined && action === EVALUATION;
}

/** What `latest` must serve: only what has come to its end can be extended. */
function serviceOf(action: string, { task }: ParsedCommand): string {
  return action === "resume" && task.extend !== undefined ? "extend" : action;
}

/**
 * The plugin of a run: the one that `--plugin` names, or where it was, or the one of its name; checked against the lock.
 * What the record of the run names is asked for before, where the run was not made here.
 *
 * @param action What is to be done with the run: "resume", "verify".
 * @param values Values of the configuration, where the command hands files and inputs of the record to the sandbox.
 * @throws {ConfigError} If it is another plugin, or not where it was, or not what was trusted or accepted.
 */
export async function pluginOf(
  run: RunDirectory,
  { task }: ParsedCommand,
  action: string,
  values?: JsonObject,
): Promise<PluginLocation> {
  const location = await locate(run, task.plugin);
  const isNamedByRecord = task.plugin === undefined && location.origin === "path";
  await requireConsent(run, action, { plugin: isNamedByRecord ? location : undefined, values }, {
    isAccepted: ACCEPT_FLAG.name in task,
    ask: terminalQuestion(),
  });
  const { lines } = await checkTrust(location, Deno.cwd(), "frozen" in task);
  if (!("quiet" in task)) { for (const line of lines) tell(line); }
  return location;
}

/** Names of plugins, which {@linkcode findPlugin} cannot take for paths. */
const PLUGIN_NAME = /^[a-z][a-z0-9-]*$/;

async function locate(run: RunDirectory, given: string | undefined): Promise<PluginLocation> {
  const { id, plugin } = run.record;
  const isUsable = typeof plugin?.name === "string" && PLUGIN_NAME.test(plugin.name) &&
    ["string", "undefined"].includes(typeof plugin.path);
  if (!isUsable) {
    throw new ConfigError(
      `Cannot find the plugin of run "${id}" as its record must have its name, no path, and its folder: found ${
        JSON.stringify(plugin)
      }`,
    );
  }
  const recorded = plugin.path === undefined ? undefined : resolve(run.path, plugin.path);
  if (given === undefined && recorded !== undefined && !await exists(join(recorded, "deno.json"))) {
    throw new ConfigError(
      `Cannot find the plugin of run "${id}" as its folder must be where it was: "${recorded}" is not there; name it with --plugin`,
    );
  }
  const location = await findPlugin(given ?? recorded ?? plugin.name, BUILT_IN_PLUGINS, Deno.cwd());
  if (location.manifest.name === plugin.name) return location;
  throw new ConfigError(
    `Cannot use plugin "${location.manifest.name}" as run "${id}" must have its own: it is of "${plugin.name}"`,
  );
}
