import assert from "node:assert/strict";
import { ConfigError } from "../core/errors.ts";
import { data } from "./data.ts";

const REFUSALS: readonly (readonly [args: string[], message: RegExp])[] = [
  [[], /first argument must be one of fetch, simulate, inspect: found nothing$/],
  [["inspct", "a.npy"], /found inspct; did you mean "inspect"\?$/],
  [["fetch"], /Cannot fetch as the second argument must name a plugin: nothing found$/],
  [["inspect"], /Cannot inspect as the second argument must name a file: nothing found$/],
  [["simulate", "--out", "a"], /Cannot simulate as the second argument must name a plugin/],
];

Deno.test("data() refuses what names no work and nothing to work on", async () => {
  for (const [args, message] of REFUSALS) {
    await assert.rejects(data(args), (error: Error) => {
      assert.ok(error instanceof ConfigError);
      assert.match(error.message, message);
      return true;
    });
  }
});
