/**
 * What the tasks that work on a plugin share: finding it, its flags, the flags of every run.
 *
 * @module
 */
import { plainLine } from "../../core/plain_text.ts";
import { ConfigError, NotFoundError } from "../../core/errors.ts";
import { BUILT_IN_PLUGINS } from "../../plugins/mod.ts";
import { ENGINE_NAMES } from "../../engine/mod.ts";
import type { Description } from "../../sandbox/protocol/description.ts";
import { DURATION_FORMS, parseDuration } from "../../core/duration.ts";
import { type Flag, flagsOf } from "../../core/flags.ts";
import { YIELDING_FLAGS } from "../../core/reserved_flags.ts";
import type { PluginLocation } from "../../registry/manifest.ts";
import { findPlugin } from "../../registry/plugins.ts";
import { describePlugin, type PluginSource, sandboxedSource } from "../../run/hooks/plugin_source.ts";
import { checkTrust } from "../../registry/trust.ts";
import { exists } from "../../files/atomic.ts";
import { resolve } from "../../files/paths.ts";
import { LABEL_FLAGS } from "../finding/label_flags.ts";
import { OUT_FLAG, RUNS_FLAG } from "../finding/runs_folder.ts";
import { userPath, userReference } from "../finding/user_paths.ts";
import { EXIT } from "../terminal/exit_codes.ts";
import { print, tell } from "../terminal/print.ts";
import { MEMBER_FLAGS } from "../members/flags.ts";
import type { StopOptions, TaskStop } from "./signals.ts";
import { integerFlag, parseCommand, type ParsedCommand, type TaskFlag } from "./command.ts";

/** The flag of tasks that train. */
export const CHECKPOINT_FLAG: TaskFlag = {
  name: "checkpoint-seconds",
  value: "seconds",
  help: "time between checkpoints; 0 for one after each step (default: 10, or longer where writing is slow)",
};

/** The flag that limits the time of a command. */
export const TIME_FLAG: TaskFlag = {
  name: "time",
  value: "duration",
  help: "stop after this time, such as 90s, 45m, 2h, 1h30m or 1-12:00:00, with a checkpoint and exit code 85",
};

/** The flag that gives signals the meaning that a scheduler needs. */
export const REQUEUE_FLAG: TaskFlag = {
  name: "requeue",
  help: "on SIGUSR1, SIGUSR2 and SIGTERM, save a checkpoint and end with exit code 85 in place of 130",
};

/** Flags of every task that runs hooks of a plugin. */
export const RUN_FLAGS: readonly TaskFlag[] = [
  { name: "preset", value: "name", help: "a named set of values of the plugin" },
  { name: "config", value: "file|-", help: "JSON file with values, - for standard input; flags win over it" },
  { name: "seed", value: "number", help: "seed of all random numbers", default: "0" },
  ...MEMBER_FLAGS,
  {
    name: "engine",
    value: "name",
    help: `what runs the models: ${ENGINE_NAMES.join(", ")}`,
    default: "native",
  },
  {
    name: "threads",
    value: "number",
    help:
      "threads to compute with, or auto: the quickest in a short trial (default: a fixed rule of the engine)",
  },
  {
    name: "init",
    value: "run|file",
    help: "begin with the weights of a run, of a .safetensors file or of a model.json, as far as they fit",
  },
  {
    name: "from",
    value: "run",
    help: "evaluate, or run the action, with the trained weights and the values of a run",
  },
  RUNS_FLAG,
  OUT_FLAG,
  { name: "cache", value: "dir", help: "the folder of prepared data", default: "cache" },
  ...LABEL_FLAGS,
  { name: "open", help: "open the report when it is made" },
  { name: "frozen", help: "refuse a plugin that is not in beamline.lock as it is" },
  { name: "hook-timeout", value: "seconds", help: "longest time of one hook of the plugin" },
  CHECKPOINT_FLAG,
  TIME_FLAG,
  REQUEUE_FLAG,
];

/** A plugin that was found and described, and the arguments parsed with its flags. */
export interface OpenedExperiment {
  readonly location: PluginLocation;
  readonly source: PluginSource;
  readonly description: Description;
  readonly parsed: ParsedCommand;
}

/**
 * Absolute paths of files.
 *
 * @throws {NotFoundError} If one is not there.
 */
export async function existingFiles(files: readonly string[]): Promise<string[]> {
  for (const file of files) {
    if (!await exists(userPath(file))) {
      throw new NotFoundError(`Cannot read "${file}" as there is no such file`, "file", file);
    }
  }
  return files.map((file) => resolve(userPath(file)));
}

/** Sets the time limit that was asked for. */
export function limitTime(stop: TaskStop, { task }: ParsedCommand): void {
  const text = task[TIME_FLAG.name];
  if (text === undefined) return;
  const seconds = parseDuration(text);
  if (seconds !== undefined) return stop.stopAfter(seconds, text);
  throw new ConfigError(`Cannot use --time as it must be a duration ${DURATION_FORMS}: found "${text}"`);
}

/** How stops are told and what they mean, before all flags are known. */
export function stopOptions(args: readonly string[]): StopOptions {
  return { isQuiet: args.includes("--quiet"), isRequeued: args.includes(`--${REQUEUE_FLAG.name}`) };
}

/** The value of a flag before the flags are known; needed to find the plugin and the cache. */
export function earlyFlag(args: readonly string[], name: string): string | undefined {
  const at = args.findIndex((arg) => arg === `--${name}` || arg.startsWith(`--${name}=`));
  if (at < 0) return undefined;
  return args[at]!.includes("=") ? args[at]!.split("=").slice(1).join("=") : args[at + 1];
}

/** Finds a plugin, lets it describe itself, parses the arguments with its flags. */
export async function openExperiment(
  task: string,
  reference: string,
  args: readonly string[],
): Promise<OpenedExperiment> {
  const location = await findPlugin(userReference(reference), BUILT_IN_PLUGINS, Deno.cwd());
  const notice = await checkTrust(location, Deno.cwd(), args.includes("--frozen"));
  if (!args.includes("--quiet")) { for (const line of notice.lines) tell(line); }
  const source = sandboxedSource(location, hookTimeout(args));
  const description = await describePlugin(source, userPath(earlyFlag(args, "cache") ?? resolve("cache")));
  const flags = flagsOf(description.schema);
  const parsed = parseCommand({
    name: `${task} ${reference}`,
    summary: description.title,
    positionals: task === "run" ? "[action] [file...]" : "",
    flags,
    taskFlags: RUN_FLAGS.filter(({ name }) => !isYielded(name, flags)),
    epilog: epilogOf(description),
  }, args);
  return { location, source, description, parsed };
}

/** Whether a flag gives way to one of the plugin. */
function isYielded(name: string, flags: readonly Flag[]): boolean {
  const names: readonly string[] = YIELDING_FLAGS;
  return names.includes(name) && flags.some((flag) => flag.name === name || flag.name === `no-${name}`);
}

/** Prints the help text of a task that takes a plugin, where none is named; returns the exit code. */
export function printHelpWithoutPlugin(task: string, summary: string, positionals = ""): number {
  const { help } = parseCommand({
    name: `${task} <plugin|path>`,
    summary,
    positionals,
    taskFlags: RUN_FLAGS,
    epilog: `\nPlugins: ${Object.keys(BUILT_IN_PLUGINS).join(", ")}\n` +
      `"deno task ${task} <plugin> --help" prints the flags of one, too.\n`,
  }, ["--help"]);
  print(help!.split("\n"));
  return EXIT.ok;
}

/** The time limit of hooks, checked; undefined for the defaults. */
export function hookTimeout(args: readonly string[]): number | undefined {
  const text = earlyFlag(args, "hook-timeout");
  if (text === undefined) return undefined;
  const seconds = Number(text);
  if (text.trim() !== "" && seconds > 0 && seconds <= 1e6) return seconds;
  throw new ConfigError(
    `Cannot use --hook-timeout as it must be a number of seconds above 0: found "${text}"`,
  );
}

function epilogOf(description: Description): string {
  const list = (title: string, entries: readonly (readonly [string, string])[]): string =>
    entries.length === 0
      ? ""
      : `\n${title}:\n${
        entries.map(([name, text]) => `  ${plainLine(name).padEnd(24)} ${plainLine(text)}`).join("\n")
      }\n`;
  const actions = Object.entries(description.actions).map(([name, { title }]) => [name, title] as const);
  const presets = Object.entries(description.presets).map(([name, values]) =>
    [name, JSON.stringify(values)] as const
  );
  return list("Actions", actions) + list("Presets", presets);
}

/** The seed, checked. */
export function seedOf(parsed: ParsedCommand): number {
  return integerFlag(parsed, "seed", { min: 0, max: Number.MAX_SAFE_INTEGER }) ?? 0;
}

/** The thread count or "auto", checked; undefined for the engine's rule. */
export function threadChoiceOf(parsed: ParsedCommand): number | "auto" | undefined {
  return parsed.task.threads === "auto" ? "auto" : threadsOf(parsed);
}

/** The thread count, checked; undefined for the engine's rule. */
export function threadsOf(parsed: ParsedCommand): number | undefined {
  return integerFlag(parsed, "threads", { min: 1, max: 1024 });
}

/** Seconds between checkpoints, checked; undefined for the default. */
export function checkpointSecondsOf(parsed: ParsedCommand): number | undefined {
  return integerFlag(parsed, "checkpoint-seconds", { min: 0, max: 1e6 });
}
