/**
 * Tables of cases for the comparators of a verification: what is changed in the repetition, and how that comes out.
 *
 * @module
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { NotFoundError } from "../../core/errors.ts";
import type { Comparison, Pair, Result } from "../../run/verify/types.ts";
import { withTempDir } from "./plugins.ts";
import { type RunFiles, writeRun } from "./run_folder.ts";

/** A run and its repetition that are not the same in some files. */
export interface ComparisonCase {
  /** Files that are changed in the record. @default none */
  readonly before?: RunFiles;
  /** Files that are changed in the repetition. @default none */
  readonly now?: RunFiles;
  /** Equal bits are not promised. @default false */
  readonly isLoose?: boolean;
  /** @default all */
  readonly steps?: number;
  readonly state: Result["state"];
  readonly detail: string;
}

/** Runs `use` with two run folders. */
export function withPair(
  { before = {}, now = {}, isLoose = false, steps }: Omit<ComparisonCase, "state" | "detail">,
  use: (pair: Pair) => Promise<void>,
): Promise<void> {
  return withTempDir(async (directory) => {
    await use({
      before: await writeRun(join(directory, "before"), before),
      now: await writeRun(join(directory, "now"), now),
      isLoose,
      steps,
    });
  });
}

/** One test for each case. */
export function testComparison(
  compare: Comparison,
  cases: { readonly [behavior: string]: ComparisonCase },
): void {
  for (const [behavior, { state, detail, ...pair }] of Object.entries(cases)) {
    Deno.test(`${compare.name}() ${behavior}`, async () => {
      await withPair(pair, async (pair) => assert.deepEqual(await compare(pair), { state, detail }));
    });
  }
}

/** One test for each file without which a repetition cannot be compared. */
export function testMissing(compare: Comparison, file: string): void {
  Deno.test(`${compare.name}() rejects when ${file} is missing in the repetition`, async () => {
    await withPair({ now: { [file]: undefined } }, async (pair) => {
      await assert.rejects(compare(pair), NotFoundError);
    });
  });
}
