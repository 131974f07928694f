/**
 * Which runs a group consists of: several seeds, several folds, or both.
 *
 * @module
 */
import { ConfigError, DataError } from "../../core/errors.ts";
import type { RepeatRecord } from "../../core/records.ts";
import { listRuns, type RunDirectory } from "../store/run_directory.ts";

/** More runs than this belong into a sweep. */
export const MOST_MEMBERS = 1000;

/** What a group is made of. */
export interface RepeatRequest {
  /** Of the first member; the others have those that follow. */
  readonly seed: number;
  /** Seeds; 1 for folds of one seed. */
  readonly repeat?: number | undefined;
  /** Parts of the cross-validation for each seed. */
  readonly folds?: number | undefined;
}

/**
 * The members of a group, seed by seed and fold by fold. A member is what a single run with its seed and fold is.
 *
 * @throws {ConfigError} If there are too many, or a seed is too large.
 */
export function planMembers({ seed, repeat = 1, folds }: RepeatRequest): RepeatRecord["members"] {
  const seeds = Array.from({ length: repeat }, (_, i) => seed + i);
  if (seeds.length * (folds ?? 1) > MOST_MEMBERS || !Number.isSafeInteger(seeds.at(-1))) {
    throw new ConfigError(
      `Cannot repeat a run as there may be ${MOST_MEMBERS} members, with seeds up to ${Number.MAX_SAFE_INTEGER}: found ${
        seeds.length * (folds ?? 1)
      } from seed ${seed}`,
    );
  }
  if (folds === undefined) return seeds.map((seed) => ({ seed }));
  return seeds.flatMap((seed) =>
    Array.from({ length: folds }, (_, index) => ({ seed, fold: { index, count: folds } }))
  );
}

/**
 * Makes sure that the members of a group are what {@linkcode planMembers} can make: its record may have been sent.
 *
 * @throws {DataError} If they are not.
 */
export function requireMembers({ path, record: { id, repeat } }: RunDirectory): void {
  const members = repeat?.members ?? [];
  const isCount = (value: number, from: number): boolean => Number.isSafeInteger(value) && value >= from;
  const isRight = ({ seed, fold }: RepeatRecord["members"][number]): boolean =>
    isCount(seed, 0) &&
    (fold === undefined || isCount(fold.count, 2) && isCount(fold.index, 0) && fold.index < fold.count);
  const wrong = members.findIndex((member) => !isRight(member));
  if (members.length > 0 && members.length <= MOST_MEMBERS && wrong < 0) return;
  const found = wrong < 0 ? `found ${members.length}` : `member ${wrong + 1} is none`;
  throw new DataError(
    `Cannot use the group of run "${id}" as run.json must list 1 to ${MOST_MEMBERS} members with seeds and folds: ${found}`,
    path,
  );
}

/** The folder that holds the run of a member. */
export function memberFolder(group: RunDirectory, number: number): string {
  return group.file("members", String(number));
}

/** The run of a member, where it was begun. */
export async function memberRun(group: RunDirectory, number: number): Promise<RunDirectory | undefined> {
  return (await listRuns(memberFolder(group, number))).at(-1);
}

/** "seed 3", "seed 0, fold 2 of 5" */
export function memberName({ seed, fold }: RepeatRecord["members"][number]): string {
  return `seed ${seed}${fold ? `, fold ${fold.index + 1} of ${fold.count}` : ""}`;
}
