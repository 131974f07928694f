/**
 * Names in the shared directory that host and sandbox share. What the sandbox writes and what the host writes
 * are in two folders beside each other, so that the sandbox can read the one and write the other.
 *
 * @module
 */
import { z } from "zod";
import type { Json } from "../../core/types.ts";
import { removeFolder } from "../../files/atomic.ts";
import { join } from "../../files/paths.ts";

/**
 * Where the host puts its answers: beside the shared directory, not in it, as the sandbox can read the one and must not
 * read the other where its permissions are all that holds it.
 */
export function answersOf(sharedDirectory: string): string {
  return `${sharedDirectory}.answers`;
}

/** The call by which a sandbox says that it has read an answer. */
export const RELEASE = "release";

/** The folder with the arrays of a call: directly in the shared directory, so that the host can take it as it is. */
export function questionName(call: number): string {
  return `call-${call}`;
}

/** The folder with the arrays of a call; the whole shared directory where the arguments name none. */
export function folderOfCall(sharedDirectory: string, args: Json): string {
  const { data } = numbered.safeParse(args);
  return data ? join(sharedDirectory, questionName(data.call)) : sharedDirectory;
}

/** The folder with the arrays of its answer. */
export function answerFolder(sharedDirectory: string, call: number): string {
  return join(answersOf(sharedDirectory), String(call));
}

const numbered = z.object({ call: z.int().positive() });

/** Removes an answer that was read. */
export async function releaseAnswer(sharedDirectory: string, args: Json): Promise<void> {
  await removeFolder(answerFolder(sharedDirectory, numbered.parse(args).call));
}
