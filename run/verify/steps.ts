/**
 * Whether a repetition took the same path through training.
 *
 * @module
 */
import { MAX_RECORD_BYTES, parseLine } from "../../core/record_shapes.ts";
import { readPlainText } from "../../files/plain_file.ts";
import { exists } from "../../files/atomic.ts";
import type { Fingerprint } from "../../train/fingerprint.ts";
import type { RunDirectory } from "../store/run_directory.ts";
import {
  count,
  different,
  equal,
  otherBits,
  percent,
  shareApart,
  skipped,
  TOLERANCE_SHARE,
} from "./results.ts";
import type { Pair, Result } from "./types.ts";

/** Compares `fingerprints.jsonl` line by line, as far as the repetition trained: the first step that differs. */
export async function compareSteps(pair: Pair): Promise<Result> {
  const limit = pair.steps ?? Infinity;
  const all = await fingerprintsOf(pair.before);
  const then = all.filter(({ step }) => step <= limit);
  const today = (await fingerprintsOf(pair.now)).filter(({ step }) => step <= limit);
  if (all.length === 0 && today.length === 0) return skipped("nothing was trained");
  if (then.length === 0) return different(`no fingerprint was taken up to step ${limit}`);
  const at = then.findIndex((line, i) => JSON.stringify(line) !== JSON.stringify(today[i]));
  if (at >= 0) return differenceAt(at, { then, today }, pair);
  return today.length === then.length
    ? equal(extent(then))
    : different(`the record ends at step ${then.at(-1)!.step}, the repetition has further fingerprints`);
}

/** The fingerprints of a run and of its repetition. */
interface Paths {
  readonly then: readonly Fingerprint[];
  readonly today: readonly Fingerprint[];
}

/** Where two paths diverge; only the losses of the first steps have a tolerance. */
function differenceAt(at: number, { then, today }: Paths, pair: Pair): Result {
  const [line, other] = [then[at]!, today[at]];
  const since = at === 0 ? "from the start" : `equal up to step ${then[at - 1]!.step}`;
  const where = `step ${line.step} (epoch ${line.epoch}) of "${line.model}"`;
  if (!other) return different(`${where} is missing; ${since}`);
  const what = line.loss === other.loss
    ? "has other parameters"
    : `has another loss: ${lossOf(line)} then, ${lossOf(other)} now`;
  if (!pair.isLoose || pair.steps === undefined) return otherBits(pair, `${where} ${what}; ${since}`);
  const apart = Math.max(...then.map((line, i) => today[i] ? shareApart(lossOf(line), lossOf(today[i])) : 1));
  return apart <= TOLERANCE_SHARE
    ? { state: "agrees", detail: `${extent(then)}: losses within ${percent(apart)}, the tolerance is 1 %` }
    : different(`${where} ${what}; losses are up to ${percent(apart)} apart, the tolerance is 1 %`);
}

/** How many fingerprints, and how far they reach. */
function extent(lines: readonly Fingerprint[]): string {
  return `${count(lines.length, "fingerprint")} up to step ${lines.at(-1)!.step}`;
}

async function fingerprintsOf(run: RunDirectory): Promise<Fingerprint[]> {
  const path = run.file("fingerprints.jsonl");
  if (!await exists(path)) return [];
  const lines = readPlainText(path, MAX_RECORD_BYTES).split("\n").filter((line) => line !== "");
  return lines.map((line, i) =>
    parseLine("fingerprints.jsonl", line, "fingerprints.jsonl", i + 1) as unknown as Fingerprint
  );
}

/** The loss of a fingerprint as a number. */
function lossOf({ loss }: Fingerprint): number {
  const value = new Float32Array(Uint32Array.of(Number.parseInt(loss, 16)).buffer)[0]!;
  return Number(value.toPrecision(9)); // nine digits distinguish float32 numbers
}
