import assert from "node:assert/strict";
import type { Description } from "../../sandbox/protocol/description.ts";
import { courseOf } from "./action.ts";

const DESCRIPTION = {
  name: "trial",
  hooks: ["prepare", "evaluate"],
  actions: {
    explore: { title: "", prepare: false, train: false, models: false },
    submit: { title: "", prepare: true, train: true, models: true },
  },
} as unknown as Description;

Deno.test("courseOf() goes through every stage of the whole experiment", () => {
  const all = { action: undefined, isPrepared: true, hasModels: true, isTrained: true };
  assert.deepEqual(courseOf(undefined, DESCRIPTION), all);
  assert.deepEqual(courseOf(undefined, { ...DESCRIPTION, hooks: ["evaluate"] }), {
    ...all,
    isPrepared: false,
  });
});

Deno.test("courseOf() leaves out the stages that an action does not need", () => {
  const explore = { action: "explore", isPrepared: false, hasModels: false, isTrained: false };
  assert.deepEqual(courseOf("explore", DESCRIPTION), explore);
  const submit = { action: "submit", isPrepared: true, hasModels: true, isTrained: true };
  assert.deepEqual(courseOf("submit", DESCRIPTION), submit);
});

Deno.test("courseOf() names the nearest action, and takes no name of object members", () => {
  assert.throws(() => courseOf("explor", DESCRIPTION), {
    name: "NotFoundError",
    message:
      'Cannot run action "explor" as plugin "trial" does not have it: known are explore, submit; did you mean "explore"?',
  });
  assert.throws(() => courseOf("constructor", DESCRIPTION), { name: "NotFoundError" });
});
