import assert from "node:assert/strict";
import type { EnvironmentDifference } from "../provenance/environment_diff.ts";
import { reasonOf, type ReasonRequest } from "./reasons.ts";
import type { Level, LevelResult } from "./types.ts";

const level = (level: Level, state: LevelResult["state"], detail = ""): LevelResult => ({
  level,
  state,
  detail,
});
const change = (what: EnvironmentDifference["what"]): EnvironmentDifference => ({
  what,
  before: "a",
  now: "b",
});

interface ReasonCase extends Partial<Omit<ReasonRequest, "first">> {
  readonly first: Level;
  readonly reason: string;
}

const CASES: { readonly [behavior: string]: ReasonCase } = {
  "blames an edited record": { first: "record", reason: "the record was edited: why" },
  "blames other inputs before all else": {
    first: "inputs",
    circumstances: [change("plugin code")],
    reason: "the input data are not the ones of the run",
  },
  "names the most likely change, not the first one": {
    first: "metrics",
    circumstances: [change("packages"), change("threads"), change("plugin code")],
    reason: "other plugin code: a then, b now",
  },
  "passes over what cannot explain the level": {
    first: "data",
    circumstances: [change("threads")],
    reason:
      "nothing recorded differs: the files of the run were changed, or the plugin does not repeat itself",
  },
  "names why a repetition stopped": {
    first: "metrics",
    failure: new Error("disk full"),
    reason: "the repetition stopped: disk full",
  },
  "finds weights that were changed after equal steps": {
    first: "weights",
    levels: [level("steps", "equal")],
    reason: "the training repeated itself step by step, so the files of the run were changed afterwards",
  },
  "suspects the evaluation, too, for metrics after equal steps": {
    first: "metrics",
    levels: [level("steps", "equal")],
    reason: "the training repeated itself step by step, so the files of the run were changed afterwards, " +
      "or its evaluation does not repeat itself",
  },
};

for (const [behavior, { first, reason, ...rest }] of Object.entries(CASES)) {
  Deno.test(`reasonOf() ${behavior}`, () => {
    const request = { first: level(first, "different", "why"), levels: [], circumstances: [], ...rest };
    assert.equal(reasonOf(request), reason);
  });
}
