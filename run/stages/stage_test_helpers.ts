/**
 * What the stages are given in tests: hooks that return what a test says, a run folder, a journal.
 *
 * @module
 */
import type { z } from "zod";
import type { Json } from "../../core/types.ts";
import { writeTables } from "../../data/tables.ts";
import type { Tables, TrainingRecord } from "../../core/types.ts";
import { writeHistory, type WrittenHistory } from "../../sandbox/protocol/history.ts";
import { SharedDirectory, type TakenFolder } from "../../sandbox/host/taken.ts";
import { checkedResult, type HookResources, type Hooks } from "../hooks/workspace.ts";
import { createRun, type RunDirectory } from "../store/run_directory.ts";

/** What a hook does: writes into the shared directory, returns JSON. */
export type FakeHook = (args: Json, directory: string) => Promise<Json> | Json;

/** Hooks without a sandbox; their calls are kept. */
export class FakeHooks implements Hooks {
  readonly calls: { readonly hook: string; readonly args: Json; readonly resources?: HookResources }[] = [];

  isEnded = false;
  readonly #shared: SharedDirectory;

  constructor(readonly directory: string, readonly hooks: { readonly [hook: string]: FakeHook }) {
    this.#shared = new SharedDirectory(directory, `${directory}.taken`);
  }

  async call<T>(
    hook: Parameters<Hooks["call"]>[0],
    args: Json,
    result: z.ZodType<T>,
    resources?: HookResources,
  ): Promise<T> {
    this.calls.push({ hook, args, ...(resources ? { resources } : {}) });
    return checkedResult(result, await this.hooks[hook]!(args, this.directory), "trial", hook);
  }

  end(): Promise<void> {
    this.isEnded = true;
    return Promise.resolve();
  }

  sendHistory(history: readonly TrainingRecord[]): Promise<WrittenHistory> {
    return writeHistory(this.#shared.path, history);
  }

  take(folder: string, hook: string): TakenFolder {
    return this.#shared.take(folder, { plugin: "trial", hook });
  }
}

/** A `prepare` hook that writes these tables. */
export function preparing(tables: Tables, more: { readonly [key: string]: Json } = {}): FakeHook {
  return async (_args, directory) => {
    await writeTables(`${directory}/tables`, tables);
    return { simulated: true, source: `made in ${directory}`, metadata: { scale: 2 }, notes: [], ...more };
  };
}

/** A new run folder. */
export async function newRun(directory: string): Promise<RunDirectory> {
  return await createRun(directory, {
    plugin: { name: "trial", title: "A trial" },
    action: "run",
    headline: [],
    simulated: null,
    seconds: {},
    engine: null,
    seed: 1,
    versions: { beamline: "0", deno: "0", v8: "0" },
    command: ["run", "trial"],
    configHash: "0".repeat(64),
    error: null,
    warnings: [],
  });
}
