/**
 * Paths that the system refuses, as an error of whoever named them: too long, through a file, without the right.
 *
 * @module
 */
import { DataError } from "../../core/errors.ts";

/** What codes of the operating system mean of a path. */
const REASONS: { readonly [code: string]: string } = {
  EACCES: "this user may not",
  EINVAL: "it has a NUL byte, or the file system does not know such names",
  EISDIR: "it is a folder",
  ELOOP: "its links lead in a circle",
  ENAMETOOLONG: "it is too long",
  ENOENT: "nothing is there",
  ENOTDIR: "it leads through a file, or is none where a folder is needed",
  ENOTEMPTY: "the folder is not empty",
  EPERM: "this user may not",
};

/** What Deno says itself, without a code. */
const TEXTS: readonly (readonly [pattern: RegExp, reason: string])[] = [
  [/^Empty path is not allowed/, "it is empty"],
  [/^Requires all access to /, "it is a device or of the system, which Beamline leaves alone"],
];

/** Characters of a path that are shown at its beginning and at its end. */
const SHOWN = 80;

/** The error for a path that the system refused; undefined for any other error. */
export function refusedPath(error: unknown): DataError | undefined {
  if (!(error instanceof Error) || /^Cannot /.test(error.message)) return undefined;
  const { code = "" } = error as { code?: string };
  const isOfSystem = /\(os error \d+\)|NUL byte/.test(error.message) && Object.hasOwn(REASONS, code);
  const reason = isOfSystem ? REASONS[code] : TEXTS.find(([pattern]) => pattern.test(error.message))?.[1];
  if (reason === undefined) return undefined;
  const path = / '([^]*)'$/.exec(error.message)?.[1] ?? / to "([^]*)", run again/.exec(error.message)?.[1];
  const named = path === undefined ? "a path" : `"${shortened(path)}"`;
  return new DataError(`Cannot use ${named} as the system must allow it: ${reason}`, path, { cause: error });
}

function shortened(path: string): string {
  return path.length <= 2 * SHOWN + 1 ? path : `${path.slice(0, SHOWN)}…${path.slice(-SHOWN)}`;
}
