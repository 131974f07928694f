/**
 * `deno task data fetch|simulate|inspect <plugin>`: the files that a manifest names; simulated ones in the same format;
 * what is in a file.
 *
 * @module
 */
import { ConfigError } from "../core/errors.ts";
import { nearestName } from "../core/names.ts";
import { fetchData } from "./data/fetch.ts";
import { inspect } from "./data/inspect.ts";
import { simulate } from "./data/simulate.ts";
import { printHelpWithoutPlugin } from "./shared/experiment.ts";
import { type CommandSpec, isHelpAsked, withCommand } from "./shared/command.ts";
import { main } from "./terminal/main.ts";

/** What can be done with data. */
interface Verb {
  readonly summary: string;
  /** What the second argument names. */
  readonly subject: "plugin" | "file";
  readonly work: (subject: string, args: readonly string[]) => Promise<number>;
  /** Prints the help text where the flags depend on a subject and none is named. @default that of `work` */
  readonly help?: () => number;
}

const VERBS: { readonly [verb: string]: Verb } = {
  fetch: { summary: "download the files that the manifest names", subject: "plugin", work: fetchData },
  simulate: {
    summary: "write simulated files in the format that the plugin reads",
    subject: "plugin",
    work: simulate,
    help: () =>
      printHelpWithoutPlugin("data simulate", "Writes simulated files in the format that the plugin reads."),
  },
  inspect: { summary: "list the arrays of a file", subject: "file", work: inspect },
};

const COMMAND: CommandSpec = {
  name: "data",
  summary: "Works on data: the files of a plugin, simulated ones, what is in a file.",
  positionals: `${Object.keys(VERBS).join("|")} <plugin|file>`,
  taskFlags: [],
  epilog: `\nVerbs:\n${
    Object.entries(VERBS).map(([verb, { summary, subject }]) =>
      `  ${`${verb} <${subject}>`.padEnd(24)} ${summary}\n`
    ).join("")
  }\n"deno task data <verb> --help" prints the flags of one.\n`,
};

/** Works on data; returns the exit code. */
export async function data(args: readonly string[]): Promise<number> {
  const [name = "nothing", subject, ...rest] = args;
  const verb = Object.hasOwn(VERBS, name) ? VERBS[name] : undefined;
  if (verb === undefined) return await withCommand(COMMAND, args, () => Promise.reject(unknownVerb(name)));
  if (subject !== undefined && !subject.startsWith("-")) return await verb.work(subject, rest);
  if (isHelpAsked(args)) return verb.help?.() ?? await verb.work(`<${verb.subject}>`, ["--help"]);
  throw new ConfigError(
    `Cannot ${name} as the second argument must name a ${verb.subject}: ${subject ?? "nothing"} found`,
  );
}

function unknownVerb(found: string): ConfigError {
  const known = Object.keys(VERBS);
  const nearest = nearestName(found, known);
  return new ConfigError(
    `Cannot work on data as the first argument must be one of ${known.join(", ")}: found ${found}` +
      (nearest ? `; did you mean "${nearest}"?` : ""),
  );
}

if (import.meta.main) await main(data);
