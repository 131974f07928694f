import assert from "node:assert/strict";
import {
  CheckpointedError,
  ChecksumError,
  ConfigError,
  DataError,
  InternalError,
  InterruptedError,
  NoRuleError,
  NotFoundError,
  PluginError,
  UnsupportedError,
} from "../../core/errors.ts";
import { EXIT, exitCodeOf } from "./exit_codes.ts";

Deno.test("EXIT has the codes that scripts rely on", () => {
  assert.deepEqual(EXIT, {
    ok: 0,
    checkFailed: 1,
    usage: 2,
    internal: 3,
    plugin: 4,
    nothingMatched: 5,
    checkpointed: 85,
    interrupted: 130,
  });
});

const CODES: readonly (readonly [error: unknown, code: number])[] = [
  [new ConfigError("a"), 2],
  [new DataError("a"), 2],
  [new ChecksumError("a", "f", "1", "2"), 2],
  [new NotFoundError("a", "run", "r"), 2],
  [new UnsupportedError("a", "f"), 2],
  [new NoRuleError("a", "Conv9D", "l"), 2],
  [new SyntaxError("a"), 2],
  [new InternalError("a"), 3],
  [new TypeError("a"), 3],
  [new Error("a"), 3],
  ["a text", 3],
  [undefined, 3],
  [new PluginError("a", "p", "train"), 4],
  [new PluginError("a", "p", "train", { cause: new ConfigError("b") }), 4],
  [new InterruptedError("a"), 130],
  [new CheckpointedError("a"), 85],
];

Deno.test("exitCodeOf() gives every error the code of its kind", () => {
  for (const [error, code] of CODES) assert.equal(exitCodeOf(error), code, String(error));
});
