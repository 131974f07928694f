/**
 * Reads the big-endian primitives of ROOT from bytes, never beyond their end.
 *
 * Errors here and in the other files of this folder say the rule and what was found, `<rule>: found <value>`; the reader of
 * a file or of a branch puts its beginning before that.
 *
 * @module
 */

/** Set in a 32-bit word that counts bytes. */
const BYTE_COUNT_MASK = 0x4000_0000;

/** What stands before the members of an object. */
export interface ObjectHeader {
  readonly version: number;
  /** Position after the object; `undefined` where its length was not written, as in very old files. */
  readonly end: number | undefined;
  /** Of a class without a version number. */
  readonly checksum: number | undefined;
}

/** The error for bytes that break a rule. */
export function damage(rule: string, found: string | number): SyntaxError {
  return new SyntaxError(`${rule}: found ${found}`);
}

/** Puts what broke a rule before the rule. */
export function broken(what: string, cause: SyntaxError): SyntaxError {
  return new SyntaxError(`${what} ${cause.message}`, { cause });
}

/** A position in bytes that moves as they are read. */
export class Cursor {
  readonly #view: DataView;

  /**
   * @param place What error messages call the bytes, such as "the key at byte 222".
   * @param position Where to begin.
   */
  constructor(readonly bytes: Uint8Array, readonly place: string, public position = 0) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Bytes that are left. */
  get remaining(): number {
    return this.bytes.length - this.position;
  }

  /** Moves over bytes and returns where they begin. @throws {SyntaxError} If they are not there. */
  take(count: number): number {
    const at = this.position;
    if (!(count >= 0 && count <= this.bytes.length - at)) {
      throw damage(
        `${this.place} must have ${count} more bytes at its byte ${at}`,
        Math.max(0, this.bytes.length - at),
      );
    }
    this.position = at + count;
    return at;
  }

  uint8(): number {
    return this.#view.getUint8(this.take(1));
  }

  int16(): number {
    return this.#view.getInt16(this.take(2));
  }

  uint16(): number {
    return this.#view.getUint16(this.take(2));
  }

  int32(): number {
    return this.#view.getInt32(this.take(4));
  }

  uint32(): number {
    return this.#view.getUint32(this.take(4));
  }

  /** As a number; beyond 2^53 the last digits are lost, which no position or count reaches. */
  int64(): number {
    return Number(this.#view.getBigInt64(this.take(8)));
  }

  uint64(): number {
    return Number(this.#view.getBigUint64(this.take(8)));
  }

  float32(): number {
    return this.#view.getFloat32(this.take(4));
  }

  float64(): number {
    return this.#view.getFloat64(this.take(8));
  }

  /** A position in the file, of 8 bytes in large files. */
  seek(isLarge: boolean): number {
    return isLarge ? this.int64() : this.int32();
  }

  /** A TString: one byte of length, or 255 and four, then Latin-1 or UTF-8 text. */
  text(): string {
    const short = this.uint8();
    const length = short === 255 ? this.uint32() : short;
    const at = this.take(length);
    return new TextDecoder().decode(this.bytes.subarray(at, at + length));
  }

  /** Text up to a zero byte. */
  zeroEnded(): string {
    const end = this.bytes.indexOf(0, this.position);
    if (end < 0) throw damage(`${this.place} must end its class names with 0`, "no 0");
    const text = new TextDecoder().decode(this.bytes.subarray(this.position, end));
    this.position = end + 1;
    return text;
  }

  /** The version of a class, with the length of the object before it. */
  header(): ObjectHeader {
    const start = this.position;
    const word = this.remaining >= 4 ? this.uint32() : 0;
    if ((word & BYTE_COUNT_MASK) === 0) {
      this.position = start;
      return { version: this.int16(), end: undefined, checksum: undefined };
    }
    const end = start + 4 + (word & ~BYTE_COUNT_MASK);
    if (end > this.bytes.length || end < start + 6) {
      throw damage(
        `${this.place} must hold the objects it announces`,
        `${end - start - 4} bytes announced at its byte ${start}, ${this.remaining} there`,
      );
    }
    const version = this.int16();
    const checksum = version <= 0 && end - this.position >= 4 ? this.uint32() : undefined;
    return { version, end, checksum };
  }
}
