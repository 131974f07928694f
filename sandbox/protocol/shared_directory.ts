/**
 * Names in the exchange folder that host and box share. What the box writes and what the host writes lie apart, so that
 * the box can read the one and write the other.
 *
 * @module
 */
import { z } from "zod";
import type { Json } from "../../core/types.ts";
import { removeFolder } from "../../files/atomic.ts";
import { join } from "../../files/paths.ts";

/** Where the host lays its answers: the box reads and cannot write it. */
export const ANSWERS = "answers";
/** The call by which a box says that it has read an answer. */
export const RELEASE = "release";

/** Where the box lays its questions, a folder each. */
const QUESTIONS = "calls";

/** Where the arrays of a call lie. */
export function questionFolder(exchange: string, call: number): string {
  return join(exchange, QUESTIONS, String(call));
}

/** The folders on the way to the arrays of a call; the whole exchange folder where the arguments name none. */
export function foldersOfCall(exchange: string, args: Json): readonly string[] {
  const { data } = numbered.safeParse(args);
  return data ? [join(exchange, QUESTIONS), questionFolder(exchange, data.call)] : [exchange];
}

/** Where the arrays of its answer lie. */
export function answerFolder(exchange: string, call: number): string {
  return join(exchange, ANSWERS, String(call));
}

const numbered = z.object({ call: z.int().positive() });

/** Removes an answer that was read. */
export async function releaseAnswer(exchange: string, args: Json): Promise<void> {
  await removeFolder(answerFolder(exchange, numbered.parse(args).call));
}
