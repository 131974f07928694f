import assert from "node:assert/strict";
import { ConfigError } from "../../core/errors.ts";
import type { Flag } from "../../run/config/flags.ts";
import { printed } from "../../tests/support/printed.ts";
import { type CommandSpec, integerFlag, parseCommand, withCommand } from "./command.ts";

const FLAGS: readonly Flag[] = [
  {
    path: "epochs",
    name: "epochs",
    type: "integer",
    help: "passes over the data",
    default: 3,
    isTraining: true,
  },
  { path: "learningRate", name: "learning-rate", type: "number", help: "step size", isTraining: true },
  { path: "isWide", name: "is-wide", type: "boolean", help: "a wide one", default: true, isTraining: true },
  { path: "labels", name: "labels", type: "array", help: "names", isTraining: false },
  {
    path: "mode",
    name: "mode",
    type: "string",
    choices: ["fast", "slow"],
    help: "how",
    default: "fast",
    isTraining: false,
  },
  { path: "data", name: "data", type: "string", inputPath: "file", help: "a file", isTraining: false },
];

const SPEC: CommandSpec = {
  name: "run trial",
  summary: "A trial.",
  positionals: "[action]",
  taskFlags: [
    { name: "out", value: "dir", help: "where to write", default: "runs" },
    { name: "open", help: "open it" },
  ],
  flags: FLAGS,
  epilog: "\nActions:\n  look\n",
};

Deno.test("parseCommand() tells positionals, flags of the task and values of the plugin apart", () => {
  const args = ["look", "--out", "here", "--epochs", "5", "a.npy", "--open", "--learning-rate=0.5"];
  const { positionals, task, flags, issues } = parseCommand(SPEC, args);
  assert.deepEqual(positionals, ["look", "a.npy"]);
  assert.deepEqual(task, { out: "here", open: "true" });
  assert.deepEqual(flags, { epochs: 5, learningRate: 0.5 });
  assert.deepEqual(issues, []);
});

Deno.test("parseCommand() leaves out what was not given, defaults included", () => {
  assert.deepEqual(parseCommand(SPEC, []), { positionals: [], task: {}, flags: {}, issues: [] });
});

Deno.test("parseCommand() takes a switch both ways and collects a flag that is repeated", () => {
  assert.deepEqual(parseCommand(SPEC, ["--is-wide"]).flags, { isWide: true });
  assert.deepEqual(parseCommand(SPEC, ["--no-is-wide"]).flags, { isWide: false });
  assert.deepEqual(parseCommand(SPEC, ["--labels", "a", "--labels", "b"]).flags, { labels: ["a", "b"] });
});

Deno.test("parseCommand() reports every unknown flag with the nearest name, and its value is no positional", () => {
  const { positionals, issues } = parseCommand(SPEC, ["--epoch", "3", "look", "--xyzzy=1", "--quite"]);
  assert.deepEqual(positionals, ["look"]);
  assert.deepEqual(
    issues.map(({ path, nearest }) => [path, nearest]),
    [["--epoch", "--epochs"], ["--xyzzy", undefined], ["--quite", "--quiet"]],
  );
});

Deno.test("parseCommand() refuses a flag without its value", () => {
  assert.throws(
    () => parseCommand(SPEC, ["--out"]),
    (error: Error) =>
      error instanceof ConfigError && /Cannot run "run trial" as the flags must be/.test(error.message),
  );
});

for (const help of ["--help", "-h"]) {
  Deno.test(`parseCommand() gives the help text for ${help}, whatever stands beside it`, () => {
    const text = parseCommand(SPEC, ["look", "--nope", help]).help!;
    assert.match(text, /^Usage: deno task run trial \[action\] \[flags\]/);
    assert.match(text, /A trial\./);
    assert.match(text, /--epochs <integer> +passes over the data \(default: 3\)/);
    assert.match(text, /--mode <fast\|slow> +how \(default: fast\)/);
    assert.match(text, /--data <path>/);
    assert.match(text, /--out <dir> +where to write \(default: runs\)/);
    assert.match(text, /--json +print one JSON object/);
    assert.doesNotMatch(text, /--no-is-wide/);
    assert.ok(text.endsWith("\nActions:\n  look\n"));
  });
}

const COUNT: CommandSpec = { name: "t", summary: "", taskFlags: [{ name: "steps", value: "n", help: "" }] };

Deno.test("integerFlag() takes whole numbers within its bounds, both included", () => {
  const take = (...args: string[]) => integerFlag(parseCommand(COUNT, args), "steps", { min: 1, max: 10 });
  assert.equal(take(), undefined);
  assert.equal(take("--steps", "1"), 1);
  assert.equal(take("--steps", "10"), 10);
  for (const text of ["0", "11", "-1", "1.5", "", " ", "ten", "1e300", "NaN"]) {
    assert.throws(() => take(`--steps=${text}`), (error: Error) => {
      assert.ok(error instanceof ConfigError);
      assert.match(error.message, /--steps as it must be a whole number from 1 to 10: found/);
      assert.ok(error.message.endsWith(`"${text}"`), error.message);
      return true;
    });
  }
});

Deno.test("withCommand() prints the help and does no work", async () => {
  const { value, stdout, stderr } = await printed(() =>
    withCommand(COUNT, ["--help"], () => assert.fail("worked"))
  );
  assert.equal(value, 0);
  assert.match(stdout, /--steps <n>/);
  assert.equal(stderr, "");
});

Deno.test("withCommand() refuses unknown flags before the work, and hands on its exit code", async () => {
  await assert.rejects(
    withCommand(COUNT, ["--step", "1"], () => assert.fail("worked")),
    (error: ConfigError) => {
      assert.deepEqual(error.issues.map(({ nearest }) => nearest), ["--steps"]);
      return true;
    },
  );
  assert.equal(
    await withCommand(COUNT, ["a"], ({ positionals }) => Promise.resolve(positionals.length + 4)),
    5,
  );
});
