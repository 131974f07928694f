/**
 * Names in the shared directory that host and sandbox share. What the sandbox writes and what the host writes
 * are kept apart, so that the sandbox can read the one and write the other.
 *
 * @module
 */
import { z } from "zod";
import type { Json } from "../../core/types.ts";
import { removeFolder } from "../../files/atomic.ts";
import { join } from "../../files/paths.ts";

/** Where the host puts its answers: the sandbox can read it but not write to it. */
export const ANSWERS = "answers";
/** The call by which a sandbox says that it has read an answer. */
export const RELEASE = "release";

/** Where the sandbox puts its requests, a folder each. */
const QUESTIONS = "calls";

/** The folder with the arrays of a call. */
export function questionFolder(sharedDirectory: string, call: number): string {
  return join(sharedDirectory, QUESTIONS, String(call));
}

/** The folders on the way to the arrays of a call; the whole shared directory where the arguments name none. */
export function foldersOfCall(sharedDirectory: string, args: Json): readonly string[] {
  const { data } = numbered.safeParse(args);
  return data
    ? [join(sharedDirectory, QUESTIONS), questionFolder(sharedDirectory, data.call)]
    : [sharedDirectory];
}

/** The folder with the arrays of its answer. */
export function answerFolder(sharedDirectory: string, call: number): string {
  return join(sharedDirectory, ANSWERS, String(call));
}

const numbered = z.object({ call: z.int().positive() });

/** Removes an answer that was read. */
export async function releaseAnswer(sharedDirectory: string, args: Json): Promise<void> {
  await removeFolder(answerFolder(sharedDirectory, numbered.parse(args).call));
}
