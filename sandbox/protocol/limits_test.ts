import assert from "node:assert/strict";
import type { Manifest } from "../../registry/manifest.ts";
import { DEFAULT_LIMITS, limitsFor, MOST_LIMITS } from "./limits.ts";

const asking = (limits: Manifest["limits"]): Manifest => ({
  name: "trial",
  title: "A trial",
  entry: "./mod.ts",
  permissions: { read: [] },
  data: [],
  limits,
});

Deno.test("limitsFor() takes what a manifest asks for, former names of hooks too", () => {
  const { seconds, memoryBytes } = limitsFor(
    asking({ seconds: { prepare: 7, readNew: 9 }, memoryBytes: 2 ** 30 }),
  );
  assert.deepEqual([seconds.prepare, seconds.readForPrediction, memoryBytes], [7, 9, 2 ** 30]);
  assert.deepEqual(limitsFor(asking(undefined)), DEFAULT_LIMITS);
});

Deno.test("limitsFor() gives no more memory than the machine has", () => {
  const { memoryBytes } = limitsFor(asking({ memoryBytes: MOST_LIMITS.memoryBytes }));
  assert.ok(memoryBytes <= Math.max(Deno.systemMemoryInfo().total, DEFAULT_LIMITS.memoryBytes));
});

Deno.test("limitsFor() refuses what no machine has, and names the field", () => {
  const refused: readonly (readonly [Manifest["limits"], RegExp])[] = [
    [{ memoryBytes: 9e15 }, /"limits\.memoryBytes" must be at least 268435456 and at most 4398046511104: /],
    [{ memoryBytes: 1 }, /"limits\.memoryBytes" .*found 1$/],
    [{ memoryBytes: NaN }, /"limits\.memoryBytes" .*found NaN$/],
    [{ seconds: { evaluate: 1e300 } }, /"limits\.seconds\.evaluate" must be above 0 and at most 1000000: /],
    [{ seconds: { readNew: Infinity } }, /"limits\.seconds\.readForPrediction" .*found Infinity$/],
    [{ seconds: { trace: -1 } }, /"limits\.seconds\.trace" .*found -1$/],
    [{ seconds: { trace: NaN } }, /"limits\.seconds\.trace" .*found NaN$/],
  ];
  for (const [limits, message] of refused) {
    assert.throws(() => limitsFor(asking(limits)), { name: "ConfigError", message });
  }
});
