import assert from "node:assert/strict";
import { ConfigError } from "../../core/errors.ts";
import { runsFolder } from "./runs_folder.ts";

Deno.test("runsFolder() takes either name of the flag, and refuses two folders", () => {
  assert.equal(runsFolder({}), "runs");
  assert.equal(runsFolder({ runs: "a" }), "a");
  assert.equal(runsFolder({ out: "a" }), "a");
  assert.equal(runsFolder({ out: "a", runs: "a" }), "a");
  assert.throws(() => runsFolder({ out: "a", runs: "b" }), (error: Error) => {
    assert.ok(error instanceof ConfigError);
    assert.match(error.message, /as they name the same folder: found "b" and "a"$/);
    return true;
  });
});
