/**
 * Flags of `run` that make a group of runs: several seeds, several folds.
 *
 * @module
 */
import { ConfigError } from "../../core/errors.ts";
import type { RepeatRecord } from "../../core/records.ts";
import type { Fold } from "../../core/types.ts";
import { planMembers } from "../../run/members/plan.ts";
import { integerFlag, type ParsedCommand, type TaskFlag } from "../shared/command.ts";

/** How many members of a group run at the same time. */
export const PARALLEL_FLAG: TaskFlag = {
  name: "parallel",
  value: "number",
  help: "members at the same time (default: as many as the cores allow)",
};

/** The flags, in the order of the help text. */
export const MEMBER_FLAGS: readonly TaskFlag[] = [
  {
    name: "repeat",
    value: "number",
    help: "run with so many seeds from --seed on; metrics get mean and spread",
  },
  { name: "folds", value: "number", help: "cross-validation: a run for each of so many parts of the rows" },
  { name: "fold", value: "i/n", help: "only the part i (from 1) of n of a cross-validation" },
  PARALLEL_FLAG,
];

/** The members of a group; undefined where a single run was asked for. */
export function membersOf(parsed: ParsedCommand, seed: number): RepeatRecord["members"] | undefined {
  const repeat = integerFlag(parsed, "repeat", { min: 2, max: 1e6 });
  const folds = integerFlag(parsed, "folds", { min: 2, max: 1e6 });
  if (repeat === undefined && folds === undefined) {
    if (!("parallel" in parsed.task)) return undefined;
    throw new ConfigError("Cannot use --parallel as there must be several runs: give --repeat or --folds");
  }
  if ("fold" in parsed.task) {
    throw new ConfigError("Cannot use --fold with --repeat or --folds as it is one run: give one of them");
  }
  if (parsed.task.threads === "auto") {
    throw new ConfigError(
      "Cannot use --threads auto with --repeat or --folds as all members must compute alike: give a number",
    );
  }
  parallelOf(parsed); // before anything runs
  return planMembers({ seed, repeat, folds });
}

/** The number of members at the same time, checked; undefined for as many as the cores allow. */
export function parallelOf(parsed: ParsedCommand): number | undefined {
  return integerFlag(parsed, "parallel", { min: 1, max: 1024 });
}

/** The fold, checked; undefined for the usual split. */
export function foldOf({ task }: ParsedCommand): Fold | undefined {
  if (task.fold === undefined) return undefined;
  const [, number = 0, count = 0] = /^(\d{1,4})\/(\d{1,4})$/.exec(task.fold)?.map(Number) ?? [];
  if (count >= 2 && number >= 1 && number <= count) return { index: number - 1, count };
  throw new ConfigError(
    `Cannot use --fold as it must be a part and how many there are, such as 2/5: found "${task.fold}"`,
  );
}
