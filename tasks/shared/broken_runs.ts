/**
 * Runs whose record cannot be read, as tasks name them: beside the others, which they do not hide.
 *
 * @module
 */
import { ConfigError } from "../../core/errors.ts";
import { memberRun, requireMembers } from "../../run/members/plan.ts";
import { requirePlainRun } from "../../run/origin/plain_run.ts";
import { findRun } from "../../run/store/find_run.ts";
import { type BrokenRun, listRuns, type RunDirectory } from "../../run/store/run_directory.ts";
import { runReference } from "../finding/user_paths.ts";
import { shownPath } from "../finding/user_paths.ts";
import { tell } from "../terminal/print.ts";

/** Runs that are named; the others are counted. */
const NAMED = 20;

/** Tells of runs that are passed over, as they come; {@linkcode BrokenRuns.end} counts what was not named. */
export class BrokenRuns {
  readonly found: BrokenRun[] = [];

  /** For `listRuns` and `findRun`. */
  readonly add = (broken: BrokenRun): void => {
    if (this.found.push(broken) <= NAMED) tell(`left out  ${broken.message}`);
  };

  end(): void {
    const more = this.found.length - NAMED;
    if (more > 0) tell(`left out  ${more} more runs whose records cannot be read`);
  }
}

/**
 * Finds a run for a command that works in its folder, and tells of those that were passed over.
 *
 * @param action What is to be done with the run: "resume", "report".
 * @param service What `latest` must serve, where that is not the action. @default the action
 * @throws {DataError} If its folder holds anything but plain files and folders.
 */
export async function findRunTo(
  action: string,
  reference: string,
  out: string,
  service: string = action,
): Promise<RunDirectory> {
  const run = await findRunIn(reference, out, service);
  await requirePlainRun(run, action);
  if (run.record.repeat) requireMembers(run);
  if (run.record.repeat && !OF_GROUPS.has(action)) throw await isGroup(action, run);
  return run;
}

/** Finds a run, whatever its folder holds, and tells of those that were passed over. */
export async function findRunIn(reference: string, out: string, service?: string): Promise<RunDirectory> {
  const broken = new BrokenRuns();
  const action = service === undefined ? {} : { action: service };
  const run = await findRun(runReference(reference), out, { ...action, onBroken: broken.add });
  broken.end();
  return run;
}

/** What can be done with a group as a whole; "run" is for its members. */
const OF_GROUPS: ReadonlySet<string> = new Set(["resume", "verify", "report", "compare", "edit", "run"]);

async function isGroup(action: string, group: RunDirectory): Promise<ConfigError> {
  const { length } = group.record.repeat!.members;
  const first = await memberRun(group, 1);
  return new ConfigError(
    `Cannot ${action} run "${group.record.id}" as it must be one run: it is a group of ${length}${
      first ? `; name one of them, such as ${shownPath(first.path)}` : ""
    }`,
  );
}

/** Lists the runs of a store, and tells of those that were passed over, which it gives as well. */
export async function listRunsTelling(
  out: string,
): Promise<{ readonly runs: readonly RunDirectory[]; readonly broken: readonly BrokenRun[] }> {
  const broken = new BrokenRuns();
  const runs = await listRuns(out, broken.add);
  broken.end();
  return { runs, broken: broken.found };
}
