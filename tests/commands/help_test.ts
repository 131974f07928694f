/** `--help` of every task and of its verbs, as a user types it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { ROOT, task } from "../support/trial.ts";

/** Tasks for users: those that are a file of tasks/. */
async function userTasks(): Promise<string[]> {
  const { tasks } = JSON.parse(await Deno.readTextFile(join(ROOT, "deno.json")));
  return Object.entries<{ command: string }>(tasks).flatMap(([name, { command }]) =>
    / tasks\/[a-z_]+\.ts$/.test(command) ? [name] : []
  );
}

const VERBS: { readonly [task: string]: readonly string[] } = { data: ["fetch", "simulate", "inspect"] };

Deno.test("--help and -h print the help text of every task and verb on standard output, and end with 0", async () => {
  const tasks = await userTasks();
  assert.ok(tasks.length >= 15, "the pattern finds the tasks");
  const commands = tasks.flatMap((name) => [[name], ...(VERBS[name] ?? []).map((verb) => [name, verb])]);
  for (const command of commands) {
    for (const flag of ["--help", "-h"]) {
      const { code, stdout, stderr } = await task(...command, flag);
      assert.deepEqual([code, stderr], [0, ""], command.join(" "));
      assert.ok(stdout.startsWith(`Usage: deno task ${command.join(" ")} `), stdout);
      assert.match(stdout, /--json +print one JSON object/);
    }
  }
});

Deno.test("--help after a plugin prints its flags, in every task that takes one", async () => {
  for (
    const command of [["run", "ecal"], ["info", "ecal"], ["data", "simulate", "ecal"], [
      "data",
      "fetch",
      "ecal",
    ]]
  ) {
    const { code, stdout, stderr } = await task(...command, "--help");
    assert.deepEqual([code, stderr], [0, ""], command.join(" "));
    assert.ok(stdout.startsWith(`Usage: deno task ${command.join(" ")} `), stdout);
  }
});
