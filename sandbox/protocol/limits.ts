/**
 * What a sandbox may use: time, memory, disk, and how much it may print, in one table. The manifest can
 * change times and memory, `--hook-timeout` overrides the times, `info` prints them.
 *
 * @module
 */
import { ConfigError } from "../../core/errors.ts";
import type { Manifest } from "../../registry/manifest.ts";

/** Hooks of the sandbox protocol. */
export const HOOKS = [
  "describe",
  "parse",
  "prepare",
  "trace",
  "evaluate",
  "action",
  "readForPrediction",
  "simulate",
] as const;
/** A hook of the sandbox protocol. */
export type HookName = typeof HOOKS[number];

/** Limits of one sandbox. */
export interface SandboxLimits {
  /** Wall-clock seconds per hook. */
  readonly seconds: { readonly [hook in HookName]: number };
  /** Bytes of data memory, set by `prlimit` where available, otherwise monitored by the host. */
  readonly memoryBytes: number;
  /** Bytes of all files that it leaves in the shared directory and in its Deno cache; also of one file. */
  readonly diskBytes: number;
  /** Number of these files. */
  readonly diskFiles: number;
  /** Bytes of one `.json` or `.svg` in the shared directory, which the host reads as a whole. */
  readonly textBytes: number;
  /** Characters of log lines that a hook may print; the rest is dropped. */
  readonly logCharacters: number;
  /** Warnings that a hook may give; the rest is dropped. */
  readonly warnings: number;
  /** Reports of progress per second; more are dropped. */
  readonly progressPerSecond: number;
  /** Calls to the host that may wait for their answer at the same time. */
  readonly openCalls: number;
  /** Bytes of arrays and sums that the host keeps for a hook between its calls. */
  readonly keptBytes: number;
}

/** Default limits: generous for work, tight for what should be instant. */
export const DEFAULT_LIMITS: SandboxLimits = {
  seconds: {
    describe: 30,
    parse: 30,
    prepare: 3600,
    trace: 300,
    evaluate: 3600,
    action: 3600,
    readForPrediction: 3600,
    simulate: 3600,
  },
  memoryBytes: 12 * 2 ** 30,
  diskBytes: 20 * 2 ** 30,
  diskFiles: 100_000,
  textBytes: 2 ** 28,
  logCharacters: 2 ** 20,
  warnings: 200,
  progressPerSecond: 50,
  openCalls: 64,
  keptBytes: 4 * 2 ** 30,
};

/** What a manifest can ask for at most. */
export const MOST_LIMITS = {
  /** Seconds of one hook: eleven days, and within what a timer can count. */
  seconds: 1e6,
  /** Bytes of memory; on a machine that has less, all that it has. */
  memoryBytes: 2 ** 42,
} as const;

/** Least bytes of memory: with less Deno does not start. */
const LEAST_MEMORY_BYTES = 2 ** 28;

/** What one hook may return: generous for a report that somebody reads, and bounded for whoever prints it. */
export const RESULT_LIMITS = {
  /** Metrics of a run. */
  metrics: 10_000,
  /** Figures, text tables, files and columns of predictions, of each. */
  items: 2_000,
  /** Columns of one text table. */
  columns: 1_000,
  /** Cells of all text tables. */
  cells: 1_000_000,
  /** Characters of one text: a name, a title, a cell, a summary. */
  characters: 100_000,
} as const;

/** Old names of hooks; manifests may still use them. */
const FORMER_HOOKS: { readonly [hook in HookName]?: string } = { readForPrediction: "readNew" };

/**
 * The limits of a plugin: defaults, changed by its manifest, overridden by `--hook-timeout`.
 *
 * @throws {ConfigError} If the manifest asks for less than a sandbox needs, or for more than {@linkcode MOST_LIMITS}.
 */
export function limitsFor(manifest: Manifest, hookTimeoutSeconds?: number): SandboxLimits {
  const seconds = { ...DEFAULT_LIMITS.seconds };
  const asked = manifest.limits?.seconds ?? {};
  for (const hook of HOOKS) {
    const named = asked[hook] ?? asked[FORMER_HOOKS[hook] ?? hook];
    if (named !== undefined) requireWithin(manifest.name, `seconds.${hook}`, named, [0, MOST_LIMITS.seconds]);
    seconds[hook] = hookTimeoutSeconds ?? named ?? seconds[hook];
  }
  return { ...DEFAULT_LIMITS, seconds, memoryBytes: memoryOf(manifest) };
}

function memoryOf({ name, limits }: Manifest): number {
  const asked = limits?.memoryBytes;
  if (asked === undefined) return DEFAULT_LIMITS.memoryBytes;
  requireWithin(name, "memoryBytes", asked, [LEAST_MEMORY_BYTES, MOST_LIMITS.memoryBytes]);
  if (asked <= DEFAULT_LIMITS.memoryBytes) return asked;
  return Math.min(asked, Math.max(Deno.systemMemoryInfo().total, DEFAULT_LIMITS.memoryBytes));
}

function requireWithin(name: string, field: string, value: number, [least, most]: [number, number]): void {
  if (value > 0 && value >= least && value <= most) return;
  throw new ConfigError(
    `Cannot use the manifest of "${name}" as "limits.${field}" must be ${
      least === 0 ? "above 0 and" : `at least ${least} and`
    } at most ${most}: found ${value}`,
  );
}
