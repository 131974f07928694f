/**
 * Checksums.
 *
 * @module
 */
import { createHash } from "node:crypto";

/**
 * The SHA-256 of bytes or of the UTF-8 encoding of a text, as 64 lower-case hexadecimal digits.
 *
 * @param content The bytes, or a text.
 *
 * @see FIPS 180-4, https://csrc.nist.gov/pubs/fips/180-4/upd1/final
 */
export function sha256Hex(content: Uint8Array | string): string {
  return createHash("sha256").update(content).digest("hex");
}
