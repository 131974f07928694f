/**
 * Scripts of the tests in a process of their own: for memory and bits that must not depend on what ran before.
 *
 * @module
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ROOT } from "./trial.ts";

/**
 * Runs a script and gives the JSON that it prints.
 *
 * @param flags Permissions and other flags of Deno.
 * @throws {AssertionError} With what it wrote to standard error, if it fails.
 */
export async function jsonOf<T>(
  script: URL,
  args: readonly (string | number)[],
  flags: readonly string[],
): Promise<T> {
  const config = ["--config", join(ROOT, "deno.json")];
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", ...config, "--no-prompt", ...flags, fileURLToPath(script), ...args.map(String)],
  }).output();
  const decoder = new TextDecoder();
  assert.ok(success, decoder.decode(stderr).slice(0, 3000));
  return JSON.parse(decoder.decode(stdout)) as T;
}
