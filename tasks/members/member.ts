/**
 * One member of a group in a process of its own: what a single run with its seed and fold is, or what is left of it.
 *
 * @module
 */
import { ConfigError } from "../../core/errors.ts";
import type { RepeatRecord } from "../../core/records.ts";
import { memberFolder, memberRun } from "../../run/members/plan.ts";
import { execute } from "../../run/stages/execute.ts";
import { CHECKPOINT_FLAG, checkpointSecondsOf } from "../shared/experiment.ts";
import { openReplay } from "../shared/replay.ts";
import { stopOnSignals } from "../shared/signals.ts";
import { EXIT } from "../terminal/exit_codes.ts";
import { main } from "../terminal/main.ts";
import { printJson } from "../terminal/print.ts";

/**
 * Runs a member, or resumes it.
 *
 * @param args The group, the number of the member from 1, and flags as of `resume`.
 */
export async function runMember(args: readonly string[]): Promise<number> {
  const [group, numberText, ...flags] = args;
  const number = Number(numberText);
  const spec = { name: "run", summary: "Runs a member of a group.", taskFlags: [CHECKPOINT_FLAG] };
  const opened = await openReplay(spec, [group ?? "", ...flags]);
  const member = typeof opened === "string" ? undefined : opened.run.record.repeat?.members[number - 1];
  if (typeof opened === "string" || member === undefined) {
    throw new ConfigError(`Cannot run member "${numberText}" as the group must have it: it has not`);
  }
  const { run, request, parsed } = opened;
  const outcome = await execute({
    ...request,
    seed: member.seed,
    fold: member.fold,
    out: memberFolder(run, number),
    command: memberCommand(run.record.command, member),
    checkpointSeconds: checkpointSecondsOf(parsed),
    listener: {},
    stop: stopOnSignals({ isQuiet: true, isRequeued: false }),
    resume: await memberRun(run, number),
  });
  printJson({ run: outcome.run.path, status: outcome.run.record.status });
  return EXIT.ok;
}

/** Flags of a group that its members do not have; each has a value. */
const OF_GROUP = ["--repeat", "--folds", "--parallel", "--seed"];

/** The command that a member is on its own. */
export function memberCommand(
  command: readonly string[],
  { seed, fold }: RepeatRecord["members"][number],
): string[] {
  const kept = command.filter((arg, i) =>
    !OF_GROUP.some((flag) => arg === flag || arg.startsWith(`${flag}=`) || command[i - 1] === flag)
  );
  return [...kept, "--seed", String(seed), ...fold ? ["--fold", `${fold.index + 1}/${fold.count}`] : []];
}

/**
 * Stops this process as Ctrl-C does when the group is gone, however it ended: its end of standard input is closed then, and
 * a member that went on would stand in the way of whoever resumes the group.
 */
async function stopWithGroup(): Promise<void> {
  const bytes = new Uint8Array(1);
  while (await Deno.stdin.read(bytes).catch(() => null) !== null);
  Deno.kill(Deno.pid, "SIGTERM");
}

if (import.meta.main) {
  void stopWithGroup();
  await main(runMember);
  Deno.exit(); // signal listeners would keep the process alive
}
