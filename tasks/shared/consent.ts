/**
 * Consent to what the record of a run names. For a run that this user made it was given when the run was made; for one
 * that somebody sent, the user is shown what would be run and read, and says whether it may be.
 *
 * @module
 */
import { ConfigError, type ConfigIssue } from "../../core/errors.ts";
import { rememberRun, unknownOf } from "../../run/origin/known_runs.ts";
import { type Named, namedBy, type Uses } from "../../run/origin/named.ts";
import type { RunDirectory } from "../../run/store/run_directory.ts";
import type { TaskFlag } from "./command.ts";
import { tell } from "../terminal/print.ts";

/** The flag that gives consent beforehand, where nobody can be asked: in scripts and batch systems. */
export const ACCEPT_FLAG: TaskFlag = {
  name: "accept",
  help: "run and read what the record of a run names that was not made here",
};

/** Whoever is asked. */
export interface Asked {
  /** `--accept` was given. */
  readonly isAccepted: boolean;
  /** Asks a question that is answered by yes or no; undefined where nobody is there. */
  readonly ask?: ((question: string) => boolean) | undefined;
}

/**
 * Returns where all that a run names for a command was named or accepted by this user, and remembers what is accepted now.
 *
 * @param action What is to be done with the run: "resume", "verify".
 * @throws {ConfigError} If it was not; every thing is an issue of the error.
 */
export async function requireConsent(
  run: RunDirectory,
  action: string,
  uses: Uses,
  { isAccepted, ask }: Asked,
): Promise<void> {
  const unknown = await unknownOf(run, await namedBy(run, uses));
  if (unknown.length === 0) return;
  const issues = unknown.map(issueOf);
  const refusal = (found: string): ConfigError =>
    new ConfigError(
      `Cannot ${action} run "${run.record.id}" as what its record names must be accepted where it was not made here: ${found}`,
      issues,
    );
  if (!isAccepted && !ask) throw refusal(`nobody could be asked; --${ACCEPT_FLAG.name} accepts what follows`);
  const title = `run "${run.record.id}" was not made here, or was changed since; to ${action} it,`;
  tell(title);
  for (const { path, message } of issues) tell(`  ${path}: ${message}`);
  if (!isAccepted && !ask!("accept? [y/N]")) throw refusal("it was declined");
  if (await rememberRun(run, unknown, "accepted")) return;
  tell("accepted for this time: what was accepted could not be remembered; see BEAMLINE_STATE");
}

/** What happens with each kind of thing. */
const CONSEQUENCES: { readonly [kind in Named["kind"]]: string } = {
  plugin: "this code is run in the sandbox:",
  grant: "it asks to read",
  file: "it is given to read",
  input: "it is given to read",
};

function issueOf({ kind, field, real, isInside }: Named): ConfigIssue {
  const origin = kind === "plugin" && isInside ? ", which came with the run" : "";
  return {
    path: field,
    message: `${CONSEQUENCES[kind]} ${JSON.stringify(real)}${origin}`,
    source: kind === "grant" ? "the plugin's manifest" : kind === "input" ? "config.json" : "run.json",
  };
}

/** How to ask at this terminal; undefined where standard input or the place of the question is none. */
export function terminalQuestion(): ((question: string) => boolean) | undefined {
  if (!Deno.stdin.isTerminal() || !Deno.stderr.isTerminal()) return undefined;
  return (question) => {
    tell(question);
    return /^\s*y(es)?\s*$/i.test(readLine());
  };
}

/** A line of standard input, without its end; at most {@linkcode LONGEST_ANSWER} bytes of it. */
function readLine(): string {
  const bytes = new Uint8Array(LONGEST_ANSWER);
  let length = 0;
  while (length < bytes.length) {
    const read = Deno.stdin.readSync(bytes.subarray(length));
    if (read === null) return ""; // no line came to its end: nothing was answered
    length += read;
    if (bytes.subarray(0, length).includes(0x0a)) break;
  }
  return new TextDecoder().decode(bytes.subarray(0, length)).split("\n")[0]!;
}

/** Bytes of the longest answer that is read. */
const LONGEST_ANSWER = 1024;
