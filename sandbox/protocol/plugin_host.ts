/**
 * What runs the hooks of a plugin: a sandbox, or this process for trusted code.
 *
 * @module
 */
import type { Json } from "../../core/types.ts";
import type { HookName } from "./limits.ts";
import type { HookEvent } from "./messages.ts";

/** One permission that was asked for; granted or not. */
export interface AskedPermission {
  /** "read", "write", "net", "env", "run", "sys", "ffi", "import". */
  readonly permission: string;
  /** A path, host or name, as it was asked. */
  readonly value: string;
}

/** Runs hooks of one plugin: in a sandbox, or in this process for trusted code. */
export interface PluginHost {
  /**
   * Runs a hook. Arrays are exchanged as files in the shared directory.
   *
   * @throws {PluginError} If the hook throws, the sandbox ends, or the time limit passes.
   * @throws {DataError} If the hook found its input data missing or unsuitable.
   */
  call(hook: HookName, args: Json, listener?: HookListener): Promise<Json>;
  /** The permissions in force, for the record; empty in-process. */
  readonly permissions: readonly string[];
  /** What has been asked for so far, granted or not; empty in-process. */
  readonly asked: readonly AskedPermission[];
  close(): Promise<void>;
}

/** What the host does while a hook runs. */
export interface HookListener {
  onEvent?(event: HookEvent): void;
  /** Answers a call such as "predict". */
  onCall?(method: string, args: Json): Promise<Json>;
}

/** What a sandbox may touch. */
export interface SandboxGrants {
  /** Folders and files to read besides the plugin's folder; absolute. */
  readonly read: readonly string[];
  /** The only folder to write; absolute; none for `describe` and `parse`. */
  readonly sharedDirectory?: string;
  /** Deno's cache for this plugin alone; absolute. @default the user's */
  readonly denoDir?: string;
}
