import assert from "node:assert/strict";
import { uncertaintyOf } from "./uncertainty.ts";

Deno.test("uncertaintyOf() is the error, or of a mean over runs their spread where that is larger", () => {
  const cases = [[{ error: 2 }, 2], [{ error: null }, 0], [{ error: 2, spread: null }, 2]] as const;
  for (const [metric, expected] of cases) assert.equal(uncertaintyOf(metric), expected);
  assert.equal(uncertaintyOf({ error: 2, spread: 3 }), 3);
  assert.equal(uncertaintyOf({ error: null, spread: 3 }), 3);
});
