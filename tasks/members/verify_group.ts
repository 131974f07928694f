/**
 * `deno task verify` of a group: each member is done again, and the means are computed anew.
 *
 * @module
 */
import { ConfigError } from "../../core/errors.ts";
import { canonicalJson } from "../../core/json.ts";
import { encodeMetrics } from "../../core/not_finite.ts";
import type { Json, Metrics } from "../../core/types.ts";
import { combineMetrics } from "../../run/members/combine.ts";
import { metricsOf } from "../../run/members/group.ts";
import { memberName, memberRun } from "../../run/members/plan.ts";
import type { RunDirectory } from "../../run/store/run_directory.ts";
import type { Verification } from "../../run/verify/types.ts";
import type { ParsedCommand } from "../shared/command.ts";
import type { OpenedReplay } from "../shared/replay.ts";
import { EXIT } from "../terminal/exit_codes.ts";
import { paint, print, printJson } from "../terminal/print.ts";
import { textTable } from "../terminal/text_table.ts";

/** How the members of a group are verified. */
export interface VerifyGroupOptions {
  readonly parsed: ParsedCommand;
  /** Opens the run of a member by its path. */
  open(path: string): Promise<OpenedReplay>;
  /** Does it again, and compares. */
  verify(member: OpenedReplay): Promise<{ readonly verification: Verification }>;
}

/** Verifies a group; exit code 0 where every member repeats itself as promised and the means are theirs. */
export async function verifyGroup(group: RunDirectory, options: VerifyGroupOptions): Promise<number> {
  const { members } = group.record.repeat!;
  const metrics: Metrics[] = [];
  const verified: (Verification & { readonly run: string })[] = [];
  for (const [i, member] of members.entries()) {
    const run = await memberRun(group, i + 1);
    if (!run) {
      throw new ConfigError(
        `Cannot verify run "${group.record.id}" as all its members must be there: ${
          memberName(member)
        } is not`,
      );
    }
    metrics.push(await metricsOf(run));
    const { verification } = await options.verify(await options.open(run.path));
    verified.push({ run: run.path, ...verification });
  }
  const areMeans = isEqual(combineMetrics(metrics), await metricsOf(group));
  const holds = areMeans && verified.every((member) => member.holds);
  if ("json" in options.parsed.task) printJson({ run: group.path, holds, areMeans, members: verified });
  else show(group, verified, areMeans);
  return holds ? EXIT.ok : EXIT.checkFailed;
}

function isEqual(a: Metrics, b: Metrics): boolean {
  const [first, second] = [a, b].map((metrics) => canonicalJson(encodeMetrics(metrics) as unknown as Json));
  return first === second;
}

/** One row for each member; what differs in one is told by verifying it by its path. */
function show(group: RunDirectory, verified: readonly Verification[], areMeans: boolean): void {
  const { members } = group.record.repeat!;
  const rows = verified.map(({ holds, equal, reason }, i) => {
    const state = equal ? "equal" : holds ? "within the tolerance" : "different";
    return [memberName(members[i]!), state, reason ?? ""];
  });
  print(textTable(["member", "result", ""], [
    ...rows,
    [
      "means",
      areMeans ? "equal" : "different",
      areMeans ? "" : "metrics.json of the group is not made of its members",
    ],
  ]));
  const holds = areMeans && verified.every((member) => member.holds);
  const name = `${group.record.plugin.name}/${group.record.id}`;
  print(paint(`${name} ${holds ? "repeats itself" : "does not repeat itself"}`, holds ? "green" : "red"));
}
