/**
 * How long a hook may take and how much memory the box may use, in one table. The manifest can change them,
 * `--hook-timeout` overrides the times, `info` prints them.
 *
 * @module
 */
import type { Manifest } from "../manifest.ts";

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
  /** Bytes of data memory, set by `prlimit` where it is present. */
  readonly memoryBytes: number;
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
};

/** The limits of a plugin: defaults, changed by its manifest, overridden by `--hook-timeout`. */
export function limitsFor(manifest: Manifest, hookTimeoutSeconds?: number): BoxLimits {
  const seconds = { ...DEFAULT_LIMITS.seconds };
  for (const hook of HOOKS) {
    seconds[hook] = hookTimeoutSeconds ?? manifest.limits?.seconds?.[hook] ?? seconds[hook];
  }
  return { seconds, memoryBytes: manifest.limits?.memoryBytes ?? DEFAULT_LIMITS.memoryBytes };
}
