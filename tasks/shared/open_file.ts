/**
 * Opening a file on a desktop.
 *
 * @module
 */
import { ConfigError } from "../../core/errors.ts";

/** Programs that open a file with the desktop's viewer, by system. */
const OPENERS: { readonly [os: string]: readonly string[] } = {
  linux: ["xdg-open"],
  darwin: ["open"],
  windows: ["cmd", "/c", "start", ""],
};

/**
 * Opens a file with the desktop's viewer.
 *
 * @throws {ConfigError} If there is none.
 */
export async function openFile(
  path: string,
  [program, ...args]: readonly string[] = OPENERS[Deno.build.os] ?? ["xdg-open"],
): Promise<void> {
  try {
    await new Deno.Command(program!, { args: [...args, path], stdout: "null", stderr: "null" }).output();
  } catch {
    throw new ConfigError(
      `Cannot open "${path}" as there is no program "${program}"; open the file in a browser`,
    );
  }
}
