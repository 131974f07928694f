import { encodeSafetensors } from "../../formats/safetensors.ts";
import { testComparison } from "../../tests/support/comparing.ts";
import { checkpoint } from "../../tests/support/run_folder.ts";
import { floats } from "../../tests/support/training.ts";
import { compareWeights } from "./weights.ts";

const OTHER = encodeSafetensors({ w: floats([1], 0.75) });
const POINTERS = { "checkpoints/best.json": undefined, "checkpoints/last.json": undefined };
const BEST = 'best weights of "network" (checkpoints/2/state.safetensors) differ';
const LAST = 'last weights of "network" (checkpoints/4/state.safetensors) differ';

testComparison(compareWeights, {
  "counts weights and counters of the best and the last checkpoint": { state: "equal", detail: "4 files" },
  "is skipped where nothing was trained": {
    before: POINTERS,
    now: POINTERS,
    state: "skipped",
    detail: "nothing was trained",
  },
  "names weights before counters": { now: checkpoint(4, OTHER), state: "different", detail: LAST },
  "names the best weights before the last ones": {
    now: { ...checkpoint(2, OTHER), ...checkpoint(4, OTHER) },
    state: "different",
    detail: BEST,
  },
  "allows other bits where equal ones are not promised": {
    now: checkpoint(4, OTHER),
    isLoose: true,
    state: "other bits",
    detail: LAST,
  },
  "has no tolerance for a checkpoint of the record that was changed": {
    before: { "checkpoints/4/state.safetensors": OTHER },
    isLoose: true,
    state: "different",
    detail: `${LAST}; checkpoint 4 does not match its own checksum`,
  },
  "names counters where only these differ": {
    now: { "checkpoints/2/manifest.json": { schema: "beamline-checkpoint/1" } },
    state: "different",
    detail: 'best counters of "network" (checkpoints/2/manifest.json) differ',
  },
  "names a checkpoint that is missing": {
    now: { "checkpoints/4/state.safetensors": undefined, "checkpoints/4/manifest.json": undefined },
    state: "different",
    detail: LAST,
  },
});
