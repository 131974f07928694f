import assert from "node:assert/strict";
import type { Verification } from "../run/verify/types.ts";
import { verdictLine, verificationLines } from "./verify.ts";

Deno.test("verificationLines() lists levels, what changed, the promise, and the reason where there is one", () => {
  const verification = {
    holds: false,
    equal: false,
    promise: "tolerance",
    levels: [{ level: "record", state: "equal", detail: "config" }, {
      level: "steps",
      state: "different",
      detail: "step 3",
    }],
    circumstances: [{ what: "threads", before: "2", now: "4" }],
    reason: "another count of threads",
  } as unknown as Verification;
  const [head, , , last, empty, ...rest] = verificationLines(verification, "cache/kept");
  assert.match(head!, /^level +result +what was compared$/);
  assert.match(last!, /^steps +different +step 3$/);
  assert.equal(empty, "");
  assert.deepEqual(rest.map((line) => line.replace(/ (combined|or).*/, "")), [
    "changed  threads: 2 then, 4 now",
    "promise  agreement within 3",
    "reason   another count of threads",
    "kept     cache/kept",
  ]);
});

Deno.test("verificationLines() of equal bits has no reason", () => {
  const verification = {
    promise: "bits",
    levels: [],
    circumstances: [],
    reason: null,
  } as unknown as Verification;
  assert.deepEqual(verificationLines(verification).slice(-2), [
    "",
    "promise  equal bits: same engine, threads and processor",
  ]);
});

Deno.test("verdictLine() says whether a run, or its first steps, repeats itself", () => {
  assert.equal(verdictLine("ecal/1", { holds: true, equal: true }), "ecal/1 repeats itself, bit by bit");
  assert.equal(
    verdictLine("ecal/1", { holds: true, equal: false }),
    "ecal/1 repeats itself within the tolerance",
  );
  assert.equal(
    verdictLine("ecal/1", { holds: false, equal: false }, 5),
    "the first 5 steps of ecal/1: it does not repeat itself",
  );
});
