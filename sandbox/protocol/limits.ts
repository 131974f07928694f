/**
 * What a box may use: time, memory, disk, and how much it may say, in one table. The manifest can change times and
 * memory, `--hook-timeout` overrides the times, `info` prints them.
 *
 * @module
 */
import type { Manifest } from "../../registry/manifest.ts";

/** Hooks of the box protocol. */
export const HOOKS = [
  "describe",
  "parse",
  "prepare",
  "trace",
  "evaluate",
  "action",
  "readNew",
  "simulate",
] as const;
/** A hook of the box protocol. */
export type HookName = typeof HOOKS[number];

/** Limits of one box. */
export interface BoxLimits {
  /** Wall-clock seconds per hook. */
  readonly seconds: { readonly [hook in HookName]: number };
  /** Bytes of data memory, set by `prlimit` where it is present, else watched by the host. */
  readonly memoryBytes: number;
  /** Bytes of all files that it leaves in the exchange folder and in its Deno cache; also of one file. */
  readonly diskBytes: number;
  /** Number of these files. */
  readonly diskFiles: number;
  /** Bytes of one `.json` or `.svg` in the exchange folder, which the host reads as a whole. */
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
export const DEFAULT_LIMITS: BoxLimits = {
  seconds: {
    describe: 30,
    parse: 30,
    prepare: 3600,
    trace: 300,
    evaluate: 3600,
    action: 3600,
    readNew: 3600,
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

/** The limits of a plugin: defaults, changed by its manifest, overridden by `--hook-timeout`. */
export function limitsFor(manifest: Manifest, hookTimeoutSeconds?: number): BoxLimits {
  const seconds = { ...DEFAULT_LIMITS.seconds };
  for (const hook of HOOKS) {
    seconds[hook] = hookTimeoutSeconds ?? manifest.limits?.seconds?.[hook] ?? seconds[hook];
  }
  const memoryBytes = manifest.limits?.memoryBytes ?? DEFAULT_LIMITS.memoryBytes;
  return { ...DEFAULT_LIMITS, seconds, memoryBytes };
}
