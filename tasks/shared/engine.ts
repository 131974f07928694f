/**
 * The engine that a task was asked for: checked, and the process made fit for it.
 *
 * @module
 */
import { checkEngineName, inspectEngine } from "../../engine/mod.ts";

/**
 * Makes the process fit for an engine: with `wasm` nothing can be called through `ffi` from here on; a provider is tried
 * out now rather than after the data are prepared.
 *
 * @returns The name.
 *
 * @throws {NotFoundError} If there is no such engine.
 * @throws {UnsupportedError} If this machine lacks what it needs.
 */
export async function useEngine(name: string): Promise<string> {
  checkEngineName(name);
  if (name === "wasm") await Deno.permissions.revoke({ name: "ffi" });
  if (name.startsWith("native:")) await inspectEngine(name);
  return name;
}
