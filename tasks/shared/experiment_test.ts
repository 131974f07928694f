import assert from "node:assert/strict";
import { join } from "node:path";
import { ConfigError } from "../../core/errors.ts";
import { withTempDir, writePlugin } from "../../tests/support/plugins.ts";
import { printed } from "../../tests/support/printed.ts";
import { parseCommand, type ParsedCommand } from "./command.ts";
import {
  checkpointSecondsOf,
  earlyFlag,
  hookTimeout,
  openExperiment,
  RUN_FLAGS,
  seedOf,
  threadChoiceOf,
  threadsOf,
} from "./experiment.ts";

const parse = (...args: string[]): ParsedCommand =>
  parseCommand({ name: "run", summary: "", taskFlags: RUN_FLAGS }, args);

Deno.test("earlyFlag() finds a flag in both spellings, also a value with =", () => {
  assert.equal(earlyFlag(["--cache", "a"], "cache"), "a");
  assert.equal(earlyFlag(["--x", "1", "--cache=b=c"], "cache"), "b=c");
  assert.equal(earlyFlag(["--cached", "a"], "cache"), undefined);
  assert.equal(earlyFlag(["--cache"], "cache"), undefined);
});

Deno.test("hookTimeout() takes seconds above 0 and nothing else", () => {
  assert.equal(hookTimeout([]), undefined);
  assert.equal(hookTimeout(["--hook-timeout", "0.5"]), 0.5);
  for (const text of ["0", "-1", "", "soon", "1e7", "Infinity"]) {
    assert.throws(
      () => hookTimeout([`--hook-timeout=${text}`]),
      /must be a number of seconds above 0: found/,
    );
  }
});

Deno.test("seedOf() is 0 by default and refuses what is no seed", () => {
  assert.equal(seedOf(parse()), 0);
  assert.equal(seedOf(parse("--seed", "9007199254740991")), Number.MAX_SAFE_INTEGER);
  assert.throws(() => seedOf(parse("--seed", "9007199254740992")), ConfigError);
  assert.throws(() => seedOf(parse("--seed=-1")), ConfigError);
});

Deno.test("threadChoiceOf() takes a count or auto; threadsOf() a count alone", () => {
  assert.equal(threadChoiceOf(parse()), undefined);
  assert.equal(threadChoiceOf(parse("--threads", "auto")), "auto");
  assert.equal(threadChoiceOf(parse("--threads", "2")), 2);
  assert.throws(() => threadChoiceOf(parse("--threads", "0")), ConfigError);
  assert.throws(() => threadsOf(parse("--threads", "auto")), ConfigError);
});

Deno.test("checkpointSecondsOf() takes 0 for a checkpoint after each step", () => {
  assert.equal(checkpointSecondsOf(parse()), undefined);
  assert.equal(checkpointSecondsOf(parse("--checkpoint-seconds", "0")), 0);
});

Deno.test("openExperiment() describes a plugin and adds its flags, actions and presets to the help", async () => {
  await withTempDir(async (directory) => {
    const { directory: plugin } = await writePlugin(directory, {
      config: `depth: z.int().default(2).describe("layers")`,
      body:
        `presets: { deep: { depth: 9 } }, actions: { look: { title: "have a look", run() { return {}; } } },`,
    });
    const flags = ["--cache", join(directory, "cache"), "--quiet"];
    const { value: opened } = await printed(() =>
      openExperiment("run", plugin, ["look", "--depth", "4", ...flags])
    );
    assert.equal(opened.description.name, "trial");
    assert.deepEqual(opened.parsed.flags, { depth: 4 });
    assert.deepEqual(opened.parsed.positionals, ["look"]);
    const { value: { parsed } } = await printed(() => openExperiment("run", plugin, ["--help", ...flags]));
    assert.match(parsed.help!, /--depth <integer> +layers \(default: 2\)/);
    assert.match(parsed.help!, /Actions:\n {2}look +have a look\n/);
    assert.match(parsed.help!, /Presets:\n {2}deep +\{"depth":9\}\n/);
  });
});

Deno.test("openExperiment() leaves --name, --tag and --note to a plugin that has fields of these names", async () => {
  await withTempDir(async (directory) => {
    const { directory: plugin } = await writePlugin(directory, {
      config: `note: z.string().default("").describe("a text of the plugin"), tag: z.boolean().default(true)`,
    });
    const flags = [
      "--note",
      "mine",
      "--no-tag",
      "--name",
      "base",
      "--cache",
      join(directory, "cache"),
      "--quiet",
    ];
    const { value: { parsed } } = await printed(() => openExperiment("run", plugin, flags));
    assert.deepEqual(parsed.flags, { note: "mine", tag: false });
    assert.deepEqual([parsed.task.name, parsed.task.note, parsed.lists], ["base", undefined, {}]);
    const { value: { parsed: { help } } } = await printed(() =>
      openExperiment("run", plugin, [...flags, "--help"])
    );
    assert.match(help!, /--note <text> +a text of the plugin/);
    assert.equal(help!.match(/--note/g)!.length, 1);
  });
});
