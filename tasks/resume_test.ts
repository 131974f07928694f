import assert from "node:assert/strict";
import { ConfigError } from "../core/errors.ts";
import { withTempDir } from "../tests/support/plugins.ts";
import { printed } from "../tests/support/printed.ts";
import { storeRun } from "../tests/support/stored_runs.ts";
import { extensionOf, resume } from "./resume.ts";
import { parseCommand } from "./shared/command.ts";

const parse = (...args: string[]) =>
  parseCommand(
    { name: "resume", summary: "", taskFlags: [{ name: "extend", value: "epochs", help: "" }] },
    args,
  );
const TRAINED = { training: { a: { plannedEpochs: 10 }, b: { plannedEpochs: 20 } } };

Deno.test("extensionOf() takes more epochs than the longest training of a finished run had", async () => {
  await withTempDir(async (store) => {
    const run = await storeRun(store, TRAINED);
    assert.equal(await extensionOf(run, parse()), undefined);
    assert.equal(await extensionOf(run, parse("--extend", "21")), 21);
    await assert.rejects(
      extensionOf(run, parse("--extend", "20")),
      /must be more than its 20 epochs: found 20$/,
    );
    await assert.rejects(extensionOf(run, parse("--extend", "0")), /must be a whole number from 1 to/);
  });
});

Deno.test("extensionOf() refuses a run that has not come to its end", async () => {
  await withTempDir(async (store) => {
    const run = await storeRun(store, { ...TRAINED, status: "interrupted" });
    await assert.rejects(extensionOf(run, parse("--extend", "30")), (error: Error) => {
      assert.ok(error instanceof ConfigError);
      assert.match(error.message, /it is interrupted; resume it without --extend first$/);
      return true;
    });
  });
});

Deno.test("resume() prints its help, with the flag to train longer", async () => {
  const { value, stdout } = await printed(() => resume(["--help"]));
  assert.equal(value, 0);
  assert.match(stdout, /--extend <epochs> +train a finished run/);
});
