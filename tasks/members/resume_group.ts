/**
 * `deno task resume` of a group: members that have ended stay as they are.
 *
 * @module
 */
import { ConfigError } from "../../core/errors.ts";
import { flagsOf } from "../../core/flags.ts";
import type { StopSignal } from "../../run/stages/request.ts";
import type { OpenedReplay } from "../shared/replay.ts";
import { EXIT } from "../terminal/exit_codes.ts";
import { runAndShowGroup } from "./show.ts";

/** Flags of `resume` that change a run. */
const CHANGES = ["extend", "warm-restart"];

/**
 * Resumes a group; returns the exit code.
 *
 * @throws {ConfigError} If it has come to its end, or is to be changed.
 */
export async function resumeGroup(
  { run, parsed, description, request }: OpenedReplay,
  stop: StopSignal,
): Promise<number> {
  const refuse = (rule: string, found: string): never => {
    throw new ConfigError(`Cannot resume run "${run.record.id}" as ${rule}: ${found}`);
  };
  const members = run.record.repeat!.members.length;
  const flags = flagsOf(description.schema);
  const inputs = flags.filter(({ inputPath }) => inputPath !== undefined);
  const changes = [
    ...CHANGES.filter((name) => name in parsed.task),
    ...flags.filter((flag) => !inputs.includes(flag) && Object.hasOwn(parsed.flags, flag.path))
      .map(({ name }) => name),
  ];
  if (changes.length > 0) {
    refuse(
      "a group goes on as it was begun",
      `found ${changes.map((name) => `--${name}`).join(", ")}; a member is changed by its path`,
    );
  }
  if (run.record.status === "finished") refuse("it must not be finished", `its ${members} members are`);
  await run.lock();
  await run.refresh();
  await run.update({ status: "running", error: null, finished: null });
  const places = inputs.flatMap(({ name, path }) => {
    const value = request.config.flags?.[path];
    return value === undefined ? [] : [value].flat().flatMap((one) => [`--${name}`, String(one)]);
  });
  await runAndShowGroup(run, {
    parsed,
    description,
    stop,
    flags: places,
  });
  return EXIT.ok;
}
