/**
 * Where the hooks of one run work: a sandbox at a time, and the directory that it shares with this process.
 *
 * @module
 */
import type { z } from "zod";
import { ConfigError, InternalError, InterruptedError } from "../../core/errors.ts";
import type { Json, Tables, TrainingRecord, Warning } from "../../core/types.ts";
import { writeHistory, type WrittenHistory } from "../../sandbox/protocol/history.ts";
import type { HookName } from "../../sandbox/protocol/limits.ts";
import type { HookEvent } from "../../sandbox/protocol/messages.ts";
import type { HookListener, PluginHost } from "../../sandbox/protocol/plugin_host.ts";
import { wrongAnswer } from "../../sandbox/protocol/responses.ts";
import type { TakenFolder } from "../../sandbox/host/taken.ts";
import type { LoadedModel } from "../../train/models.ts";
import type { Cache, ScratchShared } from "../store/cache.ts";
import type { PluginSource } from "./plugin_source.ts";
import { ProgramCalls } from "./program_calls.ts";

/** Who hears of a hook while it runs. */
export interface WorkspaceListener {
  onEvent?(event: HookEvent): void;
  onWarning(warning: Warning): void;
}

/** What a hook may use of this process: models to call, and tables to name. */
export interface HookResources {
  readonly models?: ReadonlyMap<string, LoadedModel>;
  readonly tables?: Tables;
}

/** The hooks of a run, as its stages call them. */
export interface Hooks {
  /**
   * Runs a hook and checks what it returns.
   *
   * @throws {PluginError} If the hook throws, or returns something else.
   */
  call<T>(hook: HookName, args: Json, result: z.ZodType<T>, resources?: HookResources): Promise<T>;
  /** Ends the sandbox: no hook is called after it, and what it left changes no more. */
  end(): Promise<void>;
  /**
   * Takes a folder that a hook left out of the sandbox's reach.
   *
   * @throws {PluginError} If the hook left no such folder.
   */
  take(folder: string, hook: HookName): TakenFolder;
  /** Puts the records of a long training where the sandbox reads them. */
  sendHistory(history: readonly TrainingRecord[]): Promise<WrittenHistory>;
}

/** A {@linkcode Hooks} in sandboxes, one after the other. */
export class Workspace implements Hooks {
  readonly #hosts: { [purpose: string]: PluginHost } = {};
  #host: PluginHost | undefined;
  #scratch: ScratchShared | undefined;
  #isStopped = false;

  constructor(readonly source: PluginSource, readonly cache: Cache, readonly listener: WorkspaceListener) {}

  get #shared(): ScratchShared {
    if (this.#scratch) return this.#scratch;
    throw new InternalError("Cannot use the shared directory as a sandbox must have been opened: none was");
  }

  /** The shared directory, where it is there; absolute. */
  get openDirectory(): string | undefined {
    return this.#scratch?.path;
  }

  take(folder: string, hook: HookName): TakenFolder {
    return this.#shared.take(folder, { plugin: this.source.name, hook });
  }

  sendHistory(history: readonly TrainingRecord[]): Promise<WrittenHistory> {
    return writeHistory(this.#shared.path, history);
  }

  /** Every sandbox so far by its purpose; what it was granted and asked for goes into the record. */
  get hosts(): { readonly [purpose: string]: PluginHost } {
    return this.#hosts;
  }

  /** Closes the sandbox that is open; no other is opened after it. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.closeSandbox();
  }

  /** Closes the sandbox that is open, and opens one that may read these paths, for a purpose. */
  async open(purpose: string, read: readonly string[]): Promise<void> {
    await this.closeSandbox();
    this.#requireGoing();
    this.#scratch ??= await this.#makeScratch();
    const denoDir = await this.cache.denoDir(this.source.name);
    this.#host = await this.source.open({ read, sharedDirectory: this.#scratch.path, denoDir });
    this.#hosts[purpose] = this.#host;
  }

  /** @throws {InterruptedError} If the run was stopped, perhaps while a sandbox was being opened. */
  #requireGoing(): void {
    if (this.#isStopped) throw new InterruptedError("Cannot continue as the run was stopped");
  }

  async call<T>(
    hook: HookName,
    args: Json,
    result: z.ZodType<T>,
    { models = new Map(), tables = {} }: HookResources = {},
  ): Promise<T> {
    this.#requireGoing();
    if (!this.#host) throw new InternalError(`Cannot call hook "${hook}" as no sandbox is open`);
    const taking = { plugin: this.source.name, hook };
    const calls = new ProgramCalls(models, this.#shared, { tables, taking });
    const listener: HookListener = {
      onEvent: (event) => {
        if (event.event === "warn") this.listener.onWarning({ code: event.code, message: event.message });
        this.listener.onEvent?.(event);
      },
      onCall: (method, args) => calls.answer(method, args),
    };
    return checkedResult(result, await this.#host.call(hook, args, listener), this.source.name, hook);
  }

  end(): Promise<void> {
    return this.closeSandbox();
  }

  /** Ends the sandbox that is open. */
  async closeSandbox(): Promise<void> {
    const host = this.#host;
    this.#host = undefined;
    await host?.close();
  }

  /** Ends the sandbox and removes the shared directory. */
  async close(): Promise<void> {
    await this.closeSandbox();
    await this.#scratch?.remove();
    this.#scratch = undefined;
  }

  async #makeScratch(): Promise<ScratchShared> {
    try {
      return await this.cache.scratchShared();
    } catch (cause) {
      throw new ConfigError(
        `Cannot write to "${this.cache.directory}" as prepared data need a folder that can be written: ${
          (cause as Error).name
        }; choose one with --cache`,
      );
    }
  }
}

/** What a hook returned, checked; a NaN arrives as null. */
export function checkedResult<T>(schema: z.ZodType<T>, value: Json, plugin: string, hook: HookName): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw wrongAnswer(parsed.error, plugin, hook);
}
