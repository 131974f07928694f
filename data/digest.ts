/**
 * What a file is: its length and SHA-256, for checksums and provenance.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { type ByteSource, openSource, piecesOf, withFile } from "../formats/byte_source.ts";

/** The identity of a file's content. */
export interface Digest {
  /** Length in bytes. */
  readonly bytes: number;
  /** SHA-256 as 64 lower-case hexadecimal digits. */
  readonly sha256: string;
}

const CHUNK_BYTES = 1 << 20;

/**
 * Length and SHA-256 of a file, read in pieces of 1 MiB.
 *
 * @throws {DataError} If the file cannot be read, or becomes shorter while it is read.
 *
 * @example
 * ```ts ignore
 * const { bytes, sha256 } = await sha256File("stage2.npz");
 * ```
 */
// deno-lint-ignore require-await
export async function sha256File(path: string): Promise<Digest> {
  return sha256Source(openSource(path));
}

/** {@linkcode sha256File} for a file that is open already; closes it. */
export function sha256Source(source: ByteSource): Digest {
  try {
    return withFile(source.name, () => {
      return { bytes: source.size, sha256: sha256Pieces(piecesOf(source, CHUNK_BYTES)) };
    });
  } finally {
    source.close();
  }
}

/** SHA-256 of bytes that come in pieces, as 64 hexadecimal digits. */
export function sha256Pieces(pieces: Iterable<Uint8Array>): string {
  const hash = createHash("sha256");
  for (const piece of pieces) hash.update(piece);
  return hash.digest("hex");
}

/** Length and SHA-256 of bytes in memory. */
export function sha256Bytes(bytes: Uint8Array): Digest {
  return { bytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
}
