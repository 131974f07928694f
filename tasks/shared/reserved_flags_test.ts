import assert from "node:assert/strict";
import { RESERVED_FLAGS, YIELDING_FLAGS } from "../../core/reserved_flags.ts";
import { COMMON_FLAGS } from "./command.ts";
import { RUN_FLAGS } from "./experiment.ts";
import { REPLAY_FLAGS } from "./replay.ts";

/** Names of the flags that a task declares in its own file. */
async function declaredIn(file: string): Promise<string[]> {
  const text = await Deno.readTextFile(new URL(file, import.meta.url));
  return [...text.matchAll(/\{\s*name: "([a-z-]+)",[^{}]*\bhelp:/g)].map((match) => match[1]!);
}

Deno.test("RESERVED_FLAGS and YIELDING_FLAGS are the flags of the tasks that take those of a plugin, and no others", async () => {
  const shared = [...COMMON_FLAGS, ...RUN_FLAGS, ...REPLAY_FLAGS].map(({ name }) => name);
  const own = (await Promise.all(["../resume.ts", "../verify.ts"].map(declaredIn))).flat();
  assert.ok(own.length >= 3, "the pattern finds the declarations");
  const declared = new Set([...shared, ...own, "help"]);
  assert.deepEqual([...Object.keys(RESERVED_FLAGS), ...YIELDING_FLAGS].sort(), [...declared].sort());
});
