/**
 * Object headers of HDF5: what the library knows of an object but its JavaScript binding does not tell, such as the
 * precision of a number, the fill value, and whether the data lie in another file.
 * Format: HDF5 file format specification 3.0, sections II (superblock), IV.A (object headers), IV.A.2 (messages).
 *
 * | bytes of a header | version 1 | version 2 |
 * |---|---|---|
 * | prefix | version, 0, messages (2), references (4), size (4), 0 (4) | `OHDR`, version, flags, times, limits, size |
 * | message | type (2), size (2), flags, 0 (3), body | type, size (2), flags, order (2, by flags), body |
 * | continuation | messages | `OCHK`, messages, checksum |
 *
 * The library reads the same bytes first and checks their checksums; here only the bounds are checked.
 *
 * @module
 */
import type { ByteSource } from "./byte_source.ts";

/** Numbers of the messages that are used here (section IV.A.2). */
export const MESSAGE = {
  datatype: 0x03,
  oldFill: 0x04,
  fill: 0x05,
  externalFiles: 0x07,
  attribute: 0x0c,
  continuation: 0x10,
  attributeInfo: 0x15,
} as const;

/** Bytes of a file at addresses of the format, and how wide its addresses and lengths are. */
export interface Hdf5Bytes {
  readonly source: ByteSource;
  /** Where address 0 lies: behind the user block, if there is one. */
  readonly base: number;
  readonly addressBytes: number;
  readonly lengthBytes: number;
}

/** The eight bytes every file begins with; they follow a user block of 512, 1024, 2048, ... bytes. */
export const SIGNATURE: readonly number[] = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];

/** What a superblock says. */
export interface Superblock extends Hdf5Bytes {
  /** Length of the whole file, from its first byte. */
  readonly end: number;
}

/** Reads little-endian numbers from bytes, one after the other, never beyond their end. */
export class Cursor {
  readonly #view: DataView;

  constructor(readonly name: string, readonly bytes: Uint8Array, public at: number = 0) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get left(): number {
    return this.bytes.length - this.at;
  }

  /** The next bytes, not copied. @throws {SyntaxError} If they are not there. */
  take(length: number): Uint8Array {
    if (length > this.left) {
      throw malformed(this.name, `a part must have ${length} bytes: found ${this.left}`);
    }
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  skip(length: number): void {
    this.take(length);
  }

  /** An unsigned number of 1 to 8 bytes. */
  big(bytes: number): bigint {
    const start = this.at;
    this.skip(bytes);
    let value = 0n;
    for (let i = bytes - 1; i >= 0; i--) value = value << 8n | BigInt(this.#view.getUint8(start + i));
    return value;
  }

  /** An unsigned number of 1 to 8 bytes that a JavaScript number holds exactly. */
  uint(bytes: number): number {
    const value = this.big(bytes);
    if (value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value);
    throw malformed(this.name, `a length or address must lie below 2^53: found ${value}`);
  }

  /** An address or length; undefined where all bits are set, which stands for none. */
  address(bytes: number): number | undefined {
    const value = this.big(bytes);
    if (value === (1n << BigInt(8 * bytes)) - 1n) return undefined;
    this.at -= bytes;
    return this.uint(bytes);
  }

  /** Characters up to a zero byte, which is passed over. */
  text(): string {
    const end = this.bytes.indexOf(0, this.at);
    if (end < 0) throw malformed(this.name, "a name must end with a zero byte: found none");
    const text = new TextDecoder().decode(this.bytes.subarray(this.at, end));
    this.at = end + 1;
    return text;
  }
}

/** One message of an object header. */
export class HeaderMessage {
  /**
   * @param isShared The body lies in another object's header: a datatype with a name of its own.
   * @param bytes The body.
   */
  constructor(
    readonly name: string,
    readonly type: number,
    readonly isShared: boolean,
    readonly bytes: Uint8Array,
  ) {}

  /** A new cursor at the beginning of the body. */
  body(): Cursor {
    return new Cursor(this.name, this.bytes);
  }
}

/** The error for bytes that are not as the specification says. */
export function malformed(name: string, rule: string): SyntaxError {
  return new SyntaxError(`Cannot read "${name}" as ${rule}`);
}

/** Bytes at an address. @throws {SyntaxError} If they do not lie in the file. */
export function bytesAt({ source, base }: Hdf5Bytes, address: number, length: number): Cursor {
  const start = base + address;
  if (start + length > source.size) {
    throw malformed(
      source.name,
      `parts of an HDF5 file must lie within it: found ${length} bytes at ${start} of ${source.size}`,
    );
  }
  const bytes = new Uint8Array(length);
  source.readInto(start, bytes);
  return new Cursor(source.name, bytes);
}

/**
 * Finds and parses the superblock.
 *
 * @returns Undefined if there is none of a known version.
 */
export function readSuperblock(source: ByteSource): Superblock | undefined {
  for (let at = 0; at + 48 <= source.size; at = at === 0 ? 512 : at * 2) {
    const head = new Uint8Array(Math.min(96, source.size - at));
    source.readInto(at, head);
    if (SIGNATURE.every((byte, i) => head[i] === byte)) {
      return parseSuperblock(source, new Cursor(source.name, head));
    }
  }
  return undefined;
}

function parseSuperblock(source: ByteSource, head: Cursor): Superblock | undefined {
  const version = head.bytes[8]!;
  if (version > 3) return undefined;
  const [sizesAt, addressesAt] = version < 2 ? [13, version === 0 ? 24 : 28] : [9, 12];
  const [addressBytes, lengthBytes] = [head.bytes[sizesAt]!, head.bytes[sizesAt + 1]!];
  if (![addressBytes, lengthBytes].every((size) => size === 2 || size === 4 || size === 8)) return undefined;
  head.at = addressesAt;
  const base = head.uint(addressBytes);
  head.address(addressBytes); // free space, or the extension of the superblock
  const end = head.uint(addressBytes);
  return { source, base, addressBytes, lengthBytes, end };
}

/** More messages than any writer makes; HDF5 itself stores a number of 16 bits in version 1. */
const MAX_MESSAGES = 2 ** 17;

/**
 * The messages of the object header at an address, continuations included.
 *
 * @throws {SyntaxError} If they do not lie in the file.
 */
export function readHeader(file: Hdf5Bytes, address: number): readonly HeaderMessage[] {
  const prefix = bytesAt(file, address, 16);
  const isNew = prefix.bytes[0] === 0x4f; // "O" of "OHDR"
  const { first, hasOrder } = isNew ? newPrefix(file, address) : oldPrefix(file, address, prefix);
  const found: HeaderMessage[] = [];
  const blocks = [first];
  const seen = new Set<number>();
  for (let block = blocks.shift(); block !== undefined; block = blocks.shift()) {
    for (const message of isNew ? newMessages(block, hasOrder) : oldMessages(block)) {
      if (message.type !== MESSAGE.continuation) found.push(message);
      else {
        const body = message.body();
        const place = body.uint(file.addressBytes);
        const length = body.uint(file.lengthBytes);
        if (seen.has(place)) {
          throw malformed(file.source.name, `a header must end: found its part at ${place} twice`);
        }
        seen.add(place);
        const part = bytesAt(file, place, length);
        blocks.push(isNew ? new Cursor(part.name, part.bytes.subarray(0, length - CHECKSUM_BYTES), 4) : part);
      }
      if (found.length > MAX_MESSAGES) {
        throw malformed(file.source.name, `a header must have at most ${MAX_MESSAGES} messages: found more`);
      }
    }
  }
  return found;
}

interface Prefix {
  /** The first block of messages. */
  readonly first: Cursor;
  /** Whether each message carries the order in which it was made. */
  readonly hasOrder: boolean;
}

const CHECKSUM_BYTES = 4;

function oldPrefix(file: Hdf5Bytes, address: number, prefix: Cursor): Prefix {
  if (prefix.bytes[0] !== 1) {
    throw malformed(file.source.name, `an object header must have version 1 or 2: found ${prefix.bytes[0]}`);
  }
  prefix.at = 8;
  return { first: bytesAt(file, address + 16, prefix.uint(4)), hasOrder: false };
}

function newPrefix(file: Hdf5Bytes, address: number): Prefix {
  const flags = bytesAt(file, address, 6).bytes[5]!;
  const sizeBytes = 1 << (flags & 3);
  const skipped = 6 + (flags & 0x20 ? 16 : 0) + (flags & 0x10 ? 4 : 0);
  const size = bytesAt(file, address + skipped, sizeBytes).uint(sizeBytes);
  return { first: bytesAt(file, address + skipped + sizeBytes, size), hasOrder: (flags & 4) !== 0 };
}

/** Bit of a message's flags. */
const SHARED = 2;

function* oldMessages(block: Cursor): Generator<HeaderMessage> {
  while (block.left >= 8) {
    const [type, size, flags] = [block.uint(2), block.uint(2), block.uint(1)];
    block.skip(3);
    yield new HeaderMessage(block.name, type, (flags & SHARED) !== 0, block.take(size));
  }
}

function* newMessages(block: Cursor, hasOrder: boolean): Generator<HeaderMessage> {
  const head = hasOrder ? 6 : 4;
  // What is left behind the last message is a gap.
  while (block.left >= head) {
    const [type, size, flags] = [block.uint(1), block.uint(2), block.uint(1)];
    if (hasOrder) block.skip(2);
    yield new HeaderMessage(block.name, type, (flags & SHARED) !== 0, block.take(size));
  }
}

/**
 * Where the header lies that holds a shared message.
 *
 * @returns Undefined if the message lies in a heap of messages shared by the whole file.
 */
export function sharedAddress(file: Hdf5Bytes, body: Cursor): number | undefined {
  const version = body.uint(1);
  const kind = body.uint(1);
  if (version === 1) body.skip(6);
  if (version === 3 && kind !== 2) return undefined;
  return body.uint(file.addressBytes);
}
