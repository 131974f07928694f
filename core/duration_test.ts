import assert from "node:assert/strict";
import { parseDuration } from "./duration.ts";

const DURATIONS: { readonly [text: string]: number } = {
  "1s": 1,
  "90s": 90,
  "45m": 2700,
  "2h": 7200,
  "1h30m": 5400,
  "1h5s": 3605,
  "2d": 172_800,
  "1d2h3m4s": 93_784,
  "0h30m": 1800,
  "100m": 6000,
  "007s": 7,
  "00:00:01": 1,
  "02:00:00": 7200,
  "2:00:00": 7200,
  "100:00:00": 360_000,
  "1-12:00:00": 129_600,
  "0-00:10:00": 600,
  "7-0:00:00": 604_800,
};

Deno.test("parseDuration() reads units and the forms of Slurm", () => {
  for (const [text, seconds] of Object.entries(DURATIONS)) assert.equal(parseDuration(text), seconds, text);
});

const NONE: readonly string[] = [
  "",
  " ",
  "90", // seconds to some, minutes to Slurm
  "2 h",
  " 2h",
  "2h ",
  "2H",
  "1.5h",
  "-2h",
  "+2h",
  "1e3s",
  "30m1h",
  "1h1h",
  "h",
  "0s",
  "0h0m",
  "00:00:00",
  "45:00", // minutes and seconds to Slurm, hours and minutes to a reader of clocks
  "1-12", // a form of Slurm
  "1-24:00:00",
  "02:60:00",
  "02:00:60",
  "02:00:0",
  "1d02:00:00",
  "9999999d",
  "99999999999999999999h",
  "2h\n",
  "２h",
  "inf",
  "UNLIMITED",
];

Deno.test("parseDuration() rejects what is not clear, zero, and more than ten years", () => {
  for (const text of NONE) assert.equal(parseDuration(text), undefined, JSON.stringify(text));
});
