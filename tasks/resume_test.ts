import assert from "node:assert/strict";
import { ConfigError } from "../core/errors.ts";
import type { Json, JsonObject } from "../core/types.ts";
import type { RunDirectory } from "../run/store/run_directory.ts";
import { withTempDir } from "../tests/support/plugins.ts";
import { printed } from "../tests/support/printed.ts";
import { storeRun } from "../tests/support/stored_runs.ts";
import { changesAsked, resume } from "./resume.ts";
import { parseCommand } from "./shared/command.ts";

const parse = (flags: { [path: string]: Json }, ...args: string[]) => ({
  ...parseCommand({
    name: "resume",
    summary: "",
    taskFlags: [{ name: "extend", value: "epochs", help: "" }, { name: "warm-restart", help: "" }],
  }, args),
  flags,
});
const SCHEMA = {
  properties: {
    data: { type: "string", path: "file" },
    epochs: { type: "integer", affects: "training" },
    patience: { type: "integer", affects: "training" },
  },
};
const ANEW = { isPatienceAnew: true, mustTrain: true };

Deno.test("changesAsked() counts patience anew where a finished run goes on, and only there", async () => {
  await withTempDir(async (store) => {
    const [finished, stopped] = [await storeRun(store), await storeRun(store, { status: "interrupted" })];
    const of = async (run: RunDirectory, ...args: Parameters<typeof parse>) =>
      await changesAsked(run, parse(...args), { schema: SCHEMA });
    const plain = { isScheduleAnew: false, isPatienceAnew: false, mustTrain: false };
    assert.deepEqual(await of(finished, { data: "/x" }), { flags: {}, options: plain });
    assert.deepEqual(await of(finished, {}, "--extend", "21"), {
      flags: { epochs: 21 },
      options: { ...plain, ...ANEW },
    });
    assert.deepEqual((await of(finished, { patience: 3 })).options, { ...plain, ...ANEW });
    assert.deepEqual((await of(finished, {}, "--warm-restart")).options, { ...ANEW, isScheduleAnew: true });
    assert.deepEqual((await of(stopped, { patience: 3 })).options, plain);
    assert.deepEqual((await of(stopped, {}, "--warm-restart")).options, { ...plain, isScheduleAnew: true });
  });
});

Deno.test("changesAsked() refuses to extend what is not finished, has no epochs, or is told twice", async () => {
  await withTempDir(async (store) => {
    const [finished, stopped] = [await storeRun(store), await storeRun(store, { status: "interrupted" })];
    const own = {
      properties: { coder: { type: "object", properties: { epochs: { ...SCHEMA.properties.epochs } } } },
    };
    const cases: [RunDirectory, { [path: string]: Json }, JsonObject, string, RegExp][] = [
      [stopped, {}, SCHEMA, "30", /it is interrupted; resume it without --extend first$/],
      [finished, {}, own, "30", /must have a field "epochs": found --coder\.epochs$/],
      [finished, { epochs: 3 }, SCHEMA, "30", /--extend and --epochs name the same number: found both$/],
      [finished, {}, SCHEMA, "0", /must be a whole number from 1 to/],
    ];
    for (const [run, flags, schema, epochs, message] of cases) {
      await assert.rejects(
        changesAsked(run, parse(flags, "--extend", epochs), { schema }),
        (error: Error) => {
          assert.ok(error instanceof ConfigError);
          assert.match(error.message, message);
          return true;
        },
      );
    }
  });
});

Deno.test("resume() prints its help, with the flags to train on and examples", async () => {
  const { value, stdout } = await printed(() => resume(["--help"]));
  assert.equal(value, 0);
  assert.match(stdout, /--extend <epochs> +train a finished run/);
  for (const flag of ["patience", "learning-rate", "schedule", "epochs", "warm-restart"]) {
    assert.match(stdout, new RegExp(`--${flag}`));
  }
  assert.match(stdout, /deno task resume latest --extend 40 --warm-restart/);
});
