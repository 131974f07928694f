/**
 * Zip archives, as far as `.npz` needs them: members by name, whole or in part, in bounded memory.
 * Format: APPNOTE.TXT 6.3.10, <https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT>
 *
 * | place | what |
 * |---|---|
 * | each member | local header `PK\3\4`, 30 bytes + name + extra field; then its data, stored or deflated |
 * | after the members | central directory: one `PK\1\2` record per member with sizes, CRC-32 and offset |
 * | end | `PK\5\6`, before it `PK\6\6` and `PK\6\7` where a number needs 64 bits (zip64) |
 *
 * Package: `@zip.js/zip.js` 2.24.0, well kept, which reads single members from any source of bytes, knows zip64 and
 * data descriptors and refuses archives that two programs would read differently. We use its directory reader and its
 * writer, without web workers: a process that may read nothing but the file can use it. Ours are random access to stored
 * members, inflating and CRC-32 by node:zlib (in small pieces: the stream of the package gives what 64 KiB inflate to at
 * once, up to 64 MiB), and the checks of local headers, size, overlap and expansion. A reader of the central directory
 * would replace it.
 *
 * Refused with `SyntaxError`: truncated, damaged or ambiguous archives, bytes before or after them, members that
 * overlap. Refused with {@linkcode UnsupportedError}: encrypted members, methods other than stored and deflated,
 * members that expand beyond {@linkcode expansionLimit}, more than {@linkcode MOST_MEMBERS} members.
 *
 * @module
 */
import { pipeline, Readable } from "node:stream";
import { crc32, createInflateRaw } from "node:zlib";
import type { FileEntry } from "@zip.js/zip.js";
import { UnsupportedError } from "../core/errors.ts";
import { type ByteSource, oneLine, piecesOf } from "./byte_source.ts";

type Zip = typeof import("@zip.js/zip.js");

const STORED = 0;
const DEFLATED = 8;
/** Deflate cannot expand further: 258 bytes from 2 bits. */
const MAX_DEFLATE_RATIO = 1032;
/** Up to this size any expansion is taken. */
const FREE_EXPANSION_BYTES = 2 ** 30;
/** Beyond it, only as much: measured values hardly ever shrink tenfold, zeros a thousandfold. */
const MAX_LARGE_RATIO = 100;
/** MS-DOS date 1980-01-01, the first of the format, so that equal contents give equal archives. */
const FIXED_DATE = 0x0021_0000;
const LOCAL_HEADER_BYTES = 30;
const LOCAL_SIGNATURE = 0x04034b50;
const EMPTY_SIGNATURE = 0x06054b50;

/** Members of one archive: the directory of each takes kilobytes while it is read, of the file some 50 bytes. */
export const MOST_MEMBERS = 20_000;

/** What `compressedBytes` may become when they are inflated: 1 GiB, or 100 times as much if that is more. */
export function expansionLimit(compressedBytes: number): number {
  return Math.max(FREE_EXPANSION_BYTES, MAX_LARGE_RATIO * compressedBytes);
}

/** One member of an archive. */
export interface ZipMember {
  readonly name: string;
  /** Length of the content as the directory has it; {@linkcode ZipArchive.readWhole} checks it. */
  readonly bytes: number;
  /** Length in the archive. */
  readonly compressedBytes: number;
  /** Whether the content lies in the archive as it is. */
  readonly isStored: boolean;
}

/** An open archive. Every method throws `SyntaxError` for damage and {@linkcode UnsupportedError} as listed above. */
export interface ZipArchive {
  readonly members: ReadonlyMap<string, ZipMember>;
  /** Fills the target from an offset of the content. A deflated member is inflated from its beginning to there. */
  readPart(member: ZipMember, offset: number, target: Uint8Array): Promise<void>;
  /** Fills the targets one after the other with the whole content, and checks its length and CRC-32. */
  readWhole(member: ZipMember, targets: readonly Uint8Array[]): Promise<void>;
  /** A stored member as a source of its own. */
  storedSource(member: ZipMember): ByteSource;
}

/**
 * Reads the directory of an archive.
 *
 * @param source Stays the caller's to close.
 * @throws {SyntaxError} If it is not a zip archive, or a damaged or ambiguous one.
 */
export async function openZip(source: ByteSource): Promise<ZipArchive> {
  checkBeginning(source);
  const entries = await readEntries(source);
  checkOverlap(source, [...entries.values()]);
  const members = new Map([...entries].map(([name, entry]) => [name, memberOf(source.name, entry)]));
  const entryOf = (member: ZipMember) => checkReadable(source.name, entries.get(member.name)!);
  return {
    members,
    async readPart(member, offset, target) {
      const entry = entryOf(member);
      if (member.isStored) return memberPart(source, entry).readInto(offset, target);
      let at = 0;
      for await (const chunk of inflated(source, entry)) {
        const [from, to] = [Math.max(at, offset), Math.min(at + chunk.length, offset + target.length)];
        if (from < to) target.set(chunk.subarray(from - at, to - at), from - offset);
        at += chunk.length;
        if (at >= offset + target.length) return;
      }
      throw wrongLength(source.name, entry, at);
    },
    async readWhole(member, targets) {
      const entry = entryOf(member);
      if (member.isStored) readStored(memberPart(source, entry), targets);
      else await inflateInto(source, entry, targets);
      let crc = 0;
      for (const target of targets) crc = crc32(target, crc);
      const expected = entry.crc32 ?? 0;
      if (crc !== expected) {
        throw new SyntaxError(
          `Cannot read "${source.name}" as member "${member.name}" must match its CRC-32 ${
            hex(expected)
          }: found ${hex(crc)}; the file is damaged`,
        );
      }
    },
    storedSource: (member) => memberPart(source, entryOf(member)),
  };
}

function hex(word: number): string {
  return word.toString(16).padStart(8, "0");
}

function checkBeginning(source: ByteSource): void {
  const bytes = new Uint8Array(Math.min(4, source.size));
  source.readInto(0, bytes);
  const word = bytes.length < 4 ? 0 : new DataView(bytes.buffer).getUint32(0, true);
  if (word === LOCAL_SIGNATURE || word === EMPTY_SIGNATURE) return;
  const found = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
  throw new SyntaxError(
    `Cannot read "${source.name}" as a zip archive starts with 50 4b 03 04: found ${found || "no bytes"}`,
  );
}

async function readEntries(source: ByteSource): Promise<Map<string, FileEntry>> {
  const zip = await import("@zip.js/zip.js");
  const reader = new zip.ZipReader(makeReader(zip, source), {
    useWebWorkers: false,
    strictness: "strict",
    filenameValidation: "tolerant", // A name never becomes a path.
  });
  const entries = new Map<string, FileEntry>();
  try {
    let count = 0;
    for await (const entry of reader.getEntriesGenerator()) {
      if (++count > MOST_MEMBERS) throw tooManyMembers(source.name);
      if (!entry.directory) entries.set(entry.filename, entry);
    }
  } catch (cause) {
    if (cause instanceof UnsupportedError) throw cause;
    throw damagedArchive(source.name, zip, cause);
  }
  return entries;
}

function tooManyMembers(name: string): UnsupportedError {
  return new UnsupportedError(
    `Cannot read "${name}" as a zip archive may have at most ${MOST_MEMBERS} members: found more`,
    "members",
  );
}

/** The package's view of a source. What lies beyond the end is left out, and it complains itself. */
function makeReader(zip: Zip, source: ByteSource): InstanceType<Zip["Reader"]> {
  class SourceReader extends zip.Reader<ByteSource> {
    override init(): Promise<void> {
      this.size = source.size;
      return Promise.resolve();
    }
    override readUint8Array(offset: number, length: number): Promise<Uint8Array> {
      const bytes = new Uint8Array(Math.max(0, Math.min(length, source.size - offset)));
      source.readInto(offset, bytes);
      return Promise.resolve(bytes);
    }
  }
  return new SourceReader(source);
}

function damagedArchive(name: string, zip: Zip, cause: unknown): SyntaxError {
  // Ambiguous archives say in `reason` what is wrong: "duplicate filename", "trailing central directory data".
  const reason = (cause as { readonly reason?: unknown }).reason;
  const message = oneLine(typeof reason === "string" ? reason : (cause as Error).message);
  if (message === zip.ERR_EOCDR_NOT_FOUND) {
    return new SyntaxError(
      `Cannot read "${name}" as a zip archive ends with its directory: found none; the file may be truncated`,
      { cause },
    );
  }
  return new SyntaxError(
    `Cannot read "${name}" as a zip archive must be whole and unambiguous: found ${
      message.charAt(0).toLowerCase()
    }${message.slice(1)}`,
    {
      cause,
    },
  );
}

/** Members that share bytes are how a small archive is made to expand without end. */
function checkOverlap(source: ByteSource, entries: readonly FileEntry[]): void {
  const sorted = [...entries].sort((a, b) => a.offset - b.offset);
  let end = 0;
  for (const { filename, offset, rawFilename, compressedSize } of sorted) {
    const next = offset + LOCAL_HEADER_BYTES + rawFilename.length + compressedSize;
    if (offset < end || next > source.size) {
      throw new SyntaxError(
        `Cannot read "${source.name}" as members must lie one after the other within the file: "${filename}" has bytes ${offset} to ${next} of ${source.size}`,
      );
    }
    end = next;
  }
}

function memberOf(name: string, entry: FileEntry): ZipMember {
  const { filename, uncompressedSize: bytes, compressedSize: compressedBytes, compressionMethod } = entry;
  const isStored = compressionMethod === STORED;
  const isPossible = isStored
    ? bytes === compressedBytes
    : bytes <= MAX_DEFLATE_RATIO * compressedBytes && Number.isSafeInteger(bytes);
  // An encrypted member has a longer data part; it is refused by name when it is read.
  if (!isPossible && !entry.encrypted && (isStored || compressionMethod === DEFLATED)) {
    throw new SyntaxError(
      `Cannot read "${name}" as the ${compressedBytes} bytes of member "${filename}" must be able to hold its content: the directory says ${bytes} bytes`,
    );
  }
  return { name: filename, bytes, compressedBytes, isStored };
}

function checkReadable(name: string, entry: FileEntry): FileEntry {
  const { filename, compressionMethod: method, encrypted } = entry;
  if (!encrypted && (method === STORED || method === DEFLATED)) return entry;
  const feature = encrypted ? "encryption" : `compression method ${method}`;
  throw new UnsupportedError(
    `Cannot read "${name}" as members must be stored or deflated and not encrypted: member "${filename}" has ${feature}`,
    feature,
  );
}

/**
 * The bytes of a member as they lie in the archive. Their place follows from the local header, which may be longer than
 * the directory's, and must say the same of method and name: a program that reads only local headers sees the same.
 */
function memberPart(source: ByteSource, entry: FileEntry): ByteSource {
  const header = new Uint8Array(LOCAL_HEADER_BYTES);
  source.readInto(entry.offset, header);
  const view = new DataView(header.buffer);
  const nameBytes = view.getUint16(26, true);
  const start = entry.offset + LOCAL_HEADER_BYTES + nameBytes + view.getUint16(28, true);
  const name = new Uint8Array(Math.min(nameBytes, source.size - entry.offset - LOCAL_HEADER_BYTES));
  source.readInto(entry.offset + LOCAL_HEADER_BYTES, name);
  const isHeader = view.getUint32(0, true) === LOCAL_SIGNATURE && start + entry.compressedSize <= source.size;
  const isSame = view.getUint16(8, true) === entry.compressionMethod && equalBytes(name, entry.rawFilename);
  if (!isHeader || !isSame) {
    throw new SyntaxError(
      `Cannot read "${source.name}" as member "${entry.filename}" must begin with its header: found another at offset ${entry.offset}`,
    );
  }
  return {
    name: source.name,
    size: entry.compressedSize,
    readInto(offset, target) {
      if (offset + target.length > entry.compressedSize) {
        throw wrongLength(source.name, entry, offset + target.length);
      }
      source.readInto(start + offset, target);
    },
    close() {},
  };
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

function wrongLength(name: string, entry: FileEntry, found: number | "more"): SyntaxError {
  return new SyntaxError(
    `Cannot read "${name}" as member "${entry.filename}" must have ${entry.uncompressedSize} bytes: found ${found}`,
  );
}

function readStored(part: ByteSource, targets: readonly Uint8Array[]): void {
  let offset = 0;
  for (const target of targets) {
    part.readInto(offset, target);
    offset += target.length;
  }
}

async function inflateInto(
  source: ByteSource,
  entry: FileEntry,
  targets: readonly Uint8Array[],
): Promise<void> {
  const rest = [...targets];
  let total = 0;
  let at = 0;
  for await (const chunk of inflated(source, entry)) {
    total += chunk.length;
    for (let from = 0; from < chunk.length;) {
      const target = rest[0];
      if (target === undefined) throw wrongLength(source.name, entry, "more");
      const count = Math.min(chunk.length - from, target.length - at);
      target.set(chunk.subarray(from, from + count), at);
      from += count;
      at += count;
      if (at < target.length) continue;
      rest.shift();
      at = 0;
    }
  }
  if (total !== entry.uncompressedSize) throw wrongLength(source.name, entry, total);
}

/** The content of a deflated member in pieces, at most as many bytes as the directory says. */
async function* inflated(source: ByteSource, entry: FileEntry): AsyncGenerator<Uint8Array, void> {
  const inflate = createInflateRaw({ chunkSize: INFLATED_BYTES });
  // a failure of either side ends the loop below
  pipeline(Readable.from(compressedPieces(source, entry)), inflate, () => {});
  let total = 0;
  try {
    for await (const piece of inflate as AsyncIterable<Uint8Array>) {
      total += piece.length;
      if (total > entry.uncompressedSize) throw wrongLength(source.name, entry, "more");
      yield piece;
    }
  } catch (cause) {
    throw cause instanceof SyntaxError ? cause : damagedMember(source.name, entry, cause);
  } finally {
    inflate.destroy();
  }
  if (inflate.bytesWritten === entry.compressedSize) return;
  const found = `deflated data that end after ${inflate.bytesWritten} of ${entry.compressedSize} bytes`;
  throw damagedMember(source.name, entry, new Error(`found ${found}`));
}

/** Bytes read at a time, and bytes inflated at a time: what is held besides the result, even of a zip bomb. */
const COMPRESSED_BYTES = 1 << 16;
const INFLATED_BYTES = 1 << 16;

/** Copies, as the stream holds several of them. */
function* compressedPieces(source: ByteSource, entry: FileEntry): Generator<Uint8Array> {
  for (const piece of piecesOf(memberPart(source, entry), COMPRESSED_BYTES)) yield piece.slice();
}

function damagedMember(name: string, entry: FileEntry, cause: unknown): SyntaxError {
  const message = cause instanceof Error ? oneLine(cause.message) : String(cause);
  return new SyntaxError(
    `Cannot read "${name}" as member "${entry.filename}" must be deflated data of ${entry.uncompressedSize} bytes: ${message}`,
    { cause },
  );
}

/** Content to write; the parts follow each other. */
export interface ZipContent {
  readonly name: string;
  readonly parts: readonly Uint8Array<ArrayBuffer>[];
}

/**
 * Writes an archive. Equal contents give equal bytes (for deflated ones: with the same Deno version). Sizes stand in the
 * local headers, as readers that skip the directory need them; numbers become 64-bit where they must.
 *
 * @param isDeflated Deflate at level 6, else store.
 */
export async function encodeZip(
  contents: Iterable<ZipContent>,
  isDeflated: boolean,
  write: (bytes: Uint8Array) => void,
): Promise<void> {
  const zip = await import("@zip.js/zip.js");
  const writer = new zip.ZipWriter(new WritableStream<Uint8Array>({ write }), {
    useWebWorkers: false,
    dataDescriptor: false,
    extendedTimestamp: false,
    rawLastModDate: FIXED_DATE,
  });
  for (const { name, parts } of contents) {
    const size = parts.reduce((sum, part) => sum + part.length, 0);
    // With size and CRC known beforehand, stored content goes straight through.
    const stored = { passThrough: true, compressionMethod: STORED, crc32: crcOf(parts) };
    await writer.add(name, ReadableStream.from(pieces(parts)), {
      uncompressedSize: size,
      ...(isDeflated ? { level: 6 } : stored),
    });
  }
  await writer.close();
}

function crcOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((crc, part) => crc32(part, crc), 0);
}

const PIECE_BYTES = 1 << 20;

function* pieces(parts: readonly Uint8Array<ArrayBuffer>[]): Generator<Uint8Array<ArrayBuffer>> {
  for (const part of parts) {
    for (let at = 0; at < part.length; at += PIECE_BYTES) yield part.subarray(at, at + PIECE_BYTES);
  }
}
