import assert from "node:assert/strict";
import { join } from "node:path";
import { ConfigError, NotFoundError } from "../../core/errors.ts";
import { withTempDir, writePlugin } from "../../tests/support/plugins.ts";
import { printed } from "../../tests/support/printed.ts";
import { storeRun } from "../../tests/support/stored_runs.ts";
import { ACCEPT_FLAG } from "./consent.ts";
import { parseCommand, type ParsedCommand } from "./command.ts";
import { openReplay, pluginOf } from "./replay.ts";

const SPEC = { name: "resume", summary: "Goes on.", taskFlags: [] };
const parse = (...args: string[]): ParsedCommand =>
  parseCommand({ ...SPEC, taskFlags: [{ name: "plugin", value: "path", help: "" }, ACCEPT_FLAG] }, [
    ...args,
    "--quiet",
  ]);

Deno.test("pluginOf() finds a built-in plugin by the name in the record", async () => {
  await withTempDir(async (directory) => {
    const location = await pluginOf(await storeRun(directory), parse(), "resume");
    assert.equal(location.manifest.name, "ecal");
    assert.equal(location.origin, "built-in");
  });
});

Deno.test("pluginOf() finds a plugin where it was, relative to the run", async () => {
  await withTempDir(async (directory) => {
    const { directory: path } = await writePlugin(directory);
    const run = await storeRun(directory, { plugin: { name: "trial", title: "", path: "../../trial" } });
    const { value } = await printed(() => pluginOf(run, parse("--accept"), "resume"));
    assert.equal(value.directory, path);
  });
});

Deno.test("pluginOf() says how to name a plugin that is not where it was", async () => {
  await withTempDir(async (directory) => {
    const run = await storeRun(directory, { plugin: { name: "trial", title: "", path: "../../gone" } });
    await assert.rejects(
      pluginOf(run, parse(), "resume"),
      /Cannot find the plugin of run ".*" as its folder must be where it was: .*name it with --plugin/,
    );
  });
});

Deno.test("pluginOf() refuses another plugin than that of the run", async () => {
  await withTempDir(async (directory) => {
    await assert.rejects(
      pluginOf(await storeRun(directory), parse("--plugin", "hcal"), "resume"),
      (error: Error) =>
        error instanceof ConfigError && /Cannot use plugin "hcal" .* it is of "ecal"/.test(error.message),
    );
  });
});

Deno.test("openReplay() gives its help text without a run", async () => {
  const help = await openReplay(SPEC, ["--help"]);
  assert.match(help as string, /^Usage: deno task resume <run> \[flags\]/);
  assert.match(help as string, /--data <path>/);
});

Deno.test("openReplay() refuses a missing run and one that is not there", async () => {
  await withTempDir(async (directory) => {
    await assert.rejects(
      openReplay(SPEC, []),
      /Cannot resume as the first argument must name a run: none found/,
    );
    await assert.rejects(openReplay(SPEC, ["nothing", "--runs", join(directory, "runs")]), NotFoundError);
  });
});
