import assert from "node:assert/strict";
import { ConfigError } from "../../core/errors.ts";
import type { Flag } from "../../core/flags.ts";
import { printed } from "../../tests/support/printed.ts";
import { type CommandSpec, integerFlag, parseCommand, withCommand } from "./command.ts";

const FLAGS: readonly Flag[] = [
  {
    path: "epochs",
    name: "epochs",
    value: { kind: "integer" },
    help: "passes over the data",
    default: 3,
    isTraining: true,
  },
  {
    path: "learningRate",
    name: "learning-rate",
    value: { kind: "number" },
    help: "step size",
    isTraining: true,
  },
  {
    path: "isWide",
    name: "is-wide",
    value: { kind: "boolean" },
    help: "a wide one",
    default: true,
    isTraining: true,
  },
  {
    path: "labels",
    name: "labels",
    value: { kind: "list", first: [], rest: { kind: "string" } },
    help: "names",
    isTraining: false,
  },
  {
    path: "mode",
    name: "mode",
    value: { kind: "choice", values: ["fast", "slow"] },
    help: "how",
    default: "fast",
    isTraining: false,
  },
  {
    path: "data",
    name: "data",
    value: { kind: "string" },
    inputPath: "file",
    help: "a file",
    isTraining: false,
  },
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
  assert.deepEqual(parseCommand(SPEC, []), { positionals: [], task: {}, lists: {}, flags: {}, issues: [] });
});

Deno.test("parseCommand() collects a task flag that may be given several times", () => {
  const spec = { ...SPEC, taskFlags: [{ name: "tag", value: "text", help: "", isRepeatable: true }] };
  assert.deepEqual(parseCommand(spec, ["--tag", "a", "--tag=b"]).lists, { tag: ["a", "b"] });
  assert.equal(parseCommand(spec, ["--tag", "a", "--tag"]).issues.length, 1);
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

Deno.test("parseCommand() refuses flags without their values, and takes no flag for one", () => {
  const { issues, task } = parseCommand(SPEC, ["--out", "--open", "--epochs", "--no-is-wide", "--data"]);
  assert.deepEqual(issues.map(({ path, message }) => `${path} ${message}`), [
    "--out must be followed by its value, found --open",
    "--epochs must be followed by its value, found --no-is-wide",
    "--data must be followed by its value, found nothing",
  ]);
  assert.deepEqual(task, { open: "true" });
});

Deno.test("parseCommand() takes true, false, 1 and 0 for a switch and refuses other texts", () => {
  const wide = (...args: string[]) => parseCommand(SPEC, args).flags.isWide;
  for (const [text, value] of [["true", true], ["1", true], ["false", false], ["0", false]] as const) {
    assert.equal(wide(`--is-wide=${text}`), value);
    assert.equal(wide(`--no-is-wide=${text}`), !value);
  }
  assert.equal(wide("--is-wide", "--is-wide=false"), false, "the last one counts");
  assert.deepEqual(parseCommand(SPEC, ["--is-wide", "look"]).positionals, ["look"]);
  const { issues } = parseCommand(SPEC, ["--is-wide=", "--no-is-wide=yes", "--open=true"]);
  assert.deepEqual(issues.map(({ path, message }) => `${path} ${message}`), [
    '--is-wide must be true or false, found ""',
    '--no-is-wide must be true or false, found "yes"',
    '--open takes no value, found "true"',
  ]);
});

Deno.test("parseCommand() takes names that begin with no for what they are", () => {
  const flag = (path: string, name: string, kind: "boolean" | "number") =>
    ({ path, name, value: { kind }, help: "", isTraining: false }) as const;
  const flags = [
    flag("noCut", "no-cut", "boolean"),
    flag("noise", "noise", "number"),
    flag("normalize", "normalize", "boolean"),
    flag("noBins", "no-bins", "number"),
  ];
  const parse = (...args: string[]) => {
    const { flags: values, issues } = parseCommand({ ...SPEC, flags }, args);
    assert.deepEqual(issues, []);
    return values;
  };
  assert.deepEqual(parse("--no-cut"), { noCut: true });
  assert.deepEqual(parse("--no-no-cut"), { noCut: false });
  assert.deepEqual(parse("--no-cut=false", "--noise=0.5", "--no-bins", "-3"), {
    noCut: false,
    noise: 0.5,
    noBins: -3,
  });
  assert.deepEqual(parse("--no-normalize"), { normalize: false });
  assert.deepEqual(parse(), {});
});

Deno.test("parseCommand() refuses to take a task's flag beside a plugin's that the table does not list", () => {
  const taskFlags = [{ name: "fresh", help: "" }];
  assert.throws(() => parseCommand({ ...SPEC, taskFlags }, []), { name: "InternalError" });
  assert.doesNotThrow(() => parseCommand({ name: "t", summary: "", taskFlags }, []));
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
    assert.match(text, /--is-wide, --no-is-wide +a wide one \(default: true\)/);
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
