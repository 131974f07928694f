/**
 * Names what lies in a file in place of data: a git-lfs pointer that was not fetched, or the web page that a download
 * brought. Every reader asks here first, so that the user learns more than "the signature is wrong".
 *
 * @module
 */
import type { ByteSource } from "./byte_source.ts";

/** Enough to see what a file is; a git-lfs pointer begins with 42 fixed characters. */
const HEAD_BYTES = 512;

interface Kind {
  readonly found: string;
  readonly remedy: string;
  /** At the beginning of the text, without byte order mark and white space. */
  readonly begins: RegExp;
}

const DOWNLOAD = "download the file itself";

const KINDS: readonly Kind[] = [
  {
    // https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
    found: "a git-lfs pointer",
    remedy: 'run "git lfs pull"',
    begins: /^version https?:\/\/(git-lfs|hawser)\.github\.com\/spec\//,
  },
  {
    found: "a web page (HTML)",
    remedy: DOWNLOAD,
    begins: /^(<!--.*?-->\s*)?<(!doctype\s+html|html|head|body)\b/is,
  },
  { found: "an XML document", remedy: DOWNLOAD, begins: /^<\?xml\b/i },
];

/**
 * What a file holds in place of data, by its first bytes.
 *
 * @param head The beginning of the file; 512 bytes are enough.
 * @returns Undefined for anything else, data included.
 */
export function describeNotData(
  head: Uint8Array,
): { readonly found: string; readonly remedy: string } | undefined {
  // Bytes beyond ASCII do not matter: a broken character becomes U+FFFD, which no pattern has.
  const text = new TextDecoder().decode(head).trimStart();
  return KINDS.find(({ begins }) => begins.test(text));
}

/**
 * Refuses a file that holds a git-lfs pointer or a web page.
 *
 * @param format What the file should be, as in messages: "an .npy array".
 * @throws {SyntaxError} If it is none.
 */
export function checkIsData(source: ByteSource, format: string): void {
  const head = new Uint8Array(Math.min(HEAD_BYTES, source.size));
  source.readInto(0, head);
  const kind = describeNotData(head);
  if (kind === undefined) return;
  throw new SyntaxError(
    `Cannot read "${source.name}" as it must be ${format}: found ${kind.found}; ${kind.remedy}`,
  );
}
