/**
 * The command line: flags from tables, on commander. Unknown flags and bad values are collected, not thrown one by one.
 *
 * @module
 */
import { Command, CommanderError, Option } from "commander";
import { ConfigError, type ConfigIssue } from "../../core/errors.ts";
import { nearestName } from "../../core/names.ts";
import type { Json } from "../../core/types.ts";
import { type Flag, parseFlagValue } from "../../run/config/flags.ts";
import { EXIT } from "../terminal/exit_codes.ts";
import { print } from "../terminal/print.ts";

/** A flag of a task itself, such as `--out`. */
export interface TaskFlag {
  readonly name: string;
  /** Placeholder of the value; a flag without one is a switch. */
  readonly value?: string;
  readonly help: string;
  readonly default?: string;
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

/** Parses arguments. */
export function parseCommand(spec: CommandSpec, args: readonly string[]): ParsedCommand {
  const command = build(spec);
  if (args.some((arg) => arg === "--help" || arg === "-h")) {
    return {
      positionals: [],
      task: {},
      flags: {},
      issues: [],
      help: command.helpInformation() + (spec.epilog ?? ""),
    };
  }
  try {
    command.parse([...args], { from: "user" });
  } catch (cause) {
    if (!(cause instanceof CommanderError)) throw cause;
    const text = cause.message.replace(/^error: /, "");
    throw new ConfigError(`Cannot run "${spec.name}" as the flags must be complete: ${text}`);
  }
  const given = command.opts<{ [name: string]: string | boolean | string[] }>();
  const value = (name: string): string | boolean | string[] | undefined => given[attributeOf(command, name)];
  const task: { [name: string]: string } = {};
  for (const { name } of [...spec.taskFlags, ...COMMON_FLAGS]) {
    const found = value(name);
    if (found !== undefined) task[name] = String(found);
  }
  const flags: { [path: string]: Json } = {};
  for (const flag of spec.flags ?? []) {
    const found = value(flag.name);
    if (found === undefined) continue;
    flags[flag.path] = typeof found === "string" ? parseFlagValue(flag, found) : found as Json;
  }
  return { ...splitUnknown(command.args, spec), task, flags };
}

function build(spec: CommandSpec): Command {
  const command = new Command(`deno task ${spec.name}`)
    .description(spec.summary)
    .usage(`${spec.positionals ?? ""} [flags]`.trim())
    .argument("[args...]")
    .allowUnknownOption()
    .allowExcessArguments()
    .exitOverride()
    .configureOutput({ writeErr: () => {}, writeOut: () => {} })
    .configureHelp({ visibleArguments: () => [] });
  for (const flag of spec.flags ?? []) for (const option of pluginOptions(flag)) command.addOption(option);
  for (const { name, value, help, default: fallback } of [...spec.taskFlags, ...COMMON_FLAGS]) {
    const text = fallback === undefined ? help : `${help} (default: ${fallback})`;
    command.addOption(new Option(`--${name}${value ? ` <${value}>` : ""}`, text));
  }
  return command;
}

const PLACEHOLDERS: { readonly [type in Flag["type"]]: string } = {
  number: "number",
  integer: "integer",
  boolean: "",
  string: "text",
  array: "text",
  json: "json",
};

function pluginOptions(flag: Flag): Option[] {
  const fallback = flag.default === undefined
    ? ""
    : ` (default: ${JSON.stringify(flag.default).replace(/^"|"$/g, "")})`;
  const help = `${flag.help}${fallback}`;
  if (flag.type === "boolean") {
    return [new Option(`--${flag.name}`, help), new Option(`--no-${flag.name}`).hideHelp()];
  }
  const placeholder = flag.inputPath ? "path" : flag.choices?.join("|") ?? PLACEHOLDERS[flag.type];
  const option = new Option(`--${flag.name} <${placeholder}>`, help);
  if (flag.type === "array") {
    option.argParser((text: string, earlier: string[] | undefined) => [...(earlier ?? []), text]);
  }
  return [option];
}

function attributeOf(command: Command, name: string): string {
  return command.options.find((option) => option.long === `--${name}`)?.attributeName() ?? name;
}

/** Arguments that look like flags but are none; what follows one is taken as its value. */
function splitUnknown(
  args: readonly string[],
  spec: CommandSpec,
): Pick<ParsedCommand, "positionals" | "issues"> {
  const known = [...(spec.flags ?? []), ...spec.taskFlags, ...COMMON_FLAGS].map(({ name }) => name);
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
  if (issues.length > 0) throw new ConfigError("Cannot go on as there are flags that do not exist", issues);
}

/** Parses the arguments of a task without plugin flags, prints its help or does its work; returns the exit code. */
export async function withCommand(
  spec: CommandSpec,
  args: readonly string[],
  work: (parsed: ParsedCommand) => Promise<number>,
): Promise<number> {
  const parsed = parseCommand(spec, args);
  if (parsed.help !== undefined) {
    print(parsed.help);
    return EXIT.ok;
  }
  refuseUnknown(parsed.issues);
  return await work(parsed);
}
