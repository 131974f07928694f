import assert from "node:assert/strict";
import { ConfigError, InterruptedError, PluginError } from "../../core/errors.ts";
import { errorJson, errorLines, withoutBlame } from "./main.ts";

Deno.test("errorLines() is one line for an error of ours, without a stack", () => {
  assert.deepEqual(errorLines(new PluginError("Error: lost\nbeam", "trial", "prepare"), false), [
    "error: [trial prepare] Error: lost beam",
  ]);
});

Deno.test("errorLines() lists the issues of a configuration, each with source and nearest name", () => {
  const issues = [
    { path: "epochs", message: "too small", source: "--epochs" },
    { path: "--epoch", message: "there is no such flag", source: "command line", nearest: "--epochs" },
  ];
  assert.deepEqual(errorLines(new ConfigError("Cannot run", issues), false), [
    "error: Cannot run",
    "  epochs: too small (from --epochs)",
    `  --epoch: there is no such flag (from command line); did you mean "--epochs"?`,
  ]);
});

Deno.test("errorLines() says how to resume a run that was interrupted", () => {
  const error = Object.assign(new InterruptedError("Interrupted"), { run: "runs/trial/1" });
  const [first, next, ...more] = errorLines(error, false);
  assert.deepEqual([first, ...more], ["error: Interrupted"]);
  assert.match(next!, /^next: {3}(deno|npx --yes deno@\S+) task resume 1$/);
});

Deno.test("errorLines() names the kind of an error that is not ours, and hints at --verbose", () => {
  const [first, hint, ...rest] = errorLines(new TypeError("x is not a function"), false);
  assert.equal(first, "error: TypeError: x is not a function");
  assert.match(hint!, /error of Beamline itself; --verbose prints where/);
  assert.deepEqual(rest, []);
  assert.equal(errorLines(new TypeError("Cannot use it"), false).length, 1);
  assert.equal(errorLines("text", false)[0], "error: Error: text");
});

Deno.test("errorLines() adds every cause with its stack when it is verbose", () => {
  const error = new ConfigError("Cannot read");
  error.cause = new RangeError("too long", { cause: "no error" });
  const lines = errorLines(error, true);
  const heads = lines.filter((line) => !/^ +at /.test(line));
  assert.deepEqual(heads.slice(1), ["ConfigError: Cannot read", "RangeError: too long"]);
  assert.match(lines[2]!, /^ +at /);
});

Deno.test("withoutBlame() blames neither Beamline nor a plugin for a full disk, and leaves other errors as they are", () => {
  const system = Object.assign(new Error("No space left on device (os error 28)"), { code: "ENOSPC" });
  const inSandbox = new PluginError("Error: No space left on device (os error 28)", "trial", "trace");
  for (const error of [system, inSandbox]) {
    assert.deepEqual(errorLines(withoutBlame(error), false), [
      "error: Cannot write as the disk must take all of it: there is no space left",
    ]);
  }
  for (const error of [new TypeError("x"), new ConfigError("Cannot run"), "text"]) {
    assert.equal(withoutBlame(error), error);
  }
});

Deno.test("errorJson() has status, name and message, and what else is known", () => {
  const issues = [{ path: "a", message: "b", source: "c" }];
  assert.deepEqual(errorJson(new ConfigError("Cannot", issues)), {
    status: "failed",
    error: { name: "ConfigError", message: "Cannot", issues },
  });
  assert.deepEqual(errorJson(Object.assign(new InterruptedError("Stopped"), { run: "r" })), {
    run: "r",
    status: "interrupted",
    error: { name: "InterruptedError", message: "Stopped" },
  });
});
