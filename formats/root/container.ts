/**
 * The outside of a ROOT file: its header, and records with a key before each. All numbers are big-endian.
 *
 * | header | bytes |
 * |---|---|
 * | `root` | 4 |
 * | version; above 10^6 the fields with * have 8 bytes | 4 |
 * | fBEGIN, the first record; fEND *, the end of the data; fSeekFree * | 4 each |
 * | fNbytesFree, nfree, fNbytesName | 4 each |
 * | fUnits, 4 or 8 | 1 |
 * | fCompress; fSeekInfo *, the record of class descriptions; fNbytesInfo | 4 each |
 *
 * | key | bytes |
 * |---|---|
 * | fNbytes, key and data together | 4 |
 * | version; above 1000 the fields with * have 8 bytes | 2 |
 * | fObjlen, length of the data when inflated; fDatime | 4 each |
 * | fKeylen, fCycle | 2 each |
 * | fSeekKey *, fSeekPdir * | 4 each |
 * | class, name, title: one byte of length, 255 and four above 254 | |
 *
 * @see <https://root.cern/doc/v640/classTFile.html>, <https://root.cern/doc/v640/classTKey.html>
 * @module
 */
import type { ByteSource } from "../byte_source.ts";
import { decompress } from "./compression.ts";
import { Cursor, damage } from "./cursor.ts";

/** From this version on, positions in the header of a file have 8 bytes. */
const LARGE_FILE_VERSION = 1_000_000;
/** Keys above this version have positions of 8 bytes. */
export const LARGE_KEY_VERSION = 1000;
/** No record is larger when inflated: byte counts of ROOT have 30 bits. */
export const MAX_RECORD_BYTES = 2 ** 30;
/** The longest header: 4 + 4 + 4 + 2 · 8 + 3 · 4 + 1 + 4 + 8 + 4. */
const MAX_HEADER_BYTES = 57;

/** A key: what a record is, where it lies, how long it is. */
export interface Key {
  readonly byteCount: number;
  /** Length of the data when inflated. */
  readonly objectBytes: number;
  /** Length of the key itself. */
  readonly keyBytes: number;
  readonly cycle: number;
  /** Where the record begins. */
  readonly seek: number;
  readonly className: string;
  readonly name: string;
  readonly title: string;
}

/** What the header says. */
export interface Header {
  /** The first record, of the file itself. */
  readonly begin: number;
  /** The end of the data. */
  readonly end: number;
  /** Length of name and title in the first record, after which the top directory stands. */
  readonly nameBytes: number;
  /** The record of class descriptions; 0 if there is none. */
  readonly infoSeek: number;
  readonly infoBytes: number;
}

/** A record with its data inflated. */
export interface RootRecord {
  readonly key: Key;
  readonly data: Uint8Array<ArrayBuffer>;
}

/** Reads a key; the cursor is after its title then. */
export function parseKey(cursor: Cursor): Key {
  const byteCount = cursor.int32();
  const version = cursor.int16();
  const objectBytes = cursor.int32();
  cursor.take(4);
  const [keyBytes, cycle] = [cursor.int16(), cursor.int16()];
  const isLarge = version > LARGE_KEY_VERSION;
  const seek = cursor.seek(isLarge);
  cursor.seek(isLarge);
  const [className, name, title] = [cursor.text(), cursor.text(), cursor.text()];
  return { byteCount, objectBytes, keyBytes, cycle, seek, className, name, title };
}

/** Reads the header. @throws {SyntaxError} If it is not one, or the file is shorter than it says. */
export function readHeader(source: ByteSource): Header {
  const cursor = new Cursor(readPart(source, 0, Math.min(MAX_HEADER_BYTES, source.size)), "the header", 0);
  const magic = cursor.bytes.subarray(0, 4);
  if (new TextDecoder().decode(magic) !== "root") {
    const found = Array.from(magic, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
    throw damage("a ROOT file starts with 72 6f 6f 74", found || "no bytes");
  }
  cursor.take(4);
  const isLarge = cursor.int32() >= LARGE_FILE_VERSION;
  const [begin, end] = [cursor.int32(), cursor.seek(isLarge)];
  cursor.seek(isLarge);
  cursor.take(8);
  const nameBytes = cursor.int32();
  cursor.take(5);
  const [infoSeek, infoBytes] = [cursor.seek(isLarge), cursor.int32()];
  if (end > source.size) {
    throw damage(`a ROOT file must be whole: its header says ${end} bytes`, source.size);
  }
  return { begin, end, nameBytes, infoSeek, infoBytes };
}

/** Memory for records that are inflated elsewhere, used again: fresh memory takes as long as reading into it. */
export class RecordScratch {
  #bytes = new Uint8Array(0);

  /** So many bytes, of any content; valid until the next call. */
  take(count: number): Uint8Array<ArrayBuffer> {
    if (count > this.#bytes.length) this.#bytes = new Uint8Array(Math.max(count, 2 * this.#bytes.length));
    return this.#bytes.subarray(0, count);
  }
}

/**
 * Bytes of the file.
 *
 * @param scratch Where they go. @default an array of their own
 * @throws {SyntaxError} If they do not lie within it.
 */
export function readPart(
  source: ByteSource,
  offset: number,
  count: number,
  scratch?: RecordScratch,
): Uint8Array<ArrayBuffer> {
  const isInside = Number.isSafeInteger(offset) && Number.isSafeInteger(count) && offset >= 0 && count >= 0 &&
    offset + count <= source.size;
  if (!isInside) {
    throw damage(`all records must lie within the ${source.size} bytes`, `${count} bytes at byte ${offset}`);
  }
  const bytes = scratch?.take(count) ?? new Uint8Array(count);
  source.readInto(offset, bytes);
  return bytes;
}

/**
 * Reads a record and inflates its data.
 *
 * @param byteCount Key and data together, as whoever points to it says.
 * @param className What it must be.
 * @param parse Reads the key; a class may have more behind it.
 * @param scratch Memory for the stored bytes; the result never lies in it.
 * @throws {SyntaxError} If there is something else, or it is damaged.
 */
export async function readRecord<K extends Key = Key>(
  source: ByteSource,
  seek: number,
  byteCount: number,
  className: string,
  parse: (cursor: Cursor) => K = parseKey as (cursor: Cursor) => K,
  scratch?: RecordScratch,
): Promise<{ readonly key: K; readonly data: Uint8Array<ArrayBuffer> }> {
  const bytes = readPart(source, seek, byteCount, scratch);
  const place = `the record at byte ${seek}`;
  const key = parse(new Cursor(bytes, place));
  if (key.className !== className) {
    throw damage(`${place} must be of class ${className}`, JSON.stringify(key.className));
  }
  const isWhole = key.keyBytes > 0 && key.keyBytes <= key.byteCount && key.byteCount <= byteCount &&
    key.objectBytes >= 0;
  if (!isWhole) {
    throw damage(
      `${place} must have ${byteCount} bytes`,
      `a key of ${key.keyBytes} bytes in a record of ${key.byteCount}`,
    );
  }
  if (key.objectBytes > MAX_RECORD_BYTES) {
    throw damage(`${place} must inflate to at most ${MAX_RECORD_BYTES} bytes`, key.objectBytes);
  }
  const stored = bytes.subarray(key.keyBytes, key.byteCount);
  if (stored.length === key.objectBytes) {
    return { key, data: scratch === undefined ? stored : stored.slice() };
  }
  return { key, data: await decompress(stored, key.objectBytes, seek + key.keyBytes) };
}
