/**
 * What a sandbox may use: time, memory, disk, and how much it may print, in one table. The manifest can
 * change times and memory, `--hook-timeout` overrides the times, `info` prints them.
 *
 * @module
 */
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

/** Old names of hooks; manifests may still use them. */
const FORMER_HOOKS: { readonly [hook in HookName]?: string } = { readForPrediction: "readNew" };

/** The limits of a plugin: defaults, changed by its manifest, overridden by `--hook-timeout`. */
export function limitsFor(manifest: Manifest, hookTimeoutSeconds?: number): SandboxLimits {
  const seconds = { ...DEFAULT_LIMITS.seconds };
  const asked = manifest.limits?.seconds ?? {};
  for (const hook of HOOKS) {
    const named = asked[hook] ?? asked[FORMER_HOOKS[hook] ?? hook];
    seconds[hook] = hookTimeoutSeconds ?? named ?? seconds[hook];
  }
  const memoryBytes = manifest.limits?.memoryBytes ?? DEFAULT_LIMITS.memoryBytes;
  return { ...DEFAULT_LIMITS, seconds, memoryBytes };
}
