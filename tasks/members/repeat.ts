/**
 * The runs of a group, each in a process of its own, and what they are together. A group that was interrupted or killed goes
 * on where its members stand.
 *
 * @module
 */
import { ConfigError, DataError, InterruptedError, PluginError } from "../../core/errors.ts";
import { formatSeconds } from "../../core/format.ts";
import { safeParseJson } from "../../core/json.ts";
import type { Metrics } from "../../core/types.ts";
import { join, relative } from "../../files/paths.ts";
import { FRAMEWORK_ROOT } from "../../registry/framework.ts";
import { closeGroup, completeGroup } from "../../run/members/group.ts";
import { memberName, memberRun } from "../../run/members/plan.ts";
import { inPool } from "../../run/members/pool.ts";
import { stoppedError } from "../../run/stages/record.ts";
import type { StopSignal } from "../../run/stages/request.ts";
import { openRun, type RunDirectory } from "../../run/store/run_directory.ts";
import { forgetGroup, noteGroup } from "../../sandbox/host/groups.ts";
import { tell } from "../terminal/print.ts";

/** How the members of a group are run. */
export interface RepeatOptions {
  /** Flags of every member, such as `--cache DIR`. */
  readonly flags: readonly string[];
  /** How many run at the same time. @default as many as the cores allow, by the threads of the first that has ended */
  readonly parallel?: number | undefined;
  readonly isQuiet: boolean;
  readonly stop: StopSignal;
}

/** A group that has come to its end. */
export interface RepeatOutcome {
  readonly metrics: Metrics;
  readonly runs: readonly RunDirectory[];
}

/**
 * Runs what is missing of a group, whose lock is held, and completes it.
 *
 * @throws The error of the first member that fails; no further one is begun then.
 * @throws {InterruptedError} If it was stopped; members that ran have saved.
 */
export async function runGroup(group: RunDirectory, options: RepeatOptions): Promise<RepeatOutcome> {
  const started = performance.now();
  try {
    const runs = await runMembers(group, options);
    const metrics = await completeGroup(group, runs, (performance.now() - started) / 1000);
    return { metrics, runs };
  } catch (error) {
    const failure = options.stop.isStopped && error instanceof InterruptedError
      ? stoppedError(options.stop.reason, "its members saved", { cause: error })
      : error as Error;
    const status = failure instanceof InterruptedError ? "interrupted" : "failed";
    await closeGroup(group, status, failure).catch(() => {}); // a full disk must not hide what happened first
    throw Object.assign(failure, { run: group.path });
  } finally {
    await group.unlock();
  }
}

async function runMembers(group: RunDirectory, options: RepeatOptions): Promise<RunDirectory[]> {
  const { stop, isQuiet, parallel } = options;
  const { members } = group.record.repeat!;
  const children = new Set<Deno.ChildProcess>();
  stop.onStop(() => children.forEach((child) => child.kill("SIGINT")));
  let threads: number | undefined;
  const atOnce = (): number =>
    parallel ?? (threads ? Math.floor(navigator.hardwareConcurrency / threads) : 1);
  const say = (name: string, state: string, text: string): void => {
    if (!isQuiet) tell(`${state.padStart(12)}  ${name}  ${text}`);
  };
  const runs = await inPool({
    items: members.map((member, i) => ({ member, number: i + 1 })),
    parallel: atOnce,
    isStopped: () => stop.isStopped,
    run: async ({ member, number }) => {
      const began = performance.now();
      const before = await memberRun(group, number);
      const isDone = before?.record.status === "finished";
      if (!isDone) {
        await runChild([group.path, String(number), ...options.flags], children, memberName(member));
      }
      const run = isDone ? before : (await memberRun(group, number))!;
      threads ??= run.record.engine?.threads;
      const time = isDone ? "before" : formatSeconds((performance.now() - began) / 1000);
      say(memberName(member), "finished", `${time}  ${relative(Deno.cwd(), run.path)}`);
      return await openRun(run.path);
    },
  });
  if (runs.length < members.length) {
    throw new InterruptedError(
      `Cannot finish as the group was interrupted: ${runs.length} of ${members.length} runs are done`,
    );
  }
  return runs;
}

/** Runs a member in a process of its own. */
async function runChild(
  args: readonly string[],
  children: Set<Deno.ChildProcess>,
  name: string,
): Promise<void> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      ...await flagsOfTask("run"),
      join(FRAMEWORK_ROOT, "tasks", "members", "member.ts"),
      ...args,
      "--json",
      "--quiet",
    ],
    stdin: "piped", // never written to: closed when this process ends, however it does
    stdout: "piped",
    stderr: "piped",
    detached: true, // own process group: the group is told once of a Ctrl-C, and tells its members
  }).spawn();
  children.add(child);
  noteGroup(child.pid);
  try {
    const { code, signal, stdout, stderr } = await child.output();
    if (code === 0) return;
    const told = new TextDecoder().decode(stderr).trim().split("\n").at(-1) ?? "";
    throw errorOf(new TextDecoder().decode(stdout), name, signal ?? `exit code ${code} (${told})`);
  } finally {
    forgetGroup(child.pid);
    children.delete(child);
  }
}

/** Errors of members that stay what they are. */
const ERRORS: { readonly [name: string]: (message: string) => Error } = {
  ConfigError: (message) => new ConfigError(message),
  DataError: (message) => new DataError(message),
  InterruptedError: (message) => new InterruptedError(message),
  PluginError: (message) => Object.assign(new PluginError("", "", ""), { message }),
};

/** The error that a member printed as JSON, with its name; or how it ended without one. */
function errorOf(stdout: string, member: string, end: string): Error {
  try {
    const { error } = safeParseJson(stdout, "the answer of a member") as {
      error: { name: string; message: string };
    };
    const known = Object.hasOwn(ERRORS, error.name) ? ERRORS[error.name] : undefined;
    const message = `${error.message} (${member})`;
    return known ? known(message) : Object.assign(new Error(message), { name: error.name });
  } catch {
    return new DataError(
      `Cannot finish the group as each member must end by itself: ${member} ended by ${end}`,
    );
  }
}

/** The flags with which `deno.json` starts a task: a member may do what the task may. */
async function flagsOfTask(name: string): Promise<string[]> {
  const path = join(FRAMEWORK_ROOT, "deno.json");
  const { tasks } = safeParseJson(await Deno.readTextFile(path), path) as {
    tasks: { [name: string]: { command: string } };
  };
  return ["--config", path, ...tasks[name]!.command.split(" ").filter((word) => word.startsWith("--"))];
}
