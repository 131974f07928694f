import assert from "node:assert/strict";
import { ConfigError } from "../../core/errors.ts";
import type { RunDirectory } from "../../run/store/run_directory.ts";
import { withTempDir } from "../../tests/support/plugins.ts";
import { printed } from "../../tests/support/printed.ts";
import { storeRun } from "../../tests/support/stored_runs.ts";
import { type Asked, requireConsent } from "./consent.ts";

/** A run that names a file; its id is none that is remembered. */
async function withRun(work: (run: RunDirectory) => Promise<void>): Promise<void> {
  await withTempDir(async (directory) => {
    await Deno.writeTextFile(`${directory}/data.csv`, "1");
    const files = { "config.json": { values: {}, sources: {}, help: {} } };
    await work(await storeRun(`${directory}/runs`, { id: "trial", files: ["../../../data.csv"] }, files));
  });
}

const USES = { plugin: undefined, values: {} };

async function answered(run: RunDirectory, asked: Asked): Promise<{ error?: Error; stderr: string }> {
  const { value, stderr } = await printed(() =>
    requireConsent(run, "verify", USES, asked).then(() => undefined, (error) => error as Error)
  );
  return { ...(value ? { error: value } : {}), stderr };
}

Deno.test("requireConsent() lists what is named where nobody can be asked, and names the flag", async () => {
  await withRun(async (run) => {
    const { error } = await answered(run, { isAccepted: false });
    assert.ok(error instanceof ConfigError);
    assert.match(
      error.message,
      /^Cannot verify run "trial" as .*: nobody could be asked; --accept accepts what/,
    );
    assert.equal(error.issues.length, 1);
    assert.equal(error.issues[0]!.path, "files.0");
    assert.match(error.issues[0]!.message, /^it is given to read ".*data\.csv"$/);
    assert.equal(error.issues[0]!.source, "run.json");
  });
});

Deno.test("requireConsent() asks once, after it listed what is named, and takes no for an answer", async () => {
  await withRun(async (run) => {
    for (const isYes of [true, false]) {
      const questions: string[] = [];
      const ask = (question: string) => questions.push(question) > 0 && isYes;
      const { error, stderr } = await answered(run, { isAccepted: false, ask });
      assert.deepEqual(questions, ["accept? [y/N]"]);
      assert.match(stderr, /to verify it,\n {2}files\.0: it is given to read/);
      assert.equal(error === undefined, isYes);
    }
  });
});

Deno.test("requireConsent() does not ask after --accept, nor for a command that uses nothing of it", async () => {
  await withRun(async (run) => {
    const ask = () => assert.fail("it asks");
    const { error, stderr } = await answered(run, { isAccepted: true, ask });
    assert.equal(error, undefined);
    assert.match(stderr, /files\.0: it is given to read/);
    assert.match(stderr, /what was accepted could not be remembered; see BEAMLINE_STATE$/);
    await requireConsent(run, "export", { plugin: undefined }, { isAccepted: false });
  });
});
