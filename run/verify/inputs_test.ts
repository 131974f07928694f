import { testComparison, testMissing } from "../../tests/support/comparing.ts";
import { compareInputs } from "./inputs.ts";

const FILE = "provenance/inputs.json";
const input = (name: string, digit: string, bytes: number) => ({ name, bytes, sha256: digit.repeat(64) });
const [JETS, MORE] = [input("jets.npz", "a", 12), input("more.npz", "b", 34)];

testComparison(compareInputs, {
  "counts equal files": { state: "equal", detail: "2 input files" },
  "is skipped for a run without inputs": {
    before: { [FILE]: [] },
    now: { [FILE]: [] },
    state: "skipped",
    detail: "the run reads no files",
  },
  "names the first file with another digest, with its lengths": {
    now: { [FILE]: [input("jets.npz", "c", 13), input("more.npz", "d", 34)] },
    state: "different",
    detail: 'input "jets.npz" had sha256 aaaaaaaaaaaa and has cccccccccccc (12 bytes then, 13 now)',
  },
  "says no lengths where these are equal": {
    now: { [FILE]: [JETS, input("more.npz", "d", 34)] },
    state: "different",
    detail: 'input "more.npz" had sha256 bbbbbbbbbbbb and has dddddddddddd',
  },
  "names a file that is no longer there": {
    now: { [FILE]: [JETS] },
    state: "different",
    detail: 'input "more.npz" had sha256 bbbbbbbbbbbb and has none',
  },
  "counts files that were added": {
    before: { [FILE]: [JETS] },
    state: "different",
    detail: "there are 2 input files now, not 1",
  },
  "counts one file where there were none": {
    before: { [FILE]: [] },
    now: { [FILE]: [JETS] },
    state: "different",
    detail: "there is 1 input file now, not 0",
  },
  "lets a file have another name": {
    now: { [FILE]: [{ ...JETS, name: "j.npz" }, MORE] },
    state: "equal",
    detail: "2 input files",
  },
});
testMissing(compareInputs, FILE);
