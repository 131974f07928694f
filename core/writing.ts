/**
 * What all rooms that write files share: the names of what is not whole yet, and why a place takes no more.
 *
 * @module
 */
import { PluginError } from "./errors.ts";

/** The name of a file or folder, and a number of eight hexadecimal digits. */
const ASIDE = /^(.+)\.[0-9a-f]{8}\.tmp$/s;

/** Numbers that a name aside can hold. */
export const ASIDE_NUMBERS = 2 ** 32;

/**
 * The name under which a file or folder is written until it is whole, beside it: `<path>.<number>.tmp`. No writer may
 * invent another form, as {@linkcode asideTarget} is how the left-overs of killed processes are found.
 *
 * @param number An integer from 0 to 2³² - 1, different for writers that can meet.
 */
export function asidePath(path: string, number: number): string {
  return `${path}.${number.toString(16).padStart(8, "0")}.tmp`;
}

/** The name of the file or folder that a name stands aside for; undefined for any other name. */
export function asideTarget(name: string): string | undefined {
  return ASIDE.exec(name)?.[1];
}

/** What codes of the operating system mean that only writing gives, with their numbers on Linux. */
const UNWRITABLE: readonly { readonly code: string; readonly number: number; readonly reason: string }[] = [
  { code: "ENOSPC", number: 28, reason: "there is no space left" },
  { code: "EDQUOT", number: 122, reason: "the quota is used up" },
  { code: "EFBIG", number: 27, reason: "the limit of a file's size is reached" },
  { code: "EROFS", number: 30, reason: "it is read-only" },
];

/** Limits of the machine; in a sandbox the limit of a file's size is the sandbox's own. */
const IN_SANDBOX: ReadonlySet<string> = new Set(["ENOSPC", "EDQUOT"]);

/**
 * Why a disk took no more, where an error says so: the system's own, one of ours that was caused by it, or one that was
 * thrown in a sandbox, of which only the text is left. Undefined for any other error.
 */
export function diskFailure(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const codes = [error, error.cause].map((one) => (one as { readonly code?: string } | undefined)?.code);
  const found = UNWRITABLE.find(({ code, number }) =>
    codes.includes(code) || error instanceof PluginError && IN_SANDBOX.has(code) &&
      (error.message.includes(code) || error.message.includes(`(os error ${number})`))
  );
  return found?.reason;
}
