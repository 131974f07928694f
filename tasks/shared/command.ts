/**
 * The command line: flags from tables, on commander. Unknown flags and bad values are collected, not thrown one by one.
 *
 * @module
 */
import { Command, CommanderError, Option } from "commander";
import { ConfigError, type ConfigIssue, InternalError } from "../../core/errors.ts";
import { nearestName } from "../../core/names.ts";
import { plainLine } from "../../core/plain_text.ts";
import type { Json } from "../../core/types.ts";
import { parseFlagTexts, placeholderOf, SWITCH_TEXTS } from "../../core/flag_values.ts";
import { type Flag, isSwitch } from "../../core/flags.ts";
import { RESERVED_FLAGS, YIELDING_FLAGS } from "../../core/reserved_flags.ts";
import { PATH_VALUES } from "../finding/user_paths.ts";
import { EXIT } from "../terminal/exit_codes.ts";
import { print } from "../terminal/print.ts";

/** A flag of a task itself, such as `--out`. */
export interface TaskFlag {
  readonly name: string;
  /** Placeholder of the value, which says whether it is a path; a flag without one is a switch. */
  readonly value?: string;
  readonly help: string;
  readonly default?: string;
  /** It may be given several times; the values are in {@linkcode ParsedCommand.lists}. */
  readonly isRepeatable?: boolean;
}

/** What a task takes. */
export interface CommandSpec {
  /** As typed: "run ecal". */
  readonly name: string;
  readonly summary: string;
  /** Positional arguments as printed, such as "[action] [file...]". */
  readonly positionals?: string;
  readonly taskFlags: readonly TaskFlag[];
  /** Flags of the plugin. */
  readonly flags?: readonly Flag[];
  /** Text after the flags in `--help`. */
  readonly epilog?: string;
}

/** What was typed. */
export interface ParsedCommand {
  readonly positionals: readonly string[];
  /** Task flags by name; switches are "true". */
  readonly task: { readonly [name: string]: string };
  /** Values of task flags that may be given several times, by name; those that were not given are absent. */
  readonly lists: { readonly [name: string]: readonly string[] };
  /** Plugin values by dotted path. */
  readonly flags: { readonly [path: string]: Json };
  readonly issues: readonly ConfigIssue[];
  /** The help text, where it was asked for. */
  readonly help?: string;
}

/** Flags that every task understands. */
export const COMMON_FLAGS: readonly TaskFlag[] = [
  { name: "json", help: "print one JSON object on standard output" },
  { name: "quiet", help: "no progress, no next steps" },
  { name: "verbose", help: "causes and stack traces of errors" },
];

/** Whether the help text is asked for, wherever in the arguments. */
export function isHelpAsked(args: readonly string[]): boolean {
  return args.some((arg) => arg === "--help" || arg === "-h");
}

/** Parses arguments. */
export function parseCommand(spec: CommandSpec, args: readonly string[]): ParsedCommand {
  const command = build(spec);
  if (isHelpAsked(args)) {
    return {
      positionals: [],
      task: {},
      lists: {},
      flags: {},
      issues: [],
      help: command.helpInformation() + (spec.epilog ?? ""),
    };
  }
  const switches = plainSwitches(args, spec);
  try {
    command.parse([...switches.args], { from: "user" });
  } catch (cause) {
    if (!(cause instanceof CommanderError)) throw cause;
    const text = cause.message.replace(/^error: /, "");
    throw new ConfigError(`Cannot run "${spec.name}" as the flags must be complete: ${text}`);
  }
  const given = new Map(Object.entries(command.opts<{ [name: string]: boolean | string | string[] }>()));
  const task: { [name: string]: string } = {};
  const lists: { [name: string]: string[] } = {};
  for (const { name, value } of [...spec.taskFlags, ...COMMON_FLAGS]) {
    const found = given.get(name);
    if (Array.isArray(found)) lists[name] = found;
    else if (found !== undefined) task[name] = pathOf(String(found), name, value);
  }
  const flags: { [path: string]: Json } = {};
  for (const flag of spec.flags ?? []) {
    const found = given.get(flag.name);
    if (found === undefined) continue;
    flags[flag.path] = Array.isArray(found) ? parseFlagTexts(flag.value, found) : found;
  }
  const { positionals, issues } = splitUnknown(command.args, spec);
  return { positionals, issues: [...switches.issues, ...issues], task, lists, flags };
}

/**
 * A value, made a path from where the user stands if its placeholder says that it is one.
 *
 * @throws {ConfigError} If it is empty: that would be the folder that the user stands in.
 */
function pathOf(typed: string, name: string, placeholder: string | undefined): string {
  const toPath = PATH_VALUES[placeholder ?? ""];
  if (toPath === undefined) return typed;
  if (typed !== "") return toPath(typed);
  throw new ConfigError(`Cannot use --${name} as it must name something: found an empty text`);
}

/** Names of flags as keys of what commander found: as typed, "no-" included, which commander would cut off. */
function option(flags: string, name: string, help: string): Option {
  const made = new Option(flags, plainLine(help));
  made.attributeName = () => name;
  return made;
}

/**
 * The arguments with `--flag=true` and `--flag=0` as `--flag` and `--no-flag`, without flags that lack their value; what
 * cannot be understood becomes an issue.
 */
function plainSwitches(
  args: readonly string[],
  spec: CommandSpec,
): { readonly args: readonly string[]; readonly issues: readonly ConfigIssue[] } {
  const forms = formsOf(spec);
  const plain: string[] = [];
  const issues: ConfigIssue[] = [];
  const refuse = (path: string, message: string): void =>
    void issues.push({ path, message, source: "command line" });
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (arg === "--") return { args: [...plain, ...args.slice(i)], issues };
    const at = arg.indexOf("=");
    const name = at < 0 ? arg : arg.slice(0, at);
    const form = forms.get(name);
    if (form === undefined) {
      plain.push(arg);
    } else if (form === "value") {
      const next = args[i + 1];
      if (at >= 0) plain.push(arg);
      else if (next === undefined || forms.has(next.split("=")[0]!)) {
        refuse(name, `must be followed by its value, found ${next ?? "nothing"}`);
      } else plain.push(arg, args[++i]!);
    } else if (at < 0) {
      plain.push(arg);
    } else if (form === "task") {
      refuse(name, `takes no value, found ${JSON.stringify(arg.slice(at + 1))}`);
    } else {
      const isOn = SWITCH_TEXTS.get(arg.slice(at + 1));
      if (isOn === undefined) {
        refuse(name, `must be true or false, found ${JSON.stringify(arg.slice(at + 1))}`);
      } else plain.push(isOn ? name : form.opposite);
    }
  }
  return { args: plain, issues };
}

/** How a flag is written: with a value, as a switch of the task, or as a switch that has an opposite. */
type FlagForm = "value" | "task" | { readonly opposite: string };

function formsOf(spec: CommandSpec): ReadonlyMap<string, FlagForm> {
  const forms = new Map<string, FlagForm>();
  for (const flag of spec.flags ?? []) {
    const [on, off] = [`--${flag.name}`, `--no-${flag.name}`];
    if (!isSwitch(flag)) {
      forms.set(on, "value");
      continue;
    }
    forms.set(on, { opposite: off });
    forms.set(off, { opposite: on });
  }
  for (const { name, value } of [...spec.taskFlags, ...COMMON_FLAGS]) {
    forms.set(`--${name}`, value ? "value" : "task");
  }
  return forms;
}

function build(spec: CommandSpec): Command {
  if (spec.flags) requireReserved([...spec.taskFlags, ...COMMON_FLAGS]);
  const command = new Command(`deno task ${spec.name}`)
    .description(plainLine(spec.summary))
    .usage(`${spec.positionals ?? ""} [flags]`.trim())
    .argument("[args...]")
    .allowUnknownOption()
    .allowExcessArguments()
    .exitOverride()
    // without colors: the package would ask the environment, which not every task may read
    .configureOutput({
      writeErr: () => {},
      writeOut: () => {},
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .configureHelp({
      visibleArguments: () => [],
      optionTerm: ({ long, flags, negate, required }) =>
        spec.flags?.some((flag) => isSwitch(flag) && long === `--${flag.name}`) && !negate && !required
          ? `${long}, --no-${long!.slice(2)}`
          : flags,
    });
  for (const flag of spec.flags ?? []) for (const option of pluginOptions(flag)) command.addOption(option);
  for (const flag of [...spec.taskFlags, ...COMMON_FLAGS]) command.addOption(taskOption(flag));
  return command;
}

function taskOption({ name, value, help, default: fallback, isRepeatable }: TaskFlag): Option {
  const text = fallback === undefined ? help : `${help} (default: ${fallback})`;
  const made = option(`--${name}${value ? ` <${value}>` : ""}`, name, text);
  return isRepeatable ? made.argParser(collect) : made;
}

function collect(text: string, earlier: string[] | undefined): string[] {
  return [...(earlier ?? []), text];
}

/** A task that takes the flags of a plugin, too, must have its own in the table that plugins are checked against. */
function requireReserved(flags: readonly TaskFlag[]): void {
  const known = new Set<string>([...Object.keys(RESERVED_FLAGS), ...YIELDING_FLAGS]);
  const missing = flags.find(({ name }) => !known.has(name));
  if (missing === undefined) return;
  throw new InternalError(
    `Cannot take --${missing.name} beside the flags of a plugin as it must be in core/reserved_flags.ts: not found`,
  );
}

function pluginOptions(flag: Flag): Option[] {
  const fallback = flag.default === undefined
    ? flag.isRequired ? " (required)" : ""
    : ` (default: ${JSON.stringify(flag.default).replace(/^"|"$/g, "")})`;
  const help = `${flag.help}${fallback}`;
  if (isSwitch(flag)) {
    const on = option(`--${flag.name}`, flag.name, help);
    on.negate = false; // commander takes a name that begins with "no-" for a negative
    return [on, option(`--no-${flag.name}`, flag.name, "").hideHelp()];
  }
  const made = option(
    `--${flag.name} <${flag.inputPath ? "path" : placeholderOf(flag.value)}>`,
    flag.name,
    help,
  );
  made.negate = false;
  return [made.argParser(collect)];
}

/** Arguments that look like flags but are none; what follows one is taken as its value. */
function splitUnknown(
  args: readonly string[],
  spec: CommandSpec,
): Pick<ParsedCommand, "positionals" | "issues"> {
  const known = [...formsOf(spec).keys()].map((flag) => flag.slice(2));
  const positionals: string[] = [];
  const issues: ConfigIssue[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (!arg.startsWith("-") || arg === "-") {
      positionals.push(arg);
      continue;
    }
    const name = arg.replace(/^--?/, "").split("=")[0]!;
    const nearest = nearestName(name, known);
    const issue = { path: `--${name}`, message: "there is no such flag", source: "command line" };
    issues.push(nearest ? { ...issue, nearest: `--${nearest}` } : issue);
    const next = args[i + 1];
    if (!arg.includes("=") && next !== undefined && !next.startsWith("-")) i++;
  }
  return { positionals, issues };
}

/** A whole number given to a task flag. */
export function integerFlag(
  parsed: ParsedCommand,
  name: string,
  bounds: { min: number; max: number },
): number | undefined {
  const text = parsed.task[name];
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() === "" || !Number.isSafeInteger(value) || value < bounds.min || value > bounds.max) {
    throw new ConfigError(
      `Cannot use --${name} as it must be a whole number from ${bounds.min} to ${bounds.max}: found "${text}"`,
    );
  }
  return value;
}

/** Refuses flags that do not exist, for tasks that have nothing else to check. */
export function refuseUnknown(issues: readonly ConfigIssue[]): void {
  if (issues.length > 0) {
    throw new ConfigError("Cannot continue as every flag must exist and be complete", issues);
  }
}

/** Parses the arguments of a task without plugin flags, prints its help or does its work; returns the exit code. */
export async function withCommand(
  spec: CommandSpec,
  args: readonly string[],
  work: (parsed: ParsedCommand) => Promise<number>,
): Promise<number> {
  const parsed = parseCommand(spec, args);
  if (parsed.help !== undefined) {
    print(parsed.help.split("\n"));
    return EXIT.ok;
  }
  refuseUnknown(parsed.issues);
  return await work(parsed);
}
