/**
 * Names that a plugin's configuration cannot use, as they are flags of the tasks that take the plugin's flags, too. A
 * task that gets a new flag adds it here; `parseCommand()` refuses one that is not listed.
 *
 * @module
 */

/** Flags of the tasks besides those of a plugin, with the tasks that have them. */
export const RESERVED_FLAGS = {
  "accept": "resume and verify",
  "cache": "every task",
  "checkpoint-seconds": "run",
  "config": "run",
  "engine": "every task",
  "extend": "resume",
  "fold": "run",
  "folds": "run",
  "from": "run",
  "frozen": "every task",
  "help": "every task",
  "hook-timeout": "every task",
  "init": "run",
  "json": "every task",
  "keep": "verify",
  "open": "run",
  "out": "run",
  "parallel": "run and resume",
  "plugin": "resume and verify",
  "preset": "run",
  "quiet": "every task",
  "repeat": "run",
  "requeue": "run and resume",
  "runs": "every task",
  "seed": "run",
  "steps": "verify",
  "threads": "every task",
  "time": "run and resume",
  "verbose": "every task",
  "warm-restart": "resume",
} as const satisfies { readonly [flag: string]: string };

/**
 * Flags of `run` that give way to a field of the plugin with the same name: what they set can be set later, and plugins
 * have fields of these names.
 */
export const YIELDING_FLAGS = ["name", "tag", "note"] as const;
