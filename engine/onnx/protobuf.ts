/**
 * Writing protocol buffers: just what an ONNX file takes. (Packages that do it took 25 ms to load, more than all writing.)
 *
 * @see https://protobuf.dev/programming-guides/encoding/: a field is its number and wire type, then its content; wire type
 * 0 is a varint, 2 a length and bytes, 5 four bytes.
 *
 * @module
 */
/** One message under construction; fields appear in the order of the calls. */
export class Message {
  readonly #parts: Uint8Array[] = [];

  /** An integer; negative ones take ten bytes, as int64 does. */
  int(field: number, value: number): this {
    this.#parts.push(varint(field << 3), varint(value));
    return this;
  }

  /** A float32. */
  float(field: number, value: number): this {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    this.#parts.push(varint(field << 3 | 5), bytes);
    return this;
  }

  bytes(field: number, value: Uint8Array): this {
    this.#parts.push(varint(field << 3 | 2), varint(value.length), value);
    return this;
  }

  text(field: number, value: string): this {
    return this.bytes(field, new TextEncoder().encode(value));
  }

  message(field: number, value: Message): this {
    return this.bytes(field, value.finish());
  }

  /** One message for each element. */
  messages<T>(field: number, values: readonly T[], encode: (value: T) => Message): this {
    for (const value of values) this.message(field, encode(value));
    return this;
  }

  finish(): Uint8Array<ArrayBuffer> {
    const whole = new Uint8Array(this.#parts.reduce((size, part) => size + part.length, 0));
    let at = 0;
    for (const part of this.#parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }
}

/** Seven bits a byte, the lowest first; the high bit says that more follow. */
function varint(value: number): Uint8Array {
  if (value >= 0 && value < 128) return Uint8Array.of(value); // nearly all of them
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}
